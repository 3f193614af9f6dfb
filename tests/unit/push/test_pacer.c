#include "push/pacer.h"
#include "suites.h"

#define MS INT64_C(1000)

static struct notice notice_of(const char *chat, int64_t wall_us)
{
    struct notice n;
    CU_ASSERT_FATAL(notice_message(&n, slice_cstr(chat), SLICE_LIT("user"), wall_us, 0));
    return n;
}

static enum pace offer(struct pacer *p, const char *chat, int64_t wall_us, int64_t now_us)
{
    struct notice n = notice_of(chat, wall_us);
    return pacer_admit(p, &n, now_us);
}

static void leading_at_once_then_the_latest(void)
{
    struct pacer *p = pacer_new(100 * MS, 10);
    CU_ASSERT_EQUAL(pacer_due_us(p), INT64_MAX);
    CU_ASSERT_EQUAL(offer(p, "a", 1, 0), PACE_PASS);
    CU_ASSERT_EQUAL(pacer_due_us(p), 100 * MS);
    CU_ASSERT_EQUAL(offer(p, "a", 2, 10 * MS), PACE_HELD);
    CU_ASSERT_EQUAL(offer(p, "a", 3, 20 * MS), PACE_MERGED);
    CU_ASSERT_EQUAL(offer(p, "b", 4, 30 * MS), PACE_PASS); /* each chat by itself */
    CU_ASSERT_PTR_NULL(pacer_next(p, 99 * MS));
    const struct notice *n = pacer_next(p, 100 * MS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(n);
    CU_ASSERT_EQUAL(n->wall_us, 3);
    CU_ASSERT_PTR_NULL(pacer_next(p, 100 * MS));
    /* What came out began an interval of its own. */
    CU_ASSERT_EQUAL(offer(p, "a", 5, 150 * MS), PACE_HELD);
    CU_ASSERT_PTR_NULL(pacer_next(p, 199 * MS));
    n = pacer_next(p, 200 * MS);
    CU_ASSERT(n && n->wall_us == 5);
    CU_ASSERT_PTR_NULL(pacer_next(p, 300 * MS)); /* quiet for an interval: forgotten */
    CU_ASSERT_EQUAL(pacer_due_us(p), INT64_MAX);
    CU_ASSERT_EQUAL(offer(p, "a", 6, 301 * MS), PACE_PASS);
    pacer_free(p);
}

static void past_its_room_all_pass(void)
{
    struct pacer *p = pacer_new(100 * MS, 1);
    CU_ASSERT_EQUAL(offer(p, "a", 1, 0), PACE_PASS);
    CU_ASSERT_EQUAL(offer(p, "b", 2, 0), PACE_PASS);
    CU_ASSERT_EQUAL(offer(p, "b", 3, 0), PACE_PASS);
    CU_ASSERT_EQUAL(offer(p, "a", 4, 0), PACE_HELD);
    pacer_free(p);
}

static void flush_gives_what_is_held(void)
{
    struct pacer *p = pacer_new(100 * MS, 10);
    (void)offer(p, "a", 1, 0);
    (void)offer(p, "b", 2, 0);
    (void)offer(p, "c", 3, 0);
    (void)offer(p, "b", 4, 1);
    (void)offer(p, "c", 5, 2);
    const struct notice *n = pacer_flush(p);
    CU_ASSERT(n && n->wall_us == 4);
    n = pacer_flush(p);
    CU_ASSERT(n && n->wall_us == 5);
    CU_ASSERT_PTR_NULL(pacer_flush(p));
    CU_ASSERT_EQUAL(offer(p, "b", 6, 3), PACE_PASS);
    pacer_free(p);
    pacer_free(NULL);
}

const CU_TestInfo pacer_tests[] = {{"leading at once, then the latest", leading_at_once_then_the_latest},
                                   {"past its room all pass", past_its_room_all_pass},
                                   {"flush gives what is held", flush_gives_what_is_held},
                                   CU_TEST_INFO_NULL};
