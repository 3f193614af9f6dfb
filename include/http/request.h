/* request.h: one parsed HTTP request, as slices into the connection's input (and, for a chunked body, into
 * the parser's buffer).
 * Thread:  the connection's worker.
 * Owns:    nothing. Valid until the input moves or the parser is reset, whichever is first.
 * Header names are compared without case; values come without surrounding blanks and are never checked for
 * UTF-8 here. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define HTTP_HEADERS_MAX 100 /* more: 431 */

/* Not HTTP_GET …: those are llhttp's. Routes use METHOD_BIT(). */
enum http_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER, /* well-formed and known to HTTP, but no route of ours can have it */
    METHOD__COUNT
};
#define METHOD_BIT(m) (1u << (m))
const char *http_method_name(enum http_method m); /* "GET"; METHOD_OTHER: "OTHER" */

struct http_field { /* offsets from http_request.base */
    uint32_t name, name_len;
    uint32_t value, value_len;
};

struct http_request {
    enum http_method method;
    uint8_t minor; /* HTTP/1.minor: 0 or 1; what is later counts as 1 */
    bool keep_alive;
    bool upgrade_websocket; /* Upgrade: websocket and Connection: upgrade, on a GET of HTTP/1.1 */
    bool expect_continue;
    bool has_body; /* Content-Length > 0 or chunked */
    bool chunked;
    bool body_in_buffer;  /* body points into the parser's buffer, not into the input */
    bool asterisk;        /* OPTIONS * : path is "*" */
    bool encoded;         /* Content-Encoding names one; nothing here decodes any */
    bool more_conditions; /* If-None-Match or If-Match on several lines: http_list_whole() */
    struct slice method_text;
    struct slice target; /* as it came */
    struct slice path;   /* still percent-encoded; starts with '/' unless asterisk */
    struct slice query;  /* without '?'; ptr NULL when there is none */
    struct slice body;
    /* Headers asked for often: first one of that name; ptr NULL when absent. Repeated ones are refused by the
     * parser for all but the lists (if_none_match, if_match, connection, upgrade, ws_protocol, access_control_*). */
    struct slice host, origin, content_type, authorization, idempotency_key;
    struct slice if_none_match, if_match, connection, upgrade;
    struct slice ws_key, ws_version, ws_protocol;
    struct slice access_control_request_method, access_control_request_headers;
    /* all headers */
    const char *base;
    uint32_t header_count;
    struct http_field headers[HTTP_HEADERS_MAX];
};

/* i < header_count */
struct slice http_header_name(const struct http_request *req, uint32_t i);
struct slice http_header_value(const struct http_request *req, uint32_t i);
/* The first header of that name; ptr NULL when absent. */
struct slice http_request_header(const struct http_request *req, struct slice name);

/* The value of the last query parameter of that name, percent- and plus-decoded (points into the query when
 * there is nothing to decode; into the arena otherwise). ERR_NOT_FOUND; ERR_INVALID: bad escape, %00 or not
 * UTF-8; ERR_NOMEM. */
NODISCARD enum err http_query_get(const struct http_request *req, struct slice name, struct arena *a,
                                  struct slice *out);
/* Path segments: %XX only. ERR_INVALID: bad escape, %00 or not UTF-8. */
NODISCARD enum err http_percent_decode(struct slice s, struct arena *a, struct slice *out);
/* Form text: %XX and '+' for a space. */
NODISCARD enum err http_form_decode(struct slice s, struct arena *a, struct slice *out);

/* Steps through a comma-separated list (RFC 9110, 5.6.1): empty elements are skipped, blanks trimmed.
 *     for (struct slice rest = list, item; http_list_next(&rest, &item);) … */
bool http_list_next(struct slice *rest, struct slice *item);
bool http_list_has(struct slice list, struct slice token); /* without case */

/* All lines of that name as one list (RFC 9110, 5.3), joined in the arena where there are several. ERR_NOMEM. */
NODISCARD enum err http_list_whole(const struct http_request *req, struct slice name, struct arena *a,
                                   struct slice *out);

/* The same from the end, over all lines of that name, which are one list (RFC 9110, 5.3): the last element first.
 *     struct http_list_back at = http_list_back(req, name);
 *     while (http_list_prev(&at, &item)) … */
struct http_list_back {
    const struct http_request *req;
    struct slice name;
    uint32_t lines; /* headers before the one that `left` is of */
    struct slice left;
};
struct http_list_back http_list_back(const struct http_request *req, struct slice name);
bool http_list_prev(struct http_list_back *at, struct slice *item);
