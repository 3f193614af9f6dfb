/* What followers of single chats, and those with an interval or a filter of their own, get of the notices. What a filtered
 * one may see is asked at each notice: a customer may have gone to another owner since it subscribed. */
#include "base/clock.h"
#include "base/metrics.h"
#include "hub_internal.h"

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
}

static void arm(struct hub_special *sp)
{
    int64_t due_us = sp->pacer ? pacer_due_us(sp->pacer) : INT64_MAX;
    if (sp->hints && pacer_due_us(sp->hints) < due_us)
        due_us = pacer_due_us(sp->hints);
    if (due_us != INT64_MAX)
        timer_start(ws_set_timers(sp->hub->set), &sp->timer, due_us);
}

/* Once for a burst, since what it tells is the same: at once, and again when the interval is over if there was more. */
static void hint_paced(struct hub_special *sp)
{
    struct hub *h = sp->hub;
    struct notice n;
    if (!sp->hints)
        sp->hints = pacer_new(hub_hint_interval_us(h), 1);
    (void)notice_hint(&n, NOTICE_ANY_CHAT, 0, 0);
    enum pace pace = sp->hints && !h->stopping ? pacer_offer(sp->hints, &n, now_us(h)) : PACE_PASS;
    h->coalesced += pace == PACE_MERGED;
    if (pace == PACE_PASS)
        hub_send_hint(h, sp->conn);
    arm(sp);
}

/* The right of a single chat is over: the subscription ends when nobody walks the lists any more. */
static void end_later(struct hub_special *sp)
{
    if (!sp->chat || sp->ended)
        return;
    sp->ended = true;
    sp->next_ended = sp->hub->ended;
    sp->hub->ended = sp;
}

void special_end(struct hub *h)
{
    while (h->ended) {
        struct hub_special *sp = h->ended;
        struct ws_conn *c = sp->conn;
        char id[NOTICE_CHAT_ID_MAX];
        struct slice chat_id = slice_of(id, sp->chat->id_len);
        memcpy(id, sp->chat->id, chat_id.len);
        special_remove(h, sp);
        hub_say_ended(h, c, chat_id);
    }
}

static enum hub_sight sight_of(const struct hub_special *sp, struct slice chat_id)
{
    const struct hub_options *o = sp->hub->options;
    if (!sp->filtered)
        return HUB_VISIBLE;
    return o->may_see ? o->may_see(o->may_arg, ws_conn_principal(sp->conn), chat_id) : HUB_HIDDEN;
}

/* A filtered subscriber that may or may not see the chat is told to refetch, which shows it what it may. */
static bool passes_filter(struct hub_special *sp, struct slice chat_id)
{
    enum hub_sight sight = sight_of(sp, chat_id);
    if (sight == HUB_UNSURE)
        hint_paced(sp);
    if (sight == HUB_HIDDEN)
        end_later(sp);
    return sight == HUB_VISIBLE;
}

static void send_held(struct hub_special *sp, const struct notice *n)
{
    if (!passes_filter(sp, notice_chat_id(n)))
        return;
    hub_next_frame(sp->hub);
    hub_deliver(sp->hub, sp->conn, hub_frame(sp->hub, n, (enum notice_format)sp->format), TOPIC_UPDATES, 1);
    hub_next_frame(sp->hub);
}

void special_on_due(struct timer *t)
{
    struct hub_special *sp = (struct hub_special *)(void *)t;
    struct hub *h = sp->hub;
    const struct notice *n;
    while (sp->pacer && (n = pacer_next(sp->pacer, now_us(h))))
        send_held(sp, n);
    while (sp->hints && pacer_next(sp->hints, now_us(h)))
        hub_send_hint(h, sp->conn);
    arm(sp);
    special_end(h);
}

void special_flush(struct hub_special *sp)
{
    const struct notice *n;
    while (sp->pacer && (n = pacer_flush(sp->pacer)))
        send_held(sp, n);
    while (sp->hints && pacer_flush(sp->hints))
        hub_send_hint(sp->hub, sp->conn);
}

static void offer(struct hub_special *sp, const struct notice *n)
{
    if (!passes_filter(sp, notice_chat_id(n)))
        return;
    enum pace pace = sp->pacer && !sp->hub->stopping ? pacer_offer(sp->pacer, n, now_us(sp->hub)) : PACE_PASS;
    sp->hub->coalesced += pace == PACE_MERGED;
    if (pace == PACE_PASS)
        hub_deliver(sp->hub, sp->conn, hub_frame(sp->hub, n, (enum notice_format)sp->format), TOPIC_UPDATES, 1);
    arm(sp);
}

void special_offer(struct hub *h, const struct notice *n, const struct hub_chat *chat)
{
    for (uint32_t i = 0; i < h->paced_count; i++)
        offer(h->paced[i], n);
    for (uint32_t i = 0; chat && i < chat->count; i++)
        if (chat->subs[i]->pacer)
            offer(chat->subs[i], n);
}

void special_hint(struct hub *h, const struct notice *n)
{
    for (uint32_t i = 0; i < h->paced_count; i++)
        if (sight_of(h->paced[i], notice_chat_id(n)) != HUB_HIDDEN)
            hint_paced(h->paced[i]);
}

/* Between its notices a chat costs its struct only: what it gathers them in is lent for the turn. */
static void lend_buffer(struct hub *h, struct buf *to)
{
    if (to->cap == 0 && h->spare_count > 0)
        *to = h->spares[--h->spare_count];
}

static void return_buffer(struct hub *h, struct buf *b)
{
    if (b->cap > 0 && b->cap <= GATHER_SPARE_MAX && h->spare_count < GATHER_SPARES) {
        buf_clear(b);
        h->spares[h->spare_count++] = *b;
        *b = (struct buf){0};
    } else {
        buf_fini(b);
    }
}

void special_gather(struct hub *h, struct hub_chat *chat, const struct notice *n)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++) {
        if (chat->unpaced[i] == 0)
            continue;
        lend_buffer(h, &chat->gathered[i]);
        buf_append_slice(&chat->gathered[i], hub_frame(h, n, (enum notice_format)i));
    }
    chat->frames++;
    if (chat->touched)
        return;
    chat->touched = true;
    chat->next_touched = h->touched;
    h->touched = chat;
}

static void send_chat(struct hub *h, struct hub_chat *chat)
{
    for (uint32_t i = 0; i < chat->count; i++) {
        struct hub_special *sp = chat->subs[i];
        struct buf *frames = &chat->gathered[sp->format];
        if (sp->pacer || !passes_filter(sp, slice_of(chat->id, chat->id_len)))
            continue;
        if (buf_ok(frames))
            hub_deliver(h, sp->conn, buf_slice(frames), TOPIC_UPDATES, chat->frames);
        else
            h->refetch_due = true;
    }
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        return_buffer(h, &chat->gathered[i]);
    chat->frames = 0;
    chat->touched = false;
}

void special_send_gathered(struct hub *h, int64_t taken_us)
{
    if (!h->touched)
        return;
    while (h->touched) {
        struct hub_chat *chat = h->touched;
        h->touched = chat->next_touched;
        send_chat(h, chat);
    }
    int64_t took_us = clock_mono_us() - taken_us;
    metrics_observe(H_NOTIFIED_WRITTEN, took_us > 0 ? (uint64_t)took_us : 0);
}

/* A connection that follows several chats is told once. */
static void hint_once(struct hub *h, const struct hub_special *sp)
{
    if (hub_sub(sp->conn)->special == sp)
        hub_send_hint(h, sp->conn);
}

void special_flush_all(struct hub *h)
{
    size_t pos = 0;
    struct hub_chat *chat;
    for (uint32_t i = 0; i < h->paced_count; i++)
        special_flush(h->paced[i]);
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        for (uint32_t i = 0; i < chat->count; i++)
            special_flush(chat->subs[i]);
}

void special_hint_all(struct hub *h)
{
    size_t pos = 0;
    struct hub_chat *chat;
    for (uint32_t i = 0; i < h->paced_count; i++)
        hub_send_hint(h, h->paced[i]->conn);
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        for (uint32_t i = 0; i < chat->count; i++)
            hint_once(h, chat->subs[i]);
}
