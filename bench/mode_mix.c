/* mode_mix.c: the real mixture. Widgets, each with a connection of its own, poll their chats every --poll-interval
 * and revalidate as browsers do; customers and agents send at --rate; dashboards are subscribed and refetch after a
 * notification, one refetch under way per dashboard and at least --refetch-interval between two.
 * refetch --follow is the same without widgets. */
#include "modes.h"

#include <stdlib.h>
#include <string.h>

#define RING 65536u

struct shared {
    struct requests requests;
    atomic_int_fast64_t *sent_ns; /* threads × RING: when a marked send was due */
    unsigned widgets;
};

struct dashboard {
    struct conn socket, http;
    bool dirty;
    int64_t not_before_ns;
    char etag[ETAG_STRIDE];
    uint8_t etag_len;
};

struct mix_worker {
    struct group widgets, sends;
    struct poller poller;
    uint32_t sequence;
    struct dashboard *dashboards;
    unsigned dashboard_count;
};

static size_t build_marked_send(struct group *g, struct conn *c, char *out)
{
    struct worker *w = g->worker;
    struct shared *s = w->load->shared;
    struct mix_worker *own = g->own;
    uint32_t sequence = own->sequence++;
    char mark[MARK_LEN];
    mark_write(mark, w->index, sequence);
    atomic_store_explicit(&s->sent_ns[(size_t)w->index * RING + sequence % RING], (int64_t)g->next_due_ns,
                          memory_order_release);
    c->target = worker_random(w, w->load->world.chats);
    return template_build_send(&s->requests.send_marked, w->load->world.chat_ids[c->target], mark, sequence, out);
}

static const struct group_kind MARKED_SEND_KIND = {OP_SEND, build_marked_send, NULL, NULL};

static void refetch(struct dashboard *d, struct worker *w)
{
    struct shared *s = w->load->shared;
    d->dirty = false;
    d->not_before_ns = w->now_ns + (int64_t)(w->load->options->refetch_interval_s * 1e9);
    size_t len = template_build_get(&s->requests.refetch, "", 0, d->etag, d->etag_len, w->out);
    conn_request(&d->http, OP_REFETCH, w->now_ns, w->out, len, NULL);
}

static void dashboard_try(struct dashboard *d, struct worker *w)
{
    struct shared *s = w->load->shared;
    if (!d->dirty || d->http.state != CONN_READY || d->http.busy || w->now_ns < d->not_before_ns || worker_ending(w))
        return;
    if (w->load->options->preflight)
        conn_request(&d->http, OP_PREFLIGHT, w->now_ns, s->requests.preflight.ptr, s->requests.preflight.len, NULL);
    else
        refetch(d, w);
}

static void on_response(struct conn *c)
{
    struct dashboard *d = c->owner;
    struct worker *w = c->worker;
    enum op op = (enum op)c->op;
    if (c->response.status != 200 && c->response.status != 304)
        worker_failed(w, op, FAIL_STATUS);
    else
        worker_done(w, op, c->due_ns, c->response.body_bytes);
    if (op == OP_PREFLIGHT) {
        if (c->state == CONN_READY)
            refetch(d, w);
        return;
    }
    if (c->response.status == 200) {
        memcpy(d->etag, c->response.etag, c->response.etag_len);
        d->etag_len = c->response.etag_len;
    }
    dashboard_try(d, w);
}

static void on_message(struct conn *c, const char *payload, size_t len)
{
    struct dashboard *d = c->owner;
    struct worker *w = c->worker;
    struct shared *s = w->load->shared;
    size_t at = 0;
    uint32_t sender, sequence;
    while (mark_find(payload, len, &at, &sender, &sequence)) {
        if (sender >= w->load->threads)
            continue;
        int64_t sent_ns =
            atomic_load_explicit(&s->sent_ns[(size_t)sender * RING + sequence % RING], memory_order_acquire);
        worker_done(w, OP_NOTIFY, sent_ns, len);
    }
    d->dirty = true; /* a hint without a mark too */
    dashboard_try(d, w);
}

static void on_ready(struct conn *c)
{
    (void)c;
}

static const struct conn_actor DASHBOARD = {.ready = on_ready, .response = on_response, .message = on_message};

static void prepare(struct load *l, unsigned widgets, unsigned chats_each, unsigned history)
{
    const struct options *o = l->options;
    struct shared *s = must_alloc(1, sizeof(*s));
    requests_init(&s->requests, o);
    l->shared = s;
    s->sent_ns = must_alloc((size_t)l->threads * RING, sizeof(*s->sent_ns));
    unsigned customers = o->customers ? o->customers : widgets ? widgets : 100;
    world_make(l, customers, customers * chats_each, history);
    s->widgets = widgets ? l->world.customers : 0;
}

static void prepare_mix(struct load *l)
{
    prepare(l, 2000, 1, 10);
}

static void prepare_follow(struct load *l)
{
    prepare(l, 0, 2, 20);
}

static void start_dashboards(struct worker *w, struct mix_worker *own)
{
    own->dashboard_count = worker_share(w, w->load->options->dashboards);
    own->dashboards = must_alloc(own->dashboard_count, sizeof(struct dashboard));
    for (unsigned i = 0; i < own->dashboard_count; i++) {
        struct dashboard *d = &own->dashboards[i];
        conn_init(&d->socket, w, &DASHBOARD, d, 2 * i);
        conn_init(&d->http, w, &DASHBOARD, d, 2 * i + 1);
        d->socket.websocket = true;
        conn_open(&d->socket);
        conn_open(&d->http);
    }
}

static void start(struct worker *w)
{
    struct shared *s = w->load->shared;
    struct mix_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    if (s->widgets) {
        poller_init(&own->poller, w->load, &s->requests, true);
        group_init(&own->widgets, w, &POLL_KIND, worker_share(w, s->widgets), &own->poller);
    }
    group_init(&own->sends, w, &MARKED_SEND_KIND, worker_share(w, w->load->options->connections), own);
    start_dashboards(w, own);
}

static void go(struct worker *w)
{
    struct shared *s = w->load->shared;
    struct mix_worker *own = w->own;
    if (own->widgets.count)
        group_go(&own->widgets, s->widgets / w->load->options->poll_interval_s);
    if (own->sends.count)
        group_go(&own->sends, w->load->options->rate);
    for (unsigned i = 0; i < own->dashboard_count; i++) { /* pages open: spread over one interval */
        double part = (double)i / own->dashboard_count * w->load->options->refetch_interval_s;
        own->dashboards[i].dirty = true;
        own->dashboards[i].not_before_ns = w->now_ns + (int64_t)(part * 1e9);
    }
}

static int64_t turn(struct worker *w)
{
    struct mix_worker *own = w->own;
    int64_t next = own->widgets.count ? group_turn(&own->widgets) : NEVER_NS;
    int64_t other = own->sends.count ? group_turn(&own->sends) : NEVER_NS;
    next = other < next ? other : next;
    for (unsigned i = 0; i < own->dashboard_count; i++) {
        struct dashboard *d = &own->dashboards[i];
        dashboard_try(d, w);
        if (d->dirty && !d->http.busy && d->not_before_ns < next && !worker_ending(w))
            next = d->not_before_ns;
    }
    return next;
}

static void end(struct worker *w)
{
    struct mix_worker *own = w->own;
    if (own->widgets.count)
        group_end(&own->widgets);
    if (own->sends.count)
        group_end(&own->sends);
}

static void stop(struct worker *w)
{
    struct mix_worker *own = w->own;
    poller_fini(&own->poller);
    group_fini(&own->widgets);
    group_fini(&own->sends);
    free(own->dashboards);
    free(own);
}

static void release(struct load *l)
{
    struct shared *s = l->shared;
    requests_fini(&s->requests);
    free(s->sent_ns);
    free(s);
    world_fini(&l->world);
}

const struct mode MODE_MIX = {.name = "mix",
                              .primary = OP_POLL,
                              .prepare = prepare_mix,
                              .start = start,
                              .go = go,
                              .turn = turn,
                              .end = end,
                              .stop = stop,
                              .release = release};

const struct mode MODE_FOLLOW = {.name = "refetch --follow",
                                 .primary = OP_REFETCH,
                                 .prepare = prepare_follow,
                                 .start = start,
                                 .go = go,
                                 .turn = turn,
                                 .end = end,
                                 .stop = stop,
                                 .release = release};
