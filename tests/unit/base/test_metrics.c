#include "base/metrics.h"

#include "suites.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The value of the line that begins with `series`; -1 when there is none. */
static double value_of(const char *text, const char *series)
{
    size_t len = strlen(series);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, series, len) == 0 && line[len] == ' ')
            return strtod(line + len, NULL);
    return -1;
}

static double scrape(const char *series)
{
    struct buf out = {0};
    metrics_render(&out);
    double value = value_of(buf_cstr(&out), series);
    buf_fini(&out);
    return value;
}

#define COUNT_THREADS 4

static void *count_up(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        metrics_add(M_HTTP_BAD, 1);
        metrics_gauge(G_CONN_OPEN, 1);
        metrics_observe(H_READ, 100);
    }
    return arg;
}

static void *count_down(void *arg)
{
    for (int i = 0; i < 10000; i++)
        metrics_gauge(G_CONN_OPEN, -1);
    return arg;
}

static void test_sums_over_threads(void)
{
    uint64_t before = metrics_counter(M_HTTP_BAD);
    pthread_t threads[COUNT_THREADS];
    for (int i = 0; i < COUNT_THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, i % 2 ? count_down : count_up, NULL), 0);
    for (int i = 0; i < 20; i++) {
        uint64_t now = metrics_counter(M_HTTP_BAD); /* a scrape meanwhile */
        CU_ASSERT(now >= before && now <= before + 20000);
    }
    for (int i = 0; i < COUNT_THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(metrics_counter(M_HTTP_BAD), before + 20000); /* ended threads stay counted */
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CONN_OPEN), 0);
    metrics_gauge(G_CONN_OPEN, -5);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CONN_OPEN), -5);
    CU_ASSERT_EQUAL(scrape("sakurad_connections_open"), -5);
    metrics_gauge(G_CONN_OPEN, 5);
    CU_ASSERT_EQUAL(scrape("sakurad_store_read_seconds_count"), 20000);
    CU_ASSERT_EQUAL(scrape("sakurad_store_read_seconds_sum"), 2);
}

/* Each `le` counts exactly the values up to and with it. */
static void test_histogram_bounds(void)
{
    static const uint64_t values[] = {0,  1,  2,  3,    4,    5,    6,    7,    8,         9,
                                      31, 32, 33, 1023, 1024, 1025, 1536, 1537, UINT64_MAX};
    const size_t n = sizeof(values) / sizeof(values[0]);
    for (size_t i = 0; i < n; i++) {
        metrics_observe(H_COMMIT, values[i]);
        metrics_observe(H_BATCH_OPS, values[i]);
    }
    struct buf out = {0};
    metrics_render(&out);
    const char *text = buf_cstr(&out);
    static const char seconds_head[] = "sakurad_store_commit_seconds_bucket{le=\"";
    static const char ops_head[] = "sakurad_batch_operations_bucket{le=\"";
    size_t lines = 0;
    double before = 0;
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        bool seconds = strncmp(line, seconds_head, sizeof(seconds_head) - 1) == 0;
        if (!seconds && strncmp(line, ops_head, sizeof(ops_head) - 1) != 0)
            continue;
        const char *le = strchr(line, '"') + 1;
        char *end;
        double bound = strtod(le, &end) * (seconds ? 1e6 : 1); /* "+Inf" is read as infinity */
        double count = strtod(strchr(end, ' '), NULL), want = 0;
        for (size_t i = 0; i < n; i++)
            want += (double)values[i] <= bound + 0.01;
        CU_ASSERT_EQUAL(count, want);
        CU_ASSERT(lines > 0 && bound > 0 ? count >= 0 : true);
        before = count;
        lines++;
    }
    CU_ASSERT_EQUAL(before, (double)n);
    CU_ASSERT(lines > 40);
    CU_ASSERT_EQUAL(value_of(text, "sakurad_batch_operations_bucket{le=\"8\"}"), 9);
    CU_ASSERT_EQUAL(value_of(text, "sakurad_store_commit_seconds_bucket{le=\"0.001024\"}"), 15);
    CU_ASSERT_EQUAL(value_of(text, "sakurad_store_commit_seconds_bucket{le=\"+Inf\"}"), (double)n);
    CU_ASSERT_EQUAL(value_of(text, "sakurad_store_commit_seconds_count"), (double)n);
    buf_fini(&out);
}

static void test_labels_merge(void)
{
    metrics_observe(H_PARSE_QUEUED, 50);
    metrics_observe(H_QUEUED_DURABLE, 70);
    CU_ASSERT_EQUAL(scrape("sakurad_stage_seconds_bucket{stage=\"parse_queued\",le=\"0.000064\"}"), 1);
    CU_ASSERT_EQUAL(scrape("sakurad_stage_seconds_bucket{stage=\"queued_durable\",le=\"0.000064\"}"), 0);
    CU_ASSERT_EQUAL(scrape("sakurad_stage_seconds_bucket{stage=\"queued_durable\",le=\"+Inf\"}"), 1);
    CU_ASSERT_EQUAL(scrape("sakurad_stage_seconds_count{stage=\"parse_queued\"}"), 1);
    CU_ASSERT_EQUAL(scrape("sakurad_stage_seconds_sum{stage=\"parse_queued\"}"), 0.00005);
    metrics_add(M_CONN_TIMEOUT_BODY, 3);
    CU_ASSERT_EQUAL(scrape("sakurad_connections_cut_total{reason=\"body\"}"), 3);
}

static void test_requests(void)
{
    static const char *const routes[] = {"/api/health", "/api/users"};
    metrics_set_routes(routes, 2);
    metrics_request(0, 200);
    metrics_request(0, 200);
    metrics_request(0, 404);
    metrics_request(1, 200);
    metrics_request(1, 799);
    CU_ASSERT_EQUAL(scrape("sakurad_http_requests_total{route=\"/api/health\",code=\"200\"}"), 2);
    CU_ASSERT_EQUAL(scrape("sakurad_http_requests_total{route=\"/api/health\",code=\"404\"}"), 1);
    CU_ASSERT_EQUAL(scrape("sakurad_http_requests_total{route=\"/api/users\",code=\"200\"}"), 1);
    CU_ASSERT_EQUAL(scrape("sakurad_http_requests_total{route=\"/api/users\",code=\"other\"}"), 1);
    CU_ASSERT_EQUAL(scrape("sakurad_http_requests_total{route=\"/api/users\",code=\"404\"}"), -1);
}

static void add_extra(struct buf *out, void *arg)
{
    buf_printf(out, "extra_value %d\n", *(int *)arg);
}

static void test_extras(void)
{
    static int value = 42;
    metrics_register(add_extra, &value);
    CU_ASSERT_EQUAL(scrape("extra_value"), 42);
}

static void test_process(void)
{
    CU_ASSERT(scrape("process_resident_memory_bytes") > 100000);
    CU_ASSERT(scrape("process_cpu_seconds_total") > 0);
    double open_fds = scrape("process_open_fds"); /* how many came from our parent is its own affair */
    int one_more = dup(STDERR_FILENO);
    CU_ASSERT(open_fds >= 3);
    CU_ASSERT_EQUAL(scrape("process_open_fds"), open_fds + 1);
    close(one_more);
    double started = scrape("process_start_time_seconds");
    CU_ASSERT(started > 1.7e9);
}

/* Every sample has a TYPE line before it, and each name has one only; no line is malformed. */
static void test_format(void)
{
    struct buf out = {0};
    metrics_render(&out);
    CU_ASSERT(buf_ok(&out) && slice_ends(buf_slice(&out), SLICE_LIT("\n")));
    static char names[200][80];
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r((char *)(uintptr_t)buf_cstr(&out), "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[80], type[16], value[64];
        if (strncmp(line, "# HELP ", 7) == 0) {
            CU_ASSERT(strlen(strchr(line + 7, ' ')) > 5);
        } else if (sscanf(line, "# TYPE %79s %15s", name, type) == 2) {
            for (size_t i = 0; i < count; i++)
                CU_ASSERT_STRING_NOT_EQUAL(names[i], name);
            strcpy(names[count++], name);
        } else if (strncmp(line, "extra_", 6) != 0) {
            CU_ASSERT(sscanf(strrchr(line, ' '), "%63s", value) == 1);
            CU_ASSERT(count > 0 && strncmp(line, names[count - 1], strlen(names[count - 1])) == 0);
        }
    }
    CU_ASSERT(count > 30);
    buf_fini(&out);
}

const CU_TestInfo metrics_tests[] = {
    {"sums over threads", test_sums_over_threads},
    {"histogram bounds are exact", test_histogram_bounds},
    {"labels merge", test_labels_merge},
    {"requests by route and code", test_requests},
    {"values that other modules keep", test_extras},
    {"process metrics", test_process},
    {"HELP and TYPE once per name", test_format},
    CU_TEST_INFO_NULL,
};
