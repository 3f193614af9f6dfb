/* api.h: the endpoints: from a parsed request to an answer, at once or through an op.
 * Thread:  api_handle(), api_overdue() and every completion on the worker that owns the api_worker; struct api is set up
 *          by server.c before threads start and read-only afterwards.
 * Owns:    nothing of struct api but the router; an api_worker owns its op pool, arena and scratch.
 * Fails:   every failure is an answer in the contract's form. */
#pragma once
#include "api/auth.h"
#include "base/arena.h"
#include "net/acceptor.h"
#include "write/producer.h"

#include <stdatomic.h>

struct assets;
struct grants;
struct http_reply;
struct http_request;
struct http_session;

/* A listening socket, by its index: what may come in there. */
struct api_door {
    bool admin;    /* --admin-listen */
    bool loopback; /* only this machine reaches it */
};
#define API_DOORS_MAX 64

#define API_ARENA_MAX ((size_t)8 << 20) /* one request's decoded fields: twice the largest --max-body */

struct api {
    struct store *store;
    struct cache *cache;
    struct writer *writer;
    struct readers *readers;
    struct compressor *compressor;
    struct broadcaster *const *broadcasters;
    unsigned broadcaster_count;
    int64_t started_mono_us;
    int64_t write_timeout_ms;    /* a write that has not been done by then is answered 503 */
    int64_t token_ttl_s;         /* of tokens issued here */
    struct shares *shares;       /* of what is under way for clients */
    uint8_t message_tag[5];      /* of message ids: the store's */
    atomic_bool superseded;      /* another server has the store: main sets it, relaxed, since nothing comes with it */
    struct grants_board *grants; /* keys and origins, which SIGHUP changes */
    struct router *router;
    const struct assets *assets; /* the pages; NULL: --no-console, and there are no such routes */
    /* who may do what; all zero: everyone everything, and a request pays one look at `guarded` */
    bool guarded; /* any of these is set */
    bool auth_on;
    struct rate_limiter *rates;
    bool admin_apart; /* --admin-listen is given: its routes are nowhere else */
    struct api_door doors[API_DOORS_MAX];
    const struct network *proxies; /* whose X-Forwarded-For is believed */
    unsigned proxy_count;
};

struct api_worker {
    struct api *api;
    struct http_server *http;
    struct producer producer;   /* its ops, and where they come back */
    struct arena arena;         /* of the request in hand */
    struct buf text;            /* scratch for small bodies */
    int64_t in_flight;          /* ops that have not come back */
    struct token_cache *tokens; /* NULL: authentication is off */
    struct principal who;       /* of the request in hand */
    const struct grants *grants;
    int64_t origin_said_us;  /* mono: the last line about a refused origin */
    uint64_t origins_unsaid; /* refused since */
};

NODISCARD enum err api_init(struct api *api); /* the router, metrics' route names; the other fields are set before */
void api_fini(struct api *api);
NODISCARD enum err api_worker_init(struct api_worker *w, int64_t max_ops);
void api_worker_fini(struct api_worker *w);

/* struct http_service's functions; arg is the api_worker. */
void api_handle(void *arg, struct http_session *s, const struct http_request *req);
void api_overdue(void *arg, struct http_session *s);
void api_identify(void *arg, struct http_session *s, const struct http_request *req);
void api_decorate(void *arg, const struct http_request *req, struct http_reply *r);
struct slice api_put_error(struct buf *out, struct slice sentence);
/* A whole answer for a connection that is not let in. Any thread. */
void api_refusal(struct buf *out, enum acceptor_refusal why, int wait_s);
/* The upgrade of a request that asks for a WebSocket: checks, 101, hand-over to a broadcaster; or a refusal. */
void api_upgrade(struct api_worker *w, struct http_session *s, const struct http_request *req);
/* Answers by the ops that came back to this worker, oldest first; false: none did. */
bool api_complete(struct api_worker *w);
