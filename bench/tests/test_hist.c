#include "hist.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>

extern CU_TestInfo hist_tests[];

static void every_value_is_within_one_percent(void)
{
    for (int64_t v = 1; v < (INT64_C(1) << HIST_VALUE_BITS); v += 1 + v / 97) {
        size_t bucket = hist_bucket(v);
        CU_ASSERT_TRUE_FATAL(bucket < HIST_BUCKETS);
        double error = fabs((double)(hist_value(bucket) - v)) / (double)v;
        CU_ASSERT_TRUE_FATAL(error < 0.01);
    }
}

static void buckets_rise_with_values_and_cover_the_range(void)
{
    size_t last = 0;
    for (int64_t v = 0; v < 1 << 20; v++) {
        size_t bucket = hist_bucket(v);
        CU_ASSERT_TRUE_FATAL(bucket == last || bucket == last + 1);
        last = bucket;
    }
    CU_ASSERT_EQUAL(hist_bucket((INT64_C(1) << HIST_VALUE_BITS) - 1), HIST_BUCKETS - 1);
    CU_ASSERT_EQUAL(hist_bucket(INT64_MAX), HIST_BUCKETS - 1);
    CU_ASSERT_EQUAL(hist_bucket(-5), 0);
}

static void percentiles_of_a_known_set(void)
{
    struct hist *h = calloc(1, sizeof(*h));
    for (int64_t v = 1; v <= 10000; v++)
        hist_add(h, v * 1000);
    CU_ASSERT_EQUAL(h->count, 10000);
    CU_ASSERT_EQUAL(hist_percentile(h, 0), 1000);
    CU_ASSERT_EQUAL(hist_percentile(h, 100), 10000000);
    static const double percents[] = {1, 10, 50, 90, 99, 99.9};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double exact = percents[i] / 100 * 10000 * 1000;
        CU_ASSERT_DOUBLE_EQUAL((double)hist_percentile(h, percents[i]), exact, exact * 0.01);
    }
    CU_ASSERT_DOUBLE_EQUAL(hist_mean(h), 5000500, 1);
    free(h);
}

static void empty_and_single(void)
{
    struct hist *h = calloc(1, sizeof(*h));
    CU_ASSERT_EQUAL(hist_percentile(h, 50), 0);
    CU_ASSERT_EQUAL(hist_mean(h), 0);
    hist_add(h, 123456789);
    CU_ASSERT_EQUAL(hist_percentile(h, 0), 123456789);
    CU_ASSERT_EQUAL(hist_percentile(h, 50), 123456789);
    CU_ASSERT_EQUAL(hist_percentile(h, 100), 123456789);
    free(h);
}

static void merging_is_adding(void)
{
    struct hist *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b)), *both = calloc(1, sizeof(*both));
    for (int64_t v = 1; v < 5000; v++) {
        hist_add(v % 3 ? a : b, v * v);
        hist_add(both, v * v);
    }
    hist_merge(a, b);
    CU_ASSERT_EQUAL(memcmp(a, both, sizeof(*a)), 0);
    free(a);
    free(b);
    free(both);
}

CU_TestInfo hist_tests[] = {
    {"every value is within one percent", every_value_is_within_one_percent},
    {"buckets rise with values and cover the range", buckets_rise_with_values_and_cover_the_range},
    {"percentiles of a known set", percentiles_of_a_known_set},
    {"empty and single", empty_and_single},
    {"merging is adding", merging_is_adding},
    CU_TEST_INFO_NULL,
};
