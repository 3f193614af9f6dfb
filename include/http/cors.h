/* cors.h: which browser origins may read answers, and what they are told.
 * Thread:  set up before threads start; read only afterwards.
 * Owns:    nothing: the origins' strings stay the caller's.
 * An origin is compared byte by byte with the list, as browsers serialise it (lower case, no trailing slash). */
#pragma once
#include "http/reply.h"
#include "http/request.h"

#define CORS_ORIGINS_MAX 32

struct cors_policy {
    struct slice origins[CORS_ORIGINS_MAX];
    unsigned count;
};

void cors_init(struct cors_policy *p, char *const *origins, unsigned count); /* past the maximum: must() */
bool cors_allows(const struct cors_policy *p, struct slice origin);
/* A preflight is an OPTIONS with Origin and Access-Control-Request-Method. */
bool cors_is_preflight(const struct http_request *req);
/* Sets r->cors for an ordinary answer, errors too. Slices point into the policy. */
void cors_apply(const struct cors_policy *p, const struct http_request *req, struct http_reply *r);
/* Makes the whole answer to a preflight: 200 "OK", or 400 "Disallowed CORS origin" / "… method". Slices point
 * into the request: write the head before it goes. */
void cors_preflight(const struct cors_policy *p, const struct http_request *req, struct http_reply *r);
