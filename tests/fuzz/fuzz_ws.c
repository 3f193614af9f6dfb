/* A WebSocket peer that sends anything, cut anywhere, to the dashboards' protocol (hub_app): what comes back is whole
 * server frames, at most one close and nothing after it; and so is what another hears, who is told of all chats' events.
 *
 * Input: the first byte says how the rest is cut (its low bits: bytes per write, 0 = all at once; the top bit: the
 * frames are unmasked text that the target masks, so that the fuzzer works on messages instead of masks). */
#include "fuzz.h"

#include "base/clock.h"
#include "base/log.h"
#include "push/hub.h"
#include "push/ws_conn.h"
#include "push/ws_frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_MESSAGE 512

static const struct hub_options hub_options = {.signal_rate = 2, .typing_preview = true};
static struct loop loop;
static struct ws_set *set;

static void start(void)
{
    /* No pings: time plays no part, however slow the machine is. */
    static struct ws_options options = {
        .ping_ms = 0, .max_message = MAX_MESSAGE, .backlog_bytes = 16384, .app = &hub_app, .app_arg = &hub_options};
    must(log_start(LOG_ERROR, LOG_TEXT) == OK);
    must(loop_init(&loop) == OK);
    must(ws_set_new(&set, &loop, &options) == OK);
}

static void turn(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        unsigned events = loop_run_once(&loop, 0);
        enum ws_app_load load = hub_app.on_turn(ws_set_app(set));
        ws_set_turn(set);
        if (events == 0 && load == WS_APP_IDLE && ws_set_next_ms(set) != 0)
            return;
    }
    must(false); /* a set that does not come to rest */
}

static int peer_open(void)
{
    int fds[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    struct ws_handover *h = ws_handover_new(fds[0], slice_of(NULL, 0), slice_of(NULL, 0), NULL);
    must(h);
    ws_set_adopt(set, h);
    return fds[1];
}

struct seen {
    unsigned frames;
    bool closed, eof;
};

/* Reads what is there: whole frames as a server may write them (RFC 6455, 5.1, 5.2, 5.5). */
static void peer_read(int fd, struct buf *in, struct seen *s)
{
    char bytes[16384];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        buf_append(in, bytes, (size_t)n);
    s->eof |= n == 0 || (n < 0 && errno != EAGAIN);
    size_t at = 0;
    while (in->len - at >= 2) {
        const unsigned char *f = (const unsigned char *)in->ptr + at;
        must((f[0] & 0xf0) == 0x80 && f[1] < 128);
        unsigned opcode = f[0] & 15u;
        must(opcode == WS_OP_TEXT || opcode >= WS_OP_CLOSE);
        if (f[1] == 126 && in->len - at < 4)
            break;
        size_t len = ws_frame_length(in->ptr + at);
        if (in->len - at < len)
            break;
        must(opcode == WS_OP_TEXT || len <= 127);
        must(!s->closed);
        s->closed = opcode == WS_OP_CLOSE;
        s->frames++;
        at += len;
    }
    memmove(in->ptr, in->ptr + at, in->len - at);
    in->len -= at;
    must(!s->eof || in->len == 0); /* nothing was cut off */
}

/* Messages divided by NUL become masked text frames, each final. */
static void mask_messages(struct slice in, struct buf *out)
{
    static const char MASK[4] = {0x37, (char)0xfa, 0x21, 0x3d};
    while (in.len > 0) {
        const char *end = memchr(in.ptr, '\0', in.len);
        size_t len = end ? (size_t)(end - in.ptr) : in.len;
        char header[WS_FRAME_HEADER_MAX];
        size_t header_len = ws_frame_header(header, WS_OP_TEXT, len);
        header[1] = (char)(header[1] | 0x80);
        buf_append(out, header, header_len);
        buf_append(out, MASK, sizeof(MASK));
        for (size_t i = 0; i < len; i++)
            buf_append_char(out, (char)(in.ptr[i] ^ MASK[i % 4]));
        in = slice_of(in.ptr + len + (end ? 1 : 0), in.len - len - (end ? 1 : 0));
    }
}

static void send_cut(int fd, struct slice bytes, size_t step, struct buf *in, struct seen *s)
{
    while (bytes.len > 0 && !s->eof) {
        size_t want = step && step < bytes.len ? step : bytes.len;
        ssize_t n = send(fd, bytes.ptr, want, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* the server has gone: seen above */
        bytes = n > 0 ? slice_of(bytes.ptr + n, bytes.len - (size_t)n) : bytes;
        turn();
        peer_read(fd, in, s);
    }
}

/* One notice of each kind to whoever follows. */
static void notify(void)
{
    struct notice n[5];
    int64_t wall_us = clock_wall_us();
    must(notice_message(&n[0], SLICE_LIT("chat"), SLICE_LIT("user"), wall_us, loop.now_us));
    must(notice_read(&n[1], SLICE_LIT("chat"), SIDE_AGENTS, SLICE_LIT("m"), wall_us, loop.now_us));
    must(notice_read(&n[2], SLICE_LIT("chat"), SIDE_CUSTOMER, SLICE_LIT("m"), wall_us, loop.now_us));
    must(notice_chat_changed(&n[3], SLICE_LIT("chat"), wall_us, loop.now_us));
    must(notice_customer_changed(&n[4], SLICE_LIT("customer"), wall_us, loop.now_us));
    hub_app.on_notices(ws_set_app(set), n, 5);
    turn();
}

static int listener_open(void)
{
    static const char SUBSCRIBE[] = "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\"}";
    struct buf frame = {0};
    int fd = peer_open();
    mask_messages(slice_of(SUBSCRIBE, sizeof(SUBSCRIBE) - 1), &frame);
    must(send(fd, frame.ptr, frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len);
    buf_fini(&frame);
    turn();
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!set)
        start();
    if (size < 2)
        return 0;
    struct slice rest = slice_of((const char *)data + 1, size - 1);
    struct buf bytes = {0}, in = {0}, heard = {0};
    struct seen seen = {0}, others = {0};
    if (data[0] & 0x80)
        mask_messages(rest, &bytes);
    else
        buf_append_slice(&bytes, rest);
    int fd = peer_open(), listener = listener_open();
    turn();
    send_cut(fd, buf_slice(&bytes), data[0] & 0x7f, &in, &seen);
    notify();
    peer_read(fd, &in, &seen);
    must(seen.frames > 0); /* the greeting came */
    must(!seen.closed || !seen.eof || in.len == 0);
    close(fd);
    turn();
    peer_read(listener, &heard, &others);
    must(others.frames >= 6 && heard.len == 0 && !others.closed); /* a greeting, an answer, four events */
    close(listener);
    turn();
    must(ws_set_count(set) == 0); /* no connection outlives its peer */
    buf_fini(&bytes);
    buf_fini(&in);
    buf_fini(&heard);
    return 0;
}
