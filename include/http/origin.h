/* origin.h: web origins (RFC 6454): SCHEME://HOST[:PORT], as browsers send them: scheme and host in lower case, no port
 * where it is the scheme's own.
 * Thread:  any; no state. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/* NULL: an origin, however it is written. Else what is wrong with it: "is not …; give …". */
const char *origin_check(const char *value);
/* Appends it as a browser writes it; value passed origin_check(). */
void origin_tidy(const char *value, struct buf *out);
/* Is `origin`, as a browser sends it, a page of the server that a request's Host names? scheme: how the client reached that
 * server, as a proxy tells; empty: that cannot be known (something may speak TLS before us), http and https will do. */
bool origin_is_of_host(struct slice origin, struct slice host, struct slice scheme);
