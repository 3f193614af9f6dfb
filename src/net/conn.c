/* Happy path of one request: EPOLLIN → on_ready → conn_fill reads into the scratch → the protocol answers from it →
 * conn_send writes at once: two system calls, no buffer of the connection's own.
 * Otherwise: a request in pieces is kept in `in`; an answer that the socket does not take whole is kept in `out`
 * and `body` and goes on at the EPOLLOUT edge; an error marks the conn dead and its owner closes it. */
#include "conn_share.h"

#include "base/metrics.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of a spare buffer: what a request that comes in two pieces grows to (conn_fill) fits, a large body's does not. */
#define SPARE_MAX ((size_t)(CONN_SCRATCH / 2))

static void on_events(struct loop_source *source, uint32_t events);
static void on_deadline(struct timer *t);

enum err conn_set_init(struct conn_set *set, struct loop *loop, struct timer_wheel *wheel,
                       const struct conn_protocol *protocol, uint32_t max)
{
    *set = (struct conn_set){.loop = loop, .wheel = wheel, .protocol = protocol, .slot_count = max};
    pool_init(&set->pool, protocol->object_bytes, max);
    set->slots = calloc(max, sizeof(*set->slots));
    set->generations = calloc(max, sizeof(*set->generations));
    set->free_slots = calloc(max, sizeof(*set->free_slots));
    set->scratch = malloc(CONN_SCRATCH);
    if (!set->slots || !set->generations || !set->free_slots || !set->scratch)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < max; i++)
        set->free_slots[set->free_count++] = max - 1 - i;
    return OK;
}

void conn_set_fini(struct conn_set *set)
{
    for (uint32_t i = 0; set->slots && i < set->slot_count; i++)
        if (set->slots[i])
            conn_close(set->slots[i]);
    free(set->slots);
    free(set->generations);
    free(set->free_slots);
    free(set->scratch);
    buf_fini(&set->spare);
    pool_fini(&set->pool);
    *set = (struct conn_set){0};
}

struct conn *conn_open(struct conn_set *set, int fd, uint64_t ticket)
{
    if (set->free_count == 0)
        return NULL;
    struct conn *c = pool_get(&set->pool);
    if (!c)
        return NULL;
    memset(c, 0, set->protocol->object_bytes);
    c->source = (struct loop_source){.fd = fd, .on_events = on_events};
    c->deadline.on_fire = on_deadline;
    c->set = set;
    c->ticket = ticket;
    c->readable = true; /* a client often sends before we are told: the first read is not waited for */
    c->slot = set->free_slots[set->free_count - 1];
    c->generation = ++set->generations[c->slot];
    if (loop_add(set->loop, &c->source) != OK) {
        pool_put(&set->pool, c);
        return NULL;
    }
    set->free_count--;
    set->slots[c->slot] = c;
    set->open++;
    metrics_gauge(G_CONN_OPEN, 1);
    return c;
}

/* Everything but the descriptor. */
static void release(struct conn *c)
{
    struct conn_set *set = c->set;
    set->protocol->on_close(c);
    timer_stop(set->wheel, &c->deadline);
    buf_fini(&c->in);
    buf_fini(&c->out);
    (void)conn_charge_in(c); /* gives back */
    (void)conn_charge_out(c);
    conn_drop_body(c);
    set->slots[c->slot] = NULL;
    set->free_slots[set->free_count++] = c->slot;
    set->open--;
    pool_put(&set->pool, c);
    metrics_gauge(G_CONN_OPEN, -1);
}

void conn_close(struct conn *c)
{
    struct conn_set *set = c->set;
    uint64_t ticket = c->ticket;
    loop_close(set->loop, &c->source);
    release(c);
    if (set->left)
        set->left(set->left_arg, ticket);
}

void conn_abort(struct conn *c)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    conn_close(c);
}

int conn_detach(struct conn *c)
{
    int fd = c->source.fd;
    loop_remove(c->set->loop, &c->source);
    release(c);
    return fd;
}

struct conn *conn_find(struct conn_set *set, uint32_t slot, uint32_t generation)
{
    must(slot < set->slot_count);
    struct conn *c = set->slots[slot];
    return c && c->generation == generation ? c : NULL;
}

void conn_forget_origin(struct conn *c)
{
    c->generation = ++c->set->generations[c->slot];
}

struct slice conn_input(const struct conn *c)
{
    return c->in.len ? slice_of(c->in.ptr + c->in_at, c->in.len - c->in_at) : slice_of(NULL, 0);
}

static bool is_kept(const struct conn *c, struct slice s)
{
    return c->in.ptr && s.ptr >= c->in.ptr && s.ptr <= c->in.ptr + c->in.len;
}

/* The larger of it and the spare is the spare from now on. */
static void retire(struct conn_set *set, struct buf *b)
{
    if (b->cap > set->spare.cap && b->cap <= SPARE_MAX) {
        struct buf smaller = set->spare;
        set->spare = *b;
        *b = smaller;
    }
    buf_fini(b);
}

void conn_drop_input(struct conn *c)
{
    c->in_at = 0;
    if (c->in.cap == 0)
        return;
    retire(c->set, &c->in);
    (void)conn_charge_in(c); /* gives back */
}

enum err conn_keep(struct conn *c, struct slice rest)
{
    if (rest.len == 0) {
        conn_drop_input(c);
        return OK;
    }
    if (is_kept(c, rest)) {
        c->in_at = (size_t)(rest.ptr - c->in.ptr);
        return OK;
    }
    if (c->in.cap == 0) {
        c->in = c->set->spare;
        c->set->spare = (struct buf){0};
    }
    buf_clear(&c->in);
    c->in_at = 0;
    buf_append_slice(&c->in, rest);
    if (!buf_ok(&c->in))
        return ERR_NOMEM;
    return conn_charge_in(c) ? OK : ERR_BUSY;
}

/* One read. Less than asked for means that the socket is empty now: the next edge tells, no read to see EAGAIN. */
static ssize_t read_some(struct conn *c, char *to, size_t room)
{
    for (;;) {
        ssize_t n = recv(c->source.fd, to, room, 0);
        if (n > 0) {
            c->readable = (size_t)n == room || c->hung_up;
            metrics_add(M_BYTES_IN, (uint64_t)n);
            return n;
        }
        if (n < 0 && errno == EINTR)
            continue;
        c->readable = false;
        if (n == 0)
            c->ended = true;
        else if (errno != EAGAIN)
            c->dead = true;
        return 0;
    }
}

enum conn_fill conn_fill(struct conn *c, struct slice *input)
{
    if (c->ended)
        return CONN_ENDED;
    if (!c->readable)
        return CONN_DRY;
    ssize_t n;
    if (input->len == 0) {
        n = read_some(c, c->set->scratch, CONN_SCRATCH);
        *input = slice_of(c->set->scratch, (size_t)n);
    } else {
        enum err kept = conn_keep(c, *input);
        if (kept != OK)
            return kept == ERR_BUSY ? CONN_FULL : CONN_FAILED;
        if (c->in_at > 0) { /* what was consumed goes, so that the buffer does not grow with the connection's age */
            memmove(c->in.ptr, c->in.ptr + c->in_at, c->in.len - c->in_at);
            c->in.len -= c->in_at;
            c->in_at = 0;
        }
        size_t room = c->in.cap - c->in.len;
        if (room < 4096)
            buf_reserve(&c->in, room = c->in.len < CONN_SCRATCH ? CONN_SCRATCH / 4 : CONN_SCRATCH);
        if (!buf_ok(&c->in))
            return CONN_FAILED;
        *input = slice_of(c->in.ptr, c->in.len);
        if (!conn_charge_in(c))
            return CONN_FULL;
        n = read_some(c, c->in.ptr + c->in.len, room);
        if (c->set->book)
            share_moved(c->set->book, c->slot, (size_t)n, c->set->loop->now_us);
        c->in.len += (size_t)n;
        *input = slice_of(c->in.ptr, c->in.len);
    }
    if (n > 0)
        return CONN_FILLED;
    return c->dead ? CONN_FAILED : c->ended ? CONN_ENDED : CONN_DRY;
}

bool conn_sending(const struct conn *c)
{
    return c->out.len > 0 || c->body;
}

size_t conn_untaken(const struct conn *c)
{
    int in_kernel = 0;
    (void)ioctl(c->source.fd, SIOCOUTQ, &in_kernel);
    size_t pending = c->out.len - c->out_at + (c->body ? c->body->len - c->body_at : 0);
    return pending + (size_t)(in_kernel > 0 ? in_kernel : 0);
}

static ssize_t write_parts(struct conn *c, struct slice head, struct slice body)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)head.ptr, head.len}, {(void *)(uintptr_t)body.ptr, body.len}};
    int first = head.len ? 0 : 1;
    int count = (head.len ? 1 : 0) + (body.len ? 1 : 0);
    struct msghdr msg = {.msg_iov = &iov[first], .msg_iovlen = (size_t)count};
    for (;;) {
        ssize_t n = sendmsg(c->source.fd, &msg, MSG_NOSIGNAL);
        if (n >= 0) {
            metrics_add(M_BYTES_OUT, (uint64_t)n);
            return n;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            c->dead = true;
        return 0;
    }
}

static void queue_rest(struct conn *c, struct slice head, struct blob *body, size_t sent)
{
    if (sent < head.len)
        buf_append(&c->out, head.ptr + sent, head.len - sent);
    bool room = buf_ok(&c->out) && conn_charge_out(c);
    if (room && body && !c->body)
        room = conn_keep_body(c, body);
    if (room && body)
        c->body_at = sent > head.len ? sent - head.len : 0;
    if (room)
        return;
    metrics_add(M_CONN_CUT_MEMORY, 1);
    c->dead = true;
}

enum err conn_send(struct conn *c, struct slice head, struct blob *body)
{
    if (c->dead)
        return OK;
    must(!c->body); /* one answer at a time */
    if (body && conn_is_crowded(c, body) && !conn_keep_body(c, body))
        return ERR_BUSY;
    struct slice bytes = body ? blob_slice(body) : slice_of(NULL, 0);
    size_t sent = c->out.len > 0 ? 0 : (size_t)write_parts(c, head, bytes);
    if (!c->dead && sent < head.len + bytes.len)
        queue_rest(c, head, body, sent);
    else
        conn_drop_body(c);
    return OK;
}

/* Goes on with pending output. */
static void flush(struct conn *c)
{
    struct slice head = slice_of(c->out.ptr + c->out_at, c->out.len - c->out_at);
    struct slice body = c->body ? slice_of(c->body->data + c->body_at, c->body->len - c->body_at) : slice_of(NULL, 0);
    size_t sent = (size_t)write_parts(c, head, body);
    if (c->set->book)
        share_moved(c->set->book, c->slot, sent, c->set->loop->now_us);
    if (sent < head.len) {
        c->out_at += sent;
        return;
    }
    buf_fini(&c->out);
    c->out_at = 0;
    (void)conn_charge_out(c); /* gives back */
    c->body_at += sent - head.len;
    if (c->body && c->body_at == c->body->len)
        conn_drop_body(c);
}

void conn_deadline(struct conn *c, int64_t after_ms)
{
    if (after_ms == 0)
        timer_stop(c->set->wheel, &c->deadline);
    else
        timer_start(c->set->wheel, &c->deadline, c->set->loop->now_us + after_ms * 1000);
}

static void on_deadline(struct timer *t)
{
    struct conn *c = (struct conn *)(void *)((char *)t - offsetof(struct conn, deadline));
    c->set->protocol->on_deadline(c);
}

static void on_events(struct loop_source *source, uint32_t events)
{
    struct conn *c = (struct conn *)source;
    if (events & (EPOLLERR | EPOLLHUP))
        c->dead = true;
    if (events & EPOLLRDHUP)
        c->hung_up = true; /* this edge does not come again */
    if (events & (EPOLLIN | EPOLLRDHUP))
        c->readable = true;
    if (!c->dead && conn_sending(c)) {
        if (events & EPOLLOUT)
            flush(c);
        if (conn_sending(c) && !c->dead)
            return;
    }
    c->set->protocol->on_ready(c);
}
