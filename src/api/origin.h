/* origin.h: whose page asks. Private to api/.
 * Thread:  the worker's.
 * The server's own pages may always: those whose Origin names the host that the request was sent to. Where a trusted proxy
 * says by X-Forwarded-Proto how its client came, the scheme must be that one; else it cannot be known. */
#pragma once
#include "api/api.h"
#include "base/metrics.h"

enum origin_kind { ORIGIN_NONE, ORIGIN_LISTED, ORIGIN_OWN, ORIGIN_FOREIGN };

enum origin_kind origin_of(const struct api_worker *w, const struct http_session *s, const struct http_request *req);
/* Counts it, and says in the log which origin it was and what to do: one line in ORIGIN_SAY_US and worker, with how many
 * there were since the one before. */
void origin_refused(struct api_worker *w, const struct http_request *req, enum metric_counter counter);
