/* Writing. A send is tried at once, without asking whether the socket is writable. What it does not take is copied: so
 * only a slow peer costs a copy, bytes that all subscribers share need not live on for it, and everybody else costs one
 * send(). */
#include "ws_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Bytes written, 0 when the socket is full, -1 when the connection is lost (it is DEAD then). */
static ssize_t try_send(struct ws_conn *c, struct slice bytes)
{
    struct ws_set *s = c->set;
    ssize_t n;
    do
        n = send(c->source.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    s->writes++;
    if (n >= 0) {
        s->bytes_out += (uint64_t)n;
        return n;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return 0;
    ws_lost(c, "write failed");
    return -1;
}

size_t ws_out_pending(const struct ws_conn *c)
{
    return c->out ? c->out->bytes.len - c->out->off : 0;
}

void ws_out_free(struct ws_conn *c)
{
    if (!c->out)
        return;
    c->set->pending_bytes -= (int64_t)ws_out_pending(c);
    buf_fini(&c->out->bytes);
    free(c->out);
    c->out = NULL;
}

/* False when there is no memory: the connection is lost. */
static bool out_append(struct ws_conn *c, struct slice bytes)
{
    buf_append_slice(&c->out->bytes, bytes);
    if (!buf_ok(&c->out->bytes)) {
        ws_lost(c, "no memory for output");
        return false;
    }
    c->set->pending_bytes += (int64_t)bytes.len;
    return true;
}

static bool out_begin(struct ws_conn *c)
{
    c->out = calloc(1, sizeof(*c->out));
    if (!c->out)
        ws_lost(c, "no memory for output");
    return c->out != NULL;
}

/* The first start of a frame at or after n in bytes, which begin with `lead` bytes of something else. */
static size_t boundary_after(struct slice bytes, size_t lead, size_t n)
{
    size_t at = lead;
    while (at < n)
        at += ws_frame_length(bytes.ptr + at);
    return at;
}

void ws_out_write(struct ws_conn *c, struct slice bytes, size_t lead)
{
    if (c->state == WS_DEAD || bytes.len == 0)
        return;
    if (c->out) {
        out_append(c, bytes);
        return;
    }
    ssize_t n = try_send(c, bytes);
    if (n < 0 || (size_t)n == bytes.len || !out_begin(c))
        return;
    size_t sent = (size_t)n;
    c->out->boundary = boundary_after(bytes, lead, sent) - sent;
    out_append(c, slice_of(bytes.ptr + sent, bytes.len - sent));
}

void ws_cork(struct ws_conn *c)
{
    must(c->set->corked == NULL);
    c->set->corked = c;
    buf_clear(&c->set->scratch);
}

void ws_uncork(struct ws_conn *c, size_t lead)
{
    struct ws_set *s = c->set;
    must(s->corked == c);
    s->corked = NULL;
    if (buf_ok(&s->scratch))
        ws_out_write(c, buf_slice(&s->scratch), lead);
    else
        ws_lost(c, "no memory for output");
    if (s->scratch.cap > WS_SCRATCH_KEEP || !buf_ok(&s->scratch))
        buf_fini(&s->scratch);
}

void ws_out_frame(struct ws_conn *c, enum ws_opcode opcode, struct slice payload)
{
    if (c->set->corked == c) {
        ws_frame_append(&c->set->scratch, opcode, payload);
        return;
    }
    struct buf frame = {0};
    ws_frame_append(&frame, opcode, payload);
    if (buf_ok(&frame))
        ws_out_write(c, buf_slice(&frame), 0);
    else
        ws_lost(c, "no memory for output");
    buf_fini(&frame);
}

unsigned ws_out_flush(struct ws_conn *c)
{
    struct ws_out *o = c->out;
    ssize_t n = try_send(c, slice_of(o->bytes.ptr + o->off, o->bytes.len - o->off));
    if (n < 0)
        return 0;
    if (n > 0)
        c->flags |= WS_HEARD; /* it reads: a sign of life, also while nothing is read from it */
    c->set->pending_bytes -= n;
    o->off += (size_t)n;
    if (o->off == o->bytes.len) {
        unsigned missed = o->missed;
        ws_out_free(c);
        return missed;
    }
    while (o->boundary < o->off)
        o->boundary += ws_frame_length(o->bytes.ptr + o->boundary);
    return 0;
}

void ws_out_drop_frames(struct ws_conn *c)
{
    struct ws_out *o = c->out;
    if (!o)
        return;
    c->set->pending_bytes -= (int64_t)(o->bytes.len - o->boundary);
    o->bytes.len = o->boundary;
    if (o->off == o->bytes.len)
        ws_out_free(c);
}

/* The peer's socket is full; frames[0..sent) are written. Keeps the rest of a frame that is partly written, then whole
 * frames while there is room, and drops the others: the app then sends one hint to refetch for all of them. */
static unsigned keep_some(struct ws_conn *c, struct slice frames, size_t sent, unsigned topic)
{
    struct ws_out *o = c->out;
    size_t at = boundary_after(frames, 0, sent);
    size_t end = at;
    if (!o->missed) /* after a gap nothing is kept: the hint has to come behind all that was */
        while (end < frames.len) {
            size_t len = ws_frame_length(frames.ptr + end);
            if (ws_out_pending(c) + (end - sent) + len > WS_KEEP_BYTES)
                break;
            end += len;
        }
    if (o->bytes.len == 0)
        o->boundary = at - sent;
    o->behind += frames.len - sent;
    if (!out_append(c, slice_of(frames.ptr + sent, end - sent)))
        return ws_frame_count(slice_of(frames.ptr + at, frames.len - at));
    unsigned dropped = ws_frame_count(slice_of(frames.ptr + end, frames.len - end));
    if (dropped)
        o->missed |= topic;
    return dropped;
}

unsigned ws_out_notify(struct ws_conn *c, struct slice frames, unsigned topic)
{
    if (c->set->corked == c) { /* part of a reply: keeps its place in the order */
        buf_append_slice(&c->set->scratch, frames);
        return 0;
    }
    if (c->out)
        return keep_some(c, frames, 0, topic);
    ssize_t n = try_send(c, frames);
    if (n == (ssize_t)frames.len)
        return 0;
    if (n < 0 || !out_begin(c))
        return ws_frame_count(frames);
    return keep_some(c, frames, (size_t)n, topic);
}
