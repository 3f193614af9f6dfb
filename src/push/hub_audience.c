/* What subscribers of website_status and presence are told (hub_here.h: audiences).
 * website_status: the number of agents that the subscriber may count, where it is not what it was told last.
 * presence: chats in the order of their last change, from what it was told last on. Who begins, begins at 0, once a second at
 *           most. More than one frame takes comes by the next rounds. The agents, where they have changed. Who does not read
 *           is told by a later round, from where it was: what has changed meanwhile is merged, and nothing is skipped.
 * A crowd that begins within a second shares frames that are a little old: what they lack comes by the next round. */
#include "hub_state.h"

#include "presence_frame.h"

#include <stdlib.h>

#define PIECE_VISITS    32 /* what making a frame of presence costs, in visits… */
#define CHATS_PER_VISIT 32 /* …and with that many chats one more */
#define SECOND_US       INT64_C(1000000)
#define FRESH_PER_S     16              /* frames for those who begin, made anew with each change… */
#define SHARED_US       INT64_C(100000) /* …then only when the last one is older than this */

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
}

/* Whose agents the connection may count and whose chats it may see, as an audience's key. Empty: that is not known now. */
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
    } else if (!who->agent && o->owner_of && !o->owner_of(o->may_arg, who, room + 1, &len)) {
        return slice_of(NULL, 0);
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

void audience_release(struct hub *h, struct audience *a)
{
    if (!a || a->subscribers > 0)
        return;
    map_remove(&h->here.audiences, slice_of(a->key, a->key_len));
    for (unsigned i = 0; i < AUDIENCE_PIECES; i++)
        buf_fini(&a->pieces[i].frame);
    buf_fini(&a->status);
    free(a);
}

/* A customer may have gone to another owner since it subscribed. Who is known no more stays where it is; who is not known
 * yet begins with nobody's agents. */
void audience_find(struct hub *h, struct ws_conn *c, struct hub_watch *w)
{
    char room[1 + CUSTOMER_ID_MAX];
    struct slice key = key_of(h, c, room);
    struct audience *before = w->audience;
    if (before && (key.len == 0 || slice_eq(key, slice_of(before->key, before->key_len))))
        return;
    struct audience *a = audience_get(h, key.len > 0 ? key : SLICE_LIT("o"));
    if (!a)
        return;
    a->subscribers++;
    w->audience = a;
    if (before) {
        before->subscribers--;
        audience_release(h, before);
    }
}

void audience_tell_status(struct hub *h, struct ws_conn *c, struct hub_watch *w, bool always)
{
    audience_find(h, c, w);
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
    if (p->from_agents != PRESENCE_UNTOLD)
        return p->round == here->round;
    int64_t shared_us = p->more ? SECOND_US : here->begun > FRESH_PER_S ? SHARED_US : 0;
    return now_us(h) - p->made_us < shared_us || p->now == presence_now(here->registry);
}

/* The one for who has been told so much; what is in it may be for others still. */
static struct presence_piece *find_piece(struct audience *a, uint64_t from, uint64_t from_agents)
{
    if (from_agents == PRESENCE_UNTOLD)
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
unsigned audience_tell_presence(struct hub *h, struct ws_conn *c, struct hub_watch *w)
{
    struct hub_here *here = &h->here;
    unsigned cost = 1;
    audience_find(h, c, w);
    struct presence_piece *p = find_piece(w->audience, w->upto, w->upto_agents);
    if (p->from != w->upto || p->from_agents != w->upto_agents || !still_good(h, p)) {
        p->from = w->upto;
        p->from_agents = w->upto_agents;
        cost += PIECE_VISITS;
        if (p->from_agents == PRESENCE_UNTOLD)
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
