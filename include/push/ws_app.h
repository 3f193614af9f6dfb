/* ws_app.h: what to do with the messages of WebSocket connections. Two implementations exist: the hub (the product) and
 * the echo of the conformance suites' test program.
 * Thread:  every function runs on the broadcaster's thread, one instance (`self`) per broadcaster. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "push/notice.h"

struct blob;
struct ws_conn;
struct ws_set; /* what one broadcaster's connections share (ws_conn.h) */

/* Who a connection acts for, borrowing its texts; each connection holds one copy, as long as they are (ws_handover.h).
 * `role` and `key` are the authorisation layer's (api/auth.h): nothing here looks inside. */
struct ws_principal {
    uint8_t role;
    bool agent;            /* one of those who answer: a dashboard's token */
    struct slice id;       /* an agent: the owner it is bound to, empty: none; else the customer */
    struct slice agent_id; /* an agent's own id, at most CUSTOMER_ID_MAX bytes; empty: its token names nobody */
    struct slice name;     /* an agent's, at most AGENT_NAME_MAX bytes; empty: not known */
    uint64_t key;          /* which signing key its token stands on */
    int64_t until_s;       /* wall clock: past it the connection is closed (1008), within a second; 0: never */
};

enum ws_message_kind { WS_TEXT = 1, WS_BINARY = 2 };

/* How much of an app's own work waits. */
enum ws_app_load {
    WS_APP_IDLE, /* nothing: the thread may sleep */
    WS_APP_BUSY, /* more to send: call on_turn again after a look at the sockets and rings */
    WS_APP_FULL  /* as BUSY, and take no notices meanwhile: they wait in their rings */
};

struct ws_app {
    /* Makes this broadcaster's instance. `arg` is ws_options.app_arg; it must outlive the set. */
    enum err (*create)(void **self, struct ws_set *set, const void *arg);
    void (*destroy)(void *self); /* after the last on_close */
    void (*on_open)(void *self, struct ws_conn *c);
    void (*on_message)(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload);
    void (*on_close)(void *self, struct ws_conn *c); /* forget c; sends are no longer possible */
    /* Frames given to ws_conn_notify() were dropped because the peer was slow; all that was kept has been written by
     * now. `missed` is the OR of what those calls said. May be NULL. */
    void (*on_drained)(void *self, struct ws_conn *c, unsigned missed);
    /* One turn's notices, of all rings together, at most BROADCAST_BATCH. May be NULL. */
    void (*on_notices)(void *self, const struct notice *notices, unsigned count);
    /* What a connection of another broadcaster said, as that one's app gave it to relay_send(). May be NULL. */
    void (*on_signal)(void *self, const struct blob *signal);
    /* Notices were lost (a ring was full), or BROADCASTER_REFETCH was asked: subscribers must refetch. May be NULL. */
    void (*on_overflow)(void *self);
    /* The end is near: what is held back for later goes out now, and nothing is held back from here on. May be NULL. */
    void (*on_stop)(void *self);
    /* Once per turn of the loop: a bounded share of the app's own work. May be NULL. */
    enum ws_app_load (*on_turn)(void *self);
};
