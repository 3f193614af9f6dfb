/* Who hears that something has changed, and whose grace has begun. A watcher that has news and has not looked yet is not woken again: however many come
 * while it waits, it costs one wake-up. */
#include "presence_state.h"

#define WAKE_MAX 256 /* as many broadcasters as there can be */

void presence_lock(struct presence *p)
{
    pthread_mutex_lock(&p->lock);
}

uint64_t presence_tell(struct presence *p, const struct presence_watcher *self, unsigned topics)
{
    for (struct presence_watcher *w = p->watchers; w; w = w->next) {
        if (!(w->topics & topics) || atomic_load_explicit(&w->news, memory_order_relaxed))
            continue;
        atomic_store_explicit(&w->news, true, memory_order_relaxed);
        w->to_wake = w->wake && w != self;
        p->waking |= w->to_wake;
    }
    return ++p->now;
}

void presence_unlock(struct presence *p)
{
    void (*wake[WAKE_MAX])(void *arg);
    void *args[WAKE_MAX];
    unsigned count = 0;
    for (struct presence_watcher *w = p->waking ? p->watchers : NULL; w; w = w->next) {
        if (!w->to_wake)
            continue;
        must(count < WAKE_MAX);
        w->to_wake = false;
        wake[count] = w->wake;
        args[count++] = w->arg;
    }
    p->waking = false;
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < count; i++) /* a watcher may be gone by now, but not what it wakes */
        wake[i](args[i]);
}

void leaver_begin(struct presence *p, struct leaver *l, int64_t now_us)
{
    l->due_us = now_us + p->grace_us;
    link_append(&p->leaving, &l->link);
}
