/* The budget grows with every option that bounds something, and never wraps (docs/architecture.md, invariant 10). */
#include "app/budget.h"

#include "suites.h"

static struct config small(void)
{
    return (struct config){.max_connections = 1000,
                           .workers = 2,
                           .store.readers = 2,
                           .broadcasters = 1,
                           .queue = 1024,
                           .batch = 64,
                           .buffer_mb = 64,
                           .cache_mb = 64,
                           .ws_backlog = 65536,
                           .ws_max_message = 4096};
}

static int64_t total(const struct config *c)
{
    struct budget b;
    int64_t sum = 0;
    budget_compute(c, &b);
    for (unsigned i = 0; i < b.count; i++) {
        CU_ASSERT(b.rows[i].bytes > 0);
        CU_ASSERT_PTR_NOT_NULL(b.rows[i].what);
        CU_ASSERT_PTR_NOT_NULL(b.rows[i].from);
        sum += b.rows[i].bytes;
    }
    CU_ASSERT_EQUAL(sum, b.total_bytes);
    return b.total_bytes;
}

static void test_every_bound_counts(void)
{
    struct config base = small();
    int64_t before = total(&base);
    size_t fields[] = {offsetof(struct config, max_connections), offsetof(struct config, workers),
                       offsetof(struct config, broadcasters),    offsetof(struct config, store.readers),
                       offsetof(struct config, queue),           offsetof(struct config, buffer_mb),
                       offsetof(struct config, cache_mb),        offsetof(struct config, ws_backlog),
                       offsetof(struct config, ws_max_message)};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct config more = base;
        *(int64_t *)(void *)((char *)&more + fields[i]) *= 2;
        CU_ASSERT(total(&more) > before);
    }
    struct config more = base;
    more.auth_key.count = 1;
    CU_ASSERT(total(&more) > before);
    more = base;
    more.rate_connect = 1;
    CU_ASSERT(total(&more) > before);
    more = base;
    more.notify_interval_ms = 1;
    CU_ASSERT(total(&more) > before);
    more = base;
    more.cache_mb += 100;
    CU_ASSERT_EQUAL(total(&more), before + (INT64_C(100) << 20) / 16 * 17);
    more = base;
    more.max_connections += 1;
    CU_ASSERT(total(&more) - before >= 2 * 65536 + 2 * 4096); /* backlog and message of one more subscriber */
}

static void test_saturates(void)
{
    struct config c = small();
    struct budget b;
    c.max_connections = 1000000;
    c.ws_backlog = INT64_MAX / 4;
    budget_compute(&c, &b);
    CU_ASSERT_EQUAL(b.total_bytes, INT64_MAX);
    struct buf text = {0};
    budget_print(&c, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&text), "past counting"));
    buf_fini(&text);
}

static void test_print(void)
{
    struct config c = small();
    struct buf text = {0};
    budget_print(&c, &text);
    for (const char *line = buf_cstr(&text); *line; line = strchr(line, '\n') + 1) {
        CU_ASSERT_EQUAL(line[0], '#');
        CU_ASSERT_PTR_NOT_NULL_FATAL(strchr(line, '\n'));
        CU_ASSERT_PTR_NOT_NULL(strstr(line, " MiB"));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&text), "#   64.0 MiB: rendered chats (--cache-mb)\n"));
    buf_fini(&text);
}

const CU_TestInfo budget_tests[] = {
    {"every bound counts", test_every_bound_counts},
    {"saturates", test_saturates},
    {"as text", test_print},
    CU_TEST_INFO_NULL,
};
