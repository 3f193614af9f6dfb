#include "report.h"

#include <stdio.h>
#include <string.h>

static void duration_text(char out[static 16], double ns)
{
    if (ns < 1e6)
        snprintf(out, 16, "%.1f µs", ns / 1e3);
    else if (ns < 1e9)
        snprintf(out, 16, "%.3f ms", ns / 1e6);
    else
        snprintf(out, 16, "%.3f s", ns / 1e9);
}

/* Right-aligned to `width` characters; the µ is two bytes. */
static void print_duration(double ns, int width)
{
    char text[16];
    duration_text(text, ns);
    int extra = strstr(text, "µ") ? 1 : 0;
    printf(" %*s", width + extra, text);
}

double report_cost_us(const struct load *l)
{
    const struct op_stats *s = l->total[l->mode->primary];
    if (!l->server_end.ok || !l->server_run.ok || !s || s->done == 0)
        return -1;
    return (l->server_end.cpu_s - l->server_run.cpu_s) * 1e6 / (double)s->done;
}

static const double PERCENTS[] = {50, 90, 99, 99.9, 100};
static const char *const PERCENT_NAMES[] = {"p50", "p90", "p99", "p99.9", "max"};
#define PERCENTS_LEN (sizeof(PERCENTS) / sizeof(PERCENTS[0]))

static void print_table(const struct load *l)
{
    printf("%-10s %12s %12s", "", "count", "per second");
    for (size_t i = 0; i < PERCENTS_LEN; i++)
        printf(" %11s", PERCENT_NAMES[i]);
    printf(" %11s\n", "mean");
    for (unsigned op = 0; op < OP_COUNT; op++) {
        const struct op_stats *s = l->total[op];
        if (!s || (s->done == 0 && s->latency.count == 0))
            continue;
        printf("%-10s %12llu %12.1f", OP_NAMES[op], (unsigned long long)s->done, (double)s->done / l->run_s);
        for (size_t i = 0; i < PERCENTS_LEN; i++)
            print_duration((double)hist_percentile(&s->latency, PERCENTS[i]), 11);
        print_duration(hist_mean(&s->latency), 11);
        if (s->bytes > 10000000)
            printf("  %.0f MB/s", (double)s->bytes / l->run_s / 1e6);
        printf("\n");
    }
}

static void print_errors(const struct load *l)
{
    bool any = false;
    for (unsigned op = 0; op < OP_COUNT; op++) {
        for (unsigned f = 0; l->total[op] && f < FAIL_COUNT; f++) {
            if (!l->total[op]->failed[f])
                continue;
            printf("%s%s %s × %llu", any ? ", " : "errors     ", OP_NAMES[op], FAIL_NAMES[f],
                   (unsigned long long)l->total[op]->failed[f]);
            any = true;
        }
    }
    printf(any ? "\n" : "errors     none\n");
    printf("statuses  ");
    for (unsigned s = 0; s < STATUS_MAX; s++)
        if (l->status[s])
            printf(" %u × %llu", s, (unsigned long long)l->status[s]);
    if (l->reconnects)
        printf("; %llu reconnects", (unsigned long long)l->reconnects);
    printf("\n");
}

static void print_usage(const struct load *l)
{
    double client_cores = (l->self_end.cpu_s - l->self_run.cpu_s) / l->run_s;
    if (l->server_run.ok && l->server_end.ok) {
        double cpu = l->server_end.cpu_s - l->server_run.cpu_s;
        printf("server     %.2f cores", cpu / l->run_s);
        if (report_cost_us(l) >= 0)
            printf(", %.2f CPU s per million %s", report_cost_us(l), OP_NAMES[l->mode->primary]);
        printf(", RSS %.1f MB (%.1f at the start)\n", l->server_end.rss_bytes / 1e6, l->server_start.rss_bytes / 1e6);
    } else {
        printf("server     CPU and memory unknown: give --pid\n");
    }
    printf("client     %.2f cores on %u thread%s%s\n", client_cores, l->threads, l->threads == 1 ? "" : "s",
           client_cores > 0.9 * l->threads ? "; SATURATED: these figures are the client's limit" : "");
}

void report_text(struct load *l)
{
    const struct options *o = l->options;
    printf("%s  http://%s:%u  %u connections, %u thread%s, ", l->mode->name, o->http.host, o->http.port, o->connections,
           l->threads, l->threads == 1 ? "" : "s");
    if (o->rate > 0)
        printf("%.10g/s (open loop)", o->rate);
    else
        printf("closed loop");
    printf(", %.1f s after %.1f s of warm-up\n\n", l->run_s, o->warm_up_s);
    print_table(l);
    printf("\n");
    print_errors(l);
    print_usage(l);
    if (l->mode->report)
        l->mode->report(l);
}

static void json_ops(const struct load *l)
{
    bool first = true;
    printf("\"operations\":{");
    for (unsigned op = 0; op < OP_COUNT; op++) {
        const struct op_stats *s = l->total[op];
        if (!s)
            continue;
        printf("%s\"%s\":{\"count\":%llu,\"per_s\":%.3f,\"bytes\":%llu,\"timed\":%llu,\"mean_us\":%.3f",
               first ? "" : ",", OP_NAMES[op], (unsigned long long)s->done, (double)s->done / l->run_s,
               (unsigned long long)s->bytes, (unsigned long long)s->latency.count, hist_mean(&s->latency) / 1e3);
        for (size_t i = 0; i < PERCENTS_LEN; i++)
            printf(",\"%s_us\":%.3f", PERCENT_NAMES[i], (double)hist_percentile(&s->latency, PERCENTS[i]) / 1e3);
        printf(",\"errors\":{");
        bool first_error = true;
        for (unsigned f = 0; f < FAIL_COUNT; f++) {
            if (s->failed[f])
                printf("%s\"%s\":%llu", first_error ? "" : ",", FAIL_NAMES[f], (unsigned long long)s->failed[f]);
            first_error = first_error && !s->failed[f];
        }
        printf("}}");
        first = false;
    }
    printf("},\"statuses\":{");
    first = true;
    for (unsigned s = 0; s < STATUS_MAX; s++) {
        if (l->status[s])
            printf("%s\"%u\":%llu", first ? "" : ",", s, (unsigned long long)l->status[s]);
        first = first && !l->status[s];
    }
    printf("}");
}

void report_json(struct load *l)
{
    const struct options *o = l->options;
    printf("{\"mode\":\"%s\",\"connections\":%u,\"threads\":%u,\"rate\":%.3f,\"duration_s\":%.3f,\"payload\":%u,"
           "\"subscribers\":%u,\"publishers\":%u,",
           l->mode->name, o->connections, l->threads, o->rate, l->run_s, o->payload, o->subscribers, o->publishers);
    json_ops(l);
    printf(",\"client\":{\"cpu_s\":%.4f,\"cores\":%.4f}", l->self_end.cpu_s - l->self_run.cpu_s,
           (l->self_end.cpu_s - l->self_run.cpu_s) / l->run_s);
    if (l->server_run.ok && l->server_end.ok) {
        double cpu = l->server_end.cpu_s - l->server_run.cpu_s;
        printf(",\"server\":{\"cpu_s\":%.4f,\"cores\":%.4f,\"cpu_us_per_op\":%.4f,\"rss_start\":%.0f,\"rss_run\":%.0f,"
               "\"rss_end\":%.0f}",
               cpu, cpu / l->run_s, report_cost_us(l), l->server_start.rss_bytes, l->server_run.rss_bytes,
               l->server_end.rss_bytes);
    }
    if (l->mode->report_json)
        l->mode->report_json(l);
    printf("}\n");
}
