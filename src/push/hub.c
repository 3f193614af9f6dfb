/* Notices in, sends out. A notice goes to the followers of its chat at once, and into the queue of each format, from
 * which channel_run() serves the plain subscribers in slices. A shared interval (--notify-interval) may hold it back.
 * Failures: where notices were lost (a full ring, no memory), one hint to refetch goes to everybody instead. */
#include "hub_state.h"

#include "base/metrics.h"
#include "push/relay.h"

#include <stdlib.h>

#define SENDS_PER_TURN   128     /* about half a millisecond: what a read or an adoption waits at most */
#define QUEUE_FULL_BYTES 1048576 /* of frames that some subscriber has not had: notices wait in their rings then */

static const struct hub_options NO_OPTIONS;

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
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
        if (h->channels[i].count > 0)
            append(h, &h->channels[i], hub_frame(h, n, (enum notice_format)i));
    if (chat && chat->follows.count > 0)
        feed_gather(h, chat, n);
}

static void emit_held(struct hub *h, const struct notice *n)
{
    hub_next_frame(h);
    emit(h, n, follow_chat(h, notice_chat_id(n)));
}

static void append_hint(struct hub *h)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        if (h->channels[i].count > 0)
            append(h, &h->channels[i], hub_hint_frame(h, (enum notice_format)i));
}

static void append_counts(struct hub *h)
{
    if (h->channels[CHANNEL_COUNTS].count > 0)
        append(h, &h->channels[CHANNEL_COUNTS], hub_counts_frame(h));
}

static void on_pacer_due(struct timer *t)
{
    struct hub *h = (struct hub *)(void *)((char *)t - offsetof(struct hub, pacer_timer));
    const struct notice *n;
    while ((n = pacer_next(h->pacer, now_us(h))))
        emit_held(h, n);
    while (pacer_next(h->hints, now_us(h)))
        append_hint(h);
    feed_finish(h);
    hub_arm(h, &h->pacer_timer, h->pacer, h->hints);
}

static void take_message(struct hub *h, const struct notice *n)
{
    struct hub_chat *chat = follow_chat(h, notice_chat_id(n));
    hub_next_frame(h);
    feed_each(h, n, chat);
    if (hub_passes(h, h->pacer, n))
        emit(h, n, chat);
}

/* A new chat, or something that an agent changed. The hint says the same for all, so a burst of them is one, and one more when
 * the interval is over. */
static void take_hint(struct hub *h, const struct notice *n)
{
    feed_hint(h, n);
    if (h->channels[CHANNEL_NESTED].count + h->channels[CHANNEL_FLAT].count > 0 && hub_hint_passes(h, h->hints))
        append_hint(h);
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
        } else if (notices[i].kind == NOTICE_COUNTS) {
            counts_changed = true;
        } else if (notices[i].kind == NOTICE_OWNER_CHANGED) {
            here_owner_changed(h, notice_role(&notices[i]));
        }
    }
    feed_finish(h);
    events_take(h, notices, count);
    hub_arm(h, &h->pacer_timer, h->pacer, h->hints);
    if (counts_changed) {
        append_counts(h);
        channel_mark(&h->channels[CHANNEL_COUNTS], now_us(h), 1);
    }
    for (unsigned i = 0; i < NOTICE_FORMATS && messages > 0; i++)
        channel_mark(&h->channels[i], now_us(h), messages);
}

static void on_overflow(void *self)
{
    struct hub *h = self;
    h->refetch_due = false; /* set again where memory is still short */
    append_hint(h);
    feed_hint_all(h);
    append_counts(h);
    events_look_all(h);
}

/* A client that comes back after the restart does not know that anything was held for it. */
static void on_stop(void *self)
{
    struct hub *h = self;
    const struct notice *n;
    h->stopping = true;
    feed_flush_all(h);
    while ((n = pacer_flush(h->pacer)))
        emit_held(h, n);
    while (pacer_flush(h->hints))
        append_hint(h);
    feed_finish(h);
}

static void publish_counters(struct hub *h)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct channel *ch = &h->channels[i];
        *(i == CHANNEL_EVENTS ? &h->signals_delivered : &h->delivered) += ch->delivered;
        *(i == CHANNEL_EVENTS ? &h->signals_dropped : &h->coalesced) += ch->dropped;
        ch->delivered = ch->dropped = 0;
    }
    if (h->delivered)
        metrics_add(M_NOTICE_DELIVERED, h->delivered);
    if (h->coalesced)
        metrics_add(M_NOTICE_COALESCED, h->coalesced);
    if (h->signals_delivered)
        metrics_add(M_SIGNAL_DELIVERED, h->signals_delivered);
    if (h->signals_dropped)
        metrics_add(M_SIGNAL_DROPPED, h->signals_dropped);
    h->delivered = h->coalesced = h->signals_delivered = h->signals_dropped = 0;
}

static enum ws_app_load on_turn(void *self)
{
    struct hub *h = self;
    if (h->refetch_due)
        on_overflow(h);
    relay_flush(ws_set_options(h->set)->relay);
    enum ws_app_load load = WS_APP_IDLE;
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct channel *ch = &h->channels[i];
        if (ch->behind == 0)
            continue;
        channel_run(ch, SENDS_PER_TURN);
        if (ch->queue.held_bytes > QUEUE_FULL_BYTES)
            load = WS_APP_FULL;
        else if (ch->behind > 0 && load == WS_APP_IDLE)
            load = WS_APP_BUSY;
    }
    if (watch_turn(h) && load == WS_APP_IDLE)
        load = WS_APP_BUSY;
    publish_counters(h);
    return load;
}

static void on_drained(void *self, struct ws_conn *c, unsigned missed)
{
    struct hub *h = self;
    const struct hub_sub *sub = hub_sub(c);
    if (missed & TOPIC_UPDATES && (sub->in.at[PLACE_UPDATES] || sub->follows))
        hub_send_hint(h, c);
    if (missed & TOPIC_EVENTS)
        events_drained(h, c);
    if (missed & TOPIC_COUNTS && sub->in.at[PLACE_COUNTS])
        hub_send_counts(h, c);
    if (missed & TOPIC_STATUS)
        watch_begin(h, c, WATCH_STATUS);
}

static void on_open(void *self, struct ws_conn *c)
{
    hub_say_hello(self, c);
    role_review(self, c, slice_of(NULL, 0)); /* an agent's token counts from here on */
}

static void on_close(void *self, struct ws_conn *c)
{
    hub_unsubscribe(self, c, HUB_CHAT_UPDATES);
    hub_unsubscribe(self, c, HUB_UNREAD_COUNTS);
    watch_leave(self, c);
    events_unsubscribe(self, c, slice_of(NULL, 0));
    signaller_free(c);
    if (hub_sub(c)->is_agent)
        here_agent_leaves(self, c);
}

static void destroy(void *self)
{
    struct hub *h = self;
    must(h->chats.count == 0 && h->of_all.count == 0);
    timer_stop(ws_set_timers(h->set), &h->pacer_timer);
    events_fini(h);
    watch_fini(h);
    here_fini(h);
    for (unsigned i = 0; i < CHANNELS; i++)
        channel_fini(&h->channels[i]);
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        buf_fini(&h->frames[i]);
    while (h->spare_count > 0)
        buf_fini(&h->spares[--h->spare_count]);
    map_fini(&h->chats);
    pacer_free(h->pacer);
    pacer_free(h->hints);
    arena_fini(&h->arena);
    buf_fini(&h->text);
    buf_fini(&h->signal);
    free(h->of_all.items);
    free(h);
}

static enum err create(void **self, struct ws_set *set, const void *arg)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (!h)
        return ERR_NOMEM;
    h->set = set;
    h->options = arg ? arg : &NO_OPTIONS;
    channel_init(&h->channels[CHANNEL_NESTED], PLACE_UPDATES, TOPIC_UPDATES);
    channel_init(&h->channels[CHANNEL_FLAT], PLACE_UPDATES, TOPIC_UPDATES);
    channel_init(&h->channels[CHANNEL_COUNTS], PLACE_COUNTS, TOPIC_COUNTS);
    events_init(h);
    here_init(h);
    watch_init(h);
    map_init(&h->chats);
    arena_init(&h->arena, 0); /* bounded by the message's length */
    h->pacer_timer.on_fire = on_pacer_due;
    h->hints = pacer_new(hub_hint_interval_us(h->options), 1);
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
    .on_message = hub_hear,
    .on_close = on_close,
    .on_drained = on_drained,
    .on_notices = on_notices,
    .on_signal = typing_hear,
    .on_overflow = on_overflow,
    .on_stop = on_stop,
    .on_turn = on_turn,
};
