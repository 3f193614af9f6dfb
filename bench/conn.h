/* conn.h: one client connection, HTTP/1.1 or WebSocket, driven by its worker's edge-triggered epoll.
 * Thread:  its worker's.
 * Owns:    the descriptor and unsent bytes. The struct lives as long as its worker: closed ones are opened again.
 * Happy path, HTTP: conn_open → ready → conn_request → response → conn_request …
 * Happy path, WebSocket: conn_open → (101, hellos, the expected answer) → ready → message …; pings are answered here.
 * Failures: counted under the operation in flight; lost() tells the owner; the worker reopens it unless it is ending. */
#pragma once
#include "load_state.h"
#include "wsframe.h"

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_UPGRADING, CONN_GREETING, CONN_READY };

struct conn_actor {
    void (*ready)(struct conn *c);
    void (*response)(struct conn *c); /* c->response is complete, the connection free for the next request */
    void (*message)(struct conn *c, const char *payload, size_t len); /* WebSocket */
    void (*lost)(struct conn *c);                                     /* may be NULL */
};

struct conn {
    struct worker *worker;
    const struct conn_actor *actor;
    void *owner;
    struct conn *next_conn, *next_lost;
    int fd;
    uint8_t state;
    uint8_t op; /* of the request in flight */
    bool websocket;
    const char *hello; /* WebSocket: instead of the options' hellos; NULL: those */
    bool busy;         /* HTTP: a request is in flight */
    bool once;         /* not opened again when lost */
    uint32_t index;    /* within its owner */
    uint32_t target;   /* the customer or chat of the request in flight */
    int64_t due_ns;    /* when the request in flight was meant to start */
    int64_t since_ns;  /* when it (or the opening) did */
    char *unsent;
    size_t unsent_len, unsent_at;
    struct response response;
    struct ws_in ws;
};

/* All fields but these are zero before. */
void conn_init(struct conn *c, struct worker *w, const struct conn_actor *actor, void *owner, uint32_t index);
void conn_open(struct conn *c);
/* Sends a whole request; `bytes` may be reused at once. `sink` takes the response's body (NULL: skipped). */
void conn_request(struct conn *c, enum op op, int64_t due_ns, const char *bytes, size_t len, struct text *sink);
void conn_send_text(struct conn *c, const char *payload, size_t len); /* WebSocket */
void conn_events(struct conn *c, uint32_t events);
void conn_fail(struct conn *c, enum failure why); /* closes; counts */
void conn_close(struct conn *c);                  /* counts nothing */
