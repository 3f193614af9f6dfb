/* cors.h: which browser origins may read answers, and what they are told.
 * Thread:  any; the policy does not change.
 * Owns:    nothing: the origins' strings stay the caller's, and outlive every answer that names one.
 * An origin is compared byte by byte with the list, which holds origins as browsers send them (http/origin.h). The server's
 * own pages are no other origin: they read every answer, without a word about it. */
#pragma once
#include "http/reply.h"
#include "http/request.h"

struct cors_policy {
    const struct slice *origins;
    unsigned count;
};

bool cors_allows(const struct cors_policy *p, struct slice origin);
/* A preflight is an OPTIONS with Origin and Access-Control-Request-Method. */
bool cors_is_preflight(const struct http_request *req);
/* Sets r->cors for an ordinary answer, errors too. Slices point into the policy. */
void cors_apply(const struct cors_policy *p, const struct http_request *req, struct http_reply *r);
/* Makes the whole answer to a preflight: 200 "OK", or 400 "Disallowed CORS origin" / "… method". own: the origin is the
 * server's own. Slices point into the request: write the head before it goes. */
void cors_preflight(const struct cors_policy *p, const struct http_request *req, bool own, struct http_reply *r);
