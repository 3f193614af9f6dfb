/* A head is put together by a cursor over room reserved once: the lengths of all parts are known before. */
#include "http/reply.h"
#include "base/err.h"
#include "base/text.h"

/* SLICE_LIT() for a static: a compound literal is no constant. */
#define SLICE_INIT(s)                                                                                                  \
    {                                                                                                                  \
        .ptr = (s), .len = sizeof(s) - 1                                                                               \
    }

const struct slice HTTP_CONTINUE = SLICE_INIT("HTTP/1.1 100 Continue\r\n\r\n");
const struct slice HTTP_TYPE_JSON = SLICE_INIT("application/json");
const struct slice HTTP_TYPE_TEXT = SLICE_INIT("text/plain; charset=utf-8");

#define FIXED_ROOM 896 /* every name, number and fixed value that a head can have */

static const struct slice cors_methods = SLICE_INIT("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");

/* A value with a line end in it would let its author write headers of his own (response splitting). */
static void check_value(struct slice s)
{
    must(s.len == 0 || (!memchr(s.ptr, '\r', s.len) && !memchr(s.ptr, '\n', s.len)));
}

/* name: "\r\nName: ": each header begins with the end of the line before. Nothing where value.ptr is NULL. */
static char *put_header(char *to, struct slice name, struct slice value)
{
    if (!value.ptr)
        return to;
    check_value(value);
    return slice_put(slice_put(to, name), value);
}

static char *put_status(char *to, int status)
{
    if (status == 200)
        return slice_put(to, SLICE_LIT("HTTP/1.1 200 OK"));
    if (status == 304)
        return slice_put(to, SLICE_LIT("HTTP/1.1 304 Not Modified"));
    to = slice_put(to, SLICE_LIT("HTTP/1.1 "));
    to = put_u64(to, (uint64_t)status);
    *to++ = ' ';
    return slice_put(to, slice_cstr(http_status_text(status)));
}

static char *put_cors(char *to, const struct http_reply_cors *c)
{
    if (c->allow_origin.ptr) {
        to = put_header(to, SLICE_LIT("\r\nAccess-Control-Allow-Origin: "), c->allow_origin);
        to = slice_put(to, SLICE_LIT("\r\nAccess-Control-Allow-Credentials: true"));
    }
    if (c->allow_origin.ptr && !c->preflight)
        to = slice_put(to, SLICE_LIT("\r\nAccess-Control-Expose-Headers: ETag, Retry-After, Location"));
    if (c->preflight) {
        to = put_header(to, SLICE_LIT("\r\nAccess-Control-Allow-Methods: "), cors_methods);
        to = slice_put(to, SLICE_LIT("\r\nAccess-Control-Max-Age: 600"));
        if (c->allow_headers.len)
            to = put_header(to, SLICE_LIT("\r\nAccess-Control-Allow-Headers: "), c->allow_headers);
    }
    return to;
}

/* What the answer would have been another for. */
static char *put_vary(char *to, const struct http_reply *r)
{
    struct slice before = SLICE_LIT("\r\nVary: "), comma = SLICE_LIT(", ");
    if (r->cors.vary) {
        to = slice_put(slice_put(to, before), SLICE_LIT("Origin"));
        before = comma;
    }
    if (r->cors.vary_token) {
        to = slice_put(slice_put(to, before), SLICE_LIT("Authorization"));
        before = comma;
    }
    return r->vary_encoding ? slice_put(slice_put(to, before), SLICE_LIT("Accept-Encoding")) : to;
}

static char *put_connection(char *to, const struct http_reply *r)
{
    if (r->status < 200) /* an upgrade says it in `extra` */
        return to;
    if (r->close)
        return slice_put(to, SLICE_LIT("\r\nConnection: close"));
    return r->minor == 0 ? slice_put(to, SLICE_LIT("\r\nConnection: keep-alive")) : to;
}

static size_t head_bound(const struct http_reply *r, struct slice date)
{
    return FIXED_ROOM + date.len + r->content_type.len + r->etag.len + r->cache_control.len + r->content_encoding.len +
           r->allow.len + r->location.len + r->cors.allow_origin.len + r->cors.allow_headers.len + r->extra.len;
}

void reply_write_head(struct buf *out, const struct http_reply *r, struct slice date)
{
    must(r->status >= 100 && r->status <= 599);
    must(r->extra.len == 0 || (slice_ends(r->extra, SLICE_LIT("\r\n")) && r->extra.ptr[0] != '\r' &&
                               !memmem(r->extra.ptr, r->extra.len, "\r\n\r\n", 4)));
    buf_reserve(out, head_bound(r, date));
    if (!buf_ok(out))
        return;
    char *start = out->ptr + out->len, *to = put_status(start, r->status);
    to = put_header(to, SLICE_LIT("\r\nDate: "), date);
    to = put_header(to, SLICE_LIT("\r\nContent-Type: "), r->content_type);
    if (!reply_is_bodyless(r->status)) {
        to = slice_put(to, SLICE_LIT("\r\nContent-Length: "));
        to = put_u64(to, r->body ? r->body->len : r->small.len);
    }
    to = put_header(to, SLICE_LIT("\r\nContent-Encoding: "), r->content_encoding);
    to = put_header(to, SLICE_LIT("\r\nETag: "), r->etag);
    to = put_header(to, SLICE_LIT("\r\nCache-Control: "), r->cache_control);
    to = put_header(to, SLICE_LIT("\r\nAllow: "), r->allow);
    to = put_header(to, SLICE_LIT("\r\nLocation: "), r->location);
    if (r->retry_after_s > 0)
        to = put_u64(slice_put(to, SLICE_LIT("\r\nRetry-After: ")), (uint64_t)r->retry_after_s);
    to = put_cors(to, &r->cors);
    to = put_vary(to, r);
    to = put_connection(to, r);
    to = slice_put(to, SLICE_LIT("\r\n"));
    to = slice_put(slice_put(to, r->extra), SLICE_LIT("\r\n"));
    out->len += (size_t)(to - start);
    must(out->len <= out->cap);
}
