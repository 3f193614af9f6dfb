#include "base/clock.h"

#include "suites.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static struct slice format(int64_t wall_us)
{
    static _Thread_local char text[TIME_TEXT_LEN];
    time_format(wall_us, text);
    return slice_of(text, TIME_TEXT_LEN);
}

static void test_format(void)
{
    static const struct {
        int64_t wall_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {INT64_C(1795557360588000), "2026-11-24T21:56:00.588000Z"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
        {INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z"},
        {INT64_C(-62167219200000001), "0000-01-01T00:00:00.000000Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000000Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
        {INT64_C(253402300800000000), "9999-12-31T23:59:59.999999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice text = format(cases[i].wall_us);
        CU_ASSERT(slice_eq(text, slice_cstr(cases[i].text)));
        if (!slice_eq(text, slice_cstr(cases[i].text)))
            fprintf(stderr, "%s, not %.*s\n", cases[i].text, SLICE_ARG(text));
    }
}

/* Against the C library, over all years, with steps that meet every time of day and day of year. */
static void test_format_as_gmtime(void)
{
    for (int64_t second = INT64_C(-62167219200); second < INT64_C(253402300800); second += 86399 * 37 + 11) {
        time_t when = (time_t)second;
        struct tm tm;
        char want[64], http[64], date[HTTP_DATE_LEN];
        gmtime_r(&when, &tm);
        size_t n = strftime(want, sizeof(want), "-%m-%dT%H:%M:%S.000123Z", &tm);
        char full[96];
        snprintf(full, sizeof(full), "%04d%s", tm.tm_year + 1900, want);
        CU_ASSERT_FATAL(n > 0 && slice_eq(format(second * 1000000 + 123), slice_cstr(full)));
        int64_t back;
        CU_ASSERT_FATAL(time_parse(slice_cstr(full), &back));
        CU_ASSERT_EQUAL_FATAL(back, second * 1000000 + 123);
        strftime(http, sizeof(http), "%a, %d %b ", &tm);
        snprintf(full, sizeof(full), "%s%04d %02d:%02d:%02d GMT", http, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                 tm.tm_sec);
        http_date_format(second * 1000000, date);
        CU_ASSERT_FATAL(slice_eq(slice_of(date, sizeof(date)), slice_cstr(full)));
    }
}

static void test_format_within_one_second(void)
{
    /* The cache keeps the second: the microseconds of a later call must be its own. */
    CU_ASSERT(slice_eq(format(5000001), SLICE_LIT("1970-01-01T00:00:05.000001Z")));
    CU_ASSERT(slice_eq(format(5999999), SLICE_LIT("1970-01-01T00:00:05.999999Z")));
    CU_ASSERT(slice_eq(format(6000000), SLICE_LIT("1970-01-01T00:00:06.000000Z")));
    CU_ASSERT(slice_eq(format(5000000), SLICE_LIT("1970-01-01T00:00:05.000000Z")));
}

static void test_parse_good(void)
{
    static const struct {
        const char *text;
        int64_t wall_us;
    } cases[] = {
        {"2026-11-24T21:56:00.588000Z", INT64_C(1795557360588000)},
        {"2026-11-24T21:56:00.588Z", INT64_C(1795557360588000)},
        {"2026-11-24 21:56:00.588", INT64_C(1795557360588000)},
        {"2026-11-24T21:56:00", INT64_C(1795557360000000)},
        {"2026-11-24t21:56:00z", INT64_C(1795557360000000)},
        {"2026-11-24T22:56:00+01:00", INT64_C(1795557360000000)},
        {"2026-11-24T16:26:00-05:30", INT64_C(1795557360000000)},
        {"2026-11-25T00:26:00.5+02:30", INT64_C(1795557360500000)},
        {"2026-11-24T21:56:00.123456789Z", INT64_C(1795557360123456)},
        {"2026-11-24T21:56:00.1Z", INT64_C(1795557360100000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
        {"2026-11-24", INT64_C(1795478400000000)},
        {"2026-11-24T22:56:00+0100", INT64_C(1795557360000000)},
        {"2026-11-24T21:56:00-00:00", INT64_C(1795557360000000)},
        {"Tue, 24 Nov 2026 21:56:00 GMT", INT64_C(1795557360000000)},
        {"24 Nov 2026 21:56:00 UTC", INT64_C(1795557360000000)},
        {"Tue, 24 Nov 2026 22:56:00 +0100", INT64_C(1795557360000000)},
        {"Sun, 1 Feb 2026 00:00:00 GMT", INT64_C(1769904000000000)},
        {"Tue, 24 Nov 2026 21:56:00", INT64_C(1795557360000000)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t wall_us = 4711;
        CU_ASSERT(time_parse(slice_cstr(cases[i].text), &wall_us));
        CU_ASSERT_EQUAL(wall_us, cases[i].wall_us);
    }
}

static void test_parse_bad(void)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-2",
        "2026-11-24T",
        "2026-11-24Z",
        "Tue, 24 Nov 2026",
        "Tue, 24 Nov 2026 21:56:00 CET",
        "Tue, 24 nov 2026 21:56:00 GMT",
        "Tue, 31 Nov 2026 21:56:00 GMT",
        "Tue, 0 Nov 2026 21:56:00 GMT",
        "Tue, 24 Nov 2026 21:56:00 GMTx",
        "Tue, 24 Nov 26 21:56:00 GMT",
        "Tue,",
        "11/24/2026, 9:56:00 PM",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01X00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00 Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "+2026-01-01T00:00:00Z",
        "2026-1-1T00:00:00Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T-1:00:00Z",
        "2026-01-01T00:00:00.1.2Z",
        "26-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t wall_us = 4711;
        CU_ASSERT_FALSE(time_parse(slice_cstr(bad[i]), &wall_us));
        CU_ASSERT_EQUAL(wall_us, 4711);
    }
    CU_ASSERT_FALSE(time_parse(slice_of("2026-01-01\0"
                                        "00:00:00Z",
                                        20),
                               &(int64_t){0}));
}

/* A prefix is good only where the time, the zone or the fraction may be missing. */
static void test_parse_cut_at_every_point(void)
{
    struct slice whole = SLICE_LIT("2026-11-24T21:56:00.588+01:00");
    for (size_t cut = 0; cut < whole.len; cut++) {
        bool may_end = cut == 10 || cut == 19 || (cut >= 21 && cut <= 23);
        int64_t wall_us;
        CU_ASSERT_EQUAL(time_parse(slice_of(whole.ptr, cut), &wall_us), may_end);
    }
}

static void *format_other_times(void *arg)
{
    for (int64_t i = 0; i < 2000; i++)
        (void)format(i * 1000000);
    return arg;
}

static void test_cache_is_per_thread(void)
{
    pthread_t other;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, format_other_times, NULL), 0);
    for (int i = 0; i < 2000; i++)
        CU_ASSERT_FATAL(slice_eq(format(INT64_C(1795557360588000)), SLICE_LIT("2026-11-24T21:56:00.588000Z")));
    pthread_join(other, NULL);
}

static void test_clocks(void)
{
    int64_t before = clock_mono_us();
    CU_ASSERT(clock_mono_us() >= before);
    CU_ASSERT(clock_wall_us() > INT64_C(1700000000000000));
    int64_t earliest = (int64_t)time(NULL);
    int64_t wall_s = clock_wall_us() / 1000000;
    /* time() takes the last tick's second, which may lag. */
    CU_ASSERT(wall_s >= earliest && wall_s <= (int64_t)time(NULL) + 1);
}

const CU_TestInfo clock_tests[] = {
    {"format", test_format},
    {"format and parse as the C library over all years", test_format_as_gmtime},
    {"format within one second", test_format_within_one_second},
    {"parse: good", test_parse_good},
    {"parse: bad", test_parse_bad},
    {"parse: cut at every point", test_parse_cut_at_every_point},
    {"the cached second is the thread's own", test_cache_is_per_thread},
    {"clocks", test_clocks},
    CU_TEST_INFO_NULL,
};
