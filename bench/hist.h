/* hist.h: log-linear histogram of nanoseconds in the manner of HdrHistogram: 128 steps to each power of two, so that
 * a value read back is off by less than 0.4 %.
 * Thread:  one writer; merged after the writers have ended.
 * Owns:    nothing beyond itself; all zero is an empty histogram.
 * Range:   0 to 2^40 - 1 ns (18 minutes); what lies outside is counted at the nearest end. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HIST_STEP_BITS  7
#define HIST_STEPS      (1u << HIST_STEP_BITS)
#define HIST_VALUE_BITS 40
#define HIST_BUCKETS    ((HIST_VALUE_BITS - HIST_STEP_BITS + 1) * HIST_STEPS)

struct hist {
    uint64_t count;
    int64_t sum, min, max;
    uint64_t buckets[HIST_BUCKETS];
};

size_t hist_bucket(int64_t value_ns);
int64_t hist_value(size_t bucket); /* the middle of a bucket */
void hist_add(struct hist *h, int64_t value_ns);
void hist_add_n(struct hist *h, int64_t value_ns, uint64_t n);
void hist_merge(struct hist *into, const struct hist *from);
/* The smallest value that at least `percent` of the values do not exceed; exact at 0 and 100, 0 when empty. */
int64_t hist_percentile(const struct hist *h, double percent);
double hist_mean(const struct hist *h);
