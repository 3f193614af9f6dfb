/* parse.h: the connection's input to one request, by llhttp in strict mode plus the checks that it leaves out.
 * Thread:  the connection's worker.
 * Owns:    the decoded body of a chunked request (struct buf), from its first chunk until reset or fini.
 * Memory:  about 2.5 KB; lent to a connection only while a request is incomplete or being answered.
 * Fails:   HTTP_PARSE_BAD with the status and the sentence to answer; the connection must then close (what
 *          follows cannot be trusted). `request` then holds what was understood before the fault: the request
 *          line once it was whole, Origin once its line was, the other hot headers once the head was; in the input of
 *          that call.
 * Happy path: run() with all bytes so far, again after each read, until HTTP_PARSE_REQUEST; answer; drop
 *          `consumed` bytes; reset(); run() on what is left (pipelining). */
#pragma once
#include "http/request.h"
#include <llhttp.h>

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_REQUEST, HTTP_PARSE_BAD };

struct http_limits {
    size_t max_head;   /* request line and headers, also trailers; past it: 431 */
    size_t max_body;   /* past it: 413, at head time where Content-Length says so */
    size_t max_target; /* past it: 414; HTTP_TARGET_MAX by default */
};
#define HTTP_TARGET_MAX 8192

struct http_parser {
    /* results */
    struct http_request request; /* complete at HTTP_PARSE_REQUEST */
    size_t consumed;             /* at HTTP_PARSE_REQUEST: bytes of this request in the input */
    int status;                  /* at HTTP_PARSE_BAD */
    const char *detail;          /* at HTTP_PARSE_BAD: constant sentence */
    bool in_body;                /* the head is complete and accepted, the body is not: deadlines */
    bool wants_continue;         /* in_body, Expect: 100-continue came and no byte of the body yet */
    bool started;                /* a byte of this request (past leading empty lines) is there */
    /* private: offsets from the first byte of this request */
    struct http_limits limits;
    llhttp_t llhttp;
    const char *in;        /* of the call under way */
    size_t eaten;          /* given to llhttp, and the start of the line under way */
    size_t scanned;        /* looked at for its end: eaten ≤ scanned */
    size_t part_at;        /* where the head, the chunked body or the trailers began */
    size_t chunk;          /* bytes of data in the chunk under way */
    size_t content_length; /* when not chunked */
    size_t body_seen;      /* body bytes that llhttp reported */
    struct buf body;       /* chunked only */
    uint32_t method_len;
    uint8_t state;
    bool complete; /* llhttp says so */
};

void http_parser_init(struct http_parser *p, const struct http_limits *limits);
void http_parser_reset(struct http_parser *p); /* for the next request on the connection */
void http_parser_fini(struct http_parser *p);

/* `in` starts at the first byte of this request, len is all there is so far; both may have moved or grown
 * since the last call (never shrunk). */
enum http_parse http_parser_run(struct http_parser *p, const char *in, size_t len);
/* After the input moved (compacted, grown) while a complete request is still in use: points it there. */
void http_parser_rebase(struct http_parser *p, const char *in);
