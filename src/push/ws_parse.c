/* Reading frames with wslay. Its context holds about 8 KB, so connections do not own one: it is taken from the set's few
 * idle ones when bytes arrive and goes back when every byte given was a whole frame and no fragmented message is open.
 * That is known by counting: bytes given against the lengths of the frames begun (a frame is announced as soon as its
 * header is complete). wslay checks masks, reserved bits and opcodes, control frames, close codes, UTF-8 and the message
 * limit, and makes the pongs and close replies; their bytes are gathered with the app's replies. */
#include "ws_internal.h"

#include <stdlib.h>
#include <wslay/wslay.h>

static ssize_t give_input(wslay_event_context_ptr parser, uint8_t *buf, size_t len, int flags, void *arg)
{
    (void)flags;
    struct ws_lease *l = arg;
    if (l->input.len == 0) {
        wslay_event_set_error(parser, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t n = l->input.len < len ? l->input.len : len;
    memcpy(buf, l->input.ptr, n);
    l->input = slice_of(l->input.ptr + n, l->input.len - n);
    l->fed += n;
    return (ssize_t)n;
}

/* After our own close frame nothing may follow: what wslay wants to answer then is dropped here. */
static ssize_t take_output(wslay_event_context_ptr parser, const uint8_t *data, size_t len, int flags, void *arg)
{
    (void)parser;
    (void)flags;
    struct ws_conn *c = ((struct ws_lease *)arg)->conn;
    must(c->set->corked == c);
    if (ws_writable(c))
        buf_append(&c->set->scratch, data, len);
    return (ssize_t)len;
}

static void on_frame(wslay_event_context_ptr parser, const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    (void)parser;
    struct ws_lease *l = arg;
    unsigned length_bytes = frame->payload_length < 126 ? 0 : frame->payload_length <= UINT16_MAX ? 2 : 8;
    l->framed += 2 + length_bytes + 4 /* mask */ + frame->payload_length;
    if (frame->opcode < WS_OP_CLOSE)
        l->message_open = !frame->fin;
    else if (frame->opcode == WS_OP_CLOSE && frame->payload_length == 1)
        l->bad_close = WS_CLOSE_PROTOCOL; /* wslay takes one byte for "no code" (RFC 6455, 5.5.1) */
}

/* Not after the batch: so a pong keeps its place among the app's replies. */
static void reply_now(struct ws_conn *c, wslay_event_context_ptr parser)
{
    if (wslay_event_send(parser) != 0)
        ws_conn_lost(c, "no memory for a reply");
}

static void on_message(wslay_event_context_ptr parser, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
    struct ws_lease *l = arg;
    struct ws_conn *c = l->conn;
    switch (m->opcode) {
    case WS_OP_TEXT:
    case WS_OP_BINARY:
        if (ws_writable(c))
            c->set->options.app->on_message(c->set->app, c, m->opcode == WS_OP_TEXT ? WS_TEXT : WS_BINARY,
                                            slice_of((const char *)m->msg, m->msg_length));
        break;
    case WS_OP_CLOSE:
        /* wslay skips the code's two bytes in each piece that it reads, so a reason that came in pieces is unchecked. */
        if (m->msg_length > 2 && !slice_is_utf8(slice_of((const char *)m->msg + 2, m->msg_length - 2)))
            l->bad_close = WS_CLOSE_INVALID_DATA;
        if (l->bad_close)
            break; /* judge() answers */
        c->close_code = wslay_event_get_status_code_received(parser);
        reply_now(c, parser);
        break;
    case WS_OP_PING:
        reply_now(c, parser);
        break;
    default: /* a pong: it counted as a sign of life when it was read */
        break;
    }
}

static struct ws_lease *lease_new(struct ws_set *s)
{
    static const struct wslay_event_callbacks CALLBACKS = {
        .recv_callback = give_input,
        .send_callback = take_output,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    struct ws_lease *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    if (wslay_event_context_server_init(&l->parser, &CALLBACKS, l) != 0) {
        free(l);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(l->parser, (uint64_t)s->options.max_message);
    return l;
}

static void lease_free(struct ws_lease *l)
{
    wslay_event_context_free(l->parser);
    free(l);
}

static struct ws_lease *lease_get(struct ws_set *s)
{
    struct ws_lease *l = s->leases;
    if (!l)
        return lease_new(s);
    s->leases = l->next;
    s->leases_idle--;
    l->next = NULL;
    return l;
}

static void lease_put(struct ws_set *s, struct ws_lease *l)
{
    if (s->leases_idle >= WS_LEASES_KEPT) {
        lease_free(l);
        return;
    }
    l->conn = NULL;
    l->fed = l->framed = l->swept_fed = 0;
    l->starved = 0;
    l->next = s->leases;
    s->leases = l;
    s->leases_idle++;
}

void ws_lease_drop(struct ws_conn *c)
{
    if (c->lease)
        lease_free(c->lease);
    c->lease = NULL;
}

void ws_leases_free(struct ws_set *s)
{
    while (s->leases) {
        struct ws_lease *next = s->leases->next;
        lease_free(s->leases);
        s->leases = next;
    }
    s->leases_idle = 0;
}

/* What the parser made of the bytes: nothing special, the peer's close, or the end. */
static void judge(struct ws_conn *c, int result)
{
    struct ws_lease *l = c->lease;
    wslay_event_context_ptr parser = l->parser;
    if (result == WSLAY_ERR_NOMEM) {
        ws_conn_fail(c, WS_CLOSE_INTERNAL, "no memory to read a message");
    } else if (l->bad_close) {
        ws_conn_fail(c, l->bad_close, "malformed close frame");
    } else if (result != 0) {
        /* A header that cannot be: wslay answers by a close without a code, we say which. */
        ws_conn_fail(c, WS_CLOSE_PROTOCOL, "protocol error");
    } else if (wslay_event_get_close_received(parser)) {
        ws_conn_drain(c, c->close_code);
    } else if (!wslay_event_get_read_enabled(parser)) {
        /* Its own close frame (1002, 1007, 1009) waits in it. The payload is the code. */
        if (wslay_event_send(parser) != 0)
            ws_conn_lost(c, "no memory for a reply");
        else
            ws_conn_drain(c, wslay_event_get_status_code_sent(parser));
    } else if (l->fed == l->framed && !l->message_open) {
        c->lease = NULL;
        lease_put(c->set, l);
    }
    if (c->state == WS_DRAINING || c->state == WS_DEAD)
        ws_lease_drop(c);
}

void ws_parse(struct ws_conn *c, struct slice bytes)
{
    if (!c->lease)
        c->lease = lease_get(c->set);
    struct ws_lease *l = c->lease;
    if (!l) {
        ws_conn_fail(c, WS_CLOSE_INTERNAL, "no memory for a parser");
        return;
    }
    l->conn = c;
    l->input = bytes;
    int result;
    size_t left;
    do { /* wslay may stop early where a header is split between its buffer and ours */
        left = l->input.len;
        result = wslay_event_recv(l->parser);
    } while (result == 0 && c->state != WS_DEAD && wslay_event_get_read_enabled(l->parser) && l->input.len > 0 &&
             l->input.len < left);
    l->input = slice_of(NULL, 0);
    judge(c, result);
}
