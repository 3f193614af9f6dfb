/* Each thread counts in a slot of its own; slots stand in a list that only grows. A scrape walks the list and adds
 * up. All cells are relaxed atomics with one writer each: load, add, store, and no locked instruction. */
#include "base/metrics.h"

#include "metrics_process.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Histogram buckets: each octave (a factor of two) is cut into 4. A bucket holds the values v with
 * lower < v ≤ upper, so that every upper bound can be an exact Prometheus `le`. */
#define SUB_BITS     2
#define SUB_BUCKETS  (1u << SUB_BITS)
#define OCTAVES      36 /* up to 2^36 µs, 19 hours; more counts in the last bucket */
#define BUCKET_COUNT ((OCTAVES - SUB_BITS + 1) * SUB_BUCKETS)
#define EXTRA_MAX    16
#define CACHE_LINE   64

#define THREAD_NAME_MAX 16 /* with the NUL */

/* The statuses that this server can answer have a column each; any other is counted as "other". */
static const unsigned short codes[] = {
    0,   101, 200, 201, 202, 204, 206, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408,
    409, 410, 411, 412, 413, 414, 415, 417, 422, 426, 429, 431, 499, 500, 501, 502, 503, 504, 505,
};
#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

typedef _Atomic uint64_t cell;

struct histogram {
    cell sum;
    cell buckets[BUCKET_COUNT];
};

struct slot {
    /* set before the slot is published, then read-only */
    struct slot *next;
    char thread[THREAD_NAME_MAX]; /* its name when it began to count */
    clockid_t clock;              /* its CPU time */
    bool has_clock;
    alignas(CACHE_LINE) cell counters[METRIC_COUNTER_COUNT];
    cell gauges[METRIC_GAUGE_COUNT]; /* two's complement deltas */
    struct histogram histograms[METRIC_HISTOGRAM_COUNT];
    cell requests[METRIC_ROUTES_MAX][CODE_COUNT];
};

struct row {
    const char *name, *labels, *help;
};
#define METRIC_ROW(id, name, labels, help) {name, labels, help},
static const struct row counter_rows[] = {METRIC_COUNTERS(METRIC_ROW)};
static const struct row gauge_rows[] = {METRIC_GAUGES(METRIC_ROW)};
static const struct row histogram_rows[] = {METRIC_HISTOGRAMS(METRIC_ROW)};

static struct {
    _Atomic(struct slot *) slots;
    /* set before threads start, then read-only */
    const char *const *routes;
    unsigned route_count;
    struct {
        metrics_extra_fn fn;
        void *arg;
    } extras[EXTRA_MAX];
    unsigned extra_count;
} registry;

static _Thread_local struct slot *my_slot;

void metrics_thread_init(void)
{
    if (my_slot)
        return;
    size_t bytes = (sizeof(struct slot) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    struct slot *fresh = aligned_alloc(CACHE_LINE, bytes);
    if (!fresh)
        return; /* this thread counts nothing until there is memory */
    memset(fresh, 0, bytes);
    (void)pthread_getname_np(pthread_self(), fresh->thread, sizeof(fresh->thread));
    fresh->has_clock = pthread_getcpuclockid(pthread_self(), &fresh->clock) == 0;
    fresh->next = atomic_load_explicit(&registry.slots, memory_order_relaxed);
    /* Release: who finds the slot in the list finds it zeroed and linked. */
    while (!atomic_compare_exchange_weak_explicit(&registry.slots, &fresh->next, fresh, memory_order_release,
                                                  memory_order_relaxed))
        ;
    my_slot = fresh;
}

static struct slot *own_slot(void)
{
    if (__builtin_expect(!my_slot, 0))
        metrics_thread_init();
    return my_slot;
}

static struct slot *first_slot(void)
{
    return atomic_load_explicit(&registry.slots, memory_order_acquire); /* pairs with the release above */
}

/* Relaxed load and store, not an atomic add: this thread is the only writer. */
static void bump(cell *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static uint64_t peek(const cell *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

void metrics_add(enum metric_counter id, uint64_t n)
{
    struct slot *s = own_slot();
    if (s)
        bump(&s->counters[id], n);
}

void metrics_gauge(enum metric_gauge id, int64_t delta)
{
    struct slot *s = own_slot();
    if (s)
        bump(&s->gauges[id], (uint64_t)delta);
}

/* Counted from v - 1, which turns [lower, upper) into (lower, upper]; 0 and 1 share the first bucket. */
static unsigned bucket_of(uint64_t value)
{
    uint64_t v = value > 0 ? value - 1 : 0;
    if (v < SUB_BUCKETS)
        return (unsigned)v;
    unsigned octave = 63u - (unsigned)__builtin_clzll(v);
    unsigned bucket =
        (octave - SUB_BITS + 1) * SUB_BUCKETS + ((unsigned)(v >> (octave - SUB_BITS)) & (SUB_BUCKETS - 1));
    return bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1;
}

static uint64_t bucket_upper(unsigned bucket)
{
    if (bucket < SUB_BUCKETS)
        return bucket + 1;
    unsigned shift = bucket / SUB_BUCKETS - 1;
    return (uint64_t)(SUB_BUCKETS + bucket % SUB_BUCKETS + 1) << shift;
}

void metrics_observe(enum metric_histogram id, uint64_t value)
{
    struct slot *s = own_slot();
    if (!s)
        return;
    bump(&s->histograms[id].buckets[bucket_of(value)], 1);
    bump(&s->histograms[id].sum, value);
}

void metrics_set_routes(const char *const *names, unsigned count)
{
    must(count <= METRIC_ROUTES_MAX);
    registry.routes = names;
    registry.route_count = count;
}

static unsigned code_column(int status)
{
    static _Thread_local int last_status;
    static _Thread_local unsigned last_column; /* column 0 is "other" */
    if (status == last_status)
        return last_column;
    unsigned column = 0;
    for (unsigned i = 1; i < CODE_COUNT; i++)
        if (codes[i] == status)
            column = i;
    last_status = status;
    last_column = column;
    return column;
}

void metrics_request(unsigned route, int status)
{
    must(route < METRIC_ROUTES_MAX);
    struct slot *s = own_slot();
    if (s)
        bump(&s->requests[route][code_column(status)], 1);
}

void metrics_register(metrics_extra_fn fn, void *arg)
{
    must(registry.extra_count < EXTRA_MAX);
    registry.extras[registry.extra_count].fn = fn;
    registry.extras[registry.extra_count].arg = arg;
    registry.extra_count++;
}

uint64_t metrics_counter(enum metric_counter id)
{
    uint64_t sum = 0;
    for (struct slot *s = first_slot(); s; s = s->next)
        sum += peek(&s->counters[id]);
    return sum;
}

int64_t metrics_gauge_value(enum metric_gauge id)
{
    uint64_t sum = 0;
    for (struct slot *s = first_slot(); s; s = s->next)
        sum += peek(&s->gauges[id]);
    return (int64_t)sum;
}

/* HELP and TYPE stand once per name, before its first row. */
static void render_head(struct buf *out, const struct row *rows, unsigned i, const char *type)
{
    if (i > 0 && strcmp(rows[i].name, rows[i - 1].name) == 0)
        return;
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", rows[i].name, rows[i].help, rows[i].name, type);
}

static void render_name(struct buf *out, const struct row *row)
{
    buf_append_slice(out, slice_cstr(row->name));
    if (row->labels[0])
        buf_printf(out, "{%s}", row->labels);
    buf_append_char(out, ' ');
}

static void render_rows(struct buf *out, const struct row *rows, unsigned count, bool gauges)
{
    for (unsigned i = 0; i < count; i++) {
        render_head(out, rows, i, gauges ? "gauge" : "counter");
        render_name(out, &rows[i]);
        buf_append_i64(out, gauges ? metrics_gauge_value(i) : (int64_t)metrics_counter(i));
        buf_append_char(out, '\n');
    }
}

/* Seconds with as many decimals as microseconds need: 0.000064, 0.001024, 2.097152, 3. */
static void render_value(struct buf *out, uint64_t value, bool seconds)
{
    if (!seconds) {
        buf_append_u64(out, value);
        return;
    }
    char text[40];
    int n = snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)(value / 1000000),
                     (unsigned long long)(value % 1000000));
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    buf_append(out, text, (size_t)n);
}

static void render_histogram_line(struct buf *out, const struct row *row, const char *suffix, const char *le)
{
    const char *comma = row->labels[0] && le[0] ? "," : "";
    buf_printf(out, "%s_%s", row->name, suffix);
    if (row->labels[0] || le[0])
        buf_printf(out, "{%s%s%s}", row->labels, comma, le);
    buf_append_char(out, ' ');
}

/* Two bounds of the four of an octave are exported: from 32 µs (1 operation) up to 33.6 s (16384 operations). */
static bool is_exported(unsigned bucket, bool seconds)
{
    uint64_t upper = bucket_upper(bucket);
    if (seconds && (upper < 32 || upper > 33554432))
        return false;
    if (!seconds && upper > 16384)
        return false;
    return bucket < SUB_BUCKETS || bucket % 2 == 1;
}

static void render_histogram(struct buf *out, unsigned id)
{
    const struct row *row = &histogram_rows[id];
    bool seconds = slice_ends(slice_cstr(row->name), SLICE_LIT("_seconds"));
    uint64_t counts[BUCKET_COUNT] = {0}, sum = 0, cumulative = 0;
    for (struct slot *s = first_slot(); s; s = s->next) {
        sum += peek(&s->histograms[id].sum);
        for (unsigned b = 0; b < BUCKET_COUNT; b++)
            counts[b] += peek(&s->histograms[id].buckets[b]);
    }
    for (unsigned b = 0; b < BUCKET_COUNT; b++) {
        cumulative += counts[b];
        if (!is_exported(b, seconds))
            continue;
        struct buf le = {0};
        buf_append_lit(&le, "le=\"");
        render_value(&le, bucket_upper(b), seconds);
        buf_append_lit(&le, "\"");
        render_histogram_line(out, row, "bucket", buf_cstr(&le));
        buf_append_u64(out, cumulative);
        buf_append_char(out, '\n');
        buf_fini(&le);
    }
    /* _count is the sum of the buckets, not a cell of its own: it must equal +Inf in every scrape. */
    render_histogram_line(out, row, "bucket", "le=\"+Inf\"");
    buf_printf(out, "%llu\n", (unsigned long long)cumulative);
    render_histogram_line(out, row, "sum", "");
    render_value(out, sum, seconds);
    buf_append_char(out, '\n');
    render_histogram_line(out, row, "count", "");
    buf_printf(out, "%llu\n", (unsigned long long)cumulative);
}

/* Of all rows of that name, one for each method, where `route` is the first of them; else 0. */
static uint64_t requests_of(unsigned route, unsigned code)
{
    uint64_t sum = 0;
    for (unsigned r = 0; r < registry.route_count; r++) {
        if (strcmp(registry.routes[r], registry.routes[route]) != 0)
            continue;
        if (r < route)
            return 0;
        for (struct slot *s = first_slot(); s; s = s->next)
            sum += peek(&s->requests[r][code]);
    }
    return sum;
}

static void render_requests(struct buf *out)
{
    if (registry.route_count == 0)
        return;
    buf_append_lit(out, "# HELP sakurad_http_requests_total Requests answered, by route and status.\n"
                        "# TYPE sakurad_http_requests_total counter\n");
    for (unsigned r = 0; r < registry.route_count; r++)
        for (unsigned c = 0; c < CODE_COUNT; c++) {
            uint64_t sum = requests_of(r, c);
            if (sum == 0)
                continue;
            buf_printf(out, "sakurad_http_requests_total{route=\"%s\",code=\"", registry.routes[r]);
            if (c == 0)
                buf_append_lit(out, "other");
            else
                buf_append_u64(out, codes[c]);
            buf_printf(out, "\"} %llu\n", (unsigned long long)sum);
        }
}

/* A dead thread's clock cannot be read, so its row is gone. Rows of one name are one. */
static void render_threads(struct buf *out)
{
    buf_append_lit(out, "# HELP sakurad_thread_cpu_seconds_total CPU time of a thread, user and system.\n"
                        "# TYPE sakurad_thread_cpu_seconds_total counter\n");
    for (const struct slot *s = first_slot(); s; s = s->next) {
        struct timespec cpu;
        bool named = false; /* by one before it in the list */
        for (const struct slot *other = first_slot(); other != s && !named; other = other->next)
            named = strcmp(other->thread, s->thread) == 0;
        if (!named && s->has_clock && clock_gettime(s->clock, &cpu) == 0)
            buf_printf(out, "sakurad_thread_cpu_seconds_total{thread=\"%s\"} %lld.%06ld\n", s->thread,
                       (long long)cpu.tv_sec, cpu.tv_nsec / 1000);
    }
}

void metrics_render(struct buf *out)
{
    render_rows(out, counter_rows, METRIC_COUNTER_COUNT, false);
    render_rows(out, gauge_rows, METRIC_GAUGE_COUNT, true);
    for (unsigned i = 0; i < METRIC_HISTOGRAM_COUNT; i++) {
        render_head(out, histogram_rows, i, "histogram");
        render_histogram(out, i);
    }
    render_requests(out);
    metrics_render_process(out);
    render_threads(out);
    for (unsigned i = 0; i < registry.extra_count; i++)
        registry.extras[i].fn(out, registry.extras[i].arg);
}
