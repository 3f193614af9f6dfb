#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS   5
#define RUN_NS 100000000

volatile uint64_t micro_sink;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Doubles the count until a run is long enough to be timed. */
static uint64_t enough(const struct micro *m)
{
    for (uint64_t n = 64;; n *= 2) {
        int64_t from = now_ns();
        m->run(n);
        if (now_ns() - from >= RUN_NS)
            return n;
    }
}

void micro_measure(const struct micro *m)
{
    double ns[RUNS];
    uint64_t n = enough(m);
    for (unsigned i = 0; i < RUNS; i++) {
        int64_t from = now_ns();
        m->run(n);
        ns[i] = (double)(now_ns() - from) / (double)n;
    }
    qsort(ns, RUNS, sizeof(ns[0]), by_value);
    printf("%-32s %10.1f ns  (%.1f – %.1f)\n", m->name, ns[RUNS / 2], ns[0], ns[RUNS - 1]);
    fflush(stdout);
}
