/* mode_signals.c: widgets and agents that type. Each of --publishers widgets has a chat of its own and follows it; the
 * --subscribers agents hear of all chats, and as many of them as there are widgets type into one chat each. Each types once
 * in TYPING_PERIOD_S, since a connection's typing is passed on every 2 s at most; so at most one signal of a side is under
 * way in a chat, and a frame is told by its chat and its role. Everybody but who typed hears it: all agents, or all other
 * agents and the widget. `last`: the last of them. `customer`: the widgets alone. */
#include "modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPING_PERIOD_S 2.1
#define UUID_CHARS      36

enum side { SIDE_USER, SIDE_AGENT, SIDES };

struct signal {
    atomic_int_fast64_t sent_ns;
    atomic_uint heard;
};

struct shared {
    struct signal *signals[SIDES]; /* by chat */
    uint32_t *slots;               /* chats by their ids: index + 1 */
    uint32_t slot_count;           /* a power of two */
    atomic_uint_fast64_t sent, heard;
};

struct typist {
    struct conn *conn;
    uint32_t chat;
    enum side side;
};

struct signal_worker {
    struct conn *conns; /* widgets, then agents */
    char (*hellos)[160];
    unsigned count, widgets, opened;
    struct typist *typists;
    unsigned typist_count, next;
    double interval_ns, next_due_ns;
    uint64_t sent, heard;
};

static unsigned typing_agents(const struct options *o)
{
    return o->subscribers < o->publishers ? o->subscribers : o->publishers;
}

static uint32_t slot_of(const struct shared *s, const char *chat_id)
{
    return (uint32_t)strtoul((char[]){chat_id[0], chat_id[1], chat_id[2], chat_id[3], chat_id[4], chat_id[5],
                                      chat_id[6], chat_id[7], '\0'},
                             NULL, 16) &
           (s->slot_count - 1);
}

static bool find_chat(const struct load *l, const char *chat_id, uint32_t *chat)
{
    const struct shared *s = l->shared;
    for (uint32_t i = slot_of(s, chat_id); s->slots[i]; i = (i + 1) & (s->slot_count - 1))
        if (memcmp(l->world.chat_ids[s->slots[i] - 1], chat_id, UUID_CHARS) == 0) {
            *chat = s->slots[i] - 1;
            return true;
        }
    return false; /* another run's */
}

static void prepare(struct load *l)
{
    const struct options *o = l->options;
    struct shared *s = must_alloc(1, sizeof(*s));
    l->shared = s;
    if (o->rate > 0 && (o->publishers + typing_agents(o)) / o->rate < TYPING_PERIOD_S)
        die("a connection's typing is passed on every 2 s: that --rate takes more --publishers and --subscribers");
    world_make(l, o->publishers, o->publishers, 0);
    if (l->world.chats < o->publishers)
        die("--ids has fewer chats than publishers");
    for (unsigned side = 0; side < SIDES; side++)
        s->signals[side] = must_alloc(o->publishers, sizeof(struct signal));
    for (s->slot_count = 16; s->slot_count < 2 * o->publishers;)
        s->slot_count *= 2;
    s->slots = must_alloc(s->slot_count, sizeof(*s->slots));
    for (uint32_t chat = 0; chat < o->publishers; chat++) {
        uint32_t i = slot_of(s, l->world.chat_ids[chat]);
        while (s->slots[i])
            i = (i + 1) & (s->slot_count - 1);
        s->slots[i] = chat + 1;
    }
}

static void on_message(struct conn *c, const char *payload, size_t len)
{
    static const char HEAD[] = "{\"type\":\"typing\",\"data\":{\"chat_id\":\"";
    struct worker *w = c->worker;
    struct shared *s = w->load->shared;
    struct signal_worker *own = w->own;
    const char *chat_id = payload + sizeof(HEAD) - 1;
    uint32_t chat;
    if (len < sizeof(HEAD) + UUID_CHARS || memcmp(payload, HEAD, sizeof(HEAD) - 1) != 0 ||
        !memmem(payload, len, "\"typing\":true", 13) || !find_chat(w->load, chat_id, &chat))
        return;
    enum side side = memmem(payload, len, "\"role\":\"user\"", 13) ? SIDE_USER : SIDE_AGENT;
    struct signal *signal = &s->signals[side][chat];
    int64_t sent_ns = atomic_load_explicit(&signal->sent_ns, memory_order_acquire);
    worker_done(w, OP_DELIVERY, sent_ns, 0);
    if (c->index < own->widgets)
        worker_done(w, OP_CUSTOMER, sent_ns, 0);
    own->heard++;
    if (atomic_fetch_add_explicit(&signal->heard, 1, memory_order_relaxed) + 1 == w->load->options->subscribers)
        worker_done(w, OP_LAST, sent_ns, 0);
}

static void open_some(struct signal_worker *own, const struct worker *w)
{
    while (own->opened < own->count && w->opening < w->load->options->open_window)
        conn_open(&own->conns[own->opened++]);
}

static void on_ready(struct conn *c)
{
    open_some(c->worker->own, c->worker);
}

static const struct conn_actor ACTOR = {.ready = on_ready, .message = on_message};

static void add_typist(struct signal_worker *own, struct conn *c, uint32_t chat, enum side side)
{
    own->typists[own->typist_count++] = (struct typist){.conn = c, .chat = chat, .side = side};
}

static void start(struct worker *w)
{
    const struct options *o = w->load->options;
    struct signal_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    own->widgets = worker_share(w, o->publishers);
    own->count = own->widgets + worker_share(w, o->subscribers);
    own->conns = must_alloc(own->count, sizeof(struct conn));
    own->hellos = must_alloc(own->widgets, sizeof(*own->hellos));
    own->typists = must_alloc(own->count, sizeof(struct typist));
    for (unsigned i = 0; i < own->count; i++) {
        struct conn *c = &own->conns[i];
        conn_init(c, w, &ACTOR, own, i);
        c->websocket = true;
        if (i >= own->widgets) {
            uint32_t agent = worker_first(w, o->subscribers) + i - own->widgets;
            if (agent < typing_agents(o))
                add_typist(own, c, agent, SIDE_AGENT);
            continue;
        }
        uint32_t chat = worker_first(w, o->publishers) + i;
        snprintf(own->hellos[i], sizeof(own->hellos[i]),
                 "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"%.36s\"}",
                 w->load->world.chat_ids[chat]);
        c->hello = own->hellos[i];
        add_typist(own, c, chat, SIDE_USER);
    }
    open_some(own, w);
}

/* Each thread's typists take turns within the period. */
static void go(struct worker *w)
{
    const struct options *o = w->load->options;
    struct signal_worker *own = w->own;
    double period_ns = (o->rate > 0 ? (o->publishers + typing_agents(o)) / o->rate : TYPING_PERIOD_S) * 1e9;
    own->interval_ns = own->typist_count ? period_ns / own->typist_count : 0;
    own->next_due_ns = (double)w->now_ns + own->interval_ns * (w->index + 1) / w->load->threads;
}

static void type(struct worker *w, const struct typist *t)
{
    struct shared *s = w->load->shared;
    struct signal_worker *own = w->own;
    struct signal *signal = &s->signals[t->side][t->chat];
    char text[128];
    if (t->conn->state != CONN_READY)
        return;
    int len = snprintf(text, sizeof(text), "{\"action\":\"typing\",\"chat_id\":\"%.36s\",\"typing\":true}",
                       w->load->world.chat_ids[t->chat]);
    atomic_store_explicit(&signal->heard, 0, memory_order_relaxed);
    atomic_store_explicit(&signal->sent_ns, (int64_t)own->next_due_ns, memory_order_release);
    conn_send_text(t->conn, text, (size_t)len);
    worker_done(w, OP_SIGNAL, (int64_t)own->next_due_ns, 0);
    own->sent++;
}

static int64_t turn(struct worker *w)
{
    struct signal_worker *own = w->own;
    if (own->typist_count == 0 || worker_ending(w))
        return NEVER_NS;
    while ((int64_t)own->next_due_ns <= w->now_ns) {
        type(w, &own->typists[own->next++ % own->typist_count]);
        own->next_due_ns += own->interval_ns;
    }
    return (int64_t)own->next_due_ns;
}

/* What was sent in the last moment may still arrive. */
static bool pending(struct worker *w)
{
    return w->now_ns - w->load->end_ns < SECOND_NS / 5;
}

static void end(struct worker *w)
{
    struct shared *s = w->load->shared;
    const struct signal_worker *own = w->own;
    atomic_fetch_add(&s->sent, own->sent);
    atomic_fetch_add(&s->heard, own->heard);
}

static void stop(struct worker *w)
{
    struct signal_worker *own = w->own;
    free(own->conns);
    free(own->hellos);
    free(own->typists);
    free(own);
}

static uint64_t expected(const struct load *l)
{
    const struct shared *s = l->shared;
    return (uint64_t)atomic_load(&s->sent) * l->options->subscribers;
}

static void report(struct load *l)
{
    const struct shared *s = l->shared;
    uint64_t want = expected(l), heard = atomic_load(&s->heard);
    printf("signals    %llu, heard %llu times of %llu, warm-up included (%.3f %%)\n",
           (unsigned long long)atomic_load(&s->sent), (unsigned long long)heard, (unsigned long long)want,
           want ? 100.0 * (double)heard / (double)want : 0.0);
}

static void report_json(struct load *l)
{
    const struct shared *s = l->shared;
    printf(",\"signals\":{\"sent\":%llu,\"expected\":%llu,\"heard\":%llu}", (unsigned long long)atomic_load(&s->sent),
           (unsigned long long)expected(l), (unsigned long long)atomic_load(&s->heard));
}

static void release(struct load *l)
{
    struct shared *s = l->shared;
    for (unsigned side = 0; side < SIDES; side++)
        free(s->signals[side]);
    free(s->slots);
    free(s);
    world_fini(&l->world);
}

const struct mode MODE_SIGNALS = {.name = "signals",
                                  .primary = OP_DELIVERY,
                                  .prepare = prepare,
                                  .start = start,
                                  .go = go,
                                  .turn = turn,
                                  .pending = pending,
                                  .end = end,
                                  .stop = stop,
                                  .report = report,
                                  .report_json = report_json,
                                  .release = release};
