/* Turn:     new connections (mailbox), ops that came back (the producer's inbox), notices and what the other broadcasters'
 *           connections say (rings), a slice of the fan-out (the app's on_turn), the timers, then what the sockets have to
 *           say (loop).
 * Sleep:    only when nothing of that is left. The thread tells the mailbox that it is about to sleep, then looks once
 *           more: a producer either sees that it sleeps and wakes it, or pushed before and is found by that look.
 * Stop:     what the rings hold is delivered (DELIVERING), every connection gets a close frame with 1001 (CLOSING), and
 *           the peers' closes are awaited. Past the deadline it goes on to the next step, and at last just closes.
 * Failures: a ring that was full, or lost notices of any other kind, become "refetch all". A connection that cannot be
 *           taken is closed. Without memory at its start the process aborts. */
#include "broadcaster_internal.h"

#include "base/blob.h"
#include "base/log.h"
#include "base/metrics.h"
#include "push/ws_conn.h"
#include "write/producer.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE_LINE 64
#define OP_ARENA   ((size_t)16384) /* of one op: ids alone */

enum phase { RUNNING, DELIVERING, CLOSING };

struct broadcaster {
    /* thread only */
    struct loop loop;
    struct ws_set *set;
    struct loop_source wake_source, inbox_source;
    struct producer producer; /* zeroed where it does not produce */
    enum phase phase;
    enum ws_app_load load;
    unsigned next_ring; /* where the next drain begins, so that no producer is last for ever */
    struct notice batch[BROADCAST_BATCH];
    /* set before start, then read-only */
    struct broadcaster_options options;
    struct mailbox *mailbox;
    struct ring *rings[BROADCASTER_RINGS_MAX];
    unsigned ring_count;
    struct ring *links[BROADCASTER_RINGS_MAX]; /* from the other broadcasters: struct blob * */
    unsigned link_count;
    bool started;
    pthread_t thread;
    /* atomic */
    alignas(CACHE_LINE) atomic_uint connections; /* adopt adds, the thread subtracts: relaxed, a number for a choice */
    atomic_uint asked; /* enum broadcaster_order; release/acquire: what had changed before it was asked is seen */
    atomic_bool stop;  /* release/acquire: carries stop_deadline_us */
    atomic_int_fast64_t stop_deadline_us;
};

enum err broadcaster_attach(struct broadcaster *b, struct ring *ring)
{
    must(!b->started);
    if (b->ring_count == BROADCASTER_RINGS_MAX)
        return ERR_BUSY;
    b->rings[b->ring_count++] = ring;
    return OK;
}

void broadcaster_detach(struct broadcaster *b, struct ring *ring)
{
    must(!b->started);
    for (unsigned i = 0; i < b->ring_count; i++)
        if (b->rings[i] == ring) {
            b->rings[i] = b->rings[--b->ring_count];
            return;
        }
}

enum err broadcaster_link_from(struct broadcaster *b, struct ring *ring)
{
    must(!b->started);
    if (b->link_count == BROADCASTER_RINGS_MAX)
        return ERR_BUSY;
    b->links[b->link_count++] = ring;
    return OK;
}

void broadcaster_link_to(struct broadcaster *b, struct relay_port *port)
{
    must(!b->started);
    b->options.ws.relay = port;
}

void broadcaster_unlink(struct broadcaster *b)
{
    must(!b->started);
    b->link_count = 0;
    b->options.ws.relay = NULL;
}

void broadcaster_poke(struct broadcaster *b)
{
    mailbox_poke(b->mailbox);
}

void broadcaster_ask(struct broadcaster *b, enum broadcaster_order what)
{
    atomic_fetch_or_explicit(&b->asked, (unsigned)what, memory_order_release);
    mailbox_poke(b->mailbox);
}

/* True once for what was asked, however often. */
static bool was_asked(struct broadcaster *b, enum broadcaster_order what)
{
    return atomic_load_explicit(&b->asked, memory_order_relaxed) & (unsigned)what &&
           atomic_fetch_and_explicit(&b->asked, ~(unsigned)what, memory_order_acquire) & (unsigned)what;
}

unsigned broadcaster_connections(const struct broadcaster *b)
{
    return atomic_load_explicit(&b->connections, memory_order_relaxed);
}

const struct loop *broadcaster_loop(const struct broadcaster *b)
{
    return &b->loop;
}

void broadcaster_adopt(struct broadcaster *b, struct ws_handover *h)
{
    atomic_fetch_add_explicit(&b->connections, 1, memory_order_relaxed);
    mailbox_push(b->mailbox, &h->node);
}

/* The set's hook: a connection is gone. */
static void on_closed(void *arg, uint64_t tag)
{
    struct broadcaster *b = arg;
    atomic_fetch_sub_explicit(&b->connections, 1, memory_order_relaxed);
    if (b->options.ws.on_closed)
        b->options.ws.on_closed(b->options.ws.on_closed_arg, tag);
}

static void wake(void *mailbox)
{
    mailbox_poke(mailbox);
}

static void refuse(struct broadcaster *b, struct ws_handover *h)
{
    close(h->fd);
    metrics_add(M_WS_REFUSED, 1);
    on_closed(b, h->tag);
    ws_handover_free(h);
}

/* A right may have gone while the connection was on its way here. */
static bool is_good(const struct broadcaster *b, const struct ws_handover *h)
{
    return !h->principal || !b->options.still_good || b->options.still_good(b->options.still_good_arg, h->principal);
}

static bool adopt_new(struct broadcaster *b)
{
    struct mailbox_node *node = mailbox_take(b->mailbox);
    if (!node)
        return false;
    while (node) {
        struct ws_handover *h = (struct ws_handover *)(void *)node;
        node = node->next;
        if (b->phase == CLOSING || !is_good(b, h) || !ws_set_adopt(b->set, h))
            refuse(b, h);
    }
    return true;
}

static void observe_taken(const struct broadcaster *b, const struct notice *n)
{
    int64_t waited_us = b->loop.now_us - n->raised_mono_us;
    metrics_observe(H_DURABLE_NOTIFIED, waited_us > 0 ? (uint64_t)waited_us : 0);
}

/* At most BROADCAST_BATCH notices of all rings together; true when any was there. */
static bool take_notices(struct broadcaster *b)
{
    const struct ws_app *app = b->options.ws.app;
    unsigned count = 0;
    bool overflowed = false;
    for (unsigned i = 0; i < b->ring_count && count < BROADCAST_BATCH; i++) {
        struct ring *ring = b->rings[b->next_ring++ % b->ring_count];
        while (count < BROADCAST_BATCH && ring_pop(ring, &b->batch[count]))
            observe_taken(b, &b->batch[count++]);
        /* After the pops: the hint comes behind the notices that did get in. */
        overflowed |= ring_overflowed(ring);
    }
    if (count > 0 && app->on_notices)
        app->on_notices(ws_set_app(b->set), b->batch, count);
    if (overflowed)
        log_warn("notices overflowed", "broadcaster=%u subscribers_refetch=yes", b->options.index);
    overflowed |= was_asked(b, BROADCASTER_REFETCH);
    if (overflowed && app->on_overflow)
        app->on_overflow(ws_set_app(b->set));
    return count > 0 || overflowed;
}

/* At most BROADCAST_BATCH of each other broadcaster: more than a ring holds. */
static bool take_signals(struct broadcaster *b)
{
    const struct ws_app *app = b->options.ws.app;
    bool any = false;
    struct blob *signal;
    for (unsigned i = 0; i < b->link_count; i++)
        for (unsigned n = 0; n < BROADCAST_BATCH && ring_pop(b->links[i], &signal); n++) {
            any = true;
            if (app->on_signal)
                app->on_signal(ws_set_app(b->set), signal);
            blob_drop(signal);
        }
    return any;
}

static bool any_waits(struct ring *const *rings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (ring_depth(rings[i]) > 0)
            return true;
    return false;
}

static bool rings_wait(struct broadcaster *b)
{
    return any_waits(b->rings, b->ring_count) || any_waits(b->links, b->link_count);
}

static void check_asked(struct broadcaster *b)
{
    if (was_asked(b, BROADCASTER_RECHECK) && b->options.still_good)
        ws_set_recheck(b->set, b->options.still_good, b->options.still_good_arg);
    if (was_asked(b, BROADCASTER_DISMISS))
        ws_set_close_all(b->set, WS_CLOSE_GOING_AWAY, "another server has taken over");
}

static void check_stop(struct broadcaster *b)
{
    if (b->phase == RUNNING && atomic_load_explicit(&b->stop, memory_order_acquire)) {
        b->phase = DELIVERING;
        if (b->options.ws.app->on_stop)
            b->options.ws.app->on_stop(ws_set_app(b->set));
        b->load = WS_APP_BUSY; /* as far as we know: the next turn says */
    }
    bool late = b->phase != RUNNING && b->loop.now_us >= atomic_load(&b->stop_deadline_us);
    if (b->phase == DELIVERING && (late || (b->load == WS_APP_IDLE && !rings_wait(b)))) {
        b->phase = CLOSING;
        ws_set_close_all(b->set, WS_CLOSE_GOING_AWAY, "server is stopping");
    }
}

static bool done(const struct broadcaster *b)
{
    return b->phase == CLOSING && (ws_set_count(b->set) == 0 || b->loop.now_us >= atomic_load(&b->stop_deadline_us));
}

static int sleep_ms(struct broadcaster *b)
{
    int wait_ms = ws_set_next_ms(b->set);
    if (b->phase == RUNNING)
        return wait_ms;
    int64_t left_us = atomic_load(&b->stop_deadline_us) - b->loop.now_us;
    int left_ms = left_us <= 0 ? 0 : left_us > 1000000 ? 1000 : (int)(left_us / 1000) + 1;
    return wait_ms < 0 || wait_ms > left_ms ? left_ms : wait_ms;
}

/* The last look before the sleep. New connections are taken on the spot, which gives the turn that follows work. */
static bool work_waits(struct broadcaster *b)
{
    return rings_wait(b) || adopt_new(b) || producer_complete(&b->producer) ||
           (b->phase == RUNNING && atomic_load_explicit(&b->stop, memory_order_acquire));
}

static void turn(struct broadcaster *b)
{
    const struct ws_app *app = b->options.ws.app;
    bool more = adopt_new(b);
    more |= producer_complete(&b->producer);
    if (b->load != WS_APP_FULL) {
        more |= take_notices(b);
        more |= take_signals(b);
    }
    /* The app's share comes last: what timers and closed connections gave it to send is not slept on. */
    ws_set_turn(b->set);
    b->load = app->on_turn ? app->on_turn(ws_set_app(b->set)) : WS_APP_IDLE;
    check_asked(b);
    check_stop(b);
    more |= b->load != WS_APP_IDLE;
    int wait_ms = more || done(b) ? 0 : sleep_ms(b);
    if (wait_ms == 0) {
        loop_run_once(&b->loop, 0);
        return;
    }
    mailbox_sleeping(b->mailbox);
    if (b->producer.inbox)
        mailbox_sleeping(b->producer.inbox);
    loop_run_once(&b->loop, work_waits(b) ? 0 : wait_ms);
    mailbox_awake(b->mailbox);
    if (b->producer.inbox)
        mailbox_awake(b->producer.inbox);
}

static void on_wake(struct loop_source *source, uint32_t events)
{
    (void)source; /* mailbox_awake() empties it */
    (void)events;
}

static void *run(void *arg)
{
    struct broadcaster *b = arg;
    char name[16];
    snprintf(name, sizeof(name), "broadcast-%u", b->options.index % 1000);
    log_thread_name(name);
    metrics_thread_init();
    loop_update_time(&b->loop); /* it was made on another thread, maybe long ago */
    struct ws_options options = b->options.ws;
    options.on_closed = on_closed;
    options.on_closed_arg = b;
    options.producer = b->producer.ops ? &b->producer : NULL;
    options.wake = wake;
    options.wake_arg = b->mailbox;
    enum err e = ws_set_new(&b->set, &b->loop, &options);
    if (e == OK)
        e = loop_add(&b->loop, &b->wake_source);
    if (e == OK && b->producer.inbox)
        e = loop_add(&b->loop, &b->inbox_source);
    if (e != OK) {
        log_error("broadcaster failed", "reason=\"%s\"", err_text(e));
        must(e == OK); /* at start, with nothing served yet: better gone than deaf */
    }
    while (!done(b))
        turn(b);
    if (ws_set_count(b->set) > 0)
        log_info("websockets cut at stop", "count=%u", ws_set_count(b->set));
    ws_set_free(b->set);
    b->set = NULL;
    return NULL;
}

enum err broadcaster_new(struct broadcaster **out, const struct broadcaster_options *options)
{
    struct broadcaster *b = aligned_alloc(alignof(struct broadcaster), sizeof(*b));
    if (!b)
        return ERR_NOMEM;
    memset(b, 0, sizeof(*b));
    b->options = *options;
    enum err e = loop_init(&b->loop);
    b->mailbox = e == OK ? mailbox_new() : NULL;
    if (e == OK && !b->mailbox)
        e = ERR_IO;
    if (e == OK && options->produces)
        e = producer_init(&b->producer, BROADCAST_OPS, OP_ARENA);
    if (e != OK) {
        broadcaster_free(b);
        return e;
    }
    if (b->producer.inbox)
        b->inbox_source = (struct loop_source){.fd = mailbox_fd(b->producer.inbox), .on_events = on_wake};
    b->wake_source = (struct loop_source){.fd = mailbox_fd(b->mailbox), .on_events = on_wake};
    *out = b;
    return OK;
}

enum err broadcaster_start(struct broadcaster *b)
{
    must(!b->started);
    b->started = true;
    if (pthread_create(&b->thread, NULL, run, b) != 0) {
        b->started = false;
        return ERR_NOMEM;
    }
    return OK;
}

void broadcaster_ask_stop(struct broadcaster *b, int64_t deadline_mono_us)
{
    if (!b->started)
        return;
    atomic_store(&b->stop_deadline_us, deadline_mono_us);
    atomic_store_explicit(&b->stop, true, memory_order_release);
    mailbox_poke(b->mailbox);
}

void broadcaster_stop(struct broadcaster *b, int64_t deadline_mono_us)
{
    if (!b->started)
        return;
    broadcaster_ask_stop(b, deadline_mono_us);
    pthread_join(b->thread, NULL);
    b->started = false;
}

void broadcaster_free(struct broadcaster *b)
{
    if (!b)
        return;
    must(!b->started);
    /* Connections that came after the thread's last look. */
    struct mailbox_node *node = b->mailbox ? mailbox_take(b->mailbox) : NULL;
    while (node) {
        struct ws_handover *h = (struct ws_handover *)(void *)node;
        node = node->next;
        refuse(b, h);
    }
    mailbox_free(b->mailbox);
    producer_fini(&b->producer); /* with what the writer had not begun when it ended */
    loop_fini(&b->loop);
    free(b);
}
