/* mode_idle.c: opens N WebSockets as fast as the server takes them, subscribes, and holds them until the end: the
 * rate of opening, what one costs the server in memory, and, by --pid, how often the server wakes up once it has been quiet
 * for a while. The clock runs from the first connect. */
#include "load.h"
#include "modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_NS    (3 * SECOND_NS) /* after the last opening: what that has caused is over */
#define IDLE_SAMPLE 10 /* the rate is told for each tenth of the connections too: does it fall as they grow? */

struct idle_worker {
    struct conn *conns;
    unsigned count, opened, ready;
    int64_t first_ns, last_ns;
    int64_t tenth_ns[IDLE_SAMPLE];
    /* The first thread's. */
    int64_t quiet_ns, over_ns;
    struct usage quiet, over;
};

static void open_some(struct idle_worker *own, const struct worker *w)
{
    while (own->opened < own->count && w->opening < w->load->options->open_window && !worker_ending(w))
        conn_open(&own->conns[own->opened++]);
}

static void on_ready(struct conn *c)
{
    struct worker *w = c->worker;
    struct idle_worker *own = w->own;
    own->last_ns = w->now_ns;
    own->ready++;
    unsigned tenth = own->ready * IDLE_SAMPLE / own->count;
    if (tenth > 0 && own->tenth_ns[tenth - 1] == 0)
        own->tenth_ns[tenth - 1] = w->now_ns;
    open_some(own, w);
}

static void on_message(struct conn *c, const char *payload, size_t len)
{
    struct worker *w = c->worker;
    if (memmem(payload, len, "\"*\"", 3)) /* the hint to look that comes with the subscription */
        return;
    worker_done(w, OP_DELIVERY, w->now_ns, 0); /* somebody else's notifications: shown, so that "idle" is checked */
}

static void on_lost(struct conn *c)
{
    struct idle_worker *own = c->worker->own;
    if (own->ready)
        own->ready--;
}

static const struct conn_actor ACTOR = {.ready = on_ready, .message = on_message, .lost = on_lost};

static void start(struct worker *w)
{
    struct idle_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    own->count = worker_share(w, w->load->options->subscribers);
    own->conns = must_alloc(own->count, sizeof(struct conn));
    for (unsigned i = 0; i < own->count; i++) {
        conn_init(&own->conns[i], w, &ACTOR, own, i);
        own->conns[i].websocket = true;
    }
}

static void go(struct worker *w)
{
    struct idle_worker *own = w->own;
    own->first_ns = w->now_ns;
    open_some(own, w);
}

static int64_t turn(struct worker *w)
{
    struct idle_worker *own = w->own;
    open_some(own, w);
    if (w->index > 0 || own->ready < own->count || own->quiet_ns || !w->load->options->pid_count)
        return NEVER_NS;
    if (w->now_ns < own->last_ns + QUIET_NS)
        return own->last_ns + QUIET_NS;
    own->quiet = load_server_usage(w->load);
    own->quiet_ns = w->now_ns;
    return NEVER_NS;
}

static void end(struct worker *w)
{
    struct idle_worker *own = w->own;
    if (!own->quiet_ns)
        return;
    own->over = load_server_usage(w->load);
    own->over_ns = w->now_ns;
}

static void stop(struct worker *w)
{
    struct idle_worker *own = w->own;
    free(own->conns);
    free(own);
}

struct totals {
    unsigned ready;
    double open_s, per_connection, last_tenth_per_s;
    double wakes_per_s; /* < 0: not known */
};

static struct totals add_up(const struct load *l)
{
    struct totals t = {.per_connection = -1, .wakes_per_s = -1};
    const struct idle_worker *first = l->workers[0].own;
    if (first->over_ns > first->quiet_ns && first->over.ok && first->quiet.ok)
        t.wakes_per_s = (first->over.wakes - first->quiet.wakes) / ((double)(first->over_ns - first->quiet_ns) / 1e9);
    int64_t first_ns = NEVER_NS, last_ns = 0;
    for (unsigned i = 0; i < l->threads; i++) {
        const struct idle_worker *own = l->workers[i].own;
        t.ready += own->ready;
        first_ns = own->first_ns < first_ns ? own->first_ns : first_ns;
        last_ns = own->last_ns > last_ns ? own->last_ns : last_ns;
        int64_t tenth_ns = own->tenth_ns[IDLE_SAMPLE - 1] - own->tenth_ns[IDLE_SAMPLE - 2];
        if (tenth_ns > 0)
            t.last_tenth_per_s += (double)own->count / IDLE_SAMPLE / ((double)tenth_ns / 1e9);
    }
    t.open_s = last_ns > first_ns ? (double)(last_ns - first_ns) / 1e9 : 0;
    if (l->server_start.ok && l->server_end.ok && t.ready)
        t.per_connection = (l->server_end.rss_bytes - l->server_start.rss_bytes) / t.ready;
    return t;
}

static void report(struct load *l)
{
    struct totals t = add_up(l);
    printf("idle       %u open of %u in %.3f s: %.0f/s (the last tenth %.0f/s)", t.ready, l->options->subscribers,
           t.open_s, t.open_s > 0 ? t.ready / t.open_s : 0, t.last_tenth_per_s);
    if (l->server_start.ok)
        printf("; %.3f KB of RSS per connection", t.per_connection / 1024);
    if (t.wakes_per_s >= 0)
        printf("; %.2f wake-ups a second", t.wakes_per_s);
    printf("\n");
}

static void report_json(struct load *l)
{
    struct totals t = add_up(l);
    printf(",\"idle\":{\"open\":%u,\"open_s\":%.4f,\"open_per_s\":%.1f,\"last_tenth_per_s\":%.1f,"
           "\"rss_per_connection\":%.1f,\"wakes_per_s\":%.3f}",
           t.ready, t.open_s, t.open_s > 0 ? t.ready / t.open_s : 0, t.last_tenth_per_s, t.per_connection,
           t.wakes_per_s);
}

const struct mode MODE_IDLE = {.name = "idle",
                               .primary = OP_OPEN,
                               .start = start,
                               .go = go,
                               .turn = turn,
                               .end = end,
                               .stop = stop,
                               .report = report,
                               .report_json = report_json};
