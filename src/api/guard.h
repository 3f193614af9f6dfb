/* guard.h: may this request go to its handler? Private to api/.
 * Thread:  the worker's; guard_verdict() anywhere.
 * Happy path: listener → address's bucket → token → rule of the row → principal's bucket → scope for the handler.
 * Fails:   with an answer: 404 (not on this listener), 429, 401 with WWW-Authenticate, 403. */
#pragma once
#include "access/scope.h"
#include "api/auth.h"
#include "http/request.h"
#include "net/address.h"

/* Who may call a row of routes.c. A row without one is a bug: a test looks at each. */
enum access {
    ACCESS_UNSET,
    ACCESS_PUBLIC,    /* anyone: nothing stored is shown or changed */
    ACCESS_OPERATORS, /* as PUBLIC, but where there is an --admin-listen only there */
    ACCESS_CREATE,    /* anyone, for a customer that does not exist yet; with a token, as that principal */
    ACCESS_SIGNED,    /* any good token: nothing stored is shown or changed */
    ACCESS_OWN,       /* a widget for its own customer and chats; a dashboard */
    ACCESS_DASHBOARD, /* a dashboard; one that is bound to an owner for that owner's customers only */
    ACCESS_OVERALL,   /* a dashboard that is not bound to an owner: figures over all customers */
    ACCESS_ADMIN,     /* as OVERALL; without a token on a loopback --admin-listen, which hides it elsewhere */
    ACCESS_COUNT
};

/* 0: may pass; 401: a token is needed; 403: this one will not do. who NULL: no token came. */
int guard_verdict(enum access access, const struct principal *who);

/* Whose data a principal may touch. id: its customer, or the owner it is bound to; a dashboard with none sees all. */
struct scope guard_scope(enum principal_kind kind, struct slice id);

struct api;
struct call;
struct endpoint;
/* False: answered. Sets c->who and c->scope. Called only where api->guarded. */
bool guard_admit(struct call *c, const struct endpoint *row);
/* One connection by way of a trusted proxy, which the acceptor could not count. False: answered 429. */
bool guard_connect(struct call *c);
/* The list of Sec-WebSocket-Protocol offers "bearer": the 101 must choose it. */
bool guard_offers_bearer(const struct http_request *req);
/* Behind a trusted proxy: sets exchange.client, which is who the memory for the request is counted for. */
void guard_name_client(struct call *c);
/* The client's own address: the peer's, or what the nearest untrusted hop is called by our own proxies. */
struct address guard_client(const struct call *c, bool *proxied);
/* A connection of --trusted-proxy: what its headers say of the client is believed. */
bool guard_trusts(const struct api *api, const struct address *a);
