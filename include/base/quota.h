/* quota.h: bytes that many owners may hold together: what is under way for clients, whoever they are.
 * Thread:  any. Relaxed order: the quota only counts, what it counts is published otherwise.
 * Full:    quota_take() is false and nothing is counted. A quota without a bound (NULL) is never full. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quota {
    _Alignas(64) atomic_int_fast64_t used;
    int64_t max; /* set before threads start */
};

static inline void quota_init(struct quota *q, int64_t max)
{
    atomic_init(&q->used, 0);
    q->max = max;
}

static inline bool quota_take(struct quota *q, size_t bytes)
{
    if (!q || atomic_fetch_add_explicit(&q->used, (int64_t)bytes, memory_order_relaxed) + (int64_t)bytes <= q->max)
        return true;
    atomic_fetch_sub_explicit(&q->used, (int64_t)bytes, memory_order_relaxed);
    return false;
}

/* Past the bound too: for what is held already and must be counted. */
static inline void quota_force(struct quota *q, size_t bytes)
{
    if (q)
        atomic_fetch_add_explicit(&q->used, (int64_t)bytes, memory_order_relaxed);
}

static inline void quota_give(struct quota *q, size_t bytes)
{
    if (q)
        atomic_fetch_sub_explicit(&q->used, (int64_t)bytes, memory_order_relaxed);
}

static inline int64_t quota_used(const struct quota *q)
{
    return q ? atomic_load_explicit(&q->used, memory_order_relaxed) : 0;
}
