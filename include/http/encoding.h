/* encoding.h: which form of an answer the client takes.
 * Thread:  any.
 * Owns:    nothing. */
#pragma once
#include "http/request.h"

/* Accept-Encoding (RFC 9110, 12.5.3) takes gzip and does not like the plain form better. Without that header: no, since who
 * says nothing may not be able to decode. The arena holds the list where it came on several lines; without memory: no. */
bool http_accepts_gzip(const struct http_request *req, struct arena *a);
