/* The registry as a whole: who watches, and whose grace is over. */
#include "presence_state.h"

#include <stdlib.h>

struct presence *presence_new(int64_t grace_us)
{
    struct presence *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->grace_us = grace_us;
    link_init(&p->leaving);
    link_init(&p->in_order);
    link_init(&p->closed);
    map_init(&p->chats);
    if (presence_agents_init(p) != OK) {
        presence_free(p);
        return NULL;
    }
    return p;
}

static void end_grace(struct presence *p, const struct presence_watcher *self, struct leaver *l)
{
    link_remove(&l->link);
    switch (l->kind) {
    case LEAVER_AGENT:
        agent_gone(p, self, link_owner(l, struct agent, leaver));
        break;
    case LEAVER_NAMELESS:
        nameless_gone(p, self, link_owner(l, struct nameless, leaver));
        break;
    case LEAVER_CHAT:
        chat_gone(p, self, link_owner(l, struct presence_chat, leaver));
        break;
    }
}

static struct leaver *first_leaver(struct presence *p)
{
    return link_empty(&p->leaving) ? NULL : link_owner(p->leaving.next, struct leaver, link);
}

int64_t presence_expire(struct presence *p, struct presence_watcher *w, int64_t now_us)
{
    struct leaver *l;
    presence_lock(p);
    while ((l = first_leaver(p)) && l->due_us <= now_us)
        end_grace(p, w, l);
    presence_chats_trim(p); /* where nobody listens */
    int64_t next_us = l ? l->due_us : INT64_MAX;
    presence_unlock(p);
    return next_us;
}

int64_t presence_grace_us(const struct presence *p)
{
    return p->grace_us;
}

void presence_watch(struct presence *p, struct presence_watcher *w)
{
    presence_lock(p);
    w->topics = 0;
    w->next = p->watchers;
    p->watchers = w;
    presence_unlock(p);
}

void presence_unwatch(struct presence *p, struct presence_watcher *w)
{
    presence_lock(p);
    struct presence_watcher **at = &p->watchers;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    presence_chats_trim(p);
    presence_unlock(p);
}

void presence_want(struct presence *p, struct presence_watcher *w, unsigned topics, uint64_t heard)
{
    presence_lock(p);
    w->topics = topics;
    w->heard = heard;
    presence_chats_trim(p);
    presence_unlock(p);
}

void presence_heard(struct presence *p, struct presence_watcher *w)
{
    presence_lock(p);
    atomic_store_explicit(&w->news, false, memory_order_relaxed);
    presence_unlock(p);
}

uint64_t presence_now(struct presence *p)
{
    presence_lock(p);
    uint64_t now = p->now;
    presence_unlock(p);
    return now;
}

void presence_free(struct presence *p)
{
    if (!p)
        return;
    must(!p->watchers);
    struct leaver *l;
    while ((l = first_leaver(p)))
        end_grace(p, NULL, l);
    presence_chats_trim(p);
    presence_agents_fini(p);
    must(p->chats.count == 0);
    map_fini(&p->chats);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
