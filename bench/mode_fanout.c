/* mode_fanout.c: M publishers, N WebSocket subscribers on the same or other threads.
 * fanout: a publish is a durable send to sakurad, each publisher to a chat of its own; the mark travels in the role.
 * wsfan:  a publish is a POST to --path whose body the server passes to every WebSocket; the mark travels in it.
 * A publish is complete when every thread has counted it once for each of its subscribers; the last of them takes the
 * time (operation `last`). Deliveries that a server merges away (coalescing) or loses show as `missed`. */
#include "modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING 65536u /* publishes of one publisher that may be under way */

struct publish {
    atomic_int_fast64_t sent_ns;
    atomic_uint threads_done; /* whose subscribers all have it */
};

struct shared {
    struct requests requests;
    struct text post; /* wsfan */
    size_t mark_at;
    struct publish *ring; /* publishers × RING */
    unsigned threads_subscribed;
    atomic_uint_fast64_t published; /* answered 2xx */
    atomic_uint_fast64_t received;
    bool wsfan;
};

struct tally {
    uint32_t sequence; /* + 1, so that zero is none */
    uint32_t got;
};

struct publisher {
    uint32_t next;
    bool waits; /* for next - 1 to be complete */
    int64_t since_ns;
};

struct fan_worker {
    struct group publishers;
    struct publisher *state; /* one per connection of the group */
    struct conn *subscribers;
    unsigned subscriber_count;
    unsigned opened;           /* conn_open called so far */
    struct tally *tallies;     /* publishers × RING */
    size_t frame_len, mark_at; /* of the last frame: nearly always of the next one too */
    uint64_t received, told;
    int64_t last_arrival_ns;
};

static struct publish *publish_at(const struct shared *s, uint32_t publisher, uint32_t sequence)
{
    return &s->ring[(size_t)publisher * RING + sequence % RING];
}

static bool is_complete(const struct shared *s, uint32_t publisher, uint32_t sequence)
{
    return atomic_load_explicit(&publish_at(s, publisher, sequence)->threads_done, memory_order_acquire) >=
           s->threads_subscribed;
}

static bool may_publish(struct group *g, struct publisher *p, uint32_t number)
{
    struct worker *w = g->worker;
    struct shared *s = w->load->shared;
    const struct options *o = w->load->options;
    if (!p->waits || o->window == WINDOW_ACK || o->rate > 0)
        return true;
    if (is_complete(s, number, p->next - 1))
        return true;
    if (w->now_ns - p->since_ns < (int64_t)(o->timeout_s * 1e9))
        return false;
    worker_failed(w, OP_LAST, FAIL_MISSED);
    return true;
}

static size_t build_publish(struct group *g, struct conn *c, char *out)
{
    struct worker *w = g->worker;
    struct shared *s = w->load->shared;
    struct fan_worker *own = g->own;
    struct publisher *p = &own->state[c->index];
    uint32_t number = worker_first(w, w->load->options->publishers) + c->index;
    if (!may_publish(g, p, number))
        return 0;
    char mark[MARK_LEN];
    uint32_t sequence = p->next++;
    mark_write(mark, number, sequence);
    p->waits = true;
    p->since_ns = w->now_ns;
    struct publish *publish = publish_at(s, number, sequence);
    atomic_store_explicit(&publish->threads_done, 0, memory_order_relaxed);
    int64_t due_ns = w->load->options->rate > 0 ? (int64_t)g->next_due_ns : w->now_ns;
    atomic_store_explicit(&publish->sent_ns, due_ns, memory_order_release);
    if (!s->wsfan)
        return template_build_send(&s->requests.send_marked, w->load->world.chat_ids[number], mark, sequence, out);
    memcpy(out, s->post.ptr, s->post.len);
    memcpy(out + s->mark_at, mark, MARK_LEN);
    return s->post.len;
}

static void publish_done(struct group *g, struct conn *c)
{
    struct shared *s = g->worker->load->shared;
    (void)c;
    atomic_fetch_add_explicit(&s->published, 1, memory_order_relaxed);
}

static const struct group_kind PUBLISH_KIND = {OP_SEND, build_publish, publish_done, NULL};

static void publish_complete(struct worker *w, uint32_t number, int64_t sent_ns)
{
    struct load *l = w->load;
    worker_done(w, OP_LAST, sent_ns, 0);
    for (unsigned i = 0; i < l->threads; i++) {
        struct worker *owner = &l->workers[i];
        unsigned first = worker_first(owner, l->options->publishers);
        if (number < first || number >= first + worker_share(owner, l->options->publishers))
            continue;
        if (owner != w)
            worker_wake(owner); /* on our own thread turn() nudges anyway */
    }
}

static void take_mark(struct worker *w, uint32_t number, uint32_t sequence)
{
    struct shared *s = w->load->shared;
    struct fan_worker *own = w->own;
    if (number >= w->load->options->publishers)
        return; /* another run's */
    struct publish *publish = publish_at(s, number, sequence);
    int64_t sent_ns = atomic_load_explicit(&publish->sent_ns, memory_order_acquire);
    worker_done(w, OP_DELIVERY, sent_ns, 0);
    own->received++;
    struct tally *t = &own->tallies[(size_t)number * RING + sequence % RING];
    if (t->sequence != sequence + 1)
        *t = (struct tally){.sequence = sequence + 1};
    if (++t->got != own->subscriber_count)
        return;
    if (atomic_fetch_add_explicit(&publish->threads_done, 1, memory_order_acq_rel) + 1 == s->threads_subscribed)
        publish_complete(w, number, sent_ns);
}

static void on_message(struct conn *c, const char *payload, size_t len)
{
    struct worker *w = c->worker;
    struct fan_worker *own = w->own;
    uint32_t number, sequence;
    size_t at = len == own->frame_len ? own->mark_at : 0;
    bool guessed = at > 0;
    own->last_arrival_ns = w->now_ns;
    if (!mark_find(payload, len, &at, &number, &sequence))
        return;
    if (!guessed) {
        own->frame_len = len;
        own->mark_at = at - MARK_LEN;
    }
    do /* a server may put several publishes into one frame */
        take_mark(w, number, sequence);
    while (mark_find(payload, len, &at, &number, &sequence));
}

static void on_ready(struct conn *c)
{
    (void)c;
}

static const struct conn_actor SUBSCRIBER = {.ready = on_ready, .message = on_message};

/* Upgrades are opened a few at a time: the server's accept queue is finite. */
static void open_some(struct fan_worker *own, const struct worker *w)
{
    while (own->opened < own->subscriber_count && w->opening < w->load->options->open_window)
        conn_open(&own->subscribers[own->opened++]);
}

static void on_ready_open_next(struct conn *c)
{
    open_some(c->worker->own, c->worker);
}

static const struct conn_actor OPENING_SUBSCRIBER = {.ready = on_ready_open_next, .message = on_message};

static struct shared *new_shared(struct load *l)
{
    struct shared *s = must_alloc(1, sizeof(*s));
    requests_init(&s->requests, l->options);
    s->ring = must_alloc((size_t)l->options->publishers * RING, sizeof(struct publish));
    s->threads_subscribed = l->options->subscribers < l->threads ? l->options->subscribers : l->threads;
    l->shared = s;
    return s;
}

static void prepare_fanout(struct load *l)
{
    new_shared(l);
    world_make(l, l->options->publishers, l->options->publishers, 0);
    if (l->world.chats < l->options->publishers)
        die("--ids has fewer chats than publishers");
}

/* --body with its %TOKEN% and %PAD% filled in: the frame is --payload bytes where there is a %PAD%. */
static void expand_body(const struct options *o, struct text *body, size_t *mark_at)
{
    const char *form = o->body ? o->body : "{\"mark\":\"%TOKEN%\",\"pad\":\"%PAD%\"}";
    const char *token = strstr(form, "%TOKEN%");
    const char *pad = strstr(form, "%PAD%");
    if (!token)
        die("--body needs a %%TOKEN%%");
    size_t fixed = strlen(form) - 7 + MARK_LEN - (pad ? 5 : 0);
    for (const char *at = form; *at;) {
        if (at == token) {
            *mark_at = body->len;
            text_append(body, "bn-0000-00000000", MARK_LEN);
            at += 7;
        } else if (at == pad) {
            for (size_t i = fixed; i < o->payload; i++)
                text_append(body, "x", 1);
            at += 5;
        } else {
            text_append(body, at++, 1);
        }
    }
}

static void prepare_wsfan(struct load *l)
{
    struct shared *s = new_shared(l);
    s->wsfan = true;
    struct text body = {0};
    size_t mark_at = 0;
    expand_body(l->options, &body, &mark_at);
    template_post(&s->post, l->options, l->options->path, body.ptr, body.len);
    s->mark_at = s->post.len - body.len + mark_at;
    text_fini(&body);
}

static void start(struct worker *w)
{
    const struct options *o = w->load->options;
    struct shared *s = w->load->shared;
    struct fan_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    if (s->post.len > w->out_cap)
        die("the request is too long");
    unsigned publishers = worker_share(w, o->publishers);
    own->state = must_alloc(publishers, sizeof(struct publisher));
    own->tallies = must_alloc((size_t)o->publishers * RING, sizeof(struct tally));
    own->subscriber_count = worker_share(w, o->subscribers);
    own->subscribers = must_alloc(own->subscriber_count, sizeof(struct conn));
    for (unsigned i = 0; i < own->subscriber_count; i++) {
        conn_init(&own->subscribers[i], w, &OPENING_SUBSCRIBER, own, i);
        own->subscribers[i].websocket = true;
    }
    group_init(&own->publishers, w, &PUBLISH_KIND, publishers, own);
    open_some(own, w);
}

static void go(struct worker *w)
{
    struct fan_worker *own = w->own;
    for (unsigned i = 0; i < own->subscriber_count; i++)
        own->subscribers[i].actor = &SUBSCRIBER;
    if (own->publishers.count)
        group_go(&own->publishers, w->load->options->rate);
}

static int64_t turn(struct worker *w)
{
    struct fan_worker *own = w->own;
    struct shared *s = w->load->shared;
    if (own->received != own->told) { /* one shared add a turn, not one a frame */
        atomic_fetch_add_explicit(&s->received, own->received - own->told, memory_order_relaxed);
        own->told = own->received;
    }
    if (!own->publishers.count)
        return NEVER_NS;
    group_nudge(&own->publishers);
    return group_turn(&own->publishers);
}

/* Until all has arrived, or nothing has for half a second. */
static bool pending(struct worker *w)
{
    struct fan_worker *own = w->own;
    struct shared *s = w->load->shared;
    uint64_t expected = atomic_load_explicit(&s->published, memory_order_relaxed) * own->subscriber_count;
    int64_t quiet_from = own->last_arrival_ns > w->load->end_ns ? own->last_arrival_ns : w->load->end_ns;
    return own->received < expected && w->now_ns - quiet_from < SECOND_NS / 2;
}

static void end(struct worker *w)
{
    struct fan_worker *own = w->own;
    if (own->publishers.count)
        group_end(&own->publishers);
    turn(w);
}

static void stop(struct worker *w)
{
    struct fan_worker *own = w->own;
    group_fini(&own->publishers);
    free(own->state);
    free(own->tallies);
    free(own->subscribers);
    free(own);
}

static void report(struct load *l)
{
    struct shared *s = l->shared;
    uint64_t expected = atomic_load(&s->published) * l->options->subscribers;
    uint64_t received = atomic_load(&s->received);
    printf("deliveries %llu of %llu, warm-up included (%.3f %%); frames of %zu bytes\n", (unsigned long long)received,
           (unsigned long long)expected, expected ? 100.0 * (double)received / (double)expected : 0.0,
           ((struct fan_worker *)l->workers[0].own)->frame_len);
}

static void report_json(struct load *l)
{
    struct shared *s = l->shared;
    printf(",\"deliveries\":{\"expected\":%llu,\"received\":%llu,\"frame_bytes\":%zu}",
           (unsigned long long)atomic_load(&s->published) * l->options->subscribers,
           (unsigned long long)atomic_load(&s->received), ((struct fan_worker *)l->workers[0].own)->frame_len);
}

static void release(struct load *l)
{
    struct shared *s = l->shared;
    requests_fini(&s->requests);
    text_fini(&s->post);
    free(s->ring);
    free(s);
    world_fini(&l->world);
}

#define FAN_MODE(mode_name, prepare_fn)                                                                                \
    {                                                                                                                  \
        .name = mode_name, .primary = OP_DELIVERY, .prepare = prepare_fn, .start = start, .go = go, .turn = turn,      \
        .pending = pending, .end = end, .stop = stop, .report = report, .report_json = report_json, .release = release \
    }

const struct mode MODE_FANOUT = FAN_MODE("fanout", prepare_fanout);
const struct mode MODE_WSFAN = FAN_MODE("wsfan", prepare_wsfan);
