/* reply.h: the head of a response, and the bodies of errors.
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

/* {"detail":"<sentence>"} */
void reply_error_body(struct buf *out, struct slice detail);

/* One rule broken: an element of {"detail":[…]}, status 422, in pydantic's words. */
enum rule {
    RULE_MISSING,        /* "Field required" */
    RULE_STRING_TYPE,    /* "Input should be a valid string" */
    RULE_STRING_SHORT,   /* "String should have at least N characters" */
    RULE_STRING_LONG,    /* "String should have at most N characters" */
    RULE_BOOL_TYPE,      /* "Input should be a valid boolean" */
    RULE_BOOL_PARSING,   /* "…, unable to interpret input" */
    RULE_INT_TYPE,       /* "Input should be a valid integer" */
    RULE_INT_PARSING,    /* "…, unable to parse string as an integer" */
    RULE_INT_FROM_FLOAT, /* "…, got a number with a fractional part" */
    RULE_INT_SIZE,       /* "Unable to parse input string as an integer, exceeded maximum size" */
    RULE_FLOAT_TYPE,     /* "Input should be a valid number" */
    RULE_GREATER_EQUAL,  /* "Input should be greater than or equal to N" */
    RULE_LESS_EQUAL,     /* "Input should be less than or equal to N" */
    RULE_DICT_TYPE,      /* "Input should be a valid dictionary" */
    RULE_MODEL_TYPE,     /* "Input should be a valid dictionary or object to extract fields from" */
    RULE_JSON_INVALID,   /* "JSON decode error" */
    RULE_VALUE_ERROR,    /* "Value error, <reason>" */
    RULE__COUNT
};

struct rule_break {
    enum rule rule;
    const char *where;   /* "body", "query" or "path" */
    struct slice field;  /* ptr NULL: loc is [where] alone */
    struct slice input;  /* JSON text of what came; empty: null */
    int64_t limit;       /* N */
    struct slice reason; /* RULE_JSON_INVALID (ctx.error), RULE_VALUE_ERROR */
};
void reply_validation_body(struct buf *out, const struct rule_break *breaks, size_t count);
