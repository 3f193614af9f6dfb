/* worker.h: one event loop that serves HTTP: loop, timers, connections and completions composed.
 * Thread:  runs its own ("worker-N"); worker_give() and worker_flush() from the acceptor only; start, stop, watch from
 *          server.c.
 * Owns:    its connections and its op pool.
 * Blocks:  in epoll_wait only. */
#pragma once
#include "net/acceptor.h"

struct api;
struct http_request;
struct http_session;
struct http_settings;
struct loop;

struct worker;

struct worker_options {
    unsigned index;
    struct api *api;
    struct admission *admission;
    const struct http_settings *http;
    uint32_t max_connections;
    int64_t max_ops;
    /* NULL: the product's api_handle(). The conformance suites' echo program brings its own; arg is the api_worker. */
    void (*handle)(void *arg, struct http_session *s, const struct http_request *req);
};

/* Made and wired before any thread runs, so that the writer and the broadcasters can be started first. */
NODISCARD enum err worker_new(const struct worker_options *options, struct worker **out);
NODISCARD enum err worker_start(struct worker *w);
/* Taken at the next turn, which worker_flush() brings about. ERR_BUSY: its ring is full. */
NODISCARD enum err worker_give(struct worker *w, const struct accepted *connection);
void worker_flush(struct worker *w); /* acceptor only; nothing when it was given nothing since the last one */
uint32_t worker_connections(const struct worker *w); /* any thread; those on their way count */
const struct loop *worker_loop(const struct worker *w);
/* Asks for the end: quiet connections close, requests in hand finish; past the deadline what is left is cut. */
void worker_ask_stop(struct worker *w, int64_t deadline_mono_us);
void worker_join(struct worker *w);
void worker_free(struct worker *w);
