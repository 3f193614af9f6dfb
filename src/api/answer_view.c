/* A view's answer: its body by reference, in the form that the client takes, or 304. */
#include "call.h"

#include "base/metrics.h"
#include "read/compressor.h"

/* Vary on an answer without a form of its own too, where it might have had one (RFC 9110, 12.5.5): else a shared cache would
 * give it to all. On a 304 only to who asked for another form: whether there is one is not known there. */
static bool varies(const struct http_session *s, const struct view_answer *a)
{
    return a->body ? a->body->len >= COMPRESS_BYTES_MIN : s->exchange.gzip;
}

/* In the form that there is. */
static void give_blob(struct http_session *s, const struct view_answer *a)
{
    struct http_reply r = {.status = a->result == VIEW_NOT_MODIFIED ? 304 : 200, .body = a->body};
    const struct blob *packed = a->body && s->exchange.gzip ? blob_packed(a->body) : NULL;
    struct view_answer sent;
    if (packed && packed->len > 0) {
        sent = *a;
        view_packed_tag(&sent);
        metrics_add(M_COMPRESS_SAVED, a->body->len - packed->len);
        r.body = packed;
        r.content_encoding = SLICE_LIT("gzip");
        a = &sent;
    }
    if (a->etag_len) {
        r.etag = slice_of(a->etag, a->etag_len);
        /* One principal's answer is nothing for a cache that others share. */
        r.cache_control = worker_of(s)->api->auth_on ? SLICE_LIT("private, no-cache") : SLICE_LIT("no-cache");
    }
    r.vary_encoding = varies(s, a);
    if (r.status == 200)
        r.content_type = HTTP_TYPE_JSON;
    session_reply(s, &r);
}

static void complete_compressed(struct op *op, void *arg)
{
    struct http_session *s = op_session(op, arg);
    if (s)
        give_blob(s, &compress_of(op)->answer);
}

/* False: it does not wait. */
static bool waits_for_gzip(struct http_session *s, const struct view_answer *a)
{
    struct api_worker *w = worker_of(s);
    if (!a->body || a->body->len < COMPRESS_BYTES_MIN || !s->exchange.gzip || blob_packed(a->body))
        return false;
    struct op *op = producer_op(&w->producer, &compress_kind, complete_compressed);
    if (!op)
        return false;
    op->origin = (struct op_origin){.slot = s->conn.slot, .generation = s->conn.generation};
    compress_of(op)->answer = *a;
    compress_of(op)->client = client_of(s);
    blob_hold(a->body);
    if (compressor_submit(w->api->compressor, op) != OK) {
        op_put(w->producer.ops, op);
        return false;
    }
    w->in_flight++;
    return true;
}

/* A view: body by reference, or 304. The answer's body stays the caller's. Who takes gzip gets a large body so: once it is
 * compressed, which happens elsewhere and once; or as it is, where that would take long. */
void answer_blob(struct http_session *s, const struct view_answer *a)
{
    if (!waits_for_gzip(s, a))
        give_blob(s, a);
}
