/* timer.h: hashed timer wheel with intrusive timers: start, stop and restart in O(1), no allocation.
 * Thread:  the owner only.
 * Owns:    nothing but its slots: a timer is embedded in its owner's object, zeroed before its first use, and stopped
 *          before the object goes away.
 * Accuracy: a timer fires in the first run at or after its time, rounded up to the tick; never early.
 * Restart: to a later time only stores that time (the timer stays filed where it is and is filed again when that slot
 *          comes up); so an idle deadline pushed out by each request costs one store.
 * Callbacks may start, restart or stop any timer, and free the object of their own. */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_SLOTS 4096 /* power of two; a time further away than SLOTS × tick is looked at once per round */

struct timer {
    struct timer *next;
    struct timer **link; /* what points to this timer; NULL: not running */
    int64_t due_us;
    int64_t filed_tick; /* the slot that it is filed under */
    void (*on_fire)(struct timer *t);
};

struct timer_wheel {
    int64_t tick_us;
    int64_t done_tick; /* every slot up to here has been run */
    size_t count;      /* timers running */
    struct timer *slots[TIMER_SLOTS];
    uint64_t used[TIMER_SLOTS / 64]; /* bit per slot that may hold timers; cleared lazily */
};

void timer_wheel_init(struct timer_wheel *w, int64_t tick_us, int64_t now_us);
/* Fires on_fire(t) at due_us (same clock as now_us); a running timer is moved. on_fire must be set. */
void timer_start(struct timer_wheel *w, struct timer *t, int64_t due_us);
void timer_stop(struct timer_wheel *w, struct timer *t); /* nothing when it does not run */

static inline bool timer_running(const struct timer *t)
{
    return t->link != NULL;
}

/* For epoll_wait: milliseconds until the wheel wants to be run, rounded up; -1 when no timer runs. May be earlier than
 * the next timer (a slot whose timers were restarted to later), never later. */
int timer_wheel_next_ms(struct timer_wheel *w, int64_t now_us);
unsigned timer_wheel_run(struct timer_wheel *w, int64_t now_us); /* how many fired */
