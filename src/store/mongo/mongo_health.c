#include "mongo_health.h"

#include <stdio.h>

void mongo_health_init(struct mongo_health *h)
{
    *h = (struct mongo_health){.detail = "not connected yet"};
    pthread_mutex_init(&h->lock, NULL);
}

void mongo_health_fini(struct mongo_health *h)
{
    pthread_mutex_destroy(&h->lock);
}

void mongo_health_get(struct mongo_health *h, struct store_health *out)
{
    bool reachable = atomic_load_explicit(&h->reachable, memory_order_relaxed);
    *out = (struct store_health){.ok = reachable && !atomic_load_explicit(&h->failing, memory_order_relaxed),
                                 .kind = "mongodb"};
    if (!out->ok) {
        const char *reason = atomic_load_explicit(&h->reason, memory_order_relaxed);
        out->reason = reason || reachable ? reason : REASON_AWAY;
    }
    if (out->ok || pthread_mutex_trylock(&h->lock) != 0)
        return;
    memcpy(out->detail, h->detail, sizeof(out->detail));
    pthread_mutex_unlock(&h->lock);
}

void mongo_health_say(struct mongo_health *h, const char *reason, const char *text)
{
    atomic_store_explicit(&h->reason, reason, memory_order_relaxed);
    pthread_mutex_lock(&h->lock);
    snprintf(h->detail, sizeof(h->detail), "%.*s", (int)sizeof(h->detail) - 1, text);
    pthread_mutex_unlock(&h->lock);
}

bool mongo_health_hopeless(const struct mongo_health *h)
{
    const char *reason = atomic_load_explicit(&h->reason, memory_order_relaxed);
    return reason && strcmp(reason, REASON_AUTHENTICATION) == 0;
}

void mongo_health_worked(struct mongo_health *h)
{
    if (atomic_load_explicit(&h->failing, memory_order_relaxed))
        atomic_store_explicit(&h->failing, false, memory_order_relaxed);
}
