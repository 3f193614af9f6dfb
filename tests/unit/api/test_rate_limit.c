/* Buckets under a clock of the test's own. */
#include "api/rate_limit.h"

#include "base/map.h"
#include "suites.h"

#include <stdio.h>

#define S INT64_C(1000000)

static struct rate_limiter *limiter(int64_t send, int64_t create)
{
    int64_t rates[RATE_KINDS] = {[RATE_SEND] = send, [RATE_CREATE] = create};
    struct rate_limiter *l = rate_limiter_new(rates, 1024);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    return l;
}

static unsigned burst(struct rate_limiter *l, enum rate_kind kind, const char *client, int64_t now_us)
{
    unsigned taken = 0;
    int wait_s = 0;
    while (taken < 1000000 && rate_take(l, kind, slice_cstr(client), now_us, &wait_s))
        taken++;
    CU_ASSERT(wait_s >= 1);
    return taken;
}

static void test_burst_and_refill(void)
{
    struct rate_limiter *l = limiter(5, 0);
    int wait_s = 0;
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 100 * S), 50);
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 101 * S), 5);
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 101 * S + S / 5), 1);
    CU_ASSERT_FALSE(rate_take(l, RATE_SEND, SLICE_LIT("a"), 101 * S + S / 5 + S / 10, &wait_s));
    CU_ASSERT_EQUAL(wait_s, 1);
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 1000 * S), 50); /* never more than the burst */
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "b", 1000 * S), 50); /* another client */
    rate_limiter_free(l);
}

/* Over a long time exactly the rate, however the tries are spread. */
static void test_rate(void)
{
    struct rate_limiter *l = limiter(3, 0);
    unsigned taken = burst(l, RATE_SEND, "a", 0);
    CU_ASSERT_EQUAL(taken, 30);
    for (int64_t now = 0; now < 100 * S; now += 7777) {
        int wait_s;
        taken += rate_take(l, RATE_SEND, SLICE_LIT("a"), now, &wait_s);
    }
    CU_ASSERT(taken >= 30 + 298 && taken <= 30 + 300);
    rate_limiter_free(l);
}

static void test_kinds(void)
{
    struct rate_limiter *l = limiter(1, 2);
    int wait_s = 0;
    CU_ASSERT(rate_limits(l, RATE_SEND));
    CU_ASSERT(rate_limits(l, RATE_CREATE));
    CU_ASSERT_FALSE(rate_limits(l, RATE_CONNECT));
    CU_ASSERT_FALSE(rate_limits(NULL, RATE_SEND));
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", S), 10);
    CU_ASSERT_EQUAL(burst(l, RATE_CREATE, "a", S), 20);
    for (int i = 0; i < 1000; i++) /* no limit, and none without a limiter */
        CU_ASSERT(rate_take(l, RATE_CONNECT, SLICE_LIT("a"), S, &wait_s) &&
                  rate_take(NULL, RATE_SEND, SLICE_LIT("a"), S, &wait_s));
    rate_limiter_free(l);
}

static void test_wait_is_true(void)
{
    for (int64_t rate = 1; rate <= 1000; rate *= 10) {
        struct rate_limiter *l = limiter(rate, 0);
        int wait_s = 0, more = 0;
        (void)burst(l, RATE_SEND, "a", 5 * S);
        CU_ASSERT_FALSE(rate_take(l, RATE_SEND, SLICE_LIT("a"), 5 * S, &wait_s));
        CU_ASSERT(rate_take(l, RATE_SEND, SLICE_LIT("a"), 5 * S + wait_s * S, &more));
        rate_limiter_free(l);
    }
}

static void test_clock_goes_back(void)
{
    struct rate_limiter *l = limiter(2, 0);
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 1000 * S), 20);
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 1 * S), 0);
    CU_ASSERT_EQUAL(burst(l, RATE_SEND, "a", 1001 * S), 2);
    rate_limiter_free(l);
}

/* Far more clients than places: no more memory, and who keeps coming stays limited. */
static void test_bounded(void)
{
    struct rate_limiter *l = limiter(1, 0);
    int wait_s = 0;
    unsigned busy = burst(l, RATE_SEND, "busy", 0);
    for (int64_t i = 1; i <= 200000; i++) {
        char name[24];
        snprintf(name, sizeof(name), "c%lld", (long long)i);
        CU_ASSERT(rate_take(l, RATE_SEND, slice_cstr(name), i * 10, &wait_s)); /* strangers are new: let through */
        busy += rate_take(l, RATE_SEND, SLICE_LIT("busy"), i * 10, &wait_s);
    }
    CU_ASSERT(busy <= 10 + 3); /* 2 s have passed */
    CU_ASSERT(rate_limiter_bytes(1024) < 64 * 1024);
    rate_limiter_free(l);
}

const CU_TestInfo rate_limit_tests[] = {
    {"burst and refill", test_burst_and_refill},
    {"rate", test_rate},
    {"kinds", test_kinds},
    {"the wait is true", test_wait_is_true},
    {"clock goes back", test_clock_goes_back},
    {"bounded", test_bounded},
    CU_TEST_INFO_NULL,
};
