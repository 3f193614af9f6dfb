/* ws_app.h: what to do with the messages of WebSocket connections. Two implementations exist: the hub (the product) and
 * the echo of the conformance suites' test program.
 * Thread:  every function runs on the broadcaster's thread, one instance (`self`) per broadcaster. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "push/notice.h"

struct ws_conn;
struct ws_set; /* what one broadcaster's connections share (ws_conn.h) */

#define WS_PRINCIPAL_ID_MAX 40

/* Who a connection acts for. `role` and `id` are the authorisation layer's; nothing here looks inside. */
struct ws_principal {
    uint8_t role;
    uint8_t id_len;
    char id[WS_PRINCIPAL_ID_MAX];
};

enum ws_message_kind { WS_TEXT = 1, WS_BINARY = 2 };

struct ws_app {
    /* Makes this broadcaster's instance. `arg` is broadcaster_options.app_arg; it must outlive the broadcaster. */
    enum err (*create)(void **self, struct ws_set *set, const void *arg);
    void (*destroy)(void *self); /* after the last on_close */
    void (*on_open)(void *self, struct ws_conn *c);
    void (*on_message)(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload);
    void (*on_close)(void *self, struct ws_conn *c); /* forget c; sends are no longer possible */
    /* One turn's notices, of all rings together, at most BROADCAST_BATCH. May be NULL. */
    void (*on_notices)(void *self, const struct notice *notices, unsigned count);
    /* Notices were dropped because a ring was full: subscribers must refetch. May be NULL. */
    void (*on_overflow)(void *self);
};
