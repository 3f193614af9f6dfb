/* session_int.h: what a worker's HTTP server asks of one session. Private to src/http.
 * Thread:  the worker's. */
#pragma once
#include "http/session.h"

extern const struct conn_protocol session_protocol;
/* A fresh connection, which has not been read from. */
void session_begin(struct http_session *s, struct http_from from);
/* Others need the memory that it holds: it is answered 503, or cut. */
void session_give_way(struct http_session *s);
