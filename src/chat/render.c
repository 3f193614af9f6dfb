#include "chat/render.h"

#include "base/clock.h"
#include "json/json_out.h"

#define STRING(b, key, value) (buf_append_lit(b, key), json_out_string(b, value))

static bool known(struct slice s)
{
    return s.len > 0;
}

static void string_or_null(struct buf *b, struct slice s)
{
    if (known(s))
        json_out_string(b, s);
    else
        json_out_null(b);
}

static struct slice or_default(struct slice s, struct slice otherwise)
{
    return known(s) ? s : otherwise;
}

/* Stored as JSON text by whoever checked it; anything else than an object would break the clients. */
static void object_or_empty(struct buf *b, struct slice json)
{
    if (json.len >= 2 && json.ptr[0] == '{' && json.ptr[json.len - 1] == '}')
        buf_append_slice(b, json);
    else
        buf_append_lit(b, "{}");
}

void render_time(struct buf *b, int64_t wall_us)
{
    if (wall_us == 0) {
        json_out_null(b);
        return;
    }
    char text[TIME_TEXT_LEN + 2] = {'"'};
    time_format(wall_us, text + 1);
    text[TIME_TEXT_LEN + 1] = '"';
    buf_append(b, text, sizeof(text));
}

/* The empty string is a name a store may hold only where nobody gave one. */
static struct slice shown_name(const struct customer *u)
{
    return or_default(u->name, SLICE_LIT("Unknown User"));
}

static struct slice shown_email(const struct customer *u)
{
    return or_default(u->email, SLICE_LIT("unknown@example.com"));
}

void render_customer_opening(struct buf *b, const struct customer *u)
{
    STRING(b, "{\"_id\":", u->id);
    STRING(b, ",\"name\":", shown_name(u));
    STRING(b, ",\"email\":", shown_email(u));
    buf_append_lit(b, ",\"ip\":");
    string_or_null(b, u->ip);
    STRING(b, ",\"vibe\":", or_default(u->vibe, SLICE_LIT("neutral")));
    /* No default here: a default would show a customer in an inbox that unread_counts does not count it in. */
    buf_append_lit(b, ",\"category\":");
    string_or_null(b, u->category);
    buf_append_lit(b, ",\"status\":");
    string_or_null(b, u->status);
    buf_append_lit(b, ",\"location\":");
    object_or_empty(b, u->location);
    buf_append_lit(b, ",\"device\":");
    object_or_empty(b, u->device);
    buf_append_lit(b, ",\"dashboard_user_id\":");
    string_or_null(b, u->owner);
    if (known(u->claimed_email))
        STRING(b, ",\"claimed_email\":", u->claimed_email);
}

void render_last_seen(struct buf *b, int64_t last_seen_us)
{
    buf_append_lit(b, ",\"last_seen\":");
    render_time(b, last_seen_us);
}

void render_poll_opening(struct buf *b, const struct customer *u)
{
    STRING(b, "{\"user_id\":", u->id);
    STRING(b, ",\"user_name\":", shown_name(u));
    STRING(b, ",\"user_email\":", shown_email(u));
    buf_append_lit(b, ",\"chats\":[");
}

static struct slice shown_status(const struct chat *c)
{
    return or_default(c->status, SLICE_LIT("open"));
}

void render_chat_start(struct buf *b, const struct chat *c)
{
    STRING(b, "{\"chat_id\":", c->chat_id);
    STRING(b, ",\"status\":", shown_status(c));
    buf_append_lit(b, ",\"created_at\":");
    render_time(b, c->created_us);
    buf_append_lit(b, ",\"assigned_to\":");
    string_or_null(b, c->assigned_to);
}

/* Ids need no escaping. */
static char *put_id(char *at, struct slice id)
{
    if (!known(id))
        return slice_put(at, SLICE_LIT("null"));
    *at++ = '"';
    at = slice_put(at, id);
    *at++ = '"';
    return at;
}

/* Put together aside: it is said of each chat of a listing. */
static void read_up_to(struct buf *b, const struct chat_read *read)
{
    char text[96 + 2 * MESSAGE_ID_MAX];
    char *at = slice_put(text, SLICE_LIT(",\"unread\":"));
    at = put_u64(at, read->unread);
    at = slice_put(at, SLICE_LIT(",\"read_up_to\":{\"user\":"));
    at = put_id(at, read->user);
    at = slice_put(at, SLICE_LIT(",\"agent\":"));
    at = put_id(at, read->agent);
    at = slice_put(at, SLICE_LIT("},\"messages\":["));
    buf_append(b, text, (size_t)(at - text));
}

void render_chat_rest(struct buf *b, int64_t last_activity_us, int64_t total_messages, const struct chat_read *read)
{
    buf_append_lit(b, ",\"last_activity\":");
    render_time(b, last_activity_us);
    buf_append_lit(b, ",\"total_messages\":");
    buf_append_i64(b, total_messages);
    read_up_to(b, read);
}

void render_chat_object(struct buf *b, const struct chat *c, const struct chat_read *read)
{
    STRING(b, "{\"chat_id\":", c->chat_id);
    STRING(b, ",\"user_id\":", c->customer_id);
    STRING(b, ",\"status\":", shown_status(c));
    buf_append_lit(b, ",\"created_at\":");
    render_time(b, c->created_us);
    buf_append_lit(b, ",\"updated_at\":");
    render_time(b, c->updated_us);
    buf_append_lit(b, ",\"assigned_to\":");
    string_or_null(b, c->assigned_to);
    read_up_to(b, read);
}

void render_ai(struct buf *b, struct slice chat_id, bool enabled)
{
    buf_append_lit(b, "{\"success\":true,\"ai_agent_enabled\":");
    json_out_bool(b, enabled);
    STRING(b, ",\"chat_id\":", chat_id);
    buf_append_char(b, '}');
}

void render_report(struct buf *b, const struct totals *t, int64_t now_us)
{
    buf_append_lit(b, "{\"success\":true,\"total_chats\":");
    buf_append_i64(b, t->chats);
    buf_append_lit(b, ",\"agent_chats\":");
    buf_append_i64(b, t->chats_with_either);
    /* Every chat comes from the website's widget: there is no other channel. */
    buf_append_lit(b, ",\"channels\":{\"whatsapp\":0,\"instagram\":0,\"website\":");
    buf_append_i64(b, t->chats);
    buf_append_lit(b, "},\"timestamp\":");
    render_time(b, now_us);
    buf_append_char(b, '}');
}

void render_agent(struct buf *b, const struct totals *t, int64_t now_us)
{
    buf_append_lit(b, "{\"success\":true,\"chats_responded_to\":");
    buf_append_i64(b, t->chats_with_assistant);
    buf_append_lit(b, ",\"model\":null,\"status\":\"offline\",\"initialized\":false,\"timestamp\":");
    render_time(b, now_us);
    buf_append_char(b, '}');
}
