/* response.h: incremental parser of HTTP/1.1 responses (RFC 9112): Content-Length, chunked, and statuses without body.
 * Thread:  the connection's.
 * Owns:    the bytes of a head that came in pieces, until the head is complete or response_fini().
 * Memory:  a head in one piece is parsed where it lies; a body is counted and skipped, unless `sink` wants it.
 * Fails:   RESPONSE_BAD on anything that is not a response; what follows cannot be trusted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_HEAD_MAX 16384
#define RESPONSE_ETAG_MAX 79

struct text { /* growable bytes of the caller's: a body that is wanted */
    char *ptr;
    size_t len, cap;
};

void text_append(struct text *t, const char *ptr, size_t len); /* ends the program when there is no memory */
void text_fini(struct text *t);

enum response_step { RESPONSE_MORE, RESPONSE_DONE, RESPONSE_BAD };

struct response {
    /* of the response */
    int status;
    bool close; /* the server will close the connection */
    uint8_t etag_len;
    char etag[RESPONSE_ETAG_MAX + 1];
    uint64_t body_bytes; /* received so far */
    struct text *sink;   /* set after response_begin() by who wants the body; NULL: skipped */
    /* private */
    uint8_t state;
    bool to_head; /* answers a HEAD: never a body */
    bool chunked;
    uint64_t left; /* bytes to come: of the body, or of this chunk */
    char *held;
    size_t held_len;
};

void response_begin(struct response *r, bool to_head); /* before each request */
void response_fini(struct response *r);
/* *used: how much of `in` belongs to this response; the rest is the next one's. */
enum response_step response_feed(struct response *r, const char *in, size_t len, size_t *used);
/* Body bytes that may be thrown away unread: the body is plain and nobody wants it. */
uint64_t response_skippable(const struct response *r);
enum response_step response_skipped(struct response *r, uint64_t bytes);
