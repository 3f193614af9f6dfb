/* server_int.h: what main has of a running server. Private to app/server*.c.
 * Thread:  main, but for the functions that server.c gives to other threads. */
#pragma once
#include "api/api.h"
#include "app/access.h"
#include "app/announce.h"
#include "app/server.h"
#include "app/worker.h"
#include "http/session.h"
#include "push/hub.h"
#include "push/relay.h"

#define THREADS_MAX 256

struct server {
    const struct config *config;
    struct store *store;
    struct cache *cache;
    struct writer *writer;
    struct readers *readers;
    struct compressor *compressor;
    struct admission *admission;
    struct access access;
    struct shares *shares; /* of --buffer-mb */
    struct assets *assets; /* NULL: --no-console */
    struct hub_options hub;
    struct announcer announcer;
    struct relay *relay;
    struct broadcaster *broadcasters[THREADS_MAX];
    unsigned broadcaster_count;
    struct api api;
    struct grants_board grants;
    struct http_settings http;
    struct worker *workers[THREADS_MAX];
    unsigned worker_count, workers_started;
    int listeners[API_DOORS_MAX];
    unsigned listener_count;
    char status[160]; /* for the service manager */
    struct acceptor *acceptor;
    struct worker *favoured;       /* the acceptor's: got the last connection… */
    int64_t delivered_us;          /* …then */
    unsigned flood;                /* connections without a pause */
    bool stalled[2 * THREADS_MAX]; /* logged already: workers, then broadcasters */
};

void server_log_warnings(const struct buf *warnings);   /* a line each */
void server_render_metrics(struct buf *out, void *arg); /* any thread; arg: the server */
