/* micro.c: what one step of a message's way costs, each alone: JSON in, render, request parse, reply head, frame
 * encode, ring, mailbox. Prints nanoseconds per operation: the median of five runs of at least 100 ms.
 *   bench_micro [NAME…]    only those whose name contains one of the words */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS   5
#define RUN_NS 100000000

volatile uint64_t micro_sink;

int64_t micro_now_ns(void)
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
        int64_t from = micro_now_ns();
        m->run(n);
        if (micro_now_ns() - from >= RUN_NS)
            return n;
    }
}

static void measure(const struct micro *m)
{
    double ns[RUNS];
    uint64_t n = enough(m);
    for (unsigned i = 0; i < RUNS; i++) {
        int64_t from = micro_now_ns();
        m->run(n);
        ns[i] = (double)(micro_now_ns() - from) / (double)n;
    }
    qsort(ns, RUNS, sizeof(ns[0]), by_value);
    printf("%-32s %10.1f ns  (%.1f – %.1f)\n", m->name, ns[RUNS / 2], ns[0], ns[RUNS - 1]);
    fflush(stdout);
}

static bool wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return true;
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    const struct micro *const lists[] = {micro_text, micro_handoff};
    unsigned ran = 0;
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        for (const struct micro *m = lists[l]; m->name; m++) {
            if (!wanted(m->name, argc, argv))
                continue;
            measure(m);
            ran++;
        }
    }
    return ran ? 0 : 2;
}
