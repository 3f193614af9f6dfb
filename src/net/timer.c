#include "net/timer.h"

#include <stddef.h>

static unsigned slot_of(int64_t tick)
{
    return (unsigned)((uint64_t)tick & (TIMER_SLOTS - 1));
}

/* The first tick at which a timer due at due_us may fire: rounded up, so never early. */
static int64_t tick_of(const struct timer_wheel *w, int64_t due_us)
{
    int64_t tick = due_us / w->tick_us + (due_us % w->tick_us > 0);
    return tick > w->done_tick ? tick : w->done_tick + 1;
}

void timer_wheel_init(struct timer_wheel *w, int64_t tick_us, int64_t now_us)
{
    must(tick_us > 0 && now_us >= 0);
    *w = (struct timer_wheel){.tick_us = tick_us, .done_tick = now_us / tick_us};
}

static void link_first(struct timer **head, struct timer *t)
{
    t->next = *head;
    t->link = head;
    if (t->next)
        t->next->link = &t->next;
    *head = t;
}

static void unlink_timer(struct timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->next = NULL;
    t->link = NULL;
}

static void file(struct timer_wheel *w, struct timer *t)
{
    t->filed_tick = tick_of(w, t->due_us);
    unsigned slot = slot_of(t->filed_tick);
    link_first(&w->slots[slot], t);
    w->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

void timer_start(struct timer_wheel *w, struct timer *t, int64_t due_us)
{
    must(t->on_fire != NULL);
    t->due_us = due_us;
    if (t->link) {
        if (tick_of(w, due_us) >= t->filed_tick)
            return; /* later: filed again when its slot comes up */
        unlink_timer(t);
    } else {
        w->count++;
    }
    file(w, t);
}

void timer_stop(struct timer_wheel *w, struct timer *t)
{
    if (!t->link)
        return;
    unlink_timer(t);
    w->count--;
}

/* The first slot after `from` that may hold timers, as a distance 1..TIMER_SLOTS; 0: none. */
static unsigned next_used(struct timer_wheel *w, unsigned from)
{
    for (unsigned step = 1; step <= TIMER_SLOTS;) {
        unsigned slot = (from + step) & (TIMER_SLOTS - 1);
        uint64_t bits = w->used[slot / 64] >> (slot % 64);
        if (bits == 0) {
            step += 64 - slot % 64;
            continue;
        }
        unsigned skip = (unsigned)__builtin_ctzll(bits);
        slot += skip; /* within the same word, so it cannot wrap */
        step += skip;
        if (step > TIMER_SLOTS)
            break;
        if (w->slots[slot])
            return step;
        w->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    }
    return 0;
}

int timer_wheel_next_ms(struct timer_wheel *w, int64_t now_us)
{
    if (w->count == 0)
        return -1;
    unsigned step = next_used(w, slot_of(w->done_tick));
    must(step > 0);
    int64_t wait_us = (w->done_tick + step) * w->tick_us - now_us;
    return wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000);
}

/* Timers of one slot: due ones fire, the others go where they belong by now. The slot's list is moved to the stack
 * first: callbacks may start timers in this very slot, and those belong to a later round. */
static unsigned run_slot(struct timer_wheel *w, unsigned slot, int64_t tick)
{
    struct timer *batch = w->slots[slot];
    w->slots[slot] = NULL;
    w->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    if (batch)
        batch->link = &batch;
    unsigned fired = 0;
    while (batch) {
        struct timer *t = batch;
        unlink_timer(t);
        if (t->filed_tick > tick || t->due_us > tick * w->tick_us) {
            file(w, t);
            continue;
        }
        w->count--;
        fired++;
        t->on_fire(t);
    }
    return fired;
}

unsigned timer_wheel_run(struct timer_wheel *w, int64_t now_us)
{
    int64_t now_tick = now_us / w->tick_us;
    unsigned fired = 0;
    int64_t first = w->done_tick + 1;
    /* Asleep for more than a round: each slot once is enough, all of them are due for a look. */
    if (now_tick - first >= TIMER_SLOTS)
        first = now_tick - TIMER_SLOTS + 1;
    while (first <= now_tick) {
        unsigned step = w->count > 0 ? next_used(w, slot_of(first - 1)) : 0;
        if (step == 0 || first - 1 + step > now_tick)
            break;
        first += step; /* the tick after the slot found */
        w->done_tick = first - 1;
        fired += run_slot(w, slot_of(w->done_tick), now_tick);
    }
    if (now_tick > w->done_tick)
        w->done_tick = now_tick;
    return fired;
}
