/* Who is subscribed to website_status and presence, and when they are told (hub_here.h: rounds). */
#include "hub_state.h"

#include "base/list.h"

#include <stdlib.h>

#define VISITS_PER_TURN 128

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
}

static unsigned visit(struct hub *h, struct ws_conn *c, enum hub_watched what)
{
    struct hub_watch *w = hub_sub(c)->watch;
    unsigned cost = 1;
    w->round[what] = h->here.round;
    if (what == WATCH_STATUS)
        audience_tell_status(h, c, w, false);
    else if (now_us(h) < w->more_us || ws_conn_waits(c))
        h->here.more = true; /* it has begun between two rounds, or does not read: by the next one then */
    else
        cost = audience_tell_presence(h, c, w);
    if (what == WATCH_PRESENCE && w->upto < h->here.heard)
        h->here.heard = w->upto;
    return cost;
}

static void want(struct hub *h, uint64_t heard)
{
    const struct watch_list *lists = h->here.lists;
    if (!h->here.registry)
        return;
    unsigned topics = (lists[WATCH_STATUS].count > 0 ? PRESENCE_STATUS : 0u) |
                      (lists[WATCH_PRESENCE].count > 0 ? PRESENCE_CHATS : 0u);
    presence_want(h->here.registry, &h->here.watcher, topics, heard);
}

static void end_round(struct hub *h)
{
    if (h->here.lists[WATCH_PRESENCE].count > 0)
        want(h, h->here.heard);
    here_look(h);
}

/* True: the round is not over. */
static bool go_on(struct hub *h)
{
    unsigned cost = 0, left = 0;
    for (unsigned i = 0; i < WATCHES; i++) {
        struct watch_list *l = &h->here.lists[i];
        while (l->left > 0 && cost < VISITS_PER_TURN) {
            struct ws_conn *c = l->subs[l->next++ % l->count];
            if (hub_sub(c)->watch->round[i] == h->here.round)
                continue;
            l->left--;
            cost += visit(h, c, (enum hub_watched)i);
        }
        left += l->left;
    }
    h->here.telling = left > 0;
    if (left > 0) /* the timer too: outside of watch_turn() nothing else keeps the thread from its sleep */
        timer_start(ws_set_timers(h->set), &h->here.tick, now_us(h));
    else
        end_round(h);
    return left > 0;
}

static bool begin_round(struct hub *h)
{
    struct hub_here *here = &h->here;
    here_tell_moved(h);
    presence_heard(here->registry, &here->watcher);
    here->round_us = now_us(h);
    here->round++;
    here->more = false;
    here->heard = UINT64_MAX;
    for (unsigned i = 0; i < WATCHES; i++) {
        here->lists[i].left = here->lists[i].count;
        here->lists[i].next = 0;
    }
    return go_on(h);
}

static void on_tick(struct timer *t)
{
    struct hub *h = (struct hub *)(void *)((char *)t - offsetof(struct hub, here.tick));
    (void)(h->here.telling ? go_on(h) : begin_round(h));
}

bool watch_turn(struct hub *h)
{
    struct timer *tick = &h->here.tick;
    here_look(h);
    if (!timer_running(tick) || tick->due_us > now_us(h))
        return false;
    timer_stop(ws_set_timers(h->set), tick);
    return h->here.telling ? go_on(h) : begin_round(h);
}

static struct hub_watch *watch_get(struct hub *h, struct ws_conn *c)
{
    struct hub_sub *sub = hub_sub(c);
    if (sub->watch)
        return sub->watch;
    struct hub_watch *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    audience_find(h, c, w);
    if (!w->audience) {
        free(w);
        return NULL;
    }
    w->begun_us = now_us(h) - ROUND_US;
    sub->watch = w;
    return w;
}

enum err watch_subscribe(struct hub *h, struct ws_conn *c, enum hub_watched what)
{
    struct watch_list *l = &h->here.lists[what];
    struct hub_watch *w = watch_get(h, c);
    if (!w)
        return ERR_NOMEM;
    if (w->at[what] > 0)
        return OK;
    if (!list_room(l->subs, l->count, l->cap, 16))
        return ERR_NOMEM;
    l->subs[l->count++] = c;
    w->at[what] = l->count;
    w->round[what] = h->here.round;
    if (l->count == 1) /* from here on it is kept what changes */
        want(h, what == WATCH_PRESENCE && h->here.registry ? presence_now(h->here.registry) : h->here.watcher.heard);
    return OK;
}

void watch_begin(struct hub *h, struct ws_conn *c, enum hub_watched what)
{
    struct hub_here *here = &h->here;
    struct hub_watch *w = hub_sub(c)->watch;
    if (!here->registry || !watch_has(w, what))
        return;
    if (what == WATCH_STATUS) {
        audience_tell_status(h, c, w, true);
        return;
    }
    w->upto = 0;
    w->upto_agents = PRESENCE_UNTOLD;
    w->more_us = w->begun_us + ROUND_US;
    if (now_us(h) < w->more_us) { /* a whole is long: asking for it again and again fills no memory */
        here->more = true;
    } else {
        w->begun_us = now_us(h);
        (void)audience_tell_presence(h, c, w);
    }
    if (w->upto < here->watcher.heard)
        want(h, w->upto);
    if (w->upto < here->heard)
        here->heard = w->upto;
    here_look(h);
}

void watch_unsubscribe(struct hub *h, struct ws_conn *c, enum hub_watched what)
{
    struct watch_list *l = &h->here.lists[what];
    struct hub_watch *w = hub_sub(c)->watch;
    if (!watch_has(w, what))
        return;
    if (w->round[what] != h->here.round)
        l->left--;
    struct ws_conn *moved = l->subs[--l->count];
    l->subs[w->at[what] - 1] = moved;
    hub_sub(moved)->watch->at[what] = w->at[what];
    w->at[what] = 0;
    if (l->count == 0)
        want(h, h->here.watcher.heard);
}

void watch_leave(struct hub *h, struct ws_conn *c)
{
    struct hub_watch *w = hub_sub(c)->watch;
    if (!w)
        return;
    watch_unsubscribe(h, c, WATCH_STATUS);
    watch_unsubscribe(h, c, WATCH_PRESENCE);
    w->audience->subscribers--;
    audience_release(h, w->audience);
    hub_sub(c)->watch = NULL;
    free(w);
}

void watch_init(struct hub *h)
{
    h->here.tick.on_fire = on_tick;
    map_init(&h->here.audiences);
}

void watch_fini(struct hub *h)
{
    struct hub_here *here = &h->here;
    must(here->audiences.count == 0);
    timer_stop(ws_set_timers(h->set), &here->tick);
    map_fini(&here->audiences);
    for (unsigned i = 0; i < WATCHES; i++)
        free(here->lists[i].subs);
    buf_fini(&here->page.bytes);
    buf_fini(&here->agents.bytes);
}
