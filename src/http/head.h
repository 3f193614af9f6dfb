/* head.h: what a request's head means, once its lines are there: the rules of RFC 9112 that llhttp does not
 * enforce. Private to src/http.
 * Thread:  the connection's worker.
 * Fails:   sets p->status and p->detail; false. */
#pragma once
#include "http/parse.h"

bool http_fail(struct http_parser *p, int status, const char *detail); /* always false */
bool http_is_tchar(unsigned char c);                                   /* RFC 9110, 5.6.2 */
/* line: "GET /path HTTP/1.1" without its end. Fills method_text, target, minor. */
bool http_head_request_line(struct http_parser *p, struct slice line);
/* line: "Name: value" without its end. Adds it to the request's headers. */
bool http_head_add(struct http_parser *p, struct slice line);
/* A trailer field is checked and forgotten; one that would change framing or routing is refused. */
bool http_head_trailer(struct http_parser *p, struct slice line);
/* After the last line: framing, Host, target, hot headers, keep-alive. */
bool http_head_finish(struct http_parser *p);
