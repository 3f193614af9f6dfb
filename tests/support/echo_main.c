/* sakurad-echo: the real acceptor, worker, HTTP and WebSocket path with nothing behind it, for conformance suites.
 * Any method on any path answers 200 with the request's body; every WebSocket message comes back as it came.
 * A test-only program: built by every preset, never installed.
 * Usage: sakurad-echo --listen ADDR:PORT [--max-head BYTES] [--max-body BYTES] [--max-target BYTES] */
#include "api/api.h"
#include "api/grants.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/session.h"
#include "net/acceptor.h"
#include "net/listener.h"
#include "push/broadcaster.h"
#include "push/ws_conn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ECHO_MESSAGE_MAX (64 << 20) /* the suites send messages of 16 MiB; the product's own limit is tested apart */
#define ECHO_CONNECTIONS 8192

/* ---- WebSocket ---- */

static enum err echo_create(void **self, struct ws_set *set, const void *arg)
{
    (void)set;
    (void)arg;
    *self = NULL;
    return OK;
}

static void echo_destroy(void *self)
{
    (void)self;
}

static void echo_nothing(void *self, struct ws_conn *c)
{
    (void)self;
    (void)c;
}

static void echo_message(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    (void)self;
    ws_conn_send(c, kind, payload);
}

static const struct ws_app echo_app = {.create = echo_create,
                                       .destroy = echo_destroy,
                                       .on_open = echo_nothing,
                                       .on_message = echo_message,
                                       .on_close = echo_nothing};

/* ---- HTTP ---- */

static void echo_handle(void *arg, struct http_session *s, const struct http_request *req)
{
    if (req->upgrade_websocket) {
        api_upgrade(arg, s, req);
        return;
    }
    struct blob *body = blob_copy(NULL, req->body);
    if (!body) {
        session_reply_error(s, 503, SLICE_LIT("out of memory"));
        return;
    }
    struct http_reply r = {
        .status = 200, .content_type = SLICE_LIT("application/octet-stream"), .body = body->len ? body : NULL};
    session_reply(s, &r);
    blob_drop(body);
}

/* ---- the same threads as the server's, composed for one listener ---- */

struct echo {
    struct api api;
    struct grants_board grants;
    struct admission *admission;
    struct broadcaster *broadcaster;
    struct worker *worker;
    struct acceptor *acceptor;
};

static enum err deliver(void *arg, const struct accepted *connection)
{
    return worker_give(arg, connection);
}

static void wake_worker(void *arg)
{
    worker_flush(arg);
}

static void on_ws_closed(void *arg, uint64_t ticket)
{
    admission_leave(arg, ticket);
}

static void require(enum err e, const char *what)
{
    if (e == OK)
        return;
    fprintf(stderr, "sakurad-echo: %s: %s\n", what, err_text(e));
    exit(1);
}

static struct http_settings settings = {
    .limits = {.max_head = 65536, .max_body = ECHO_MESSAGE_MAX, .max_target = HTTP_TARGET_MAX},
    /* No deadline that a suite meets on a machine that is slow or stands still: byte by byte takes a while there. */
    .head_ms = 600000,
    .body_ms = 600000,
    .idle_ms = 600000,
    .write_ms = 600000,
    .answer_ms = 5000};

static void start(struct echo *echo, const int *listener)
{
    struct broadcaster_options push = {.ws.ping_ms = 0,
                                       .ws.max_message = ECHO_MESSAGE_MAX,
                                       .ws.backlog_bytes = 4LL * ECHO_MESSAGE_MAX,
                                       .ws.app = &echo_app,
                                       .ws.on_closed = on_ws_closed};
    echo->admission = admission_new(ECHO_CONNECTIONS, 0);
    require(echo->admission ? OK : ERR_NOMEM, "admission");
    push.ws.on_closed_arg = echo->admission;
    require(broadcaster_new(&echo->broadcaster, &push), "broadcaster");
    grants_board_init(&echo->grants);
    echo->api.grants = &echo->grants;
    echo->api.write_timeout_ms = 5000;
    echo->api.broadcasters = &echo->broadcaster;
    echo->api.broadcaster_count = 1;
    require(api_init(&echo->api), "routes");
    struct worker_options worker = {.api = &echo->api,
                                    .admission = echo->admission,
                                    .http = &settings,
                                    .max_connections = ECHO_CONNECTIONS,
                                    .max_ops = 1,
                                    .handle = echo_handle};
    require(worker_new(&worker, &echo->worker), "worker");
    require(broadcaster_start(echo->broadcaster), "broadcaster");
    require(worker_start(echo->worker), "worker");
    struct acceptor_options accept = {.listeners = listener,
                                      .listener_count = 1,
                                      .admission = echo->admission,
                                      .refusal = api_refusal,
                                      .deliver = deliver,
                                      .flush = wake_worker,
                                      .deliver_arg = echo->worker};
    require(acceptor_start(&accept, &echo->acceptor), "acceptor");
}

static void stop(struct echo *echo)
{
    int64_t deadline = clock_mono_us() + 5000000;
    acceptor_free(echo->acceptor);
    worker_ask_stop(echo->worker, deadline);
    worker_join(echo->worker);
    broadcaster_stop(echo->broadcaster, deadline);
    worker_free(echo->worker);
    broadcaster_free(echo->broadcaster);
    api_fini(&echo->api);
    admission_free(echo->admission);
}

/* --name VALUE pairs; NULL: not understood. */
static const char *read_options(int argc, char **argv)
{
    const struct {
        const char *name;
        size_t *limit;
    } sizes[] = {{"--max-head", &settings.limits.max_head},
                 {"--max-body", &settings.limits.max_body},
                 {"--max-target", &settings.limits.max_target}};
    const char *listen = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--listen") == 0)
            listen = argv[i + 1];
        for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
            if (strcmp(argv[i], sizes[k].name) == 0)
                *sizes[k].limit = strtoul(argv[i + 1], NULL, 10);
    }
    return argc % 2 == 1 ? listen : NULL;
}

int main(int argc, char **argv)
{
    const char *listen = read_options(argc, argv);
    if (!listen) {
        fprintf(stderr, "usage: sakurad-echo --listen ADDR:PORT [--max-head BYTES] [--max-body BYTES] "
                        "[--max-target BYTES]\n");
        return 2;
    }
    static struct echo echo;
    struct buf why = {0};
    int listener = -1;
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (listener_open(slice_cstr(listen), &listener, &why) != OK) {
        fprintf(stderr, "sakurad-echo: %s\n", buf_cstr(&why));
        buf_fini(&why);
        return 1;
    }
    char address[ADDRESS_TEXT_MAX];
    listener_address(listener, address);
    start(&echo, &listener);
    printf("listening %s\n", address);
    fflush(stdout);
    int number;
    (void)sigwait(&wanted, &number);
    stop(&echo);
    buf_fini(&why);
    return 0;
}
