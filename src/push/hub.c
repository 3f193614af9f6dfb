/* Notices in, sends out. A notice goes to the followers of its chat at once, and into the stream of each format, from
 * which channel_run() serves the plain subscribers in slices. Then the detours: a shared interval (--notify-interval)
 * holds notices back before both; lost notices (a full ring, no memory) become one hint to refetch. */
#include "hub_internal.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdlib.h>

#define SENDS_PER_TURN    128     /* about half a millisecond: what a read or an adoption waits at most */
#define STREAM_FULL_BYTES 1048576 /* of frames that some subscriber has not had: notices wait in their rings then */

static const struct hub_options NO_OPTIONS;

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
}

void hub_next_frame(struct hub *h)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        buf_clear(&h->frames[i]);
}

struct slice hub_frame(struct hub *h, const struct notice *n, enum notice_format format)
{
    struct buf *b = &h->frames[format];
    if (b->len == 0)
        frame_message(b, format, notice_chat_id(n), notice_role(n), n->wall_us);
    if (!buf_ok(b)) {
        h->refetch_due = true;
        buf_fini(b);
    }
    return buf_slice(b);
}

void hub_deliver(struct hub *h, struct ws_conn *c, struct slice frames, unsigned topic, unsigned count)
{
    unsigned dropped = frames.len > 0 ? ws_conn_notify(c, frames, topic) : 0;
    h->delivered += count - dropped;
    h->coalesced += dropped;
}

static void append(struct hub *h, struct channel *ch, struct slice frame)
{
    if (frame.len > 0 && channel_append(ch, frame) != OK)
        h->refetch_due = true;
}

/* n has passed every shared interval. */
static void emit(struct hub *h, const struct notice *n, struct hub_chat *chat)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        if (h->updates[i].count > 0)
            append(h, &h->updates[i], hub_frame(h, n, (enum notice_format)i));
    if (chat)
        special_gather(h, chat, n);
}

static void append_hint(struct hub *h)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++) {
        if (h->updates[i].count == 0)
            continue;
        hub_next_frame(h);
        frame_message(&h->frames[i], (enum notice_format)i, NOTICE_ANY_CHAT, NOTICE_HINT_ROLE,
                      ws_set_loop(h->set)->wall_us);
        append(h, &h->updates[i], buf_slice(&h->frames[i]));
    }
    hub_next_frame(h);
}

int64_t hub_hint_interval_us(const struct hub *h)
{
    int64_t shared_us = h->options->notify_interval_ms * 1000;
    return shared_us > HINT_INTERVAL_US ? shared_us : HINT_INTERVAL_US;
}

static void arm_pacer(struct hub *h)
{
    int64_t due_us = h->pacer ? pacer_due_us(h->pacer) : INT64_MAX;
    if (pacer_due_us(h->hints) < due_us)
        due_us = pacer_due_us(h->hints);
    if (due_us != INT64_MAX)
        timer_start(ws_set_timers(h->set), &h->pacer_timer, due_us);
}

static void on_pacer_due(struct timer *t)
{
    struct hub *h = (struct hub *)(void *)((char *)t - offsetof(struct hub, pacer_timer));
    const struct notice *n;
    while (h->pacer && (n = pacer_next(h->pacer, now_us(h)))) {
        hub_next_frame(h);
        emit(h, n, special_chat(h, notice_chat_id(n)));
    }
    while (pacer_next(h->hints, now_us(h)))
        append_hint(h);
    special_send_gathered(h, now_us(h));
    special_end(h);
    arm_pacer(h);
}

static void take_message(struct hub *h, const struct notice *n)
{
    struct hub_chat *chat = special_chat(h, notice_chat_id(n));
    hub_next_frame(h);
    special_offer(h, n, chat);
    if (h->pacer && !h->stopping) {
        enum pace pace = pacer_offer(h->pacer, n, now_us(h));
        h->coalesced += pace == PACE_MERGED;
        if (pace != PACE_PASS)
            return;
    }
    emit(h, n, chat);
}

/* A new chat. What the hint says is the same for all, so a burst of them is one, and one more when the interval is over. */
static void take_hint(struct hub *h, const struct notice *n)
{
    struct notice any;
    special_hint(h, n);
    if (h->updates[NOTICE_NESTED].count + h->updates[NOTICE_FLAT].count == 0)
        return;
    (void)notice_hint(&any, NOTICE_ANY_CHAT, 0, 0);
    enum pace pace = h->stopping ? PACE_PASS : pacer_offer(h->hints, &any, now_us(h));
    h->coalesced += pace == PACE_MERGED;
    if (pace == PACE_PASS)
        append_hint(h);
}

static void append_counts(struct hub *h, int64_t wall_us)
{
    hub_next_frame(h);
    frame_counts(&h->frames[0], h->last_counts, wall_us);
    append(h, &h->counts, buf_ok(&h->frames[0]) ? buf_slice(&h->frames[0]) : slice_of(NULL, 0));
    hub_next_frame(h);
}

static void read_counts(struct hub *h)
{
    if (h->options->counts)
        h->options->counts(h->options->counts_arg, h->last_counts);
}

static void on_notices(void *self, const struct notice *notices, unsigned count)
{
    struct hub *h = self;
    bool counts_changed = false;
    unsigned messages = 0;
    for (unsigned i = 0; i < count; i++) {
        if (notices[i].kind == NOTICE_MESSAGE) {
            take_message(h, &notices[i]);
            messages++;
        } else if (notices[i].kind == NOTICE_HINT) {
            take_hint(h, &notices[i]);
        } else {
            counts_changed = true;
        }
    }
    special_send_gathered(h, now_us(h));
    special_end(h);
    arm_pacer(h);
    if (counts_changed) {
        read_counts(h);
        append_counts(h, ws_set_loop(h->set)->wall_us);
        channel_mark(&h->counts, now_us(h), 1);
    }
    for (unsigned i = 0; i < NOTICE_FORMATS && messages > 0; i++)
        channel_mark(&h->updates[i], now_us(h), messages);
}

static void on_overflow(void *self)
{
    struct hub *h = self;
    h->refetch_due = false; /* set again where memory is still short */
    append_hint(h);
    special_hint_all(h);
    read_counts(h);
    append_counts(h, ws_set_loop(h->set)->wall_us);
}

/* A client that comes back after the restart does not know that anything was held for it. */
static void on_stop(void *self)
{
    struct hub *h = self;
    const struct notice *n;
    h->stopping = true;
    special_flush_all(h);
    while (h->pacer && (n = pacer_flush(h->pacer))) {
        hub_next_frame(h);
        emit(h, n, special_chat(h, notice_chat_id(n)));
    }
    while (pacer_flush(h->hints))
        append_hint(h);
    special_send_gathered(h, now_us(h));
    special_end(h);
}

static void publish_counters(struct hub *h)
{
    struct channel *channels[] = {&h->updates[NOTICE_NESTED], &h->updates[NOTICE_FLAT], &h->counts};
    for (unsigned i = 0; i < 3; i++) {
        h->delivered += channels[i]->delivered;
        h->coalesced += channels[i]->dropped;
        channels[i]->delivered = channels[i]->dropped = 0;
    }
    if (h->delivered)
        metrics_add(M_NOTICE_DELIVERED, h->delivered);
    if (h->coalesced)
        metrics_add(M_NOTICE_COALESCED, h->coalesced);
    h->delivered = h->coalesced = 0;
}

static enum ws_app_load on_turn(void *self)
{
    struct hub *h = self;
    if (h->refetch_due)
        on_overflow(h);
    enum ws_app_load load = WS_APP_IDLE;
    struct channel *channels[] = {&h->updates[NOTICE_NESTED], &h->updates[NOTICE_FLAT], &h->counts};
    for (unsigned i = 0; i < 3; i++) {
        struct channel *ch = channels[i];
        if (ch->behind == 0)
            continue;
        channel_run(ch, SENDS_PER_TURN);
        if (ch->stream.held_bytes > STREAM_FULL_BYTES)
            load = WS_APP_FULL;
        else if (ch->behind > 0 && load == WS_APP_IDLE)
            load = WS_APP_BUSY;
    }
    publish_counters(h);
    return load;
}

void hub_send_counts(struct hub *h, struct ws_conn *c)
{
    read_counts(h);
    hub_next_frame(h);
    frame_counts(&h->frames[0], h->last_counts, ws_set_loop(h->set)->wall_us);
    if (buf_ok(&h->frames[0]))
        hub_deliver(h, c, buf_slice(&h->frames[0]), TOPIC_COUNTS, 1);
    hub_next_frame(h);
}

void hub_send_hint(struct hub *h, struct ws_conn *c)
{
    hub_next_frame(h);
    frame_message(&h->frames[0], (enum notice_format)hub_sub(c)->format, NOTICE_ANY_CHAT, NOTICE_HINT_ROLE,
                  ws_set_loop(h->set)->wall_us);
    if (buf_ok(&h->frames[0]))
        hub_deliver(h, c, buf_slice(&h->frames[0]), TOPIC_UPDATES, 1);
    hub_next_frame(h);
}

static void on_drained(void *self, struct ws_conn *c, unsigned missed)
{
    struct hub *h = self;
    const struct hub_sub *sub = hub_sub(c);
    if (missed & TOPIC_UPDATES && (sub->at[PLACE_UPDATES] || sub->special))
        hub_send_hint(h, c);
    if (missed & TOPIC_COUNTS && sub->at[PLACE_COUNTS])
        hub_send_counts(h, c);
}

static void on_open(void *self, struct ws_conn *c)
{
    hub_greet(self, c);
}

static void on_message(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    hub_hear(self, c, kind, payload);
}

static void on_close(void *self, struct ws_conn *c)
{
    hub_unsubscribe(self, c, HUB_CHAT_UPDATES);
    hub_unsubscribe(self, c, HUB_UNREAD_COUNTS);
}

static void destroy(void *self)
{
    struct hub *h = self;
    must(h->chats.count == 0 && h->paced_count == 0);
    timer_stop(ws_set_timers(h->set), &h->pacer_timer);
    for (unsigned i = 0; i < NOTICE_FORMATS; i++) {
        channel_fini(&h->updates[i]);
        buf_fini(&h->frames[i]);
    }
    channel_fini(&h->counts);
    special_fini(h);
    pacer_free(h->pacer);
    pacer_free(h->hints);
    arena_fini(&h->arena);
    buf_fini(&h->text);
    free(h->paced);
    free(h);
}

static enum err create(void **self, struct ws_set *set, const void *arg)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (!h)
        return ERR_NOMEM;
    h->set = set;
    h->options = arg ? arg : &NO_OPTIONS;
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        channel_init(&h->updates[i], PLACE_UPDATES, TOPIC_UPDATES);
    channel_init(&h->counts, PLACE_COUNTS, TOPIC_COUNTS);
    map_init(&h->chats);
    arena_init(&h->arena, 0); /* bounded by the message's length */
    h->pacer_timer.on_fire = on_pacer_due;
    h->hints = pacer_new(hub_hint_interval_us(h), 1);
    if (h->options->notify_interval_ms > 0)
        h->pacer = pacer_new(h->options->notify_interval_ms * 1000, SHARED_PACER_CHATS);
    if (!h->hints || (h->options->notify_interval_ms > 0 && !h->pacer)) {
        destroy(h);
        return ERR_NOMEM;
    }
    *self = h;
    return OK;
}

const struct ws_app hub_app = {
    .create = create,
    .destroy = destroy,
    .on_open = on_open,
    .on_message = on_message,
    .on_close = on_close,
    .on_drained = on_drained,
    .on_notices = on_notices,
    .on_overflow = on_overflow,
    .on_stop = on_stop,
    .on_turn = on_turn,
};
