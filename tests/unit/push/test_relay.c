/* What one broadcaster's connections say to those of another, and what a broadcaster's loop owes its app: ops come back to
 * it, and nothing that is to be sent is slept on. */
#include "base/blob.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "push/broadcaster.h"
#include "push/relay.h"
#include "rig.h"
#include "write/producer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define BROADCASTERS 3
#define WAIT_MS      60000
#define STOP_US      60000000
#define BURST        1000 /* more than a ring holds */

#define TYPING(on, more) "{\"type\":\"typing\",\"data\":{\"chat_id\":\"c\",\"role\":\"user\",\"typing\":" on more "}}"

struct client {
    int fd;
    struct buf in, frame;
};

static struct broadcaster *make(unsigned index, const struct ws_app *app, const void *app_arg)
{
    struct broadcaster_options options = {.index = index,
                                          .produces = true,
                                          .ws.max_message = 4096,
                                          .ws.backlog_bytes = 1 << 24,
                                          .ws.app = app,
                                          .ws.app_arg = app_arg};
    struct broadcaster *b;
    CU_ASSERT_EQUAL_FATAL(broadcaster_new(&b, &options), OK);
    return b;
}

static void client_say(const struct client *c, const char *text)
{
    struct buf b = {0};
    client_frame(&b, true, WS_OP_TEXT, slice_cstr(text));
    CU_ASSERT_EQUAL(write(c->fd, b.ptr, b.len), (ssize_t)b.len);
    buf_fini(&b);
}

/* The next text, or "" where none comes. */
static const char *client_hear(struct client *c)
{
    while (c->in.len < 2 || c->in.len < ws_frame_length(c->in.ptr)) {
        char bytes[4096];
        ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
        if (n > 0) {
            buf_append(&c->in, bytes, (size_t)n);
            continue;
        }
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (n == 0 || errno != EAGAIN || poll(&p, 1, WAIT_MS) <= 0)
            return "";
    }
    size_t len = ws_frame_length(c->in.ptr), header = (unsigned char)c->in.ptr[1] < 126 ? 2 : 4;
    buf_clear(&c->frame);
    buf_append(&c->frame, c->in.ptr + header, len - header);
    memmove(c->in.ptr, c->in.ptr + len, c->in.len - len);
    c->in.len -= len;
    return buf_cstr(&c->frame);
}

static void client_open(struct client *c, struct broadcaster *b)
{
    int fds[2];
    *c = (struct client){0};
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    struct ws_handover *h = ws_handover_new(fds[0], SLICE_LIT(""), SLICE_LIT(""), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    c->fd = fds[1];
    broadcaster_adopt(b, h);
}

static void client_close(struct client *c)
{
    close(c->fd);
    buf_fini(&c->in);
    buf_fini(&c->frame);
}

static void start_all(struct broadcaster **b, struct relay **relay, const struct ws_app *app, const void *app_arg)
{
    for (unsigned i = 0; i < BROADCASTERS; i++)
        b[i] = make(i, app, app_arg);
    *relay = relay_new(b, BROADCASTERS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*relay);
    for (unsigned i = 0; i < BROADCASTERS; i++)
        CU_ASSERT_EQUAL_FATAL(broadcaster_start(b[i]), OK);
}

static void stop_all(struct broadcaster **b, struct relay *relay)
{
    for (unsigned i = 0; i < BROADCASTERS; i++)
        broadcaster_stop(b[i], clock_mono_us() + STOP_US);
    relay_free(relay);
    for (unsigned i = 0; i < BROADCASTERS; i++)
        broadcaster_free(b[i]);
}

/* Each of the others hears of it once, wherever it is connected, and who says it does not. */
static void typing_reaches_the_other_broadcasters(void)
{
    static const struct hub_options HUB;
    struct broadcaster *b[BROADCASTERS];
    struct relay *relay;
    struct client c[2 * BROADCASTERS];
    start_all(b, &relay, &hub_app, &HUB);
    for (unsigned i = 0; i < 2 * BROADCASTERS; i++) {
        client_open(&c[i], b[i % BROADCASTERS]);
        CU_ASSERT_PTR_NOT_NULL(strstr(client_hear(&c[i]), "connected"));
        client_say(&c[i], i < BROADCASTERS
                              ? "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"c\"}"
                              : "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\"}");
        CU_ASSERT_PTR_NOT_NULL(strstr(client_hear(&c[i]), "subscribed"));
    }
    client_say(&c[0], "{\"action\":\"typing\",\"chat_id\":\"c\",\"typing\":true}");
    for (unsigned i = 1; i < 2 * BROADCASTERS; i++)
        CU_ASSERT_STRING_EQUAL(client_hear(&c[i]), TYPING("true", ",\"expires_ms\":6000"));
    client_say(&c[0], "{\"action\":\"ping\"}");
    CU_ASSERT_PTR_NOT_NULL(strstr(client_hear(&c[0]), "pong"));
    client_close(&c[0]); /* and the others are told that it has gone */
    for (unsigned i = 1; i < 2 * BROADCASTERS; i++)
        CU_ASSERT_STRING_EQUAL(client_hear(&c[i]), TYPING("false", ",\"expires_ms\":0"));
    for (unsigned i = 1; i < 2 * BROADCASTERS; i++)
        client_close(&c[i]);
    stop_all(b, relay);
}

/* An app that knows three words: "burst" gives signals to the others, "op" gives an op away, "later" is answered by a
 * timer through on_turn. */
struct app {
    struct timer timer; /* first */
    struct ws_set *set;
    struct ws_conn *asked;
    bool due;
};

static atomic_uint heard, completed;
static _Atomic(struct op *) given;

static enum err app_create(void **self, struct ws_set *set, const void *arg)
{
    (void)arg;
    struct app *a = calloc(1, sizeof(*a));
    if (a)
        a->set = set;
    *self = a;
    return a ? OK : ERR_NOMEM;
}

static void app_open(void *self, struct ws_conn *c)
{
    (void)self;
    ws_conn_send(c, WS_TEXT, SLICE_LIT("hello"));
}

static void app_close(void *self, struct ws_conn *c)
{
    (void)self;
    (void)c;
}

static void complete(struct op *op, void *arg)
{
    (void)arg;
    CU_ASSERT_EQUAL(op->result, ERR_TIMEOUT);
    atomic_fetch_add(&completed, 1);
}

static void on_due(struct timer *t)
{
    ((struct app *)(void *)t)->due = true;
}

static void app_message(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    static const struct op_kind KIND = {.bytes = sizeof(struct op)};
    struct app *a = self;
    (void)kind;
    if (slice_eq(payload, SLICE_LIT("burst"))) {
        struct blob *signal = blob_copy(NULL, payload);
        for (unsigned i = 0; i < BURST; i++)
            relay_send(ws_set_options(a->set)->relay, signal);
        blob_drop(signal);
    } else if (slice_eq(payload, SLICE_LIT("op"))) {
        struct op *op = producer_op(ws_set_options(a->set)->producer, &KIND, complete);
        op->in_flight = true;
        atomic_store(&given, op);
    } else {
        a->asked = c;
        a->timer.on_fire = on_due;
        timer_start(ws_set_timers(a->set), &a->timer, ws_set_loop(a->set)->now_us + 10000);
    }
}

static void app_signal(void *self, const struct blob *signal)
{
    (void)self;
    CU_ASSERT(slice_eq(blob_slice(signal), SLICE_LIT("burst")));
    atomic_fetch_add(&heard, 1);
}

static enum ws_app_load app_turn(void *self)
{
    struct app *a = self;
    relay_flush(ws_set_options(a->set)->relay);
    if (a->due)
        ws_conn_send(a->asked, WS_TEXT, SLICE_LIT("done"));
    a->due = false;
    return WS_APP_IDLE;
}

static const struct ws_app APP = {.create = app_create,
                                  .destroy = free,
                                  .on_open = app_open,
                                  .on_message = app_message,
                                  .on_close = app_close,
                                  .on_signal = app_signal,
                                  .on_turn = app_turn};

static bool wait_until(unsigned (*count)(void), unsigned want)
{
    for (int64_t end_us = clock_mono_us() + WAIT_MS * 1000; count() < want && clock_mono_us() < end_us;)
        usleep(200);
    return count() == want;
}

static uint64_t dropped_before;

static unsigned heard_or_dropped(void)
{
    return atomic_load(&heard) + (unsigned)(metrics_counter(M_SIGNAL_DROPPED) - dropped_before);
}

/* One of the three has no connection, so nothing goes there. */
static void what_a_full_ring_does_not_take_is_counted(void)
{
    struct broadcaster *b[BROADCASTERS];
    struct relay *relay;
    struct client c[2];
    atomic_store(&heard, 0);
    dropped_before = metrics_counter(M_SIGNAL_DROPPED);
    start_all(b, &relay, &APP, NULL);
    for (unsigned i = 0; i < 2; i++) {
        client_open(&c[i], b[i]);
        CU_ASSERT_STRING_EQUAL(client_hear(&c[i]), "hello");
    }
    client_say(&c[0], "burst");
    CU_ASSERT(wait_until(heard_or_dropped, BURST));
    CU_ASSERT(atomic_load(&heard) >= RELAY_RING);
    client_close(&c[0]);
    client_close(&c[1]);
    stop_all(b, relay);
}

static unsigned completions(void)
{
    return atomic_load(&completed);
}

static unsigned ops_given(void)
{
    return atomic_load(&given) != NULL;
}

static void an_op_comes_back_to_a_loop_that_sleeps(void)
{
    struct broadcaster *b = make(0, &APP, NULL);
    struct client c;
    CU_ASSERT_EQUAL_FATAL(broadcaster_start(b), OK);
    client_open(&c, b);
    CU_ASSERT_STRING_EQUAL(client_hear(&c), "hello");
    for (unsigned i = 1; i <= 20; i++) {
        client_say(&c, "op");
        CU_ASSERT_FATAL(wait_until(ops_given, 1));
        op_finish(atomic_exchange(&given, NULL), ERR_TIMEOUT);
        CU_ASSERT(wait_until(completions, i));
    }
    client_say(&c, "op"); /* one that never comes back is the pool's */
    CU_ASSERT_FATAL(wait_until(ops_given, 1));
    client_close(&c);
    broadcaster_stop(b, clock_mono_us() + STOP_US);
    broadcaster_free(b);
}

/* It was: what a timer gave the app to send waited for the next event, which may never come. */
static void what_a_timer_brings_is_not_slept_on(void)
{
    struct broadcaster *b = make(0, &APP, NULL);
    struct client c;
    CU_ASSERT_EQUAL_FATAL(broadcaster_start(b), OK);
    client_open(&c, b);
    CU_ASSERT_STRING_EQUAL(client_hear(&c), "hello");
    for (unsigned i = 0; i < 3; i++) {
        client_say(&c, "later");
        CU_ASSERT_STRING_EQUAL(client_hear(&c), "done");
    }
    client_close(&c);
    broadcaster_stop(b, clock_mono_us() + STOP_US);
    broadcaster_free(b);
}

const CU_TestInfo relay_tests[] = {
    {"typing reaches the other broadcasters", typing_reaches_the_other_broadcasters},
    {"what a full ring does not take is counted", what_a_full_ring_does_not_take_is_counted},
    {"an op comes back to a loop that sleeps", an_op_comes_back_to_a_loop_that_sleeps},
    {"what a timer brings is not slept on", what_a_timer_brings_is_not_slept_on},
    CU_TEST_INFO_NULL};
