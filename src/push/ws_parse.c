/* Reading frames. wslay checks masks, reserved bits and opcodes, control frames, close codes, UTF-8 and the message limit,
 * and makes the pongs and close replies, which are gathered with the app's replies.
 * Lending:  a parser holds about 8 KB, so connections do not own one. It is taken from the set's few idle ones when bytes
 *           arrive, and goes back when every byte given belonged to a whole frame and no fragmented message is open.
 *           That is known by counting: the bytes given against the lengths of the frames begun (wslay tells of a frame
 *           once its header is complete).
 * Failures: what breaks the protocol is returned with a close code; the connection writes the close frame (ws_conn.c). */
#include "ws_internal.h"

#include <stdlib.h>
#include <wslay/wslay.h>

static ssize_t give_input(wslay_event_context_ptr wslay, uint8_t *buf, size_t len, int flags, void *arg)
{
    (void)flags;
    struct ws_parser *p = arg;
    if (p->input.len == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t n = p->input.len < len ? p->input.len : len;
    memcpy(buf, p->input.ptr, n);
    p->input = slice_of(p->input.ptr + n, p->input.len - n);
    p->fed += n;
    return (ssize_t)n;
}

/* After our own close frame nothing may follow: what wslay wants to answer then is dropped here. */
static ssize_t take_output(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags, void *arg)
{
    (void)wslay;
    (void)flags;
    struct ws_conn *c = ((struct ws_parser *)arg)->conn;
    must(c->set->corked == c);
    if (ws_writable(c))
        buf_append(&c->set->scratch, data, len);
    return (ssize_t)len;
}

static void on_frame(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    (void)wslay;
    struct ws_parser *p = arg;
    unsigned length_bytes = frame->payload_length < 126 ? 0 : frame->payload_length <= UINT16_MAX ? 2 : 8;
    p->framed += 2 + length_bytes + 4 /* mask */ + frame->payload_length;
    if (frame->opcode < WS_OP_CLOSE)
        p->message_open = !frame->fin;
    else if (frame->opcode == WS_OP_CLOSE && frame->payload_length == 1)
        p->bad_close = WS_CLOSE_PROTOCOL; /* wslay takes one byte for "no code" (RFC 6455, 5.5.1) */
}

/* At once, not after the batch, so that a pong keeps its place among the app's replies. */
static void reply_now(struct ws_conn *c, wslay_event_context_ptr wslay)
{
    if (wslay_event_send(wslay) != 0)
        ws_lost(c, "no memory for a reply");
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
    struct ws_parser *p = arg;
    struct ws_conn *c = p->conn;
    switch (m->opcode) {
    case WS_OP_TEXT:
    case WS_OP_BINARY:
        if (ws_writable(c))
            c->set->options.app->on_message(c->set->app, c, m->opcode == WS_OP_TEXT ? WS_TEXT : WS_BINARY,
                                            slice_of((const char *)m->msg, m->msg_length));
        break;
    case WS_OP_CLOSE:
        /* wslay skips the code's two bytes in each piece that it reads: a reason that came in pieces is unchecked. */
        if (m->msg_length > 2 && !slice_is_utf8(slice_of((const char *)m->msg + 2, m->msg_length - 2)))
            p->bad_close = WS_CLOSE_INVALID_DATA;
        if (p->bad_close)
            break; /* judge() answers */
        c->close_code = wslay_event_get_status_code_received(wslay);
        reply_now(c, wslay);
        break;
    case WS_OP_PING:
        reply_now(c, wslay);
        break;
    default: /* a pong: it counted as a sign of life when it was read */
        break;
    }
}

static struct ws_parser *parser_new(struct ws_set *s)
{
    static const struct wslay_event_callbacks CALLBACKS = {
        .recv_callback = give_input,
        .send_callback = take_output,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    struct ws_parser *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    if (wslay_event_context_server_init(&p->wslay, &CALLBACKS, p) != 0) {
        free(p);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(p->wslay, (uint64_t)s->options.max_message);
    return p;
}

static void parser_free(struct ws_parser *p)
{
    wslay_event_context_free(p->wslay);
    free(p);
}

static struct ws_parser *parser_get(struct ws_set *s)
{
    struct ws_parser *p = s->parsers;
    if (!p)
        return parser_new(s);
    s->parsers = p->next;
    s->parsers_idle--;
    return p;
}

static void parser_put(struct ws_set *s, struct ws_parser *p)
{
    if (s->parsers_idle >= WS_PARSERS_KEPT) {
        parser_free(p);
        return;
    }
    *p = (struct ws_parser){.wslay = p->wslay, .next = s->parsers};
    s->parsers = p;
    s->parsers_idle++;
}

void ws_parser_drop(struct ws_conn *c)
{
    if (c->parser)
        parser_free(c->parser);
    c->parser = NULL;
}

void ws_parsers_free(struct ws_set *s)
{
    while (s->parsers) {
        struct ws_parser *next = s->parsers->next;
        parser_free(s->parsers);
        s->parsers = next;
    }
}

static struct ws_parsed broken(uint16_t code, const char *why)
{
    return (struct ws_parsed){.end = WS_END_BROKEN, .code = code, .why = why};
}

static struct ws_parsed judge(struct ws_conn *c, int result)
{
    struct ws_parser *p = c->parser;
    if (result == WSLAY_ERR_NOMEM)
        return broken(WS_CLOSE_INTERNAL, "no memory to read a message");
    if (p->bad_close)
        return broken(p->bad_close, "malformed close frame");
    if (result != 0) /* a header that cannot be: wslay would close without a code, we say which */
        return broken(WS_CLOSE_PROTOCOL, "protocol error");
    if (wslay_event_get_close_received(p->wslay))
        return (struct ws_parsed){.end = WS_END_CLOSED, .code = c->close_code};
    if (!wslay_event_get_read_enabled(p->wslay)) { /* its own close frame (1002, 1007, 1009) waits in it */
        reply_now(c, p->wslay);
        return (struct ws_parsed){.end = WS_END_CLOSED, .code = wslay_event_get_status_code_sent(p->wslay)};
    }
    if (p->fed == p->framed && !p->message_open && c->state != WS_DEAD) {
        c->parser = NULL;
        parser_put(c->set, p);
    }
    return (struct ws_parsed){0};
}

struct ws_parsed ws_parse(struct ws_conn *c, struct slice bytes)
{
    if (!c->parser)
        c->parser = parser_get(c->set);
    struct ws_parser *p = c->parser;
    if (!p)
        return broken(WS_CLOSE_INTERNAL, "no memory for a parser");
    p->conn = c;
    p->input = bytes;
    int result;
    size_t left;
    do { /* wslay may stop early where a header is split between its buffer and ours */
        left = p->input.len;
        result = wslay_event_recv(p->wslay);
    } while (result == 0 && c->state != WS_DEAD && wslay_event_get_read_enabled(p->wslay) && p->input.len > 0 &&
             p->input.len < left);
    p->input = slice_of(NULL, 0);
    return judge(c, result);
}
