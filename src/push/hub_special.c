/* Subscribers that are not plain: followers of one chat, found through a map from the chat (so a widget's subscription
 * costs nothing to notices of other chats), and subscribers with an interval of their own, each with its own pacer. */
#include "base/clock.h"
#include "base/metrics.h"
#include "hub_internal.h"

#include <stdlib.h>

static void send_paced(struct hub_special *sp, const struct notice *n)
{
    hub_next_frame(sp->hub);
    hub_deliver(sp->hub, sp->conn, hub_frame(sp->hub, n, (enum notice_format)sp->format), TOPIC_UPDATES, 1);
    hub_next_frame(sp->hub);
}

static void arm(struct hub_special *sp)
{
    if (pacer_due_us(sp->pacer) != INT64_MAX)
        timer_start(ws_set_timers(sp->hub->set), &sp->timer, pacer_due_us(sp->pacer));
}

static void on_due(struct timer *t)
{
    struct hub_special *sp = (struct hub_special *)(void *)t;
    const struct notice *n;
    while ((n = pacer_next(sp->pacer, ws_set_loop(sp->hub->set)->now_us)))
        send_paced(sp, n);
    arm(sp);
}

void special_flush(struct ws_conn *c)
{
    struct hub_special *sp = hub_sub(c)->special;
    const struct notice *n;
    if (!sp || !sp->pacer)
        return;
    while ((n = pacer_flush(sp->pacer)))
        send_paced(sp, n);
}

struct hub_chat *special_chat(struct hub *h, struct slice chat_id)
{
    return h->chats.count > 0 ? map_get(&h->chats, chat_id) : NULL;
}

static struct hub_chat *chat_get(struct hub *h, struct slice chat_id)
{
    struct hub_chat *chat = special_chat(h, chat_id);
    if (chat)
        return chat;
    chat = calloc(1, sizeof(*chat));
    if (!chat)
        return NULL;
    must(chat_id.len <= sizeof(chat->id));
    memcpy(chat->id, chat_id.ptr, chat_id.len);
    chat->id_len = (uint8_t)chat_id.len;
    if (map_put(&h->chats, slice_of(chat->id, chat->id_len), chat) != OK) {
        free(chat);
        return NULL;
    }
    return chat;
}

static void chat_release(struct hub *h, struct hub_chat *chat)
{
    if (chat->count > 0)
        return;
    must(!chat->touched);
    map_remove(&h->chats, slice_of(chat->id, chat->id_len));
    free(chat->subs);
    free(chat);
}

static bool list_add(struct hub_special ***list, uint32_t *count, uint32_t *cap, struct hub_special *sp)
{
    if (*count == *cap) {
        uint32_t new_cap = *cap ? *cap * 2 : 1; /* most chats have one follower */
        struct hub_special **grown = realloc(*list, new_cap * sizeof(struct hub_special *));
        if (!grown)
            return false;
        *list = grown;
        *cap = new_cap;
    }
    sp->at = *count;
    (*list)[(*count)++] = sp;
    return true;
}

static void list_remove(struct hub_special **list, uint32_t *count, const struct hub_special *sp)
{
    must(list[sp->at] == sp);
    list[sp->at] = list[--*count];
    list[sp->at]->at = sp->at;
}

static bool enlist(struct hub *h, struct hub_special *sp, struct slice chat_id)
{
    if (chat_id.len == 0)
        return list_add(&h->paced, &h->paced_count, &h->paced_cap, sp);
    char room[NOTICE_CHAT_ID_MAX];
    sp->chat = chat_get(h, notice_key(chat_id, room));
    if (!sp->chat)
        return false;
    if (!list_add(&sp->chat->subs, &sp->chat->count, &sp->chat->cap, sp)) {
        chat_release(h, sp->chat);
        return false;
    }
    if (!sp->pacer)
        sp->chat->unpaced[sp->format]++;
    return true;
}

enum err special_add(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    struct hub_special *sp = calloc(1, sizeof(*sp));
    if (!sp)
        return ERR_NOMEM;
    sp->timer.on_fire = on_due;
    sp->hub = h;
    sp->conn = c;
    sp->format = (uint8_t)wish->format;
    sp->filtered = wish->filtered;
    if (wish->interval_us > 0)
        sp->pacer = pacer_new(wish->interval_us, wish->chat_id.len > 0 ? 1 : OWN_PACER_CHATS);
    if ((wish->interval_us > 0 && !sp->pacer) || !enlist(h, sp, wish->chat_id)) {
        pacer_free(sp->pacer);
        free(sp);
        return ERR_NOMEM;
    }
    hub_sub(c)->special = sp;
    return OK;
}

void special_remove(struct hub *h, struct ws_conn *c)
{
    struct hub_special *sp = hub_sub(c)->special;
    if (!sp)
        return;
    hub_sub(c)->special = NULL;
    timer_stop(ws_set_timers(h->set), &sp->timer);
    if (sp->chat) {
        if (!sp->pacer)
            sp->chat->unpaced[sp->format]--;
        list_remove(sp->chat->subs, &sp->chat->count, sp);
        chat_release(h, sp->chat);
    } else {
        list_remove(h->paced, &h->paced_count, sp);
    }
    pacer_free(sp->pacer);
    free(sp);
}

/* A filtered subscriber that may or may not see the chat is told to refetch, which shows it what it may. */
static bool passes_filter(struct hub_special *sp, const struct notice *n)
{
    const struct hub_options *o = sp->hub->options;
    if (!sp->filtered)
        return true;
    enum hub_sight sight =
        o->may_see ? o->may_see(o->may_arg, ws_conn_principal(sp->conn), notice_chat_id(n)) : HUB_HIDDEN;
    if (sight == HUB_UNSURE)
        hub_send_hint(sp->hub, sp->conn);
    return sight == HUB_VISIBLE;
}

static void offer(struct hub_special *sp, const struct notice *n)
{
    if (!passes_filter(sp, n))
        return;
    if (!sp->pacer || sp->hub->stopping) {
        hub_deliver(sp->hub, sp->conn, hub_frame(sp->hub, n, (enum notice_format)sp->format), TOPIC_UPDATES, 1);
        return;
    }
    switch (pacer_offer(sp->pacer, n, ws_set_loop(sp->hub->set)->now_us)) {
    case PACE_PASS:
        hub_deliver(sp->hub, sp->conn, hub_frame(sp->hub, n, (enum notice_format)sp->format), TOPIC_UPDATES, 1);
        break;
    case PACE_MERGED:
        sp->hub->coalesced++;
        break;
    case PACE_HELD:
        break;
    }
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
        if (sp->pacer)
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

void special_fini(struct hub *h)
{
    map_fini(&h->chats);
    while (h->spare_count > 0)
        buf_fini(&h->spares[--h->spare_count]);
}

void special_flush_all(struct hub *h)
{
    size_t pos = 0;
    struct hub_chat *chat;
    for (uint32_t i = 0; i < h->paced_count; i++)
        special_flush(h->paced[i]->conn);
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        for (uint32_t i = 0; i < chat->count; i++)
            special_flush(chat->subs[i]->conn);
}

void special_hint_all(struct hub *h)
{
    size_t pos = 0;
    struct hub_chat *chat;
    for (uint32_t i = 0; i < h->paced_count; i++)
        hub_send_hint(h, h->paced[i]->conn);
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        for (uint32_t i = 0; i < chat->count; i++)
            hub_send_hint(h, chat->subs[i]->conn);
}
