/* What is sent to one connection, and when: frames of notices, hints, counts, the answers to requests; and whether an
 * interval lets a notice pass. Every answer gathers in the connection's batch: several requests in one read are
 * answered by one write. */
#include "hub_state.h"

#include "base/clock.h"
#include "json/json_out.h"

#define ECHO_MAX 200 /* of a client's own words in an error */

const struct slice TOPIC_NAMES[HUB_TOPICS] = {
    [HUB_CHAT_UPDATES] = {"chat_updates", sizeof("chat_updates") - 1},
    [HUB_UNREAD_COUNTS] = {"unread_counts", sizeof("unread_counts") - 1},
    [HUB_WEBSITE_STATUS] = {"website_status", sizeof("website_status") - 1},
    [HUB_CHAT_EVENTS] = {"chat_events", sizeof("chat_events") - 1},
    [HUB_PRESENCE] = {"presence", sizeof("presence") - 1},
};

bool hub_passes(struct hub *h, struct pacer *p, const struct notice *n)
{
    enum pace pace = h->stopping ? PACE_PASS : pacer_admit(p, n, ws_set_loop(h->set)->now_us);
    h->coalesced += pace == PACE_MERGED;
    return pace == PACE_PASS;
}

bool hub_hint_passes(struct hub *h, struct pacer *hints)
{
    struct notice any;
    (void)notice_hint(&any, NOTICE_ANY_CHAT, 0, 0);
    return hub_passes(h, hints, &any);
}

void hub_arm(struct hub *h, struct timer *t, const struct pacer *a, const struct pacer *b)
{
    int64_t due_us = pacer_due_us(a) < pacer_due_us(b) ? pacer_due_us(a) : pacer_due_us(b);
    if (due_us != INT64_MAX)
        timer_start(ws_set_timers(h->set), t, due_us);
}

void hub_next_frame(struct hub *h)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        buf_clear(&h->frames[i]);
}

struct slice hub_whole(struct hub *h, struct buf *b)
{
    if (!buf_ok(b)) {
        h->refetch_due = true;
        buf_fini(b);
    }
    return buf_slice(b);
}

struct slice hub_frame(struct hub *h, const struct notice *n, enum notice_format format)
{
    struct buf *b = &h->frames[format];
    if (b->len == 0)
        frame_message(b, format, notice_chat_id(n), notice_role(n), n->wall_us);
    return hub_whole(h, b);
}

struct slice hub_hint_frame(struct hub *h, enum notice_format format)
{
    buf_clear(&h->text);
    frame_message(&h->text, format, NOTICE_ANY_CHAT, NOTICE_HINT_ROLE, ws_set_loop(h->set)->wall_us);
    return hub_whole(h, &h->text);
}

struct slice hub_counts_frame(struct hub *h)
{
    int64_t counts[NOTICE_COUNTS_LEN] = {0};
    if (h->options->counts)
        h->options->counts(h->options->counts_arg, counts);
    buf_clear(&h->text);
    frame_counts(&h->text, counts, ws_set_loop(h->set)->wall_us);
    return hub_whole(h, &h->text);
}

bool hub_deliver(struct hub *h, struct ws_conn *c, struct slice frames, unsigned topic, unsigned count)
{
    unsigned dropped = frames.len > 0 ? ws_conn_notify(c, frames, topic) : 0;
    h->delivered += count - dropped;
    h->coalesced += dropped;
    return dropped == 0;
}

void hub_send_hint(struct hub *h, struct ws_conn *c)
{
    hub_deliver(h, c, hub_hint_frame(h, (enum notice_format)hub_sub(c)->format), TOPIC_UPDATES, 1);
}

void hub_send_counts(struct hub *h, struct ws_conn *c)
{
    hub_deliver(h, c, hub_counts_frame(h), TOPIC_COUNTS, 1);
}

static void send_text(struct hub *h, struct ws_conn *c)
{
    if (buf_ok(&h->text))
        ws_conn_send(c, WS_TEXT, buf_slice(&h->text));
    else
        ws_conn_close(c, WS_CLOSE_INTERNAL, "no memory");
}

void hub_say_hello(void *hub, struct ws_conn *c)
{
    struct hub *h = hub;
    buf_clear(&h->text);
    buf_append_lit(&h->text, "{\"type\":\"connected\",\"connection_id\":\"");
    buf_append_slice(&h->text, ws_conn_id(c));
    buf_append_lit(&h->text, "\",\"message\":\"WebSocket connection established\"}");
    send_text(h, c);
}

/* {"type":"error","message":"<sentence><what>"}, cut between characters. */
void hub_say_error(struct hub *h, struct ws_conn *c, struct slice sentence, struct slice what)
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

void hub_say_done(struct hub *h, struct ws_conn *c, const char *type, enum hub_topic topic, struct slice chat_id)
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

void hub_say_pong(struct hub *h, struct ws_conn *c)
{
    char text[TIME_TEXT_LEN];
    time_format(ws_set_loop(h->set)->wall_us, text);
    buf_clear(&h->text);
    buf_append_lit(&h->text, "{\"type\":\"pong\",\"timestamp\":\"");
    buf_append(&h->text, text, TIME_TEXT_LEN);
    buf_append_lit(&h->text, "\"}");
    send_text(h, c);
}
