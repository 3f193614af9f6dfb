/* What clients ask for (contract: WebSocket), and what is done about it. */
#include "hub_state.h"

#include "json/json_in.h"

#define INTERVAL_MAX_MS 3600000

static bool read_topic(struct hub *h, struct ws_conn *c, struct json_value request, enum hub_topic *topic)
{
    struct slice name = request_words(json_get(request, SLICE_LIT("subscription_type")));
    for (unsigned i = 0; i < HUB_TOPICS; i++)
        if (slice_eq(name, TOPIC_NAMES[i])) {
            *topic = (enum hub_topic)i;
            return true;
        }
    hub_say_error(h, c, SLICE_LIT("Unknown subscription_type: "), name);
    return false;
}

static bool read_format(struct hub *h, struct ws_conn *c, struct json_value v, struct hub_wish *wish)
{
    struct slice name = request_words(v);
    if (slice_eq(name, SLICE_LIT("flat")))
        wish->format = NOTICE_FLAT;
    if (!request_gives(v) || wish->format == NOTICE_FLAT || slice_eq(name, SLICE_LIT("nested")))
        return true;
    hub_say_error(h, c, SLICE_LIT("Unknown format: "), name);
    return false;
}

static bool is_of_chats(enum hub_topic topic)
{
    return topic == HUB_CHAT_UPDATES || topic == HUB_CHAT_EVENTS;
}

static bool read_wish(struct hub *h, struct ws_conn *c, struct json_value request, struct hub_wish *wish)
{
    *wish = (struct hub_wish){.format = NOTICE_NESTED};
    if (!read_format(h, c, json_get(request, SLICE_LIT("format")), wish))
        return false;
    if (!request_chat(h, c, request, &wish->chat_id))
        return false;
    struct json_value since = json_get(request, SLICE_LIT("since"));
    if (request_gives(since) && json_string(since, &wish->since) != OK) {
        hub_say_error(h, c, SLICE_LIT("since must be a cursor, as a string, not "), request_words(since));
        return false;
    }
    struct json_value interval = json_get(request, SLICE_LIT("min_interval_ms"));
    int64_t ms = 0;
    if (request_gives(interval) && (json_i64(interval, &ms) != OK || ms < 0 || ms > INTERVAL_MAX_MS)) {
        hub_say_error(h, c, SLICE_LIT("min_interval_ms must be a whole number from 0 to 3600000, not "),
                      request_words(interval));
        return false;
    }
    /* The shared interval already covers one that is not longer. */
    if (ms > h->options->notify_interval_ms)
        wish->interval_us = ms * 1000;
    return true;
}

static enum hub_watched watched(enum hub_topic topic)
{
    return topic == HUB_PRESENCE ? WATCH_PRESENCE : WATCH_STATUS;
}

void hub_unsubscribe(struct hub *h, struct ws_conn *c, enum hub_topic topic)
{
    struct hub_sub *sub = hub_sub(c);
    if (topic == HUB_CHAT_UPDATES) {
        while (sub->follows)
            follow_remove(h, sub->follows);
        if (sub->in.at[PLACE_UPDATES])
            channel_remove(&h->channels[sub->format], c);
    } else if (topic == HUB_UNREAD_COUNTS && sub->in.at[PLACE_COUNTS]) {
        channel_remove(&h->channels[CHANNEL_COUNTS], c);
    } else if (topic == HUB_WEBSITE_STATUS || topic == HUB_PRESENCE) {
        watch_unsubscribe(h, c, watched(topic));
    }
}

/* Who subscribes to one chat keeps what it follows of other chats; all else ends, and is sent before what it is still
 * owed, so that nothing is lost between the old subscription and the new one. */
static void end_old(struct hub *h, struct ws_conn *c, struct slice chat_id)
{
    struct hub_sub *sub = hub_sub(c);
    struct hub_follow *next, *same = chat_id.len > 0 ? follow_find(c, chat_id) : NULL;
    for (struct hub_follow *f = sub->follows; f; f = next) {
        next = f->next;
        if (chat_id.len > 0 && f->chat && f != same)
            continue;
        feed_flush(f);
        follow_remove(h, f);
    }
    if (sub->in.at[PLACE_UPDATES]) {
        channel_catch_up(&h->channels[sub->format], c);
        channel_remove(&h->channels[sub->format], c);
    }
}

static enum err subscribe_updates(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    end_old(h, c, wish->chat_id);
    hub_sub(c)->format = (uint8_t)wish->format;
    if (wish->chat_id.len > 0 || wish->interval_us > 0 || wish->filtered)
        return follow_add(h, c, wish);
    return channel_add(&h->channels[wish->format], c);
}

static bool has_room(struct hub *h, struct ws_conn *c, enum hub_topic topic, const struct hub_wish *wish)
{
    if (topic == HUB_CHAT_EVENTS
            ? events_have_room(c, wish->chat_id)
            : wish->chat_id.len == 0 || hub_sub(c)->follow_count < HUB_CHATS_MAX || follow_find(c, wish->chat_id))
        return true;
    hub_say_error(h, c, SLICE_LIT("A connection can follow 64 chats: unsubscribe from one before "), wish->chat_id);
    return false;
}

/* A client that may have missed something before it subscribed is told to look, rather than find out at the next
 * notice. The subscription has begun by now: what changes after this look raises a notice. */
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
    if (!read_topic(h, c, request, &topic) || (topic == HUB_CHAT_UPDATES && !read_wish(h, c, request, &wish)) ||
        (topic == HUB_CHAT_EVENTS && !request_chat(h, c, request, &wish.chat_id)))
        return;
    enum hub_right right =
        o->may_subscribe ? o->may_subscribe(o->may_arg, ws_conn_principal(c), topic, wish.chat_id) : HUB_ALLOWED;
    if (right == HUB_DENIED) {
        hub_say_error(h, c, SLICE_LIT("Not allowed to subscribe to "), TOPIC_NAMES[topic]);
        return;
    }
    if (!has_room(h, c, topic, &wish))
        return;
    wish.filtered = right == HUB_FILTERED;
    if (wish.filtered && wish.interval_us == 0 && wish.chat_id.len == 0)
        wish.interval_us = o->notify_interval_ms * 1000; /* the shared interval is not on its way */
    if (topic == HUB_CHAT_UPDATES)
        e = subscribe_updates(h, c, &wish);
    else if (topic == HUB_CHAT_EVENTS)
        e = events_subscribe(h, c, wish.chat_id, wish.filtered);
    else if (topic == HUB_UNREAD_COUNTS && !hub_sub(c)->in.at[PLACE_COUNTS])
        e = channel_add(&h->channels[CHANNEL_COUNTS], c);
    else if (topic == HUB_WEBSITE_STATUS || topic == HUB_PRESENCE)
        e = watch_subscribe(h, c, watched(topic));
    role_review(h, c, wish.chat_id);
    if (e != OK) {
        hub_say_error(h, c, SLICE_LIT("Cannot subscribe: "), slice_cstr(err_text(e)));
        return;
    }
    hub_say_done(h, c, "subscribed", topic, wish.chat_id);
    if (topic == HUB_CHAT_UPDATES)
        tell_missed(h, c, &wish);
    else if (topic == HUB_UNREAD_COUNTS)
        hub_send_counts(h, c);
    else if (topic == HUB_WEBSITE_STATUS || topic == HUB_PRESENCE)
        watch_begin(h, c, watched(topic));
}

static void unsubscribe(struct hub *h, struct ws_conn *c, struct json_value request)
{
    enum hub_topic topic;
    struct slice chat_id = {0};
    if (!read_topic(h, c, request, &topic) || (is_of_chats(topic) && !request_chat(h, c, request, &chat_id)))
        return;
    struct hub_follow *f = topic == HUB_CHAT_UPDATES && chat_id.len > 0 ? follow_find(c, chat_id) : NULL;
    if (topic == HUB_CHAT_EVENTS) {
        typing_end(c, chat_id);
        events_unsubscribe(h, c, chat_id);
    } else if (f)
        follow_remove(h, f);
    else if (chat_id.len == 0)
        hub_unsubscribe(h, c, topic);
    role_review(h, c, chat_id);
    hub_say_done(h, c, "unsubscribed", topic, chat_id);
}

static void act(struct hub *h, struct ws_conn *c, struct json_value request)
{
    struct slice action = request_words(json_get(request, SLICE_LIT("action")));
    if (slice_eq(action, SLICE_LIT("subscribe")))
        subscribe(h, c, request);
    else if (slice_eq(action, SLICE_LIT("unsubscribe")))
        unsubscribe(h, c, request);
    else if (slice_eq(action, SLICE_LIT("typing")) || slice_eq(action, SLICE_LIT("read")))
        hub_take_signal(h, c, slice_eq(action, SLICE_LIT("typing")), request);
    else if (slice_eq(action, SLICE_LIT("ping")))
        hub_say_pong(h, c);
    else
        hub_say_error(h, c, SLICE_LIT("Unknown action: "), action);
}

void hub_hear(void *hub, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    struct hub *h = hub;
    struct json_doc doc;
    struct json_error why = {0};
    if (kind != WS_TEXT) {
        hub_say_error(h, c, SLICE_LIT("Expected a text message of JSON"), slice_of(NULL, 0));
        return;
    }
    enum err e = json_parse(payload, &h->arena, &doc, &why);
    if (e == ERR_NOMEM)
        hub_say_error(h, c, SLICE_LIT("Cannot read the message: "), slice_cstr(err_text(e)));
    else if (e != OK)
        hub_say_error(h, c, SLICE_LIT("Invalid JSON: "), slice_cstr(why.reason));
    else if (json_type(json_root(&doc)) != JSON_OBJECT)
        hub_say_error(h, c, SLICE_LIT("Expected a JSON object"), slice_of(NULL, 0));
    else
        act(h, c, json_root(&doc));
    arena_reset(&h->arena);
}
