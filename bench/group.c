#include "group.h"

#include <stdlib.h>

static void put_free(struct group *g, struct conn *c)
{
    g->free_ring[(g->free_head + g->free_count++) % g->count] = c;
}

static struct conn *take_free(struct group *g)
{
    struct conn *c = g->free_ring[g->free_head];
    g->free_head = (g->free_head + 1) % g->count;
    g->free_count--;
    return c;
}

/* False when there was nothing to send; the connection is then still free, and the caller's. */
static bool begin_on(struct group *g, struct conn *c, int64_t due_ns)
{
    size_t len = g->kind->build(g, c, g->worker->out);
    if (len == 0)
        return false;
    struct text *sink = g->kind->sink ? g->kind->sink(g, c) : NULL;
    conn_request(c, g->kind->op, due_ns, g->worker->out, len, sink);
    return true;
}

static bool closed_loop(const struct group *g)
{
    return g->interval_ns == 0;
}

static void next_on(struct group *g, struct conn *c)
{
    struct worker *w = g->worker;
    if (closed_loop(g) && w->going && !worker_ending(w) && begin_on(g, c, w->now_ns))
        return;
    put_free(g, c);
}

static void on_ready(struct conn *c)
{
    next_on(c->owner, c);
}

static void on_response(struct conn *c)
{
    struct group *g = c->owner;
    struct worker *w = g->worker;
    int status = c->response.status;
    enum op op = (enum op)c->op;
    if (status == 304 || (status >= 200 && status < 300)) {
        worker_done(w, op, c->due_ns, c->response.body_bytes);
        if (g->kind->done && op == g->kind->op)
            g->kind->done(g, c);
    } else {
        worker_failed(w, op, FAIL_STATUS);
    }
    if (c->state == CONN_READY && !c->busy)
        next_on(g, c);
}

static void on_message(struct conn *c, const char *payload, size_t len)
{
    (void)c;
    (void)payload;
    (void)len;
}

static void on_lost(struct conn *c) /* it may have been waiting in the ring */
{
    struct group *g = c->owner;
    unsigned kept = 0;
    for (unsigned i = 0; i < g->free_count; i++) {
        struct conn *other = g->free_ring[(g->free_head + i) % g->count];
        if (other != c)
            g->free_ring[(g->free_head + kept++) % g->count] = other;
    }
    g->free_count = kept;
}

static const struct conn_actor GROUP_ACTOR = {
    .ready = on_ready, .response = on_response, .message = on_message, .lost = on_lost};

void group_init(struct group *g, struct worker *w, const struct group_kind *kind, unsigned count, void *own)
{
    *g = (struct group){.worker = w, .kind = kind, .count = count, .own = own};
    g->conns = must_alloc(count, sizeof(struct conn));
    g->free_ring = must_alloc(count, sizeof(struct conn *));
    for (unsigned i = 0; i < count; i++) {
        conn_init(&g->conns[i], w, &GROUP_ACTOR, g, i);
        conn_open(&g->conns[i]);
    }
}

void group_go(struct group *g, double rate)
{
    struct worker *w = g->worker;
    if (rate > 0) { /* threads take turns within the interval */
        g->interval_ns = 1e9 / rate * w->load->threads;
        g->next_due_ns = (double)w->now_ns + g->interval_ns * (w->index + 1) / w->load->threads;
    } else {
        group_nudge(g);
    }
}

void group_nudge(struct group *g)
{
    if (!closed_loop(g) || !g->worker->going || worker_ending(g->worker))
        return;
    for (unsigned n = g->free_count; n > 0; n--) {
        struct conn *c = take_free(g);
        if (!begin_on(g, c, g->worker->now_ns))
            put_free(g, c);
    }
}

bool group_begin(struct group *g, int64_t due_ns)
{
    if (g->free_count == 0)
        return false;
    struct conn *c = take_free(g);
    if (begin_on(g, c, due_ns))
        return true;
    put_free(g, c);
    return false;
}

int64_t group_turn(struct group *g)
{
    if (closed_loop(g) || worker_ending(g->worker)) /* what is late by then is counted by group_end() */
        return NEVER_NS;
    while (g->free_count && (int64_t)g->next_due_ns <= g->worker->now_ns &&
           (int64_t)g->next_due_ns < g->worker->load->end_ns) {
        if (!group_begin(g, (int64_t)g->next_due_ns))
            break;
        g->next_due_ns += g->interval_ns;
    }
    return g->free_count && (int64_t)g->next_due_ns < g->worker->load->end_ns ? (int64_t)g->next_due_ns : NEVER_NS;
}

void group_end(struct group *g)
{
    struct worker *w = g->worker;
    if (closed_loop(g))
        return;
    for (; (int64_t)g->next_due_ns < w->load->end_ns; g->next_due_ns += g->interval_ns) {
        int64_t due = (int64_t)g->next_due_ns;
        worker_failed(w, g->kind->op, FAIL_UNSENT);
        if (due >= w->load->run_ns)
            hist_add(&worker_stats(w, g->kind->op)->latency, w->now_ns - due);
    }
}

void group_fini(struct group *g)
{
    free(g->conns);
    free(g->free_ring);
    *g = (struct group){0};
}
