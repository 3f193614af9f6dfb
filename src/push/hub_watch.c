/* What subscribers of website_status and presence are told, and when (hub_here.h: rounds, audiences).
 * website_status: the number of agents that the subscriber may count, where it is not what it was told last.
 * presence: chats in the order of their last change, from what it was told last on. Who begins, begins at 0, once a second at
 *           most. More than one frame takes comes by the next rounds. The agents, where they have changed. Who does not read
 *           is told by a later round, from where it was: what has changed meanwhile is merged, and nothing is skipped.
 * A crowd that begins within a second shares frames that are a little old: what they lack comes by the next round. */
#include "hub_state.h"

#include "base/list.h"
#include "presence_frame.h"

#include <stdlib.h>

#define VISITS_PER_TURN 128
#define PIECE_VISITS    32 /* what making a frame of presence costs, in visits… */
#define CHATS_PER_VISIT 32 /* …and with that many chats one more */
#define SECOND_US       INT64_C(1000000)
#define FRESH_PER_S     16              /* frames for those who begin, made anew with each change… */
#define SHARED_US       INT64_C(100000) /* …then only when the last one is older than this */
#define UNTOLD          UINT64_MAX

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
}

/* ---- audiences ---- */

/* Whose agents the connection may count and whose chats it may see, as an audience's key. */
static struct slice key_of(const struct hub *h, struct ws_conn *c, char room[static 1 + CUSTOMER_ID_MAX])
{
    const struct hub_options *o = h->options;
    const struct ws_principal *who = ws_conn_principal(c);
    size_t len = 0;
    if (!who || (who->agent && who->id.len == 0))
        return SLICE_LIT("a");
    room[0] = 'o';
    if (who->agent && who->id.len <= CUSTOMER_ID_MAX) {
        len = who->id.len;
        memcpy(room + 1, who->id.ptr, len);
    } else if (!who->agent && o->owner_of) {
        len = o->owner_of(o->may_arg, who, room + 1);
    }
    return slice_of(room, 1 + len);
}

static struct audience *audience_get(struct hub *h, struct slice key)
{
    struct audience *a = map_get(&h->here.audiences, key);
    if (a)
        return a;
    a = calloc(1, sizeof(*a) + key.len);
    if (!a)
        return NULL;
    memcpy(a->key, key.ptr, key.len);
    a->key_len = key.len;
    a->view = (struct presence_view){.all = key.ptr[0] == 'a', .owner = slice_of(a->key + 1, key.len - 1)};
    if (map_put(&h->here.audiences, slice_of(a->key, a->key_len), a) != OK) {
        free(a);
        return NULL;
    }
    return a;
}

static void audience_release(struct hub *h, struct audience *a)
{
    if (!a || a->subscribers > 0)
        return;
    map_remove(&h->here.audiences, slice_of(a->key, a->key_len));
    for (unsigned i = 0; i < AUDIENCE_PIECES; i++)
        buf_fini(&a->pieces[i].frame);
    buf_fini(&a->status);
    free(a);
}

/* A customer may have gone to another owner since it subscribed. Without memory it stays where it is. */
static void find_audience(struct hub *h, struct ws_conn *c, struct hub_watch *w)
{
    char room[1 + CUSTOMER_ID_MAX];
    struct slice key = key_of(h, c, room);
    struct audience *before = w->audience;
    if (before && slice_eq(key, slice_of(before->key, before->key_len)))
        return;
    struct audience *a = audience_get(h, key);
    if (!a)
        return;
    a->subscribers++;
    w->audience = a;
    if (before) {
        before->subscribers--;
        audience_release(h, before);
    }
}

/* ---- frames ---- */

static void tell_status(struct hub *h, struct ws_conn *c, struct hub_watch *w, bool always)
{
    find_audience(h, c, w);
    struct audience *a = w->audience;
    if (always || a->round != h->here.round) {
        a->round = h->here.round;
        a->agents = presence_count(h->here.registry, &a->view);
        buf_clear(&a->status);
        frame_status(&a->status, a->agents, ws_set_loop(h->set)->wall_us);
    }
    if (always || w->agents != a->agents)
        hub_deliver(h, c, hub_whole(h, &a->status), TOPIC_STATUS, 1);
    w->agents = a->agents;
}

static bool may_see(struct hub *h, const struct audience *a, const struct ws_principal *who, struct slice chat_id)
{
    const struct hub_options *o = h->options;
    return a->view.all || (o->may_see && o->may_see(o->may_arg, who, chat_id) == HUB_VISIBLE);
}

/* False: no memory, and *p is of no use. */
static bool make_piece(struct hub *h, const struct audience *a, const struct ws_principal *who,
                       struct presence_piece *p)
{
    struct hub_here *here = &h->here;
    struct slice chat_id;
    bool open, agents;
    size_t at = 0;
    unsigned told = 0;
    p->round = here->round;
    p->now = presence_now(here->registry);
    presence_chats(here->registry, p->from, &here->page);
    p->upto = here->page.upto;
    p->more = here->page.more;
    p->upto_agents = presence_agents_version(here->registry, &a->view);
    agents = p->upto_agents != p->from_agents;
    if (agents) {
        presence_agents(here->registry, &a->view, &here->agents);
        p->upto_agents = here->agents.upto;
    }
    buf_clear(&p->frame);
    size_t start = frame_presence_begin(&p->frame);
    while (buf_ok(&here->page.bytes) && presence_read_chat(&here->page, &at, &chat_id, &open))
        if (may_see(h, a, who, chat_id)) {
            frame_presence_chat(&p->frame, chat_id, open);
            told++;
        }
    frame_presence_end(&p->frame, start, agents ? &here->agents : NULL, ws_set_loop(h->set)->wall_us);
    bool made = buf_ok(&p->frame) && buf_ok(&here->page.bytes) && (!agents || buf_ok(&here->agents.bytes));
    p->made_us = made ? now_us(h) : 0;
    if (told == 0 && !agents)
        buf_clear(&p->frame);
    return made;
}

/* What p tells is true, or what has changed since is still to be told to whoever gets it. */
static bool still_good(struct hub *h, const struct presence_piece *p)
{
    const struct hub_here *here = &h->here;
    if (p->made_us == 0 || p->now < here->watcher.heard)
        return false;
    if (p->from_agents != UNTOLD)
        return p->round == here->round;
    int64_t shared_us = p->more ? SECOND_US : here->begun > FRESH_PER_S ? SHARED_US : 0;
    return now_us(h) - p->made_us < shared_us || p->now == presence_now(here->registry);
}

/* The one for who has been told so much; what is in it may be for others still. */
static struct presence_piece *find_piece(struct audience *a, uint64_t from, uint64_t from_agents)
{
    if (from_agents == UNTOLD)
        return &a->pieces[0];
    for (unsigned i = 1; i < AUDIENCE_PIECES; i++)
        if (a->pieces[i].from == from && a->pieces[i].from_agents == from_agents)
            return &a->pieces[i];
    return &a->pieces[1 + a->next_piece++ % (AUDIENCE_PIECES - 1)];
}

/* A frame for those who begin is made. */
static void count_begun(struct hub_here *here, int64_t now)
{
    if (now - here->busy_us >= SECOND_US) {
        here->busy_us = now;
        here->begun = 0;
    }
    here->begun++;
}

/* Returns what it cost, in visits. */
static unsigned tell_presence(struct hub *h, struct ws_conn *c, struct hub_watch *w)
{
    struct hub_here *here = &h->here;
    unsigned cost = 1;
    find_audience(h, c, w);
    struct presence_piece *p = find_piece(w->audience, w->upto, w->upto_agents);
    if (p->from != w->upto || p->from_agents != w->upto_agents || !still_good(h, p)) {
        p->from = w->upto;
        p->from_agents = w->upto_agents;
        cost += PIECE_VISITS;
        if (p->from_agents == UNTOLD)
            count_begun(here, now_us(h));
        if (!make_piece(h, w->audience, ws_conn_principal(c), p)) {
            here->more = true; /* it is tried again in the next round */
            return cost;
        }
    }
    if (p->frame.len > 0 && !hub_deliver(h, c, buf_slice(&p->frame), TOPIC_PRESENCE, 1)) {
        here->more = true;
        return cost;
    }
    w->upto = p->upto;
    w->upto_agents = p->upto_agents;
    w->more_us = p->more ? now_us(h) + ROUND_US : 0;
    here->more |= p->more;
    return cost;
}

/* ---- rounds ---- */

static unsigned visit(struct hub *h, struct ws_conn *c, enum hub_watched what)
{
    struct hub_watch *w = hub_sub(c)->watch;
    unsigned cost = 1;
    w->round[what] = h->here.round;
    if (what == WATCH_STATUS)
        tell_status(h, c, w, false);
    else if (now_us(h) < w->more_us || ws_conn_waits(c))
        h->here.more = true; /* it has begun between two rounds, or does not read: by the next one then */
    else
        cost = tell_presence(h, c, w);
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
    if (left > 0)
        timer_start(ws_set_timers(h->set), &h->here.tick,
                    now_us(h)); /* it may be called out of watch_turn(): no sleep */
    else
        end_round(h);
    return left > 0;
}

static bool begin_round(struct hub *h)
{
    struct hub_here *here = &h->here;
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

/* ---- subscribers ---- */

static struct hub_watch *watch_get(struct hub *h, struct ws_conn *c)
{
    struct hub_sub *sub = hub_sub(c);
    if (sub->watch)
        return sub->watch;
    struct hub_watch *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    find_audience(h, c, w);
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
        tell_status(h, c, w, true);
        return;
    }
    w->upto = 0;
    w->upto_agents = UNTOLD;
    w->more_us = w->begun_us + ROUND_US;
    if (now_us(h) < w->more_us) { /* a whole is long: asking for it again and again fills no memory */
        here->more = true;
    } else {
        w->begun_us = now_us(h);
        (void)tell_presence(h, c, w);
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
