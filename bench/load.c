#include "load.h"
#include "conn.h"
#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define REOPEN_NS  (20 * SECOND_NS / 1000)

static void reopen_lost(struct worker *w)
{
    struct conn *c = w->lost;
    w->lost = NULL;
    while (c) {
        struct conn *next = c->next_lost;
        c->next_lost = NULL;
        if (!worker_ending(w))
            conn_open(c);
        c = next;
    }
}

static void cut_overdue(struct worker *w)
{
    int64_t limit_ns = (int64_t)(w->load->options->timeout_s * 1e9);
    for (struct conn *c = w->conns; c; c = c->next_conn)
        if ((c->busy || (c->state != CONN_CLOSED && c->state != CONN_READY)) && w->now_ns - c->since_ns > limit_ns)
            conn_fail(c, FAIL_TIMEOUT);
}

static void housekeeping(struct worker *w)
{
    if (w->lost && w->now_ns >= w->next_reopen_ns) {
        w->next_reopen_ns = w->now_ns + REOPEN_NS;
        reopen_lost(w);
    }
    if (w->now_ns >= w->next_timeouts_ns) {
        w->next_timeouts_ns = w->now_ns + SECOND_NS / 2;
        cut_overdue(w);
    }
}

/* Waits until wake_ns at the latest and hands out what has happened. */
static void worker_turn(struct worker *w, int64_t wake_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t longest = w->lost ? REOPEN_NS : SECOND_NS / 10;
    int64_t wait_ns = wake_ns - w->now_ns;
    wait_ns = wait_ns < 0 ? 0 : wait_ns > longest ? longest : wait_ns;
    struct timespec timeout = {.tv_sec = wait_ns / SECOND_NS, .tv_nsec = wait_ns % SECOND_NS};
    int n = epoll_pwait2(w->epoll_fd, events, EVENTS_MAX, &timeout, NULL);
    if (n < 0 && errno != EINTR)
        die("epoll_pwait2: %s", strerror(errno));
    w->now_ns = now_ns();
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr) {
            conn_events(events[i].data.ptr, events[i].events);
        } else {
            uint64_t count;
            ssize_t got = read(w->wake_fd, &count, sizeof(count));
            (void)got; /* EAGAIN: already taken */
        }
    }
    housekeeping(w);
}

static void worker_connect(struct worker *w)
{
    int64_t limit = w->now_ns + 2 * (int64_t)(w->load->options->timeout_s * 1e9);
    while ((w->opening || w->lost) && w->now_ns < limit)
        worker_turn(w, limit);
    unsigned missing = w->opening;
    for (const struct conn *c = w->lost; c; c = c->next_lost)
        missing++;
    if (missing)
        die("%u connections could not be opened to %s:%u", missing, w->load->options->http.host,
            w->load->options->http.port);
}

static void worker_run(struct worker *w)
{
    const struct load *l = w->load;
    int64_t last_ns = l->end_ns + (int64_t)(l->options->timeout_s * 1e9);
    w->going = true;
    w->now_ns = now_ns();
    l->mode->go(w);
    for (;;) {
        int64_t wake_ns = l->mode->turn(w);
        if (l->mode->finished && l->mode->finished(w))
            break;
        bool waiting = w->in_flight || (l->mode->pending && l->mode->pending(w));
        if (worker_ending(w) && (!waiting || w->now_ns >= last_ns))
            break;
        if (w->now_ns < l->end_ns && wake_ns > l->end_ns)
            wake_ns = l->end_ns;
        worker_turn(w, wake_ns);
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    prctl(PR_SET_TIMERSLACK, 1UL);
    w->now_ns = now_ns();
    w->load->mode->start(w);
    worker_connect(w);
    pthread_barrier_wait(&w->load->barrier);
    pthread_barrier_wait(&w->load->barrier); /* run_ns and end_ns are set between the two */
    worker_run(w);
    if (w->load->mode->end)
        w->load->mode->end(w);
    for (struct conn *c = w->conns; c; c = c->next_conn)
        if (c->busy)
            worker_failed(w, (enum op)c->op, FAIL_TIMEOUT);
    return NULL;
}

static void worker_init(struct load *l, unsigned index)
{
    struct worker *w = &l->workers[index];
    w->load = l;
    w->index = index;
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (w->epoll_fd < 0 || w->wake_fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &ev) != 0)
        die("epoll: %s", strerror(errno));
    w->in = must_alloc(READ_BYTES, 1);
    w->out_cap = l->options->payload + 16384u;
    w->out = must_alloc(w->out_cap, 1);
    w->rng = (l->options->seed + 1) * 0x9e3779b97f4a7c15u ^ (index + 1) * 0xbf58476d1ce4e5b9u;
    worker_stats(w, l->mode->primary);
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
        die("cannot start a thread");
}

struct usage load_server_usage(const struct load *l)
{
    const struct options *o = l->options;
    if (o->pid_count)
        return usage_of_pids(o->pids, o->pid_count);
    struct text body = {0};
    struct usage u = {0};
    if (fetch(&o->http, "/metrics", &body) == 200)
        u = usage_from_metrics(body.ptr);
    text_fini(&body);
    return u;
}

static void sleep_until(int64_t at_ns)
{
    struct timespec t = {.tv_sec = at_ns / SECOND_NS, .tv_nsec = at_ns % SECOND_NS};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* One line a second until end_ns. */
static void show_progress(struct load *l, int64_t started_ns)
{
    uint64_t before = 0;
    struct usage self_before = usage_of_self();
    for (int64_t at = now_ns() + SECOND_NS; at < l->end_ns; at += SECOND_NS) {
        sleep_until(at);
        uint64_t done = 0, failed = 0;
        for (unsigned i = 0; i < l->threads; i++) {
            done += atomic_load_explicit(&l->workers[i].live_done, memory_order_relaxed);
            failed += atomic_load_explicit(&l->workers[i].live_failed, memory_order_relaxed);
        }
        struct usage self = usage_of_self();
        fprintf(stderr, "\r%4.0f s  %10llu %s/s  %llu failed  client CPU %.2f   ", (double)(at - started_ns) / 1e9,
                (unsigned long long)(done - before), OP_NAMES[l->mode->primary], (unsigned long long)failed,
                self.cpu_s - self_before.cpu_s);
        before = done;
        self_before = self;
    }
}

static void merge(struct load *l)
{
    for (unsigned i = 0; i < l->threads; i++) {
        struct worker *w = &l->workers[i];
        l->reconnects += w->reconnects;
        for (unsigned s = 0; s < STATUS_MAX; s++)
            l->status[s] += w->status[s];
        for (unsigned op = 0; op < OP_COUNT; op++) {
            if (!w->stats[op])
                continue;
            if (!l->total[op])
                l->total[op] = must_alloc(1, sizeof(struct op_stats));
            l->total[op]->done += w->stats[op]->done;
            l->total[op]->bytes += w->stats[op]->bytes;
            for (unsigned f = 0; f < FAIL_COUNT; f++)
                l->total[op]->failed[f] += w->stats[op]->failed[f];
            hist_merge(&l->total[op]->latency, &w->stats[op]->latency);
        }
    }
}

static void measure(struct load *l, int64_t started_ns)
{
    sleep_until(l->run_ns);
    l->server_run = load_server_usage(l);
    l->self_run = usage_of_self();
    int64_t measured_from = now_ns();
    if (l->options->progress)
        show_progress(l, started_ns);
    sleep_until(l->end_ns);
    l->server_end = load_server_usage(l);
    l->self_end = usage_of_self();
    l->run_s = (double)(l->end_ns - l->run_ns) / 1e9;
    /* /metrics and /proc are read a little late at both ends: scale to the run. */
    double scale = l->run_s / ((double)(now_ns() - measured_from) / 1e9);
    l->server_end.cpu_s = l->server_run.cpu_s + (l->server_end.cpu_s - l->server_run.cpu_s) * scale;
    l->self_end.cpu_s = l->self_run.cpu_s + (l->self_end.cpu_s - l->self_run.cpu_s) * scale;
}

void load_run(struct load *l)
{
    const struct options *o = l->options;
    if (l->mode->prepare)
        l->mode->prepare(l);
    if (!l->quiet)
        l->server_start = load_server_usage(l);
    l->run_ns = l->end_ns = NEVER_NS;
    if (pthread_barrier_init(&l->barrier, NULL, l->threads + 1) != 0)
        die("cannot make a barrier");
    l->workers = must_alloc(l->threads, sizeof(struct worker));
    for (unsigned i = 0; i < l->threads; i++)
        worker_init(l, i);
    pthread_barrier_wait(&l->barrier);
    int64_t started_ns = now_ns();
    l->run_ns = l->quiet ? 0 : started_ns + (int64_t)(o->warm_up_s * 1e9);
    l->end_ns = l->quiet ? NEVER_NS : l->run_ns + (int64_t)(o->duration_s * 1e9);
    pthread_barrier_wait(&l->barrier);
    if (!l->quiet)
        measure(l, started_ns);
    for (unsigned i = 0; i < l->threads; i++)
        pthread_join(l->workers[i].thread, NULL);
    if (!l->quiet && o->progress)
        fputs("\r\033[K", stderr);
    pthread_barrier_destroy(&l->barrier);
    merge(l);
}

void load_fini(struct load *l)
{
    for (unsigned i = 0; i < l->threads && l->workers; i++) {
        struct worker *w = &l->workers[i];
        for (struct conn *c = w->conns; c; c = c->next_conn)
            conn_close(c);
        w->conns = NULL;
        l->mode->stop(w);
        close(w->epoll_fd);
        close(w->wake_fd);
        free(w->in);
        free(w->out);
        for (unsigned op = 0; op < OP_COUNT; op++)
            free(w->stats[op]);
    }
    free(l->workers);
    l->workers = NULL;
    if (l->mode->release)
        l->mode->release(l);
    for (unsigned op = 0; op < OP_COUNT; op++) {
        free(l->total[op]);
        l->total[op] = NULL;
    }
}
