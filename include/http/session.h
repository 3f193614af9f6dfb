/* session.h: HTTP/1.1 on one connection: input → requests, one at a time and in order → answers.
 * Thread:  the worker's.
 * Owns:    a parser while a request is incomplete or being handled; nothing while the connection is quiet.
 * A service's handle() gets each request and either answers at once (session_reply), or defers: it has given an op to
 * another thread, returns, and session_reply() comes later, then session_resume(). The request's slices are dead as
 * soon as handle() returns. What a late answer still needs of the request stands in `exchange`.
 * Deadlines (total, not per byte): head, body, idle, answer given by the service. An answer is taken by the client for as
 * long as it takes HTTP_TAKE_RATE or more of it.
 * Memory:  a client that holds most of it when there is none left gives way: 503 to an incomplete request, an answer that is
 *          not taken is cut; one that would find no room is 503 before anything of it is sent.
 * Fails:   bad requests are answered here (400, 413, 414, 417, 431, 408) and the connection is closed with care:
 *          the client's unread input is drained for a moment, so that a reset does not eat the answer. */
#pragma once
#include "base/clock.h"
#include "http/parse.h"
#include "http/reply.h"
#include "net/address.h"
#include "net/conn.h"

/* 503, to whoever holds most of a memory that is full. */
#define HTTP_SHORT_OF_MEMORY SLICE_LIT("The server is short of memory, try again")
/* Bytes a second, averaged over http_settings.write_ms: a client that takes less of its answer is cut. */
#define HTTP_TAKE_RATE 4096

struct http_session;

struct http_service {
    void (*handle)(void *arg, struct http_session *s, const struct http_request *req);
    /* The deferred answer did not come within answer_ms: session_reply() must be called now (503). */
    void (*overdue)(void *arg, struct http_session *s);
    /* Fills r->cors and other lines of an error that never reached handle(); may be NULL. */
    void (*decorate)(void *arg, const struct http_request *req, struct http_reply *r);
    /* The head has come and the body has not: sets exchange.client where another than the peer is the client; may be NULL. */
    void (*identify)(void *arg, struct http_session *s, const struct http_request *req);
    /* Appends an error's body; its Content-Type. NULL: the sentence as plain text. */
    struct slice (*put_error)(struct buf *out, struct slice sentence);
    void *arg;
};

struct http_settings {
    struct http_limits limits;
    int64_t head_ms, body_ms, idle_ms, write_ms;
    int64_t answer_ms; /* a deferred answer */
};

enum session_state {
    SESSION_IDLE,     /* waits for the first byte of a request */
    SESSION_HEAD,     /* waits for the rest of a head */
    SESSION_BODY,     /* waits for the rest of a body */
    SESSION_DEFERRED, /* waits for session_reply() */
    SESSION_WRITING,  /* waits for the client to take the answer */
    SESSION_LINGER,   /* answered for the last time: reads and drops until the client closes */
    SESSION_STATES
};

/* What the answer needs to know of its request. */
struct exchange {
    uint8_t minor;
    bool keep_alive;
    bool head_only;
    bool continued; /* 100 Continue has been sent */
    bool gzip;      /* the client takes it; set where an answer may be sent so */
    unsigned route; /* for metrics */
    /* Behind a trusted proxy: the client's key (see session_client_key()); 0: the peer is the client. */
    uint64_t client;
    uint64_t principal; /* a token's key; 0: none, or not known yet */
    uint64_t serial;    /* of this connection's requests, from 1: the log's request id with the slot */
    int64_t parsed_us;
    struct http_reply_cors cors;
};

/* Where a connection comes from. */
struct http_from {
    struct address address;
    uint8_t listener; /* index of the socket that it came through */
};

struct http_session {
    struct conn conn; /* first */
    struct http_from from;
    enum session_state state;
    bool answered;              /* the request in hand has its answer */
    bool handling;              /* inside service->handle */
    size_t untaken;             /* SESSION_WRITING: of the answer, when last looked; see session.c */
    struct http_parser *parser; /* NULL: not lent */
    struct slice rest;          /* inside handle(): input after this request */
    struct exchange exchange;
};

/* One per worker. */
struct http_server {
    struct conn_set conns;
    struct http_settings settings;
    struct http_service service;
    struct pool parsers;
    struct buf head; /* scratch for response heads */
    bool draining;   /* answers close their connections */
    bool detached;   /* the session in handle() has left: its memory is no longer a session */
    int64_t date_second;
    char date[HTTP_DATE_LEN];
};

NODISCARD enum err http_server_init(struct http_server *h, struct loop *loop, struct timer_wheel *wheel,
                                    const struct http_settings *settings, const struct http_service *service,
                                    uint32_t max_connections);
void http_server_fini(struct http_server *h);
/* A fresh connection: reads at once. Closes fd (and gives the ticket back) when there is no room. */
void http_server_take(struct http_server *h, int fd, uint64_t ticket, struct http_from from);
/* Closes quiet connections; the others close with their answer. */
void http_server_drain(struct http_server *h);
/* Gives up what others were promised (net/share.h). Once a turn; one look where nothing was. True: something was. */
bool http_server_give_way(struct http_server *h);

static inline struct http_server *session_server(const struct http_session *s)
{
    return s->conn.set->owner;
}

/* The session that an op waited for; NULL when it is gone or was answered otherwise. */
struct http_session *session_find(struct http_server *h, uint32_t slot, uint32_t generation);
/* Answers the request in hand: fills minor, close, head_only, cors, sends, counts. Body and slices in r are used
 * during the call only (the body is held while it is being sent). */
void session_reply(struct http_session *s, struct http_reply *r);
/* An error in the service's form, with r's status and headers. A 503 or 429 without a Retry-After gets one of a second. */
void session_reply_problem(struct http_session *s, struct http_reply *r, struct slice sentence);
void session_reply_error(struct http_session *s, int status, struct slice sentence);
/* After a deferred session_reply(): goes on with the next request. The session may be gone afterwards. */
void session_resume(struct http_session *s);
/* Whose the request in hand is, as memory is shared out (net/share.h). */
struct holder session_holder(const struct http_session *s);
uint64_t session_client_key(const struct address *client);
/* Inside handle(): the descriptor leaves (WebSocket). `s->rest` is what was read beyond the request. The session must
 * not be used afterwards; nothing is answered here. */
int session_detach(struct http_session *s);
