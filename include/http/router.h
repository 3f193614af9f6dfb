/* router.h: method and path to a row of the route table.
 * Thread:  router_new/free by server.c; router_match from any thread (read only).
 * Owns:    its trie; the table and its strings stay the caller's and must outlive the router.
 * Fails:   router_new(): ERR_NOMEM; a malformed or doubled row is a bug of ours: must(). */
#pragma once
#include "base/arena.h"
#include "http/request.h"

#define ROUTE_PARAMS_MAX 4
#define ROUTE_ALLOW_MAX  64

struct route {
    unsigned methods;    /* METHOD_BIT(METHOD_GET) | …; HEAD comes with GET by itself */
    const char *pattern; /* "/api/chats/{chat_id}/send"; no trailing slash but "/" itself */
    unsigned id;         /* the caller's */
};

enum route_kind {
    ROUTE_FOUND,
    ROUTE_NOT_FOUND,      /* 404 */
    ROUTE_BAD_METHOD,     /* 405 with allow */
    ROUTE_REDIRECT_SLASH, /* 307 to location */
    ROUTE_BAD_PATH        /* 400: a bad escape, %00, or not UTF-8 in a parameter */
};

struct route_match {
    enum route_kind kind;
    unsigned route; /* index in the table */
    unsigned id;
    unsigned param_count;
    struct slice params[ROUTE_PARAMS_MAX]; /* decoded, in the pattern's order; never empty */
    struct slice allow;                    /* "GET, HEAD, POST" ; lives as long as the router */
    struct slice location;                 /* path without the slash, and the query; in the arena */
};

struct router;
NODISCARD enum err router_new(const struct route *table, unsigned count, struct router **out);
void router_free(struct router *r); /* accepts NULL */
/* path: as it came, percent-encoded. The arena is used only to decode a parameter or to make a location.
 * ERR_NOMEM when that fails. A literal segment beats a parameter. */
NODISCARD enum err router_match(const struct router *r, enum http_method method, struct slice path, struct slice query,
                                struct arena *a, struct route_match *out);
