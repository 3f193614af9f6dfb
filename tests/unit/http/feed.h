/* feed.h: gives a parser its input in pieces, each time in fresh memory of exactly the right size: a read past
 * the end, or a slice kept from before the input moved, is seen by AddressSanitizer. Everything that a verdict
 * says goes into one text, so that two ways of feeding are compared by one comparison. */
#pragma once
#include "http/parse.h"

struct verdict {
    enum http_parse result;
    int status;
    size_t consumed;
    struct buf text; /* method, target, path, query, headers, body, flags; or status and sentence */
};

extern const struct http_limits feed_limits;

/* The first `cut` bytes, then the rest in pieces of `step` (0: all at once). */
void feed(struct slice in, size_t cut, size_t step, const struct http_limits *limits, struct verdict *v);
void verdict_fini(struct verdict *v);

struct http_case {
    const char *name;
    struct slice in;
    int status;       /* 0: accepted; FEED_MORE: incomplete; else refused with it */
    const char *body; /* accepted: the body */
};
#define FEED_MORE (-1)

extern const struct http_case accepted_cases[];
extern const size_t accepted_count;
extern const struct http_case refused_cases[];
extern const size_t refused_count;
