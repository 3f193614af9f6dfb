/* reply.h: the head of a response.
 * Thread:  any; writes into the caller's buf.
 * Owns:    nothing. A reply's body blob stays the caller's reference.
 * Fails:   never for input; a header value with CR or LF in it is a bug of ours: must().
 * Hot path: no printf, no allocation once `out` has room (HTTP_HEAD_ROOM is enough for every head without
 *          long extra, location or cors headers). */
#pragma once
#include "base/blob.h"
#include "base/buf.h"
#include "http/request.h"

#define HTTP_HEAD_ROOM 1024

struct http_reply_cors {
    struct slice allow_origin;  /* ptr NULL: no CORS headers but Vary */
    bool vary;                  /* Vary: Origin */
    bool vary_token;            /* Vary: Authorization: a cached answer is this principal's only */
    bool preflight;             /* Allow-Methods and Max-Age too */
    struct slice allow_headers; /* preflight: echoed when not empty */
};

struct http_reply {
    int status;
    uint8_t minor;              /* of the request */
    bool close;                 /* the connection ends after this */
    bool head_only;             /* HEAD: the length of the body, without it (the caller sends none) */
    struct slice content_type;  /* ptr NULL: none */
    const struct blob *body;    /* or… */
    struct slice small;         /* …these bytes, when body is NULL */
    struct slice etag;          /* with its quotes */
    struct slice cache_control; /* ptr NULL: none */
    struct slice content_encoding;
    bool vary_encoding; /* Vary: Accept-Encoding, beside what `cors` says */
    struct slice allow;
    struct slice location;
    int retry_after_s; /* 0: none */
    struct http_reply_cors cors;
    struct slice extra; /* whole lines, each ended by CRLF */
};

/* date: HTTP_DATE_LEN bytes, cached by the caller per second. */
void reply_write_head(struct buf *out, const struct http_reply *r, struct slice date);
/* True where the status forbids a body (1xx, 204, 304): no Content-Length, and none is sent. */
bool reply_is_bodyless(int status);
const char *http_status_text(int status); /* "Not Found"; unknown: "Unknown" */
extern const struct slice HTTP_CONTINUE;  /* "HTTP/1.1 100 Continue\r\n\r\n" */
extern const struct slice HTTP_TYPE_JSON; /* "application/json" */
extern const struct slice HTTP_TYPE_TEXT; /* "text/plain; charset=utf-8" */
