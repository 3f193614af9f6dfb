/* ws_conn.h: one WebSocket connection (RFC 6455, server side), and the set of those that one broadcaster owns.
 * Thread:  the set's thread only.
 * Owns:    the descriptor. What an idle connection costs is struct ws_conn: the parser (wslay, about 8 KB) is lent
 *          while a frame or message is incomplete, output memory exists only while the peer's socket is full.
 * States:  OPEN     → CLOSING: our close frame is written or waits; frames are read until the peer's close
 *          CLOSING  → DRAINING: both closes are done, or the peer broke the protocol: flush, shutdown, discard until
 *                     the end of stream
 *          DRAINING → DEAD: freed at the end of the turn
 *          CLOSING and DRAINING end by a timer; a broken connection goes to DEAD from anywhere.
 * Blocks:  never: a send is tried at once; what the socket does not take waits for the EPOLLOUT edge.
 * Slow:    replies (ws_conn_send) are never dropped, but while many wait no more is read from the peer. Notifications
 *          (ws_conn_notify) are hints: past WS_KEEP_BYTES they are dropped and the app is told once the rest is out;
 *          past backlog_bytes, kept or dropped, since the socket filled up, the connection is closed with 1013.
 * Fails:   lack of memory closes that connection. Calls on a connection that is not OPEN do nothing. */
#pragma once
#include "base/id.h"
#include "net/loop.h"
#include "net/timer.h"
#include "push/ws_app.h"
#include "push/ws_handover.h"

struct producer;
struct relay_port;

#define WS_APP_BYTES   80     /* of each connection for the app's use, zeroed at on_open */
#define WS_KEEP_BYTES  8192   /* notification bytes kept for a slow peer before they become one hint */
#define WS_SEND_BUFFER 131072 /* else the kernel lets one that never reads hold 4 MB; this holds some 1,000 notices */

enum ws_state { WS_OPEN, WS_CLOSING, WS_DRAINING, WS_DEAD };

/* Close codes of RFC 6455, 7.4.1, and 1013 from the IANA registry. */
enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_ABNORMAL = 1006, /* never on the wire: the stream just ended */
    WS_CLOSE_INVALID_DATA = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_TRY_LATER = 1013
};

struct ws_options {
    int64_t ping_ms;       /* a peer silent for so long is pinged; two more without a byte: dropped; 0 = never */
    int64_t max_message;   /* bytes; a longer message closes with 1009 */
    int64_t backlog_bytes; /* a subscriber that far behind is closed with 1013 */
    unsigned send_buffer;  /* bytes: SO_SNDBUF of each connection; 0 = WS_SEND_BUFFER */
    const struct ws_app *app;
    const void *app_arg; /* for app->create() */
    /* What the broadcaster lends its app; NULL: nothing. */
    struct relay_port *relay;  /* to the connections of the other broadcasters (push/relay.h) */
    struct producer *producer; /* for ops of the connections (write/producer.h) */
    /* A connection has been closed, on the set's thread; `tag` is its handover's. May be NULL. */
    void (*on_closed)(void *arg, uint64_t tag);
    void *on_closed_arg;
    /* Any thread: the set's loop is to turn, for the app's sake. NULL: it turns by itself. */
    void (*wake)(void *arg);
    void *wake_arg;
};

/* The set. `loop` belongs to the caller; timers are the set's own. */
NODISCARD enum err ws_set_new(struct ws_set **out, struct loop *loop, const struct ws_options *options);
void ws_set_free(struct ws_set *s); /* accepts NULL; closes what is open without a word */
/* Takes h and its descriptor: registers, writes the 101 head, calls on_open, parses the rest, all in one write.
 * False: no memory or descriptor for it; both are the caller's still. */
bool ws_set_adopt(struct ws_set *s, struct ws_handover *h);
/* After the loop's turn: runs timers and connections that have more to read, buries the dead, publishes counters. */
void ws_set_turn(struct ws_set *s);
int ws_set_next_ms(struct ws_set *s); /* for the loop's timeout: -1 none, 0 there is more to read */
void ws_set_close_all(struct ws_set *s, uint16_t code, const char *reason);
/* Those with a principal that is no longer good. */
void ws_set_recheck(struct ws_set *s, bool (*still_good)(void *arg, const struct ws_principal *who), void *arg);
unsigned ws_set_count(const struct ws_set *s);
const struct ws_options *ws_set_options(const struct ws_set *s);
struct loop *ws_set_loop(struct ws_set *s);
struct timer_wheel *ws_set_timers(struct ws_set *s);
void *ws_set_app(struct ws_set *s); /* the app's instance */

/* A reply. Inside on_open and on_message everything is gathered and written at once when the callback's batch ends. */
void ws_conn_send(struct ws_conn *c, enum ws_message_kind kind, struct slice payload);
/* Whole encoded frames (ws_frame.h), one after the other; the caller's bytes are not kept. `topic` is a bit that
 * on_drained gets back when frames had to be dropped. Returns how many frames were dropped. */
unsigned ws_conn_notify(struct ws_conn *c, struct slice frames, unsigned topic);
bool ws_conn_waits(const struct ws_conn *c); /* some output has to wait until the peer reads */
void ws_conn_close(struct ws_conn *c, uint16_t code, const char *reason); /* reason: at most 123 bytes, or NULL */

void *ws_conn_app(struct ws_conn *c);                                  /* WS_APP_BYTES, aligned to 8 */
struct slice ws_conn_id(const struct ws_conn *c);                      /* the connection_id, UUID_LEN bytes */
const struct ws_principal *ws_conn_principal(const struct ws_conn *c); /* NULL: anonymous */
