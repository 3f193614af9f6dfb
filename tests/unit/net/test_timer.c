#include "net/timer.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

#define TICK 10000 /* 10 ms */

struct shot {
    struct timer timer;
    struct timer_wheel *wheel;
    unsigned fired;
    int64_t again_us; /* started again from its own callback */
    struct shot *stops;
};

static void on_fire(struct timer *t)
{
    struct shot *s = (struct shot *)(void *)t;
    s->fired++;
    if (s->stops)
        timer_stop(s->wheel, &s->stops->timer);
    if (s->again_us) {
        int64_t due_us = s->again_us;
        s->again_us = 0;
        timer_start(s->wheel, t, due_us);
    }
}

static struct timer_wheel *wheel_new(int64_t now_us)
{
    struct timer_wheel *w = malloc(sizeof(*w));
    CU_ASSERT_FATAL(w != NULL);
    timer_wheel_init(w, TICK, now_us);
    return w;
}

static void shot_start(struct timer_wheel *w, struct shot *s, int64_t due_us)
{
    s->wheel = w;
    s->timer.on_fire = on_fire;
    timer_start(w, &s->timer, due_us);
}

static void fires_once_and_never_early(void)
{
    const int64_t dues[] = {1,
                            TICK - 1,
                            TICK,
                            TICK + 1,
                            123 * TICK,
                            64 * TICK,
                            (TIMER_SLOTS - 1) * (int64_t)TICK,
                            TIMER_SLOTS * (int64_t)TICK,
                            (TIMER_SLOTS + 1) * (int64_t)TICK,
                            3 * TIMER_SLOTS * (int64_t)TICK + 77};
    const int64_t starts[] = {0, 5, 777 * TICK + 3, TIMER_SLOTS * (int64_t)TICK * 5 - 1};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        for (size_t j = 0; j < sizeof(dues) / sizeof(dues[0]); j++) {
            struct timer_wheel *w = wheel_new(starts[i]);
            struct shot s = {0};
            int64_t due_us = starts[i] + dues[j];
            shot_start(w, &s, due_us);
            int64_t now_us = starts[i];
            unsigned turns = 0;
            while (s.fired == 0 && turns++ < 100) { /* wait as long as the wheel says */
                int wait_ms = timer_wheel_next_ms(w, now_us);
                CU_ASSERT_FATAL(wait_ms >= 0);
                now_us += (int64_t)wait_ms * 1000;
                timer_wheel_run(w, now_us);
                CU_ASSERT(s.fired == 0 || now_us >= due_us);
            }
            CU_ASSERT_EQUAL(s.fired, 1);
            CU_ASSERT(now_us - due_us <= TICK + 1000);
            CU_ASSERT_FALSE(timer_running(&s.timer));
            CU_ASSERT_EQUAL(timer_wheel_next_ms(w, now_us), -1);
            CU_ASSERT_EQUAL(timer_wheel_run(w, now_us + 10 * TIMER_SLOTS * (int64_t)TICK), 0);
            free(w);
        }
}

static void restart_to_later_keeps_its_slot(void)
{
    struct timer_wheel *w = wheel_new(0);
    struct shot s = {0};
    shot_start(w, &s, 10 * TICK);
    int64_t filed = s.timer.filed_tick;
    for (int i = 0; i < 20; i++)
        timer_start(w, &s.timer, (20 + i) * TICK);
    CU_ASSERT_EQUAL(s.timer.filed_tick, filed);
    CU_ASSERT_EQUAL(w->count, 1);
    CU_ASSERT_EQUAL(timer_wheel_run(w, 38 * TICK), 0);
    CU_ASSERT_EQUAL(timer_wheel_run(w, 39 * TICK), 1);
    CU_ASSERT_EQUAL(s.fired, 1);
    free(w);
}

static void restart_to_earlier_fires_earlier(void)
{
    struct timer_wheel *w = wheel_new(0);
    struct shot s = {0};
    shot_start(w, &s, 1000 * TICK);
    timer_start(w, &s.timer, 3 * TICK);
    CU_ASSERT_EQUAL(timer_wheel_next_ms(w, 0), 30);
    CU_ASSERT_EQUAL(timer_wheel_run(w, 3 * TICK), 1);
    CU_ASSERT_EQUAL(timer_wheel_run(w, 2000 * TICK), 0);
    free(w);
}

static void callbacks_may_start_and_stop(void)
{
    struct timer_wheel *w = wheel_new(0);
    struct shot again = {.again_us = 5 * TICK}, first = {0}, second = {0};
    shot_start(w, &again, 2 * TICK);
    shot_start(w, &first, 2 * TICK);
    shot_start(w, &second, 2 * TICK);
    first.stops = &second;
    second.stops = &first; /* whichever comes first stops the other */
    timer_wheel_run(w, 2 * TICK);
    CU_ASSERT_EQUAL(again.fired, 1);
    CU_ASSERT_EQUAL(first.fired + second.fired, 1);
    CU_ASSERT_TRUE(timer_running(&again.timer));
    timer_wheel_run(w, 5 * TICK);
    CU_ASSERT_EQUAL(again.fired, 2);
    CU_ASSERT_EQUAL(w->count, 0);
    free(w);
}

static void sleeping_past_a_round_misses_none(void)
{
    struct timer_wheel *w = wheel_new(0);
    enum { N = 3 * TIMER_SLOTS };
    struct shot *shots = calloc(N, sizeof(*shots));
    CU_ASSERT_FATAL(shots != NULL);
    for (int i = 0; i < N; i++)
        shot_start(w, &shots[i], (int64_t)i * TICK);
    CU_ASSERT_EQUAL(timer_wheel_run(w, (int64_t)(2 * TIMER_SLOTS) * TICK), 2 * TIMER_SLOTS + 1);
    CU_ASSERT_EQUAL(timer_wheel_run(w, (int64_t)(4 * TIMER_SLOTS) * TICK), N - 2 * TIMER_SLOTS - 1);
    for (int i = 0; i < N; i++)
        CU_ASSERT_EQUAL(shots[i].fired, 1);
    free(shots);
    free(w);
}

/* Random starts, stops and restarts against a plain list of due times. */
static void agrees_with_a_plain_list(void)
{
    enum { N = 64 };
    struct timer_wheel *w = wheel_new(0);
    struct shot shots[N] = {0};
    int64_t due[N];
    unsigned expected[N] = {0};
    for (int i = 0; i < N; i++)
        due[i] = -1;
    srand(7);
    int64_t now_us = 0;
    for (int round = 0; round < 20000; round++) {
        int i = rand() % N;
        if (rand() % 4 == 0) {
            if (shots[i].timer.on_fire)
                timer_stop(w, &shots[i].timer);
            due[i] = -1;
        } else {
            due[i] = now_us + rand() % (rand() % 50 == 0 ? 2 * TIMER_SLOTS * TICK : 50 * TICK);
            shot_start(w, &shots[i], due[i]);
        }
        now_us += rand() % (4 * TICK);
        timer_wheel_run(w, now_us);
        for (int k = 0; k < N; k++) {
            if (due[k] >= 0 && !timer_running(&shots[k].timer)) { /* fired: it must have been due */
                CU_ASSERT(due[k] <= now_us);
                expected[k]++;
                due[k] = -1;
            }
            CU_ASSERT(due[k] < 0 || due[k] > now_us - 2 * TICK); /* still running: not overdue */
            CU_ASSERT_EQUAL(shots[k].fired, expected[k]);
        }
    }
    free(w);
}

const CU_TestInfo timer_tests[] = {{"fires once and never early", fires_once_and_never_early},
                                   {"restart to later keeps its slot", restart_to_later_keeps_its_slot},
                                   {"restart to earlier fires earlier", restart_to_earlier_fires_earlier},
                                   {"callbacks may start and stop", callbacks_may_start_and_stop},
                                   {"sleeping past a round misses none", sleeping_past_a_round_misses_none},
                                   {"agrees with a plain list", agrees_with_a_plain_list},
                                   CU_TEST_INFO_NULL};
