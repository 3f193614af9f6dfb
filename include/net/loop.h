/* loop.h: a thin layer over epoll: one loop per thread, sources embedded in their owners' objects. Knows no HTTP.
 * Thread:  the owner only (the thread that first adds a source or turns it); loop_turns() and loop_busy_us() from any
 *          (a watchdog).
 * Owns:    the epoll descriptor and its event array; never a source or a source's descriptor.
 * Events:  a source is registered once, edge-triggered, for reading and writing: no epoll_ctl per request. So a
 *          callback reads (or accepts) until EAGAIN, or remembers that there is more (loop_rouse); a writer tries first
 *          and waits for the EPOLLOUT edge only after EAGAIN.
 * Removal: a callback may remove and free its own source or any other: events of the current turn that still wait for a
 *          removed source are dropped.
 * Blocks:  loop_run_once() in epoll_wait only.
 * Fails:   loop_add() ERR_IO (errno kept) when the kernel refuses. */
#pragma once
#include "base/err.h"
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_EVENTS_MAX 256

struct loop_source {
    int fd;
    void (*on_events)(struct loop_source *source, uint32_t events);
};

struct loop {
    int epoll_fd;
    int64_t now_us;  /* CLOCK_MONOTONIC, read once per turn, right after the wait */
    int64_t wall_us; /* CLOCK_REALTIME, the same moment */
    unsigned next;   /* events[next..count) of this turn are still to be given out */
    unsigned count;
    struct epoll_event *events;
    atomic_uint_fast64_t turns;     /* owner writes, anyone reads: relaxed, a counter only */
    atomic_int_fast64_t awake_us;   /* when the last wait ended */
    atomic_int_fast64_t waiting_us; /* when the present wait began; 0 inside a turn */
    bool owned;                     /* by the thread below, since the first call that needs one */
    thread_mark owner;
};

NODISCARD enum err loop_init(struct loop *l);
void loop_fini(struct loop *l); /* accepts a zeroed loop */
/* EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET. The source must stay where it is until removed. */
NODISCARD enum err loop_add(struct loop *l, struct loop_source *s);
void loop_remove(struct loop *l, struct loop_source *s); /* the descriptor stays open: it moves to another thread */
void loop_close(struct loop *l, struct loop_source *s);  /* removes and closes the descriptor; s->fd becomes -1 */
/* s is called in the next turn too, though nothing has happened to it: it stopped before it was done, so that others have
 * their turn. Where its descriptor is neither readable nor writable: as soon as it is. */
void loop_rouse(struct loop *l, struct loop_source *s);
/* Waits up to timeout_ms (-1: no limit, 0: only looks), then calls the sources that have events, at most
 * LOOP_EVENTS_MAX of them. Returns how many it called. */
unsigned loop_run_once(struct loop *l, int timeout_ms);
/* Its two halves: the wait and the clock, then the calls. Apart for tests, which set the time in between. */
void loop_wait(struct loop *l, int timeout_ms);
unsigned loop_give_out(struct loop *l);
void loop_update_time(struct loop *l); /* within a long turn */

static inline uint64_t loop_turns(const struct loop *l)
{
    return atomic_load_explicit(&l->turns, memory_order_relaxed);
}

/* How long the loop has been inside one turn at mono_us; 0 while it waits for events. Any thread. */
int64_t loop_busy_us(const struct loop *l, int64_t mono_us);
