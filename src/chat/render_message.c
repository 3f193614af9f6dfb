/* A message's bytes: rendered once in the refetch's shape, from whose parts the other shapes are put together. */
#include "base/clock.h"
#include "base/text.h"
#include "chat/render.h"
#include "json/json_out.h"

#include <ctype.h>
#include <endian.h>

#define HEAD      "{\"role\":\""
#define HEAD_NAME "{\"agent\":"
#define HEAD_ROLE ",\"role\":\"" ROLE_AGENT /* after the name */
#define TEXT      "\",\"text\":\""
#define TIME      "\",\"timestamp\":"
#define READ      ",\"read\":"
#define YES       "true " /* as long as NO */
#define NO        "false"
#define VIA       ",\"via\":\"" VIA_WIDGET "\""
#define LEN(lit)  (sizeof(lit) - 1)

_Static_assert(LEN(YES) == LEN(NO), "one is written over the other");

#define AGENT_BYTES_MAX 4096 /* of id and name: so that the escaped object's length fits into its 16 bits */

/* Roles longer than any that we accept (an existing deployment's) are shown cut, at a code point's start. */
static struct slice shown_role(struct slice role)
{
    if (role.len <= ROLE_MAX_BYTES)
        return role;
    role.len = ROLE_MAX_BYTES;
    while (role.len > 0 && ((unsigned char)role.ptr[role.len] & 0xc0) == 0x80)
        role.len--;
    return role;
}

static void end_message(struct buf *b, bool via_widget)
{
    if (via_widget)
        buf_append_lit(b, VIA);
    buf_append_char(b, '}');
}

static uint8_t flags_of(const struct message *m)
{
    bool agent = slice_eq(m->role, SLICE_LIT(ROLE_AGENT)) && !m->via_widget;
    bool named =
        agent && m->agent_id.len > 0 && m->agent_name.len > 0 && m->agent_id.len + m->agent_name.len <= AGENT_BYTES_MAX;
    return (uint8_t)((m->read ? FORM_READ : 0) | (m->legacy ? FORM_LEGACY : 0) |
                     (m->timestamp_us == 0 ? FORM_NO_TIME : 0) | (m->via_widget ? FORM_VIA : 0) |
                     (slice_eq(m->role, SLICE_LIT(ROLE_USER)) ? FORM_USER : 0) | (agent ? FORM_REPLY : 0) |
                     (named ? FORM_AGENT : 0));
}

/* Returns the length of what is between the fixed parts. */
static size_t put_head(struct buf *b, const struct message *m, bool named)
{
    if (named)
        buf_append_lit(b, HEAD_NAME);
    else
        buf_append_lit(b, HEAD);
    size_t start = b->len;
    if (named) {
        buf_append_char(b, '{');
        json_out_member_string(b, "id", m->agent_id);
        json_out_member_string(b, "name", m->agent_name);
        buf_append_char(b, '}');
    } else {
        json_out_escaped(b, shown_role(m->role));
    }
    size_t len = b->len - start;
    if (named)
        buf_append_lit(b, HEAD_ROLE);
    return len;
}

void render_message(struct buf *b, const struct message *m, struct message_form *form)
{
    size_t start = b->len;
    uint8_t flags = flags_of(m);
    size_t head_len = put_head(b, m, flags & FORM_AGENT);
    buf_append_lit(b, TEXT);
    json_out_escaped(b, m->text);
    buf_append_lit(b, TIME);
    render_time(b, m->timestamp_us);
    buf_append_lit(b, READ YES);
    end_message(b, m->via_widget);
    *form = (struct message_form){.len = (uint32_t)(b->len - start), .head_len = (uint16_t)head_len, .flags = flags};
}

/* From the end of the timestamp on. */
static size_t end_len(const struct message_form *form)
{
    return LEN(READ YES) + (form->flags & FORM_VIA ? LEN(VIA) : 0) + 1;
}

void render_unread(char *fragment, const struct message_form *form)
{
    memcpy(fragment + form->len - end_len(form) + LEN(READ), NO, LEN(NO));
}

void message_parts(const char *fragment, const struct message_form *form, struct message_parts *out)
{
    bool named = form->flags & FORM_AGENT;
    size_t time_len = form->flags & FORM_NO_TIME ? LEN("null") : TIME_TEXT_LEN + 2;
    size_t head_at = named ? LEN(HEAD_NAME) : LEN(HEAD);
    size_t text_at = head_at + form->head_len + (named ? LEN(HEAD_ROLE) : 0) + LEN(TEXT);
    size_t time_at = form->len - end_len(form) - time_len;
    struct slice head = slice_of(fragment + head_at, form->head_len);
    out->role = named ? SLICE_LIT(ROLE_AGENT) : head;
    out->agent = named ? head : slice_of(NULL, 0);
    out->text = slice_of(fragment + text_at, time_at - LEN(TIME) - text_at);
    out->timestamp = slice_of(fragment + time_at, time_len);
    out->read = form->flags & FORM_READ;
    out->via_widget = form->flags & FORM_VIA;
}

int64_t message_seconds(const struct message_parts *parts)
{
    int64_t wall_us;
    if (parts->timestamp.len != TIME_TEXT_LEN + 2)
        return 0;
    if (!time_parse(slice_of(parts->timestamp.ptr + 1, TIME_TEXT_LEN), &wall_us))
        return 0;
    return wall_us / 1000000;
}

size_t message_id(int64_t rev, const uint8_t tag[static 5], char out[static MESSAGE_ID_MAX])
{
    struct oid id = oid_from_rev(rev > 0 ? rev : 0, tag);
    oid_format(&id, out);
    return OID_LEN;
}

#define CHAT_HASH_LEN 8 /* hex digits */

/* FNV-1a, since it must be the same on every node and after every start: hash_bytes() has a secret. */
static char *put_chat_hash(char *out, struct slice chat_id)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < chat_id.len; i++)
        hash = (hash ^ (unsigned char)chat_id.ptr[i]) * 16777619U;
    uint32_t big_endian = htobe32(hash);
    return put_hex(out, &big_endian, CHAT_HASH_LEN / 2);
}

static bool is_chat_hash(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isxdigit((unsigned char)s.ptr[i]))
            return false;
    return s.len == CHAT_HASH_LEN;
}

size_t message_id_legacy(int64_t seconds, uint64_t index, struct slice chat_id, char out[static MESSAGE_ID_MAX])
{
    char *at = slice_put(out, SLICE_LIT("msg_"));
    at = put_u64(at, seconds > 0 ? (uint64_t)seconds : 0);
    *at++ = '_';
    at = put_u64(at, index);
    *at++ = '_';
    return (size_t)(put_chat_hash(at, chat_id) - out);
}

bool message_id_parse(struct slice id, bool *legacy, int64_t *rev, uint64_t *index)
{
    struct oid oid;
    *legacy = slice_starts(id, SLICE_LIT("msg_"));
    if (!*legacy) {
        if (!oid_parse(id, &oid))
            return false;
        *rev = oid_to_rev(&oid);
        return true;
    }
    struct slice rest = slice_of(id.ptr + LEN("msg_"), id.len - LEN("msg_"));
    const char *bar = memchr(rest.ptr, '_', rest.len);
    if (!bar)
        return false;
    uint64_t seconds;
    size_t before = (size_t)(bar - rest.ptr);
    struct slice place = slice_of(bar + 1, rest.len - before - 1);
    bar = memchr(place.ptr, '_', place.len);
    if (bar) { /* ids that earlier versions gave have no hash; in one chat it is not needed */
        size_t digits = (size_t)(bar - place.ptr);
        if (!is_chat_hash(slice_of(bar + 1, place.len - digits - 1)))
            return false;
        place.len = digits;
    }
    return slice_to_u64(slice_of(rest.ptr, before), &seconds) && slice_to_u64(place, index);
}

static void put_agent(struct buf *b, struct slice agent)
{
    if (agent.len == 0)
        return;
    buf_append_lit(b, ",\"agent\":");
    buf_append_slice(b, agent);
}

static void quoted(struct buf *b, struct slice escaped)
{
    buf_append_char(b, '"');
    buf_append_slice(b, escaped);
    buf_append_char(b, '"');
}

void render_message_poll(struct buf *b, struct slice id, const struct message_parts *parts)
{
    buf_append_lit(b, "{\"_id\":");
    quoted(b, id);
    buf_append_lit(b, ",\"role\":");
    quoted(b, parts->role);
    buf_append_lit(b, ",\"text\":");
    quoted(b, parts->text);
    buf_append_lit(b, ",\"content\":");
    quoted(b, parts->text);
    buf_append_lit(b, ",\"timestamp\":");
    buf_append_slice(b, parts->timestamp);
    buf_append_lit(b, ",\"read\":");
    json_out_bool(b, parts->read);
    put_agent(b, parts->agent);
    end_message(b, parts->via_widget);
}

void render_message_chat(struct buf *b, struct slice id, const struct message_parts *parts)
{
    buf_append_lit(b, "{\"_id\":");
    quoted(b, id);
    buf_append_lit(b, ",\"sender\":");
    quoted(b, parts->role);
    buf_append_lit(b, ",\"content\":");
    quoted(b, parts->text);
    buf_append_lit(b, ",\"timestamp\":");
    buf_append_slice(b, parts->timestamp);
    buf_append_lit(b, ",\"status\":\"sent\",\"isLink\":false,\"linkUrl\":null,\"tags\":[]");
    put_agent(b, parts->agent);
    end_message(b, parts->via_widget);
}
