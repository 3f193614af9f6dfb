/* States of one connection and its events. Happy path: adopted OPEN → reads and notifications → the peer's close frame,
 * our reply (DRAINING) → shutdown → end of stream → DEAD. Our own close goes OPEN → CLOSING → the peer's reply →
 * DRAINING. A broken protocol goes straight to DRAINING with a close frame; a broken stream to DEAD. Nothing is freed
 * here: ws_set_turn() buries the dead when no caller can hold them any more. */
#include "ws_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_ROUNDS 4 /* of WS_INPUT_BYTES, then the others have their turn */

static void on_deadline(struct timer *t)
{
    struct ws_closing *closing = (struct ws_closing *)(void *)t;
    ws_conn_lost(closing->conn, "closing took too long");
}

/* From OPEN to the state given, with a deadline for all that is left to do. */
static void leave_open(struct ws_conn *c, enum ws_state state, int64_t wait_us)
{
    must(state > c->state);
    c->state = (uint8_t)state;
    ws_set_reap_later(c);
    if (c->closing)
        return;
    c->closing = calloc(1, sizeof(*c->closing));
    if (!c->closing) {
        ws_conn_lost(c, "no memory");
        return;
    }
    c->closing->conn = c;
    c->closing->timer.on_fire = on_deadline;
    timer_start(&c->set->timers, &c->closing->timer, c->set->loop->now_us + wait_us);
}

void ws_conn_lost(struct ws_conn *c, const char *why)
{
    if (c->state == WS_DEAD)
        return;
    if (c->state == WS_OPEN)
        log_debug("websocket lost", "connection=%.*s reason=\"%s\"", UUID_LEN, c->id, why);
    c->state = WS_DEAD;
    if (c->close_code == 0)
        c->close_code = WS_CLOSE_ABNORMAL;
    ws_set_reap_later(c);
}

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
        leave_open(c, WS_CLOSING, WS_CLOSE_WAIT_US);
}

void ws_conn_slow(struct ws_conn *c)
{
    if (c->state != WS_OPEN)
        return;
    log_info("websocket cut", "connection=%.*s reason=\"does not read\" behind_bytes=%zu", UUID_LEN, c->id,
             c->out ? c->out->behind : 0);
    metrics_add(M_WS_SLOW, 1);
    c->close_code = WS_CLOSE_TRY_LATER;
    ws_out_drop_frames(c);
    write_close(c, WS_CLOSE_TRY_LATER, "too slow: connect again and refetch");
    if (c->state == WS_OPEN)
        leave_open(c, WS_CLOSING, WS_SLOW_WAIT_US);
}

void ws_conn_drain(struct ws_conn *c, uint16_t code)
{
    if (c->state >= WS_DRAINING)
        return;
    c->close_code = code;
    leave_open(c, WS_DRAINING, WS_CLOSE_WAIT_US);
}

void ws_conn_fail(struct ws_conn *c, uint16_t code, const char *why)
{
    if (c->state >= WS_DRAINING)
        return;
    log_info("websocket failed", "connection=%.*s code=%u reason=\"%s\"", UUID_LEN, c->id, (unsigned)code, why);
    if (c->state == WS_OPEN)
        write_close(c, code, NULL);
    if (c->state != WS_DEAD)
        ws_conn_drain(c, code);
}

void ws_conn_flushed(struct ws_conn *c)
{
    if (c->state == WS_DRAINING && !(c->flags & WS_SHUT)) {
        c->flags |= WS_SHUT;
        shutdown(c->source.fd, SHUT_WR); /* an error shows at the read that follows */
    }
    if (c->flags & WS_PARKED && c->state != WS_DEAD) {
        c->flags = (uint8_t)(c->flags & ~WS_PARKED);
        if (!(c->flags & WS_AGAIN)) {
            c->flags |= WS_AGAIN;
            c->next_again = c->set->again;
            c->set->again = c;
        }
    }
}

static void take_bytes(struct ws_conn *c, struct slice bytes)
{
    c->flags |= WS_HEARD;
    if (c->state == WS_DRAINING)
        return;
    ws_cork(c);
    ws_parse(c, bytes);
    ws_uncork(c, 0);
    if (!c->out)
        ws_conn_flushed(c);
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
            ws_conn_lost(c, n == 0 ? "end of stream" : "read failed");
            return;
        }
        take_bytes(c, slice_of(s->input, (size_t)n));
        /* A short read emptied the socket; an end of stream that was signalled is still to be seen. */
        if (n < WS_INPUT_BYTES && !(c->flags & WS_HUP))
            return;
    }
    if (c->state != WS_DEAD && !(c->flags & WS_AGAIN)) {
        c->flags |= WS_AGAIN;
        c->next_again = s->again;
        s->again = c;
    }
}

static void on_events(struct loop_source *source, uint32_t events)
{
    struct ws_conn *c = (struct ws_conn *)(void *)source;
    if (c->state == WS_DEAD)
        return;
    if (events & (EPOLLERR | EPOLLHUP)) { /* both directions are gone */
        ws_conn_lost(c, "connection reset");
        return;
    }
    if (events & EPOLLRDHUP)
        c->flags |= WS_HUP;
    if (events & EPOLLOUT)
        ws_out_flush(c);
    if (events & (EPOLLIN | EPOLLRDHUP) && c->state != WS_DEAD)
        ws_conn_read(c);
}

void ws_conn_init(struct ws_conn *c, struct ws_set *s, int fd)
{
    *c = (struct ws_conn){.source = {.fd = fd, .on_events = on_events}, .set = s, .state = WS_OPEN};
    uuid_v4(c->id);
}

void ws_conn_free(struct ws_conn *c)
{
    if (c->closing)
        timer_stop(&c->set->timers, &c->closing->timer);
    free(c->closing);
    ws_lease_drop(c);
    ws_out_free(c);
    free(c->principal);
}

enum ws_state ws_conn_state(const struct ws_conn *c)
{
    return (enum ws_state)c->state;
}

void *ws_conn_app(struct ws_conn *c)
{
    return c->app.bytes;
}

struct slice ws_conn_id(const struct ws_conn *c)
{
    return slice_of(c->id, UUID_LEN);
}

const struct ws_principal *ws_conn_principal(const struct ws_conn *c)
{
    return c->principal;
}
