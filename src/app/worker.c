/* One turn: completions and fresh connections that came in → events → timers.
 * Busy is served before sleeping: as long as the inbox or the ring had something, the loop only looks at epoll. After a
 * crowd of events it lets others run and looks once more: where clients share the cores, the next crowd has come by then,
 * and a sleep and a wake-up are spared (a third more polls a second on 2 cores). Not while ops are under way: their
 * answers must not wait for a turn at the core. */
#include "app/worker.h"

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "handoff/mailbox.h"
#include "handoff/ring.h"
#include "http/session.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_US  20000
#define DRAIN_MS 20 /* how often a stopping worker looks whether it is done */
#define CROWD    4  /* events of one turn */

struct worker {
    struct worker_options options;
    struct loop loop;
    struct timer_wheel wheel;
    struct http_server http;
    struct api_worker api;
    struct loop_source wake; /* the inbox's eventfd */
    struct ring *fresh;      /* acceptor → worker: struct accepted */
    struct share_book book;  /* of what its connections hold */
    pthread_t thread;
    bool running;
    unsigned served;                  /* events of the last turn */
    unsigned taken;                   /* connections ever popped from `fresh` */
    int64_t stop_deadline_us;         /* set before stopping */
    atomic_bool stopping;             /* server.c writes, the worker reads */
    _Alignas(64) atomic_uint arrived; /* acceptor writes */
    bool given;                       /* acceptor only: since the last flush */
    _Alignas(64) atomic_uint left;    /* the worker writes: connections that ended or moved on */
};

static void on_wake(struct loop_source *source, uint32_t events)
{
    (void)source;
    (void)events; /* mailbox_awake() drains it; what it woke us for is taken at the top of the next turn */
}

/* Another worker's thread: some of our connections are to give way. */
static void poke(void *inbox)
{
    mailbox_poke(inbox);
}

static void on_left(void *arg, uint64_t ticket)
{
    struct worker *w = arg;
    admission_leave(w->options.admission, ticket);
}

static bool take_fresh(struct worker *w)
{
    struct accepted connection;
    bool any = false;
    while (ring_pop(w->fresh, &connection)) {
        any = true;
        w->taken++;
        http_server_take(&w->http, connection.fd, connection.ticket,
                         (struct http_from){.address = address_of((const struct sockaddr *)&connection.peer),
                                            .listener = (uint8_t)connection.listener});
    }
    return any;
}

/* Not arrived - open: what is still in the ring has not left. */
static void publish_load(struct worker *w)
{
    atomic_store_explicit(&w->left, w->taken - w->http.conns.open, memory_order_relaxed);
}

static void turn(struct worker *w, int max_wait_ms)
{
    bool busy = api_complete(&w->api);
    busy |= take_fresh(w);
    busy |= http_server_give_way(&w->http);
    if (busy) {
        w->served = loop_run_once(&w->loop, 0);
    } else if (w->served >= CROWD && w->api.in_flight == 0) {
        (void)sched_yield();
        w->served = loop_run_once(&w->loop, 0);
    } else {
        mailbox_sleeping(w->api.producer.inbox);
        bool late = api_complete(&w->api);
        late = take_fresh(w) || late;
        int wait_ms = timer_wheel_next_ms(&w->wheel, clock_mono_us());
        if (max_wait_ms >= 0 && (wait_ms < 0 || wait_ms > max_wait_ms))
            wait_ms = max_wait_ms;
        w->served = loop_run_once(&w->loop, late ? 0 : wait_ms);
        mailbox_awake(w->api.producer.inbox);
    }
    (void)timer_wheel_run(&w->wheel, w->loop.now_us);
    publish_load(w);
}

static void run_down(struct worker *w)
{
    http_server_drain(&w->http);
    (void)take_fresh(w); /* the acceptor has ended: these are the last, and each may have asked for something */
    while ((w->http.conns.open > 0 || w->api.in_flight > 0) && clock_mono_us() < w->stop_deadline_us)
        turn(w, DRAIN_MS);
    /* Past the deadline ops may still be under way; the writer ends before this worker's memory goes. */
    if (w->http.conns.open > 0 || w->api.in_flight > 0)
        log_warn("cut at the drain deadline", "connections=%u requests=%lld", w->http.conns.open,
                 (long long)w->api.in_flight);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof(name), "worker-%u", w->options.index);
    log_thread_name(name);
    metrics_thread_init();
    if (loop_add(&w->loop, &w->wake) != OK) {
        log_error("worker cannot wait", "thread=%s", name);
        abort();
    }
    while (!atomic_load_explicit(&w->stopping, memory_order_acquire))
        turn(w, -1);
    run_down(w);
    loop_remove(&w->loop, &w->wake);
    http_server_fini(&w->http);
    return NULL;
}

enum err worker_new(const struct worker_options *options, struct worker **out)
{
    struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
    if (!w)
        return ERR_NOMEM;
    memset(w, 0, sizeof(*w));
    w->options = *options;
    w->api.api = options->api;
    w->api.http = &w->http;
    timer_wheel_init(&w->wheel, TICK_US, clock_mono_us());
    const struct http_service service = {.handle = options->handle ? options->handle : api_handle,
                                         .overdue = api_overdue,
                                         .decorate = api_decorate,
                                         .identify = api_identify,
                                         .put_error = api_put_error,
                                         .arg = &w->api};
    enum err e = loop_init(&w->loop);
    if (e == OK)
        e = http_server_init(&w->http, &w->loop, &w->wheel, options->http, &service, options->max_connections);
    if (e == OK)
        e = api_worker_init(&w->api, options->max_ops);
    w->http.conns.left = on_left;
    w->http.conns.left_arg = w;
    w->fresh = ring_new(sizeof(struct accepted), RING_CAPACITY);
    if (e == OK && !w->fresh)
        e = ERR_NOMEM;
    if (e == OK && options->api->shares) {
        e = share_book_open(options->api->shares, options->max_connections, poke, w->api.producer.inbox, &w->book);
        w->http.conns.book = &w->book;
    }
    if (e != OK) {
        worker_free(w);
        return e;
    }
    w->wake = (struct loop_source){.fd = mailbox_fd(w->api.producer.inbox), .on_events = on_wake};
    *out = w;
    return OK;
}

enum err worker_start(struct worker *w)
{
    w->running = pthread_create(&w->thread, NULL, worker_main, w) == 0;
    return w->running ? OK : ERR_NOMEM;
}

enum err worker_give(struct worker *w, const struct accepted *connection)
{
    enum err e = ring_push(w->fresh, connection);
    if (e != OK)
        return e;
    atomic_store_explicit(&w->arrived, atomic_load_explicit(&w->arrived, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    w->given = true;
    return OK;
}

void worker_flush(struct worker *w)
{
    if (w->given)
        mailbox_poke(w->api.producer.inbox);
    w->given = false;
}

uint32_t worker_connections(const struct worker *w)
{
    return atomic_load_explicit(&w->arrived, memory_order_relaxed) -
           atomic_load_explicit(&w->left, memory_order_relaxed);
}

const struct loop *worker_loop(const struct worker *w)
{
    return &w->loop;
}

void worker_ask_stop(struct worker *w, int64_t deadline_mono_us)
{
    w->stop_deadline_us = deadline_mono_us;
    atomic_store_explicit(&w->stopping, true, memory_order_release);
    mailbox_poke(w->api.producer.inbox);
}

void worker_join(struct worker *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    share_book_close(&w->book);
    api_worker_fini(&w->api);
    ring_free(w->fresh);
    loop_fini(&w->loop);
    free(w);
}
