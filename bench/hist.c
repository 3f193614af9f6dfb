#include "hist.h"

#include <math.h>

#define HIST_MAX_VALUE ((INT64_C(1) << HIST_VALUE_BITS) - 1)

size_t hist_bucket(int64_t value_ns)
{
    if (value_ns < (int64_t)HIST_STEPS)
        return value_ns < 0 ? 0 : (size_t)value_ns;
    if (value_ns > HIST_MAX_VALUE)
        value_ns = HIST_MAX_VALUE;
    unsigned top = 63u - (unsigned)__builtin_clzll((unsigned long long)value_ns);
    unsigned shift = top - HIST_STEP_BITS;
    return (size_t)(shift + 1) * HIST_STEPS + (size_t)(value_ns >> shift) - HIST_STEPS;
}

int64_t hist_value(size_t bucket)
{
    if (bucket < 2 * HIST_STEPS)
        return (int64_t)bucket;
    unsigned shift = (unsigned)(bucket / HIST_STEPS) - 1;
    int64_t low = (int64_t)(bucket % HIST_STEPS + HIST_STEPS) << shift;
    return low + (INT64_C(1) << shift) / 2;
}

void hist_add_n(struct hist *h, int64_t value_ns, uint64_t n)
{
    if (n == 0)
        return;
    if (value_ns < 0)
        value_ns = 0;
    if (h->count == 0 || value_ns < h->min)
        h->min = value_ns;
    if (value_ns > h->max)
        h->max = value_ns;
    h->count += n;
    h->sum += value_ns * (int64_t)n;
    h->buckets[hist_bucket(value_ns)] += n;
}

void hist_add(struct hist *h, int64_t value_ns)
{
    hist_add_n(h, value_ns, 1);
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    into->sum += from->sum;
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

int64_t hist_percentile(const struct hist *h, double percent)
{
    if (h->count == 0)
        return 0;
    if (percent <= 0)
        return h->min;
    uint64_t rank = (uint64_t)ceil(percent / 100.0 * (double)h->count);
    if (rank >= h->count)
        return h->max;
    uint64_t seen = 0;
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            int64_t value = hist_value(i);
            return value > h->max ? h->max : value < h->min ? h->min : value;
        }
    }
    return h->max;
}

double hist_mean(const struct hist *h)
{
    return h->count ? (double)h->sum / (double)h->count : 0;
}
