/* gate.h: how many may be inside at once: the bound of a queue that many threads fill and one empties.
 * Thread:  any. Relaxed order is enough: the gate only counts, the mailbox behind it publishes.
 * Full:    gate_enter() is false and nothing is taken. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    _Alignas(64) atomic_int_fast64_t inside; /* its own cache line: every producer writes it */
    int64_t max;
};

static inline void gate_init(struct gate *g, int64_t max)
{
    atomic_init(&g->inside, 0);
    g->max = max;
}

static inline bool gate_enter(struct gate *g)
{
    if (atomic_fetch_add_explicit(&g->inside, 1, memory_order_relaxed) < g->max)
        return true;
    atomic_fetch_sub_explicit(&g->inside, 1, memory_order_relaxed);
    return false;
}

static inline void gate_leave(struct gate *g, int64_t count)
{
    atomic_fetch_sub_explicit(&g->inside, count, memory_order_relaxed);
}

static inline int64_t gate_inside(const struct gate *g)
{
    return atomic_load_explicit(&g->inside, memory_order_relaxed);
}
