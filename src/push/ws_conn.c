/* What happens to one connection.
 * Happy path: OPEN, reads and notifications → the peer's close frame, our reply (DRAINING) → shutdown → end of stream
 *             → DEAD. Our own close: OPEN → CLOSING → the peer's reply → DRAINING.
 * Failures:   a broken protocol goes straight to DRAINING with a close frame; a broken connection to DEAD; a peer that
 *             does not read is closed with 1013. Nothing is freed here: ws_set.c does it when the turn ends. */
#include "ws_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_ROUNDS 4 /* of WS_INPUT_BYTES, then the others have their turn */

static void write_close(struct ws_conn *c, uint16_t code, const char *reason)
{
    char payload[125];
    uint16_t wire_code = htobe16(code);
    size_t reason_len = reason ? strnlen(reason, sizeof(payload) - 2) : 0;
    memcpy(payload, &wire_code, 2);
    if (reason_len)
        memcpy(payload + 2, reason, reason_len);
    ws_out_frame(c, WS_OP_CLOSE, slice_of(payload, 2 + reason_len));
}

void ws_conn_close(struct ws_conn *c, uint16_t code, const char *reason)
{
    if (c->state != WS_OPEN)
        return;
    c->close_code = code;
    write_close(c, code, reason);
    if (c->state == WS_OPEN)
        ws_move(c, WS_CLOSING, code == WS_CLOSE_GOING_AWAY ? WS_STOP_WAIT_US : WS_CLOSE_WAIT_US);
}

static void close_slow(struct ws_conn *c)
{
    if (c->state != WS_OPEN)
        return;
    log_info("websocket cut", "connection=%.*s reason=\"does not read\" behind_bytes=%zu", UUID_LEN, c->id,
             c->out->behind);
    metrics_add(M_WS_SLOW, 1);
    c->close_code = WS_CLOSE_TRY_LATER;
    ws_out_drop_frames(c);
    write_close(c, WS_CLOSE_TRY_LATER, "too slow: connect again and refetch");
    if (c->state == WS_OPEN)
        ws_move(c, WS_CLOSING, WS_SLOW_WAIT_US);
}

static void drain(struct ws_conn *c, uint16_t code)
{
    if (c->state >= WS_DRAINING)
        return;
    c->close_code = code;
    ws_move(c, WS_DRAINING, WS_CLOSE_WAIT_US);
}

void ws_conn_fail(struct ws_conn *c, uint16_t code, const char *why)
{
    if (c->state >= WS_DRAINING)
        return;
    log_info("websocket failed", "connection=%.*s code=%u reason=\"%s\"", UUID_LEN, c->id, (unsigned)code, why);
    if (c->state == WS_OPEN)
        write_close(c, code, NULL);
    if (c->state != WS_DEAD)
        drain(c, code);
}

unsigned ws_conn_notify(struct ws_conn *c, struct slice frames, unsigned topic)
{
    if (!ws_writable(c))
        return ws_frame_count(frames);
    unsigned dropped = ws_out_notify(c, frames, topic);
    if (c->out && c->out->behind > (size_t)c->set->options.backlog_bytes)
        close_slow(c);
    return dropped;
}

void ws_conn_send(struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    if (ws_writable(c))
        ws_out_frame(c, kind == WS_BINARY ? WS_OP_BINARY : WS_OP_TEXT, payload);
}

static void read_later(struct ws_conn *c)
{
    if (c->state == WS_DEAD || c->flags & WS_AGAIN)
        return;
    c->flags |= WS_AGAIN;
    c->next_again = c->set->again;
    c->set->again = c;
}

/* When nothing waits to be written: what was put off until then. */
static void flushed(struct ws_conn *c)
{
    if (c->out)
        return;
    if (c->state == WS_DRAINING && !(c->flags & WS_SHUT)) {
        c->flags |= WS_SHUT;
        shutdown(c->source.fd, SHUT_WR); /* an error shows at the read that follows */
    }
    if (c->flags & WS_PARKED && c->state != WS_DEAD) {
        c->flags = (uint8_t)(c->flags & ~WS_PARKED);
        read_later(c);
    }
}

static void parse(struct ws_conn *c, struct slice bytes)
{
    struct ws_parsed parsed = ws_parse(c, bytes);
    if (parsed.end == WS_END_BROKEN)
        ws_conn_fail(c, parsed.code, parsed.why);
    else if (parsed.end == WS_END_CLOSED)
        drain(c, parsed.code);
    if (c->state >= WS_DRAINING)
        ws_parser_drop(c);
}

void ws_conn_begin(struct ws_conn *c, struct slice head, struct slice rest)
{
    ws_cork(c);
    buf_append_slice(&c->set->scratch, head);
    c->flags |= WS_APP_OPEN;
    c->set->options.app->on_open(c->set->app, c);
    if (rest.len > 0)
        parse(c, rest);
    ws_uncork(c, head.len);
    flushed(c);
}

static void take_bytes(struct ws_conn *c, struct slice bytes)
{
    c->flags |= WS_HEARD;
    if (c->state == WS_DRAINING)
        return;
    ws_cork(c);
    parse(c, bytes);
    ws_uncork(c, 0);
    flushed(c);
}

void ws_conn_read(struct ws_conn *c)
{
    struct ws_set *s = c->set;
    for (unsigned round = 0; round < READ_ROUNDS && c->state != WS_DEAD; round++) {
        if (ws_out_pending(c) > WS_READ_PARK) {
            c->flags |= WS_PARKED;
            return;
        }
        ssize_t n = recv(c->source.fd, s->input, WS_INPUT_BYTES, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            ws_lost(c, n == 0 ? "end of stream" : "read failed");
            return;
        }
        take_bytes(c, slice_of(s->input, (size_t)n));
        /* A short read emptied the socket; an end of stream that was signalled is still to be seen. */
        if (n < WS_INPUT_BYTES && !(c->flags & WS_HUP))
            return;
    }
    read_later(c);
}

static void on_writable(struct ws_conn *c)
{
    unsigned missed = ws_out_flush(c);
    if (missed && ws_writable(c) && c->set->options.app->on_drained)
        c->set->options.app->on_drained(c->set->app, c, missed);
    flushed(c);
}

static void on_events(struct loop_source *source, uint32_t events)
{
    struct ws_conn *c = (struct ws_conn *)(void *)source;
    if (c->state == WS_DEAD)
        return;
    if (events & (EPOLLERR | EPOLLHUP)) { /* both directions are gone */
        ws_lost(c, "connection reset");
        return;
    }
    if (events & EPOLLRDHUP)
        c->flags |= WS_HUP;
    if (events & EPOLLOUT && c->out)
        on_writable(c);
    if (events & (EPOLLIN | EPOLLRDHUP) && c->state != WS_DEAD)
        ws_conn_read(c);
}

void ws_conn_init(struct ws_conn *c, struct ws_set *s, const struct ws_handover *h)
{
    *c = (struct ws_conn){.source = {.fd = h->fd, .on_events = on_events}, .set = s, .state = WS_OPEN, .tag = h->tag};
    uuid_v4(c->id);
}

void ws_conn_free(struct ws_conn *c)
{
    if (c->closing)
        timer_stop(&c->set->timers, &c->closing->timer);
    free(c->closing);
    ws_parser_drop(c);
    ws_out_free(c);
    free(c->principal);
}

void *ws_conn_app(struct ws_conn *c)
{
    return c->app.bytes;
}

bool ws_conn_waits(const struct ws_conn *c)
{
    return c->out != NULL;
}

struct slice ws_conn_id(const struct ws_conn *c)
{
    return slice_of(c->id, UUID_LEN);
}

const struct ws_principal *ws_conn_principal(const struct ws_conn *c)
{
    return c->principal;
}
