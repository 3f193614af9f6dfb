/* HTTP sessions over socket pairs: one loop, turned by the test itself, under a clock that stands still until the test
 * moves it. The service is scripted by path: /small answers at once, /big with 4 MiB, /later defers until the test
 * answers, /leave detaches. */
#include "base/clock.h"
#include "http/session.h"
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG_BYTES    (4u << 20)
#define HEAD_MS      200 /* and a body's, and an answer's */
#define IDLE_MS      400
#define WRITE_MS     400
#define TICK_MS      5
#define LATECOMER_MS 100 /* as session.c has it */

struct rig {
    struct loop loop;
    struct timer_wheel wheel;
    int64_t now_us; /* the loop's time in every turn */
    struct http_server http;
    struct blob *big;
    int client;
    unsigned handled, left, overdue;
    struct op_origin_copy {
        uint32_t slot, generation;
    } later;
    int detached_fd;
    char detached_rest[64];
};

static void answer_text(struct http_session *s, struct slice text)
{
    struct http_reply r = {.status = 200, .content_type = HTTP_TYPE_TEXT, .small = text};
    session_reply(s, &r);
}

static void handle(void *arg, struct http_session *s, const struct http_request *req)
{
    struct rig *rig = arg;
    rig->handled++;
    if (slice_eq(req->path, SLICE_LIT("/big"))) {
        struct http_reply r = {.status = 200, .content_type = HTTP_TYPE_TEXT, .body = rig->big};
        session_reply(s, &r);
    } else if (slice_eq(req->path, SLICE_LIT("/later"))) {
        rig->later.slot = s->conn.slot;
        rig->later.generation = s->conn.generation;
    } else if (slice_eq(req->path, SLICE_LIT("/leave"))) {
        must(s->rest.len < sizeof(rig->detached_rest));
        if (s->rest.len)
            memcpy(rig->detached_rest, s->rest.ptr, s->rest.len);
        rig->detached_rest[s->rest.len] = '\0';
        rig->detached_fd = session_detach(s);
    } else if (req->body.len) {
        answer_text(s, req->body);
    } else {
        answer_text(s, req->path);
    }
}

static void overdue(void *arg, struct http_session *s)
{
    ((struct rig *)arg)->overdue++;
    session_reply_error(s, 503, SLICE_LIT("too late"));
}

static void on_left(void *arg, uint64_t ticket)
{
    CU_ASSERT_EQUAL(ticket, 7);
    ((struct rig *)arg)->left++;
}

/* TCP, not a Unix pair, where edges differ: an answer that is taken raises none. */
static void tcp_pair(int pair[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 1) == 0);
    must(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(pair[1], (struct sockaddr *)&at, len) == 0);
    pair[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    must(pair[0] >= 0 && fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
    close(listener);
}

static struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    static const struct http_settings settings = {.limits = {.max_head = 1024, .max_body = 4096, .max_target = 512},
                                                  .head_ms = HEAD_MS,
                                                  .body_ms = HEAD_MS,
                                                  .idle_ms = IDLE_MS,
                                                  .write_ms = WRITE_MS,
                                                  .answer_ms = HEAD_MS};
    struct http_service service = {.handle = handle, .overdue = overdue, .arg = rig};
    must(loop_init(&rig->loop) == OK);
    rig->now_us = rig->loop.now_us;
    timer_wheel_init(&rig->wheel, TICK_MS * INT64_C(1000), rig->now_us);
    must(http_server_init(&rig->http, &rig->loop, &rig->wheel, &settings, &service, 4) == OK);
    rig->http.conns.left = on_left;
    rig->http.conns.left_arg = rig;
    rig->big = blob_copy(NULL, slice_of(NULL, BIG_BYTES));
    memset(rig->big->data, 'x', BIG_BYTES);
    rig->detached_fd = -1;
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    rig->client = pair[1];
    http_server_take(&rig->http, pair[0], 7, (struct http_from){0});
    return rig;
}

static void rig_free(struct rig *rig)
{
    http_server_fini(&rig->http);
    loop_fini(&rig->loop);
    blob_drop(rig->big);
    if (rig->client >= 0)
        close(rig->client);
    if (rig->detached_fd >= 0)
        close(rig->detached_fd);
    free(rig);
}

static void turn(struct rig *rig)
{
    loop_wait(&rig->loop, 0);
    rig->loop.now_us = rig->now_us;
    (void)loop_give_out(&rig->loop);
    (void)timer_wheel_run(&rig->wheel, rig->now_us);
}

/* Time passes, in steps that the wheel notices. */
static void pass(struct rig *rig, int ms)
{
    for (; ms > 0; ms -= TICK_MS) {
        rig->now_us += TICK_MS * INT64_C(1000);
        turn(rig);
    }
}

static void put(struct rig *rig, const char *text)
{
    size_t len = strlen(text);
    CU_ASSERT_EQUAL(send(rig->client, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Everything the server has to say now; *ended when it closed. */
static size_t get(struct rig *rig, char *out, size_t room, bool *ended)
{
    size_t len = 0;
    *ended = false;
    for (int idle = 0; idle < 3 && !*ended;) {
        turn(rig);
        ssize_t n = recv(rig->client, out + len, room - 1 - len, 0);
        if (n > 0)
            len += (size_t)n;
        else if (n == 0)
            *ended = true;
        else
            idle++;
    }
    out[len] = '\0';
    return len;
}

/* Over TCP, where the kernel may take its time: all up to the end of the stream. */
static size_t get_to_end(struct rig *rig, char *out, size_t room, bool *ended)
{
    int64_t deadline_us = clock_mono_us() + 30000000;
    size_t len = 0;
    do
        len += get(rig, out + len, room - len, ended);
    while (!*ended && clock_mono_us() < deadline_us);
    return len;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static void test_keep_alive_and_pipelining(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(!ended && count_of(out, "HTTP/1.1 200 OK") == 1 && strstr(out, "\r\n\r\n/a"));
    put(rig, "GET /b HTTP/1.1\r\nHost: x\r\n\r\nPOST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyGET /d "
             "HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(!ended && count_of(out, "HTTP/1.1 200 OK") == 3);
    const char *b = strstr(out, "\r\n\r\n/b"), *body = strstr(out, "\r\n\r\nbody"), *d = strstr(out, "\r\n\r\n/d");
    CU_ASSERT(b && body && d && b < body && body < d);
    rig_free(rig);
}

/* One who sends requests without end gets a share of each turn, and all its answers in the end. */
static void test_pipelining_takes_turns(void)
{
    enum { MANY = 200 };
    struct rig *rig = rig_new();
    static char out[64 * 1024];
    bool ended;
    for (int i = 0; i < MANY; i++)
        put(rig, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    CU_ASSERT(rig->handled > 0 && rig->handled < MANY / 2);
    unsigned before = rig->handled;
    turn(rig);
    CU_ASSERT(rig->handled > before && rig->handled < MANY);
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT_EQUAL(rig->handled, MANY);
    CU_ASSERT(!ended && count_of(out, "HTTP/1.1 200 OK") == MANY);
    put(rig, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(!ended && strstr(out, "\r\n\r\n/last"));
    rig_free(rig);
}

static void test_byte_by_byte(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    const char *request =
        "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /y HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const char *p = request; *p; p++) {
        char one[2] = {*p, '\0'};
        put(rig, one);
        turn(rig);
    }
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT_EQUAL(rig->handled, 2);
    CU_ASSERT(strstr(out, "\r\n\r\nhello") && strstr(out, "\r\n\r\n/y"));
    rig_free(rig);
}

static void test_close_is_kept(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(ended && count_of(out, "HTTP/1.1 200 OK") == 1 && strstr(out, "Connection: close"));
    close(rig->client);
    rig->client = -1;
    turn(rig);
    CU_ASSERT_EQUAL(rig->left, 1);
    rig_free(rig);
}

/* The request and the end of the stream come in one event: no later edge will tell of the end. */
static void test_half_closed_client(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    int pair[2];
    close(rig->client);
    turn(rig);
    rig->left = 0;
    tcp_pair(pair);
    rig->client = pair[1];
    http_server_take(&rig->http, pair[0], 7, (struct http_from){0});
    turn(rig); /* what the registration itself reported */
    put(rig, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    CU_ASSERT_EQUAL(shutdown(rig->client, SHUT_WR), 0);
    get_to_end(rig, out, sizeof(out), &ended);
    CU_ASSERT(ended && strstr(out, "\r\n\r\n/a"));
    CU_ASSERT_EQUAL(rig->left, 1);
    rig_free(rig);
}

static void test_bad_request_is_answered_and_closed(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(ended && strstr(out, "HTTP/1.1 400 Bad Request") == out && strstr(out, "text/plain"));
    CU_ASSERT_EQUAL(rig->handled, 0);
    rig_free(rig);
}

static void test_expect_continue(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT_STRING_EQUAL(out, "HTTP/1.1 100 Continue\r\n\r\n");
    put(rig, "abc");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(strstr(out, "HTTP/1.1 200 OK") == out && strstr(out, "\r\n\r\nabc"));
    rig_free(rig);
}

static void test_deferred_answers_keep_order(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    CU_ASSERT_EQUAL(get(rig, out, sizeof(out), &ended), 0);
    CU_ASSERT_EQUAL(rig->handled, 1); /* the second waits for the first's answer */
    struct http_session *s = session_find(&rig->http, rig->later.slot, rig->later.generation);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    answer_text(s, SLICE_LIT("now"));
    session_resume(s);
    get(rig, out, sizeof(out), &ended);
    const char *now = strstr(out, "\r\n\r\nnow"), *next = strstr(out, "\r\n\r\n/next");
    CU_ASSERT(now && next && now < next);
    rig_free(rig);
}

static void test_late_completion_finds_nobody(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    pass(rig, HEAD_MS - TICK_MS);
    CU_ASSERT_EQUAL(rig->overdue, 0);
    pass(rig, 2 * TICK_MS);
    CU_ASSERT_EQUAL(rig->overdue, 1);
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(strstr(out, "HTTP/1.1 503") == out && strstr(out, "Retry-After: 1"));
    CU_ASSERT_PTR_NULL(session_find(&rig->http, rig->later.slot, rig->later.generation));
    put(rig, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection itself goes on */
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(strstr(out, "\r\n\r\n/after") != NULL);
    rig_free(rig);
}

static void test_peer_leaves_while_deferred(void)
{
    struct rig *rig = rig_new();
    put(rig, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    close(rig->client);
    rig->client = -1;
    turn(rig);
    turn(rig);
    CU_ASSERT_PTR_NULL(session_find(&rig->http, rig->later.slot, rig->later.generation));
    CU_ASSERT_EQUAL(rig->left, 1);
    rig_free(rig);
}

static void test_big_answer_to_slow_reader(void)
{
    struct rig *rig = rig_new();
    char *out = malloc(BIG_BYTES + 65536);
    bool ended;
    put(rig, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /tail HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    turn(rig); /* the socket is full now */
    CU_ASSERT_EQUAL(rig->handled, 1);
    size_t len = get(rig, out, BIG_BYTES + 65536, &ended);
    CU_ASSERT(len > BIG_BYTES && strstr(out + BIG_BYTES, "\r\n\r\n/tail"));
    CU_ASSERT_EQUAL(rig->handled, 2);
    free(out);
    rig_free(rig);
}

static void test_reader_that_never_reads_is_cut(void)
{
    struct rig *rig = rig_new();
    put(rig, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    pass(rig, WRITE_MS - TICK_MS);
    CU_ASSERT_EQUAL(rig->left, 0);
    pass(rig, 4 * TICK_MS); /* two timers, one after the other, each rounded up */
    CU_ASSERT_EQUAL(rig->left, 1);
    rig_free(rig);
}

/* Reads less than comes, again and again, for `periods` response timeouts. Bytes read. */
static size_t sip(struct rig *rig, int periods, size_t each)
{
    char some[65536];
    size_t len = 0;
    must(each <= sizeof(some));
    for (int ms = 0; ms < periods * WRITE_MS && rig->left == 0; ms += TICK_MS) {
        ssize_t n = recv(rig->client, some, each, 0);
        len += n > 0 ? (size_t)n : 0;
        pass(rig, TICK_MS);
    }
    return len;
}

/* The whole takes ten times the timeout, and it has been taken all the time. */
static void test_steady_reader_is_not_cut(void)
{
    struct rig *rig = rig_new();
    char *out = malloc(BIG_BYTES + 65536);
    bool ended;
    put(rig, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    size_t len = sip(rig, 10, 1024);
    CU_ASSERT_EQUAL(rig->left, 0);
    CU_ASSERT(len > 0 && len < BIG_BYTES / 2);
    len += get(rig, out, BIG_BYTES + 65536, &ended);
    CU_ASSERT(len > BIG_BYTES && !ended);
    free(out);
    rig_free(rig);
}

/* It reads for ever, a byte or two at a time. */
static void test_reader_below_the_least_rate_is_cut(void)
{
    struct rig *rig = rig_new();
    put(rig, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    (void)sip(rig, 4, 2);
    CU_ASSERT_EQUAL(rig->left, 1);
    rig_free(rig);
}

static void test_slow_head_and_body_get_408(void)
{
    static const char *const starts[] = {"GET /slow HT",
                                         "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"};
    for (int i = 0; i < 2; i++) {
        struct rig *rig = rig_new();
        char out[4096];
        bool ended = false;
        put(rig, starts[i]);
        turn(rig);
        pass(rig, HEAD_MS - TICK_MS);
        CU_ASSERT_EQUAL(get(rig, out, sizeof(out), &ended), 0);
        CU_ASSERT_FALSE(ended);
        pass(rig, 2 * TICK_MS);
        get(rig, out, sizeof(out), &ended);
        CU_ASSERT(ended && strstr(out, "HTTP/1.1 408 Request Timeout") == out);
        CU_ASSERT_EQUAL(rig->handled, 0);
        rig_free(rig);
    }
}

static void test_idle_is_closed(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(!ended && strstr(out, "\r\n\r\n/a"));
    pass(rig, IDLE_MS - TICK_MS);
    CU_ASSERT_EQUAL(get(rig, out, sizeof(out), &ended), 0);
    CU_ASSERT_FALSE(ended);
    pass(rig, 2 * TICK_MS);
    CU_ASSERT_EQUAL(get(rig, out, sizeof(out), &ended), 0);
    CU_ASSERT_TRUE(ended);
    rig_free(rig);
}

static void test_detach_carries_the_rest(void)
{
    struct rig *rig = rig_new();
    put(rig, "GET /leave HTTP/1.1\r\nHost: x\r\n\r\nframes");
    turn(rig);
    CU_ASSERT(rig->detached_fd >= 0);
    CU_ASSERT_STRING_EQUAL(rig->detached_rest, "frames");
    CU_ASSERT_EQUAL(rig->left, 0); /* its ticket goes along */
    CU_ASSERT_EQUAL(rig->http.conns.open, 0);
    CU_ASSERT(fcntl(rig->detached_fd, F_GETFD) >= 0);
    rig_free(rig);
}

static void test_drain(void)
{
    struct rig *rig = rig_new();
    char out[4096];
    bool ended;
    put(rig, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(rig);
    http_server_drain(&rig->http);
    CU_ASSERT_EQUAL(rig->http.conns.open, 1); /* a request in hand finishes */
    struct http_session *s = session_find(&rig->http, rig->later.slot, rig->later.generation);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    answer_text(s, SLICE_LIT("last"));
    session_resume(s);
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(ended && strstr(out, "Connection: close") && strstr(out, "\r\n\r\nlast"));
    rig_free(rig);
}

/* Accepted just before the stop, and given to the worker before it or after it. */
static void test_latecomers(void)
{
    struct rig *rig = rig_new();
    int pairs[2][2], fresh[2];
    char byte;
    bool ended;
    char out[4096];
    put(rig, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fresh) == 0);
    http_server_take(&rig->http, fresh[0], 7, (struct http_from){0});
    http_server_drain(
        &rig->http); /* it has closed the rig's own, which was idle, but not one that has asked for nothing */
    CU_ASSERT_EQUAL(rig->http.conns.open, 1);
    close(rig->client);
    rig->client = fresh[1];
    put(rig, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(ended && strstr(out, "Connection: close") && strstr(out, "\r\n\r\n/b"));
    for (int i = 0; i < 2; i++) {
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i]) == 0);
        http_server_take(&rig->http, pairs[i][0], 7, (struct http_from){0});
    }
    unsigned open = rig->http.conns.open;
    pass(rig, LATECOMER_MS - TICK_MS);
    CU_ASSERT_EQUAL(rig->http.conns.open, open);
    close(rig->client);
    rig->client = pairs[0][1];
    put(rig, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    get(rig, out, sizeof(out), &ended);
    CU_ASSERT(ended && strstr(out, "Connection: close") && strstr(out, "\r\n\r\n/a"));
    pass(rig, 2 * TICK_MS);
    CU_ASSERT_EQUAL(recv(pairs[1][1], &byte, 1, 0), 0); /* said nothing */
    close(pairs[1][1]);
    rig_free(rig);
}

static void test_too_many_connections(void)
{
    struct rig *rig = rig_new(); /* room for 4, one taken */
    int pairs[4][2];
    for (int i = 0; i < 4; i++) {
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i]) == 0);
        http_server_take(&rig->http, pairs[i][0], 7, (struct http_from){0});
    }
    char byte;
    CU_ASSERT_EQUAL(rig->http.conns.open, 4);
    CU_ASSERT_EQUAL(rig->left, 1);
    CU_ASSERT_EQUAL(recv(pairs[3][1], &byte, 1, 0), 0); /* closed at once */
    for (int i = 0; i < 4; i++)
        close(pairs[i][1]);
    rig_free(rig);
}

const CU_TestInfo session_tests[] = {
    {"keep-alive and pipelining", test_keep_alive_and_pipelining},
    {"pipelining takes turns", test_pipelining_takes_turns},
    {"byte by byte", test_byte_by_byte},
    {"Connection: close is kept", test_close_is_kept},
    {"a half-closed client is answered, then closed", test_half_closed_client},
    {"a bad request is answered, then closed", test_bad_request_is_answered_and_closed},
    {"Expect: 100-continue", test_expect_continue},
    {"deferred answers keep order", test_deferred_answers_keep_order},
    {"a late completion finds nobody", test_late_completion_finds_nobody},
    {"the peer leaves while deferred", test_peer_leaves_while_deferred},
    {"a big answer to a slow reader", test_big_answer_to_slow_reader},
    {"a reader that never reads is cut", test_reader_that_never_reads_is_cut},
    {"a steady reader is not cut", test_steady_reader_is_not_cut},
    {"a reader below the least rate is cut", test_reader_below_the_least_rate_is_cut},
    {"slow heads and bodies get 408", test_slow_head_and_body_get_408},
    {"an idle connection is closed", test_idle_is_closed},
    {"detach carries the rest", test_detach_carries_the_rest},
    {"drain", test_drain},
    {"latecomers do not hold the drain", test_latecomers},
    {"too many connections", test_too_many_connections},
    CU_TEST_INFO_NULL};
