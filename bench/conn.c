#include "conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Local ports that one source address offers to one destination, with room for others on the machine. */
#define CONNS_PER_SOURCE 20000u
#define DROP_BYTES       ((size_t)64 << 20)

void conn_init(struct conn *c, struct worker *w, const struct conn_actor *actor, void *owner, uint32_t index)
{
    c->worker = w;
    c->actor = actor;
    c->owner = owner;
    c->index = index;
    c->fd = -1;
    c->next_conn = w->conns;
    w->conns = c;
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->state != CONN_READY)
        c->worker->opening--;
    if (c->busy)
        c->worker->in_flight--;
    close(c->fd);
    c->fd = -1;
    c->state = CONN_CLOSED;
    c->busy = false;
    free(c->unsent);
    c->unsent = NULL;
    c->unsent_len = c->unsent_at = 0;
    response_fini(&c->response);
    ws_in_fini(&c->ws);
}

static void reopen_later(struct conn *c)
{
    struct worker *w = c->worker;
    if (c->once || worker_ending(w))
        return;
    c->next_lost = w->lost;
    w->lost = c;
}

void conn_fail(struct conn *c, enum failure why)
{
    struct worker *w = c->worker;
    bool opening = c->state < CONN_READY;
    if (opening || c->websocket)
        worker_failed(w, OP_OPEN, opening && why == FAIL_CLOSED ? FAIL_CONNECT : why);
    else if (c->busy)
        worker_failed(w, (enum op)c->op, why);
    else
        w->reconnects++; /* an idle keep-alive connection may be closed at any time */
    conn_close(c);
    if (c->actor->lost)
        c->actor->lost(c);
    reopen_later(c);
}

static bool bind_source(int fd, unsigned number)
{
    if (number < CONNS_PER_SOURCE)
        return true;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / CONNS_PER_SOURCE)};
    int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0;
}

/* Among the connections of all threads. */
static unsigned conn_number(const struct conn *c)
{
    return c->index * c->worker->load->threads + c->worker->index;
}

void conn_open(struct conn *c)
{
    struct worker *w = c->worker;
    const struct endpoint *to = c->websocket ? &w->load->options->ws : &w->load->options->http;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket: %s", strerror(errno));
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->state = CONN_CONNECTING;
    c->since_ns = w->now_ns;
    w->opening++;
    response_begin(&c->response, false);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (!bind_source(c->fd, conn_number(c)) ||
        (connect(c->fd, (const struct sockaddr *)&to->address, sizeof(to->address)) != 0 && errno != EINPROGRESS)) {
        conn_fail(c, FAIL_CONNECT);
        return;
    }
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void keep_unsent(struct conn *c, const char *bytes, size_t len)
{
    size_t waiting = c->unsent_len - c->unsent_at;
    char *all = must_alloc(waiting + len, 1);
    if (waiting)
        memcpy(all, c->unsent + c->unsent_at, waiting);
    memcpy(all + waiting, bytes, len);
    free(c->unsent);
    c->unsent = all;
    c->unsent_at = 0;
    c->unsent_len = waiting + len;
}

static void conn_write(struct conn *c, const char *bytes, size_t len)
{
    size_t at = 0;
    while (c->unsent_len == 0 && at < len) {
        ssize_t n = send(c->fd, bytes + at, len - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return; /* the event that comes with the error closes it */
    }
    if (at < len)
        keep_unsent(c, bytes + at, len - at);
}

static void flush_unsent(struct conn *c)
{
    while (c->unsent_at < c->unsent_len) {
        ssize_t n = send(c->fd, c->unsent + c->unsent_at, c->unsent_len - c->unsent_at, MSG_NOSIGNAL);
        if (n < 0)
            return;
        c->unsent_at += (size_t)n;
    }
    free(c->unsent);
    c->unsent = NULL;
    c->unsent_len = c->unsent_at = 0;
}

void conn_request(struct conn *c, enum op op, int64_t due_ns, const char *bytes, size_t len, struct text *sink)
{
    response_begin(&c->response, false);
    c->response.sink = sink;
    c->op = (uint8_t)op;
    c->due_ns = due_ns;
    c->since_ns = c->worker->now_ns;
    c->busy = true;
    c->worker->in_flight++;
    conn_write(c, bytes, len);
}

void conn_send_text(struct conn *c, const char *payload, size_t len)
{
    char small[1024];
    char *frame = len + WS_HEAD_MAX <= sizeof(small) ? small : must_alloc(len + WS_HEAD_MAX, 1);
    size_t frame_len = ws_frame_write(frame, WS_OP_TEXT, payload, len, (uint32_t)c->worker->rng | 1);
    conn_write(c, frame, frame_len);
    if (frame != small)
        free(frame);
}

static void become_ready(struct conn *c)
{
    c->worker->opening--;
    c->state = CONN_READY;
    if (c->websocket)
        worker_done(c->worker, OP_OPEN, c->since_ns, 0);
    c->actor->ready(c);
}

static void send_upgrade(struct conn *c)
{
    const struct options *o = c->worker->load->options;
    struct text head = {0};
    char line[512];
    int n = snprintf(line, sizeof(line),
                     "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: " WS_KEY "\r\nSec-WebSocket-Version: 13\r\n",
                     o->ws_path, o->ws.host, o->ws.port);
    if (n < 0 || n >= (int)sizeof(line))
        die("the WebSocket path is too long");
    text_append(&head, line, (size_t)n);
    for (unsigned i = 0; i < o->header_count; i++) {
        text_append(&head, o->headers[i], strlen(o->headers[i]));
        text_append(&head, "\r\n", 2);
    }
    if (o->token_count) {
        static const char BEARER[] = "Authorization: Bearer ";
        const char *token = o->tokens[conn_number(c) % o->token_count];
        text_append(&head, BEARER, sizeof(BEARER) - 1);
        text_append(&head, token, strlen(token));
        text_append(&head, "\r\n", 2);
    }
    text_append(&head, "\r\n", 2);
    c->state = CONN_UPGRADING;
    conn_write(c, head.ptr, head.len);
    text_fini(&head);
}

static void greet(struct conn *c)
{
    const struct options *o = c->worker->load->options;
    c->state = CONN_GREETING;
    if (c->hello)
        conn_send_text(c, c->hello, strlen(c->hello));
    for (unsigned i = 0; i < o->ws_hellos && !c->hello; i++)
        conn_send_text(c, o->ws_hello[i], strlen(o->ws_hello[i]));
    if (!o->ws_hellos || !o->ws_expect)
        become_ready(c);
}

static bool on_ws_message(void *arg, enum ws_opcode opcode, const char *payload, size_t len)
{
    struct conn *c = arg;
    const char *expect = c->worker->load->options->ws_expect;
    switch (opcode) {
    case WS_OP_TEXT:
    case WS_OP_BINARY:
        if (c->state == CONN_READY)
            c->actor->message(c, payload, len);
        else if (expect && memmem(payload, len, expect, strlen(expect)))
            become_ready(c);
        break;
    case WS_OP_PING: {
        char pong[WS_HEAD_MAX + 125];
        conn_write(c, pong, ws_frame_write(pong, WS_OP_PONG, payload, len, (uint32_t)c->worker->rng | 1));
        break;
    }
    case WS_OP_CLOSE:
        conn_fail(c, FAIL_CLOSED);
        break;
    case WS_OP_PONG:
    case WS_CONTINUATION:
        break;
    }
    return c->state != CONN_CLOSED;
}

static void input_ws(struct conn *c, const char *in, size_t len)
{
    if (!ws_in_feed(&c->ws, in, len, on_ws_message, c) && c->state != CONN_CLOSED)
        conn_fail(c, FAIL_PROTOCOL);
}

static void finish_response(struct conn *c)
{
    struct worker *w = c->worker;
    int status = c->response.status;
    if (status < STATUS_MAX && w->now_ns >= w->load->run_ns && w->now_ns < w->load->end_ns)
        w->status[status]++;
    bool close_now = c->response.close;
    c->busy = false;
    w->in_flight--;
    if (close_now) { /* free again only once it is reopened; the response is still told */
        conn_close(c);
        c->actor->response(c);
        if (c->actor->lost)
            c->actor->lost(c);
        w->reconnects++;
        reopen_later(c);
        return;
    }
    c->actor->response(c);
}

static void input_http(struct conn *c, const char *in, size_t len)
{
    size_t at = 0;
    while (at < len && c->state != CONN_CLOSED) {
        size_t used = 0;
        if (c->state == CONN_READY && !c->busy) {
            conn_fail(c, FAIL_PROTOCOL);
            return;
        }
        enum response_step step = response_feed(&c->response, in + at, len - at, &used);
        at += used;
        if (step == RESPONSE_BAD) {
            conn_fail(c, FAIL_PROTOCOL);
        } else if (step == RESPONSE_DONE && c->state == CONN_UPGRADING) {
            if (c->response.status != 101) {
                conn_fail(c, FAIL_STATUS);
                return;
            }
            greet(c);
            if (at < len && c->state != CONN_CLOSED)
                input_ws(c, in + at, len - at);
            return;
        } else if (step == RESPONSE_DONE) {
            finish_response(c);
        }
    }
}

/* How much may be dropped unread. ThreadSanitizer takes MSG_TRUNC for a write to the buffer. */
static size_t droppable(const struct conn *c)
{
#ifdef __SANITIZE_THREAD__
    (void)c;
    return 0;
#else
    uint64_t most = c->busy ? response_skippable(&c->response) : 0;
    return most < DROP_BYTES ? (size_t)most : DROP_BYTES;
#endif
}

/* Reads until the socket is empty: a read that does not fill the buffer has emptied it. A long body that nobody
 * wants is dropped in the kernel. */
static void conn_read(struct conn *c, bool hung_up)
{
    struct worker *w = c->worker;
    while (c->state != CONN_CLOSED) {
        size_t skip = droppable(c);
        size_t want = skip ? skip : READ_BYTES;
        ssize_t n = recv(c->fd, skip ? NULL : w->in, want, skip ? MSG_TRUNC : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        w->now_ns = now_ns();
        if (n <= 0) {
            conn_fail(c, FAIL_CLOSED);
            return;
        }
        if (skip) {
            bool done = response_skipped(&c->response, (uint64_t)n) == RESPONSE_DONE;
            if (done)
                finish_response(c);
            if (done && !hung_up)
                return; /* nothing more is expected; a later close is another edge */
        } else if (c->state >= CONN_GREETING && c->websocket) {
            input_ws(c, w->in, (size_t)n);
        } else {
            input_http(c, w->in, (size_t)n);
        }
        if ((size_t)n < want && !hung_up)
            return;
    }
}

void conn_events(struct conn *c, uint32_t events)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP)) {
            conn_fail(c, FAIL_CONNECT);
            return;
        }
        if (!(events & EPOLLOUT))
            return;
        if (c->websocket)
            send_upgrade(c);
        else
            become_ready(c);
    }
    if ((events & EPOLLOUT) && c->unsent_len)
        flush_unsent(c);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        conn_read(c, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}
