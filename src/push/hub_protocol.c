/* What clients say, and the answers (contract: WebSocket). Every answer gathers in the connection's batch: several
 * requests in one read are answered by one write. */
#include "hub_internal.h"

#include "base/clock.h"
#include "chat/model.h"
#include "json/json_in.h"
#include "json/json_out.h"

#define INTERVAL_MAX_MS 3600000
#define ECHO_MAX        200 /* of a client's own words in an error */

static const struct slice TOPIC_NAMES[] = {
    [HUB_CHAT_UPDATES] = {"chat_updates", sizeof("chat_updates") - 1},
    [HUB_UNREAD_COUNTS] = {"unread_counts", sizeof("unread_counts") - 1},
    [HUB_WEBSITE_STATUS] = {"website_status", sizeof("website_status") - 1},
};

static void send_text(struct hub *h, struct ws_conn *c)
{
    if (buf_ok(&h->text))
        ws_conn_send(c, WS_TEXT, buf_slice(&h->text));
    else
        ws_conn_close(c, WS_CLOSE_INTERNAL, "no memory");
}

void hub_greet(struct hub *h, struct ws_conn *c)
{
    buf_clear(&h->text);
    buf_append_lit(&h->text, "{\"type\":\"connected\",\"connection_id\":\"");
    buf_append_slice(&h->text, ws_conn_id(c));
    buf_append_lit(&h->text, "\",\"message\":\"WebSocket connection established\"}");
    send_text(h, c);
}

/* {"type":"error","message":"<sentence><what>"}; at most ECHO_MAX bytes of what, cut between characters. */
static void send_error(struct hub *h, struct ws_conn *c, struct slice sentence, struct slice what)
{
    if (what.len > ECHO_MAX) {
        what.len = ECHO_MAX;
        while (what.len > 0 && ((unsigned char)what.ptr[what.len] & 0xC0) == 0x80)
            what.len--;
    }
    buf_clear(&h->text);
    buf_append_lit(&h->text, "{\"type\":\"error\",\"message\":\"");
    json_out_escaped(&h->text, sentence);
    json_out_escaped(&h->text, what);
    buf_append_lit(&h->text, "\"}");
    send_text(h, c);
}

static void send_done(struct hub *h, struct ws_conn *c, const char *type, enum hub_topic topic, struct slice chat_id)
{
    buf_clear(&h->text);
    buf_append_char(&h->text, '{');
    json_out_member_string(&h->text, "type", slice_cstr(type));
    json_out_member_string(&h->text, "subscription_type", TOPIC_NAMES[topic]);
    if (chat_id.len > 0)
        json_out_member_string(&h->text, "chat_id", chat_id);
    buf_append_char(&h->text, '}');
    send_text(h, c);
}

/* The right to hear of that chat is gone. key: as in notices; a long id's is not its name. */
void hub_say_ended(struct hub *h, struct ws_conn *c, struct slice key)
{
    send_done(h, c, "unsubscribed", HUB_CHAT_UPDATES, notice_key_is_hash(key) ? NOTICE_ANY_CHAT : key);
}

static void send_pong(struct hub *h, struct ws_conn *c)
{
    char text[TIME_TEXT_LEN];
    time_format(ws_set_loop(h->set)->wall_us, text);
    buf_clear(&h->text);
    buf_append_lit(&h->text, "{\"type\":\"pong\",\"timestamp\":\"");
    buf_append(&h->text, text, TIME_TEXT_LEN);
    buf_append_lit(&h->text, "\"}");
    send_text(h, c);
}

/* A word of the client for an error: a string's text, else the JSON as it came, "None" where there is nothing. */
static struct slice words_of(struct json_value v)
{
    struct slice s;
    if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
        return SLICE_LIT("None");
    return json_string(v, &s) == OK ? s : json_raw(v);
}

static bool read_topic(struct hub *h, struct ws_conn *c, struct json_value request, enum hub_topic *topic)
{
    struct json_value v = json_get(request, SLICE_LIT("subscription_type"));
    struct slice name;
    if (json_string(v, &name) == OK)
        for (unsigned i = 0; i < sizeof(TOPIC_NAMES) / sizeof(TOPIC_NAMES[0]); i++)
            if (slice_eq(name, TOPIC_NAMES[i])) {
                *topic = (enum hub_topic)i;
                return true;
            }
    send_error(h, c, SLICE_LIT("Unknown subscription_type: "), words_of(v));
    return false;
}

static bool given(struct json_value v)
{
    return json_type(v) != JSON_ABSENT && json_type(v) != JSON_NULL;
}

static bool read_format(struct hub *h, struct ws_conn *c, struct json_value v, struct hub_wish *wish)
{
    struct slice name;
    if (!given(v))
        return true;
    if (json_string(v, &name) == OK) {
        if (slice_eq(name, SLICE_LIT("flat"))) {
            wish->format = NOTICE_FLAT;
            return true;
        }
        if (slice_eq(name, SLICE_LIT("nested"))) /* the default, by name */
            return true;
    }
    send_error(h, c, SLICE_LIT("Unknown format: "), words_of(v));
    return false;
}

/* Absent: *chat_id is empty. */
static bool read_chat(struct hub *h, struct ws_conn *c, struct json_value request, struct slice *chat_id)
{
    struct json_value v = json_get(request, SLICE_LIT("chat_id"));
    *chat_id = slice_of(NULL, 0);
    if (!given(v) || (json_string(v, chat_id) == OK && chat_id->len > 0 && chat_id->len <= CHAT_ID_MAX))
        return true;
    send_error(h, c, SLICE_LIT("chat_id must be a string of 1 to 1024 bytes, not "), words_of(v));
    return false;
}

static bool read_wish(struct hub *h, struct ws_conn *c, struct json_value request, struct hub_wish *wish)
{
    *wish = (struct hub_wish){.format = NOTICE_NESTED};
    if (!read_format(h, c, json_get(request, SLICE_LIT("format")), wish))
        return false;
    if (!read_chat(h, c, request, &wish->chat_id))
        return false;
    struct json_value since = json_get(request, SLICE_LIT("since"));
    if (given(since) && json_string(since, &wish->since) != OK) {
        send_error(h, c, SLICE_LIT("since must be a cursor, as a string, not "), words_of(since));
        return false;
    }
    struct json_value interval = json_get(request, SLICE_LIT("min_interval_ms"));
    int64_t ms = 0;
    if (given(interval) && (json_i64(interval, &ms) != OK || ms < 0 || ms > INTERVAL_MAX_MS)) {
        send_error(h, c, SLICE_LIT("min_interval_ms must be a whole number from 0 to 3600000, not "),
                   words_of(interval));
        return false;
    }
    /* The shared interval already covers one that is not longer. */
    if (ms > h->options->notify_interval_ms)
        wish->interval_us = ms * 1000;
    return true;
}

void hub_unsubscribe(struct hub *h, struct ws_conn *c, enum hub_topic topic)
{
    struct hub_sub *sub = hub_sub(c);
    if (topic == HUB_CHAT_UPDATES) {
        special_remove_all(h, c);
        if (sub->at[PLACE_UPDATES])
            channel_remove(&h->updates[sub->format], c);
    } else if (topic == HUB_UNREAD_COUNTS && sub->at[PLACE_COUNTS]) {
        channel_remove(&h->counts, c);
    }
}

/* A subscribe stands beside those of other chats and replaces all else; what that still owes is sent before, so that nothing
 * falls between. */
static void settle_old(struct hub *h, struct ws_conn *c, struct slice chat_id)
{
    struct hub_sub *sub = hub_sub(c);
    struct hub_special *next, *same = chat_id.len > 0 ? special_find(c, chat_id) : NULL;
    for (struct hub_special *sp = sub->special; sp; sp = next) {
        next = sp->next;
        if (chat_id.len > 0 && sp->chat && sp != same)
            continue;
        special_flush(sp);
        special_remove(h, sp);
    }
    if (sub->at[PLACE_UPDATES]) {
        channel_catch_up(&h->updates[sub->format], c);
        channel_remove(&h->updates[sub->format], c);
    }
}

static enum err subscribe_updates(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    settle_old(h, c, wish->chat_id);
    hub_sub(c)->format = (uint8_t)wish->format;
    if (wish->chat_id.len > 0 || wish->interval_us > 0 || wish->filtered)
        return special_add(h, c, wish);
    return channel_add(&h->updates[wish->format], c);
}

static bool has_room(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    if (wish->chat_id.len == 0 || hub_sub(c)->special_count < HUB_CHATS_MAX || special_find(c, wish->chat_id))
        return true;
    send_error(h, c, SLICE_LIT("A connection can follow 64 chats: unsubscribe from one before "), wish->chat_id);
    return false;
}

/* What happened before the subscription began would else be seen with the next notice only. It is in the hub's lists by
 * now, so that nothing falls between the look and the first notice. */
static void tell_missed(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    const struct hub_options *o = h->options;
    if (wish->since.len == 0 || !o->up_to_date ||
        !o->up_to_date(o->up_to_date_arg, ws_conn_principal(c), wish->chat_id, wish->since))
        hub_send_hint(h, c);
}

static void subscribe(struct hub *h, struct ws_conn *c, struct json_value request)
{
    const struct hub_options *o = h->options;
    struct hub_wish wish = {0};
    enum hub_topic topic;
    enum err e = OK;
    if (!read_topic(h, c, request, &topic) || (topic == HUB_CHAT_UPDATES && !read_wish(h, c, request, &wish)))
        return;
    enum hub_right right =
        o->may_subscribe ? o->may_subscribe(o->may_arg, ws_conn_principal(c), topic, wish.chat_id) : HUB_ALLOWED;
    if (right != HUB_DENIED && !has_room(h, c, &wish))
        return;
    if (right == HUB_DENIED) {
        send_error(h, c, SLICE_LIT("Not allowed to subscribe to "), TOPIC_NAMES[topic]);
        return;
    }
    wish.filtered = right == HUB_FILTERED;
    if (wish.filtered && wish.interval_us == 0 &&
        wish.chat_id.len == 0) /* it does not pass the shared interval on its way */
        wish.interval_us = o->notify_interval_ms * 1000;
    if (topic == HUB_CHAT_UPDATES)
        e = subscribe_updates(h, c, &wish);
    else if (topic == HUB_UNREAD_COUNTS && !hub_sub(c)->at[PLACE_COUNTS])
        e = channel_add(&h->counts, c);
    if (e != OK) {
        send_error(h, c, SLICE_LIT("Cannot subscribe: "), slice_cstr(err_text(e)));
        return;
    }
    send_done(h, c, "subscribed", topic, wish.chat_id);
    if (topic == HUB_CHAT_UPDATES)
        tell_missed(h, c, &wish);
    else if (topic == HUB_UNREAD_COUNTS)
        hub_send_counts(h, c);
}

static void unsubscribe(struct hub *h, struct ws_conn *c, struct json_value request)
{
    enum hub_topic topic;
    struct slice chat_id = {0};
    if (!read_topic(h, c, request, &topic) || (topic == HUB_CHAT_UPDATES && !read_chat(h, c, request, &chat_id)))
        return;
    struct hub_special *sp = chat_id.len > 0 ? special_find(c, chat_id) : NULL;
    if (sp)
        special_remove(h, sp);
    else if (chat_id.len == 0)
        hub_unsubscribe(h, c, topic);
    send_done(h, c, "unsubscribed", topic, chat_id);
}

static void act(struct hub *h, struct ws_conn *c, struct json_value request)
{
    struct json_value v = json_get(request, SLICE_LIT("action"));
    struct slice action;
    if (json_string(v, &action) != OK)
        send_error(h, c, SLICE_LIT("Unknown action: "), words_of(v));
    else if (slice_eq(action, SLICE_LIT("subscribe")))
        subscribe(h, c, request);
    else if (slice_eq(action, SLICE_LIT("unsubscribe")))
        unsubscribe(h, c, request);
    else if (slice_eq(action, SLICE_LIT("ping")))
        send_pong(h, c);
    else
        send_error(h, c, SLICE_LIT("Unknown action: "), action);
}

void hub_hear(struct hub *h, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    struct json_doc doc;
    struct json_error why = {0};
    if (kind != WS_TEXT) {
        send_error(h, c, SLICE_LIT("Expected a text message of JSON"), slice_of(NULL, 0));
        return;
    }
    enum err e = json_parse(payload, &h->arena, &doc, &why);
    if (e == ERR_NOMEM)
        send_error(h, c, SLICE_LIT("Cannot read the message: "), slice_cstr(err_text(e)));
    else if (e != OK)
        send_error(h, c, SLICE_LIT("Invalid JSON: "), slice_cstr(why.reason));
    else if (json_type(json_root(&doc)) != JSON_OBJECT)
        send_error(h, c, SLICE_LIT("Expected a JSON object"), slice_of(NULL, 0));
    else
        act(h, c, json_root(&doc));
    arena_reset(&h->arena);
}
