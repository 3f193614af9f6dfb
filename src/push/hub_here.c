/* Who is there on this broadcaster's connections, as far as the registry is told. Who leaves has its grace from the registry;
 * the hub that it left looks when the grace is over, so that no timer runs where nobody is leaving. */
#include "hub_state.h"

#define GRACE_STEPS 32 /* looks at who has left, in one grace, at most */

static int64_t now_us(const struct hub *h)
{
    return ws_set_loop(h->set)->now_us;
}

void here_look(struct hub *h)
{
    struct hub_here *here = &h->here;
    if (!here->registry || timer_running(&here->tick) ||
        !(here->more || atomic_load_explicit(&here->watcher.news, memory_order_relaxed)))
        return;
    int64_t due_us = here->round_us + ROUND_US;
    timer_start(ws_set_timers(h->set), &here->tick, due_us > now_us(h) ? due_us : now_us(h));
}

static void on_grace(struct timer *t)
{
    struct hub *h = (struct hub *)(void *)((char *)t - offsetof(struct hub, here.grace));
    struct presence *registry = h->here.registry;
    int64_t next_us = presence_expire(registry, &h->here.watcher, now_us(h));
    int64_t soonest_us = now_us(h) + presence_grace_us(registry) / GRACE_STEPS;
    if (next_us != INT64_MAX)
        timer_start(ws_set_timers(h->set), t, next_us > soonest_us ? next_us : soonest_us);
    here_look(h);
}

static void expect_grace(struct hub *h)
{
    if (!timer_running(&h->here.grace))
        timer_start(ws_set_timers(h->set), &h->here.grace, now_us(h) + presence_grace_us(h->here.registry));
}

void here_agent_comes(struct hub *h, struct ws_conn *c)
{
    hub_sub(c)->is_agent = presence_agent_come(h->here.registry, &h->here.watcher, ws_conn_principal(c)) == OK;
}

void here_agent_leaves(struct hub *h, struct ws_conn *c)
{
    hub_sub(c)->is_agent = false;
    presence_agent_leave(h->here.registry, &h->here.watcher, ws_conn_principal(c), now_us(h));
    expect_grace(h);
}

void here_widget_comes(struct hub *h, struct hub_chat *chat, struct slice chat_id)
{
    chat->widgets++;
    if (!chat->open && chat_id.len > 0)
        chat->open = presence_chat_come(h->here.registry, &h->here.watcher, chat_id);
}

void here_widget_leaves(struct hub *h, struct hub_chat *chat)
{
    if (--chat->widgets > 0 || !chat->open)
        return;
    presence_chat_leave(h->here.registry, &h->here.watcher, chat->open, now_us(h));
    chat->open = NULL;
    expect_grace(h);
}

/* Only a token says whose a connection is. All of a chat's widgets are its customer's. */
static bool is_open_by_moved(const struct hub_here *here, const struct hub_chat *chat)
{
    const struct ws_principal *who = NULL;
    for (uint32_t i = 0; i < chat->follows.count && !who; i++)
        who = chat->follows.items[i]->is_widget ? ws_conn_principal(chat->follows.items[i]->conn) : NULL;
    for (uint32_t i = 0; i < chat->events.count && !who; i++)
        who = chat->events.items[i]->is_widget ? ws_conn_principal(chat->events.items[i]->conn) : NULL;
    uint64_t bit = who ? hash_bytes(who->id.ptr, who->id.len) % MOVED_BITS : 0;
    return who && here->moved[bit / 64] >> bit % 64 & 1;
}

/* Looked for by the next round, for all that come until then: a look at every chat is too much for each. */
void here_owner_changed(struct hub *h, struct slice customer_id)
{
    uint64_t bit = hash_bytes(customer_id.ptr, customer_id.len) % MOVED_BITS;
    if (!h->here.registry || !h->options->may_see) /* without tokens there are no owners */
        return;
    h->here.moved[bit / 64] |= UINT64_C(1) << bit % 64;
    h->here.any_moved = h->here.more = true;
    here_look(h);
}

void here_tell_moved(struct hub *h)
{
    size_t pos = 0;
    struct hub_chat *chat;
    if (!h->here.any_moved)
        return;
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        if (chat->open && is_open_by_moved(&h->here, chat))
            presence_chat_again(h->here.registry, &h->here.watcher, chat->open);
    memset(h->here.moved, 0, sizeof(h->here.moved));
    h->here.any_moved = false;
}

void here_init(struct hub *h)
{
    struct hub_here *here = &h->here;
    here->registry = h->options->presence;
    here->grace.on_fire = on_grace;
    here->round_us = now_us(h) - ROUND_US;
    if (!here->registry)
        return;
    const struct ws_options *o = ws_set_options(h->set);
    here->watcher = (struct presence_watcher){.wake = o->wake, .arg = o->wake_arg};
    presence_watch(here->registry, &here->watcher);
}

void here_fini(struct hub *h)
{
    timer_stop(ws_set_timers(h->set), &h->here.grace);
    if (h->here.registry)
        presence_unwatch(h->here.registry, &h->here.watcher);
}
