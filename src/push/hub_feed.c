/* What followers get of the notices. Those of all chats, and those of one chat that have an interval, are served notice
 * by notice (feed_each). A chat's other followers get its notices of one turn as one write (feed_gather, feed_finish).
 * What a filtered one may see is asked at each notice: a customer may have gone to another owner since it subscribed. A
 * follow whose right is gone ends in feed_finish(): until then its lists are being walked. */
#include "hub_state.h"

#include "base/clock.h"
#include "base/metrics.h"

static void on_due(struct timer *t);

static void arm(struct hub_follow *f)
{
    f->timer.on_fire = on_due;
    hub_arm(f->hub, &f->timer, f->pacer, f->hints);
}

/* A burst of hints is one, since each tells the same: at once, and once more when the interval is over. */
static void hint_paced(struct hub_follow *f)
{
    struct hub *h = f->hub;
    if (!f->hints)
        f->hints = pacer_new(hub_hint_interval_us(h->options), 1);
    if (hub_hint_passes(h, f->hints))
        hub_send_hint(h, f->conn);
    arm(f);
}

static void end_later(struct hub_follow *f)
{
    if (!f->chat || f->ended)
        return;
    f->ended = true;
    f->next_ended = f->hub->ended;
    f->hub->ended = f;
}

static void remove_ended(struct hub *h)
{
    while (h->ended) {
        struct hub_follow *f = h->ended;
        struct ws_conn *c = f->conn;
        char id[NOTICE_CHAT_ID_MAX];
        struct slice chat_id = slice_of(id, f->chat->id_len);
        memcpy(id, f->chat->id, chat_id.len);
        follow_remove(h, f);
        hub_say_done(h, c, "unsubscribed", HUB_CHAT_UPDATES, notice_id_is_hash(chat_id) ? NOTICE_ANY_CHAT : chat_id);
    }
}

static enum hub_sight sight_of(const struct hub_follow *f, struct slice chat_id)
{
    const struct hub_options *o = f->hub->options;
    if (!f->filtered)
        return HUB_VISIBLE;
    return o->may_see ? o->may_see(o->may_arg, ws_conn_principal(f->conn), chat_id) : HUB_HIDDEN;
}

/* A filtered subscriber that may or may not see the chat is told to refetch, which shows it what it may. */
static bool passes_filter(struct hub_follow *f, struct slice chat_id)
{
    enum hub_sight sight = sight_of(f, chat_id);
    if (sight == HUB_UNSURE)
        hint_paced(f);
    if (sight == HUB_HIDDEN)
        end_later(f);
    return sight == HUB_VISIBLE;
}

static void send_held(struct hub_follow *f, const struct notice *n)
{
    if (!passes_filter(f, notice_chat_id(n)))
        return;
    hub_next_frame(f->hub);
    hub_deliver(f->hub, f->conn, hub_frame(f->hub, n, (enum notice_format)f->format), TOPIC_UPDATES, 1);
    hub_next_frame(f->hub);
}

static void on_due(struct timer *t)
{
    struct hub_follow *f = (struct hub_follow *)(void *)t;
    struct hub *h = f->hub;
    const struct notice *n;
    while ((n = pacer_next(f->pacer, ws_set_loop(h->set)->now_us)))
        send_held(f, n);
    while (pacer_next(f->hints, ws_set_loop(h->set)->now_us))
        hub_send_hint(h, f->conn);
    arm(f);
    feed_finish(h);
}

void feed_flush(struct hub_follow *f)
{
    const struct notice *n;
    while ((n = pacer_flush(f->pacer)))
        send_held(f, n);
    while (pacer_flush(f->hints))
        hub_send_hint(f->hub, f->conn);
}

static void feed_one(struct hub_follow *f, const struct notice *n)
{
    struct hub *h = f->hub;
    if (!passes_filter(f, notice_chat_id(n)))
        return;
    if (hub_passes(h, f->pacer, n))
        hub_deliver(h, f->conn, hub_frame(h, n, (enum notice_format)f->format), TOPIC_UPDATES, 1);
    arm(f);
}

void feed_each(struct hub *h, const struct notice *n, const struct hub_chat *chat)
{
    for (uint32_t i = 0; i < h->of_all.count; i++)
        feed_one(h->of_all.items[i], n);
    for (uint32_t i = 0; chat && i < chat->follows.count; i++)
        if (chat->follows.items[i]->pacer)
            feed_one(chat->follows.items[i], n);
}

static enum hub_sight sight_of_customer(const struct hub_follow *f, struct slice customer_id)
{
    const struct hub_options *o = f->hub->options;
    if (!f->filtered)
        return HUB_VISIBLE;
    return o->may_see_customer ? o->may_see_customer(o->may_arg, ws_conn_principal(f->conn), customer_id) : HUB_HIDDEN;
}

void feed_hint(struct hub *h, const struct notice *n)
{
    bool of_customer = n->chat_id_len == 0;
    for (uint32_t i = 0; i < h->of_all.count; i++) {
        struct hub_follow *f = h->of_all.items[i];
        enum hub_sight sight = of_customer ? sight_of_customer(f, notice_role(n)) : sight_of(f, notice_chat_id(n));
        if (sight != HUB_HIDDEN)
            hint_paced(f);
    }
}

/* Between its notices a chat costs its struct only: what it gathers them in is lent for the turn. */
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

void feed_gather(struct hub *h, struct hub_chat *chat, const struct notice *n)
{
    for (unsigned i = 0; i < NOTICE_FORMATS; i++) {
        if (chat->unpaced[i] == 0)
            continue;
        if (chat->gathered[i].cap == 0 && h->spare_count > 0)
            chat->gathered[i] = h->spares[--h->spare_count];
        buf_append_slice(&chat->gathered[i], hub_frame(h, n, (enum notice_format)i));
    }
    chat->frames++;
    if (chat->in_gathered)
        return;
    chat->in_gathered = true;
    chat->next_gathered = h->gathered;
    h->gathered = chat;
}

static void send_chat(struct hub *h, struct hub_chat *chat)
{
    for (uint32_t i = 0; i < chat->follows.count; i++) {
        struct hub_follow *f = chat->follows.items[i];
        struct buf *frames = &chat->gathered[f->format];
        if (f->pacer || !passes_filter(f, slice_of(chat->id, chat->id_len)))
            continue;
        if (buf_ok(frames))
            hub_deliver(h, f->conn, buf_slice(frames), TOPIC_UPDATES, chat->frames);
        else
            h->refetch_due = true;
    }
    for (unsigned i = 0; i < NOTICE_FORMATS; i++)
        return_buffer(h, &chat->gathered[i]);
    chat->frames = 0;
    chat->in_gathered = false;
}

void feed_finish(struct hub *h)
{
    if (h->gathered) {
        while (h->gathered) {
            struct hub_chat *chat = h->gathered;
            h->gathered = chat->next_gathered;
            send_chat(h, chat);
        }
        int64_t took_us = clock_mono_us() - ws_set_loop(h->set)->now_us;
        metrics_observe(H_NOTIFIED_WRITTEN, took_us > 0 ? (uint64_t)took_us : 0);
    }
    remove_ended(h);
}

static void for_all(struct hub *h, void (*act)(struct hub_follow *f))
{
    size_t pos = 0;
    struct hub_chat *chat;
    for (uint32_t i = 0; i < h->of_all.count; i++)
        act(h->of_all.items[i]);
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        for (uint32_t i = 0; i < chat->follows.count; i++)
            act(chat->follows.items[i]);
}

void feed_flush_all(struct hub *h)
{
    for_all(h, feed_flush);
}

/* A connection that follows several chats is told once: for the first in its list. */
static void hint_once(struct hub_follow *f)
{
    if (hub_sub(f->conn)->follows == f)
        hub_send_hint(f->hub, f->conn);
}

void feed_hint_all(struct hub *h)
{
    for_all(h, hint_once);
}
