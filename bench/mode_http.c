/* mode_http.c: modes that are one group of HTTP connections: send, poll, refetch, get, post (and fill, which is none). */
#include "modes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shared {
    struct requests requests;
    struct text fixed; /* get and post: the whole request */
};

struct http_worker {
    struct group main, background;
    struct sender sender, background_sender;
    struct poller poller;
    char etag[ETAG_STRIDE]; /* refetch */
    uint8_t etag_len;
    struct text saved;
};

void requests_init(struct requests *r, const struct options *o)
{
    template_send(&r->send, o, false);
    template_send(&r->send_marked, o, true);
    template_get(&r->poll, o, "/api/users/", "/chats");
    template_get(&r->refetch, o, "/api/debug/users-chats", "");
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "OPTIONS /api/debug/users-chats HTTP/1.1\r\nHost: %s:%u\r\nOrigin: http://localhost:3001\r\n"
                     "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: content-type\r\n\r\n",
                     o->http.host, o->http.port);
    text_append(&r->preflight, text, (size_t)n);
}

void requests_fini(struct requests *r)
{
    template_fini(&r->send);
    template_fini(&r->send_marked);
    template_fini(&r->poll);
    template_fini(&r->refetch);
    text_fini(&r->preflight);
}

static size_t build_send(struct group *g, struct conn *c, char *out)
{
    struct sender *s = g->own;
    const struct world *world = &g->worker->load->world;
    c->target = s->first + worker_random(g->worker, world->chats - s->first);
    uint64_t number = (uint64_t)g->worker->index << 48 | s->number++;
    return template_build_send(&s->requests->send, world->chat_ids[c->target], NULL, number, out);
}

const struct group_kind SEND_KIND = {OP_SEND, build_send, NULL, NULL};

void poller_init(struct poller *p, const struct load *l, const struct requests *r, bool fixed)
{
    *p = (struct poller){.requests = r, .fixed = fixed};
    p->etags = must_alloc(l->world.customers, ETAG_STRIDE);
    p->etag_lens = must_alloc(l->world.customers, 1);
}

void poller_fini(struct poller *p)
{
    free(p->etags);
    free(p->etag_lens);
}

static bool wants_change(struct worker *w)
{
    double changed = w->load->options->changed;
    return changed >= 1 || (changed > 0 && worker_random(w, 1u << 20) < changed * (1u << 20));
}

static size_t build_poll(struct group *g, struct conn *c, char *out)
{
    struct poller *p = g->own;
    struct worker *w = g->worker;
    const struct world *world = &w->load->world;
    uint32_t own = (c->index * w->load->threads + w->index) % world->customers;
    c->target = p->fixed ? own : worker_random(w, world->customers);
    char email[64];
    size_t len = world_email(world, c->target, email);
    size_t etag_len = wants_change(w) ? 0 : p->etag_lens[c->target];
    return template_build_get(&p->requests->poll, email, len, p->etags + (size_t)c->target * ETAG_STRIDE, etag_len,
                              out);
}

static void poll_done(struct group *g, struct conn *c)
{
    struct poller *p = g->own;
    if (c->response.status != 200)
        return;
    memcpy(p->etags + (size_t)c->target * ETAG_STRIDE, c->response.etag, c->response.etag_len);
    p->etag_lens[c->target] = c->response.etag_len;
}

const struct group_kind POLL_KIND = {OP_POLL, build_poll, poll_done, NULL};

static size_t build_refetch(struct group *g, struct conn *c, char *out)
{
    struct shared *s = g->worker->load->shared;
    struct http_worker *own = g->own;
    (void)c;
    size_t etag_len = wants_change(g->worker) ? 0 : own->etag_len;
    return template_build_get(&s->requests.refetch, "", 0, own->etag, etag_len, out);
}

static void refetch_done(struct group *g, struct conn *c)
{
    struct http_worker *own = g->own;
    if (c->response.status != 200)
        return;
    memcpy(own->etag, c->response.etag, c->response.etag_len);
    own->etag_len = c->response.etag_len;
}

static const struct group_kind REFETCH_KIND = {OP_REFETCH, build_refetch, refetch_done, NULL};

static size_t build_fixed(struct group *g, struct conn *c, char *out)
{
    struct shared *s = g->worker->load->shared;
    (void)c;
    memcpy(out, s->fixed.ptr, s->fixed.len);
    return s->fixed.len;
}

static struct text *fixed_sink(struct group *g, struct conn *c)
{
    struct http_worker *own = g->own;
    if (!g->worker->load->options->save || g->worker->index || c->index)
        return NULL;
    own->saved.len = 0;
    return &own->saved;
}

static const struct group_kind FIXED_KIND = {OP_REQUEST, build_fixed, NULL, fixed_sink};

static struct shared *new_shared(struct load *l)
{
    struct shared *s = must_alloc(1, sizeof(*s));
    requests_init(&s->requests, l->options);
    l->shared = s;
    return s;
}

static void prepare_send(struct load *l)
{
    new_shared(l);
    world_make(l, 1000, 1000, 0);
}

static void prepare_poll(struct load *l)
{
    new_shared(l);
    world_make(l, 100, 100, 50);
}

static void prepare_refetch(struct load *l)
{
    new_shared(l);
    world_make(l, 100, 200, 20);
}

static void prepare_get(struct load *l)
{
    struct template t = {0};
    template_get(&t, l->options, l->options->path, "");
    struct shared *s = new_shared(l);
    text_append(&s->fixed, t.before.ptr, t.before.len);
    text_append(&s->fixed, t.middle.ptr, t.middle.len);
    text_append(&s->fixed, t.after.ptr, t.after.len);
    template_fini(&t);
}

static void prepare_post(struct load *l)
{
    const struct options *o = l->options;
    struct text body = {0};
    if (o->body)
        text_append(&body, o->body, strlen(o->body));
    for (unsigned i = 0; !o->body && i < o->payload; i++)
        text_append(&body, "x", 1);
    template_post(&new_shared(l)->fixed, o, o->path, body.ptr, body.len);
    text_fini(&body);
}

static void start(struct worker *w, const struct group_kind *kind)
{
    struct shared *s = w->load->shared;
    const struct options *o = w->load->options;
    struct http_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    if (s->fixed.len > w->out_cap)
        die("the request is too long");
    own->sender = own->background_sender = (struct sender){.requests = &s->requests};
    if (kind == &POLL_KIND)
        poller_init(&own->poller, w->load, &s->requests, false);
    void *arg = kind == &SEND_KIND ? (void *)&own->sender : kind == &POLL_KIND ? (void *)&own->poller : (void *)own;
    group_init(&own->main, w, kind, worker_share(w, o->connections), arg);
    if (o->background > 0 && kind != &SEND_KIND && kind != &FIXED_KIND)
        group_init(&own->background, w, &SEND_KIND, worker_share(w, 64), &own->background_sender);
}

static void start_send(struct worker *w)
{
    start(w, &SEND_KIND);
}

static void start_poll(struct worker *w)
{
    start(w, &POLL_KIND);
}

static void start_refetch(struct worker *w)
{
    start(w, &REFETCH_KIND);
}

static void start_fixed(struct worker *w)
{
    start(w, &FIXED_KIND);
}

static void go(struct worker *w)
{
    struct http_worker *own = w->own;
    group_go(&own->main, w->load->options->rate);
    if (own->background.count)
        group_go(&own->background, w->load->options->background);
}

static int64_t turn(struct worker *w)
{
    struct http_worker *own = w->own;
    int64_t next = group_turn(&own->main);
    int64_t other = own->background.count ? group_turn(&own->background) : NEVER_NS;
    return next < other ? next : other;
}

static void end(struct worker *w)
{
    struct http_worker *own = w->own;
    group_end(&own->main);
    if (own->background.count)
        group_end(&own->background);
}

static void save_body(const struct options *o, const struct text *body)
{
    FILE *f = fopen(o->save, "we");
    if (!f || fwrite(body->ptr, 1, body->len, f) != body->len || fclose(f) != 0)
        die("%s: %s", o->save, strerror(errno));
}

static void stop(struct worker *w)
{
    struct http_worker *own = w->own;
    if (own->saved.ptr)
        save_body(w->load->options, &own->saved);
    text_fini(&own->saved);
    poller_fini(&own->poller);
    group_fini(&own->main);
    group_fini(&own->background);
    free(own);
}

static void release(struct load *l)
{
    struct shared *s = l->shared;
    requests_fini(&s->requests);
    text_fini(&s->fixed);
    free(s);
    world_fini(&l->world);
}

#define HTTP_MODE(mode_name, op, prepare_fn, start_fn)                                                                 \
    {                                                                                                                  \
        .name = mode_name, .primary = op, .prepare = prepare_fn, .start = start_fn, .go = go, .turn = turn,            \
        .end = end, .stop = stop, .release = release                                                                   \
    }

const struct mode MODE_SEND = HTTP_MODE("send", OP_SEND, prepare_send, start_send);
const struct mode MODE_POLL = HTTP_MODE("poll", OP_POLL, prepare_poll, start_poll);
const struct mode MODE_REFETCH = HTTP_MODE("refetch", OP_REFETCH, prepare_refetch, start_refetch);
const struct mode MODE_GET = HTTP_MODE("get", OP_REQUEST, prepare_get, start_fixed);
const struct mode MODE_POST = HTTP_MODE("post", OP_REQUEST, prepare_post, start_fixed);
const struct mode MODE_FILL = {.name = "fill", .primary = OP_SETUP, .prepare = prepare_send, .release = release};
