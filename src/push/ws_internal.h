/* ws_internal.h: what the files of one WebSocket connection share. Private to src/push. Each calls only those before
 * it: ws_state (the moves), ws_out (writing), ws_parse (reading frames), ws_conn (what happens to one), ws_sweep (who
 * is silent, whose token is over), ws_set (the many). */
#pragma once
#include "base/log.h"
#include "base/metrics.h"
#include "base/pool.h"
#include "push/ws_conn.h"
#include "push/ws_frame.h"

#define WS_INPUT_BYTES   65536            /* one read; shared by all connections of the set */
#define WS_READ_PARK     16384            /* output waiting for a peer above which no more is read from it */
#define WS_PARSERS_KEPT  8                /* idle parsers kept */
#define WS_SCRATCH_KEEP  262144           /* a larger scratch is given back after use */
#define WS_CLOSE_WAIT_US INT64_C(5000000) /* for the peer's close and end of stream */
#define WS_STOP_WAIT_US  INT64_C(300000) /* the same when the server stops: all who come next wait for one that sleeps */
#define WS_SLOW_WAIT_US  INT64_C(2000000) /* the same for one cut because it does not read */

/* What waits because the peer's socket is full. Exists only then. */
struct ws_out {
    struct buf bytes;
    size_t off;      /* bytes[0..off) are written */
    size_t boundary; /* first start of a frame (or the end) at or after off */
    size_t behind;   /* bytes that came since the socket filled up, kept or dropped */
    unsigned missed; /* topics whose frames were dropped */
};

/* Lent to a connection while a frame or message is incomplete. */
struct ws_parser {
    struct wslay_event_context *wslay;
    struct ws_conn *conn;
    struct ws_parser *next; /* in the set's list of idle ones */
    struct slice input;     /* still to be given to wslay */
    uint64_t fed;           /* bytes given since lent */
    uint64_t framed;        /* bytes of the frames begun since lent, headers included */
    uint64_t swept_fed;     /* `fed` at the last sweep */
    unsigned starved;       /* sweeps in a row with next to no progress */
    bool message_open;      /* a fragmented message waits for its continuation */
    uint16_t bad_close;     /* the code that refuses a close frame which wslay lets pass; 0: none */
};

/* The deadline of a connection that is no longer OPEN. */
struct ws_closing {
    struct timer timer;
    struct ws_conn *conn;
};

enum ws_flag {
    WS_HEARD = 1,     /* bytes came since the last sweep */
    WS_HUP = 2,       /* end of stream was signalled: read until it is seen */
    WS_PARKED = 4,    /* not read from until its output is gone */
    WS_AGAIN = 8,     /* in the set's list of those with more to read */
    WS_REAP = 16,     /* in the set's list of those to be looked at when the turn ends */
    WS_APP_OPEN = 32, /* on_open was called, on_close was not */
    WS_SHUT = 64,     /* shutdown(SHUT_WR) done */
};

struct ws_conn {
    struct loop_source source; /* first: the loop hands it back */
    struct ws_set *set;
    struct ws_out *out; /* NULL: nothing waits */
    uint8_t state;
    uint8_t flags;
    uint8_t quiet; /* sweeps since the last byte of the peer */
    uint16_t close_code;
    uint32_t at; /* in set->conns */
    uint32_t swept_ms;
    union {
        uint64_t align;
        char bytes[WS_APP_BYTES];
    } app;
    struct ws_parser *parser;
    struct ws_principal *principal; /* owned; NULL: anonymous */
    struct ws_closing *closing;
    struct ws_conn *next_again, *next_reap;
    uint64_t tag;
    char id[UUID_LEN];
};

struct ws_set {
    struct loop *loop;
    struct ws_options options;
    void *app;
    struct timer_wheel timers;
    struct pool pool;
    struct ws_conn **conns; /* all, in no order */
    uint32_t count, cap;
    struct ws_parser *parsers; /* idle */
    unsigned parsers_idle;
    struct ws_conn *corked; /* the one whose replies gather in scratch */
    struct buf scratch;
    char *input;                  /* WS_INPUT_BYTES */
    struct ws_conn *again, *reap; /* lists of WS_AGAIN and WS_REAP */
    struct timer sweep, expiry;
    int64_t expiry_s; /* wall clock: when the first token that is not good for ever runs out; 0: none */
    uint32_t sweep_at;
    int64_t start_us; /* swept_ms counts from here */
    /* counted here, published once a turn */
    uint64_t writes, bytes_out;
    int64_t pending_bytes;
};

static inline bool ws_writable(const struct ws_conn *c)
{
    return c->state == WS_OPEN;
}

/* ws_state.c */
void ws_reap_later(struct ws_conn *c);
void ws_lost(struct ws_conn *c, const char *why); /* → DEAD: nothing more can be written */
/* From OPEN or CLOSING on to `state`; the first move sets the deadline for all that is left to do. */
void ws_move(struct ws_conn *c, enum ws_state state, int64_t wait_us);

/* ws_out.c. Where a write fails or memory is short the connection is DEAD afterwards. */
void ws_out_write(struct ws_conn *c, struct slice bytes, size_t lead); /* bytes[0..lead) are no frame (the 101 head) */
void ws_out_frame(struct ws_conn *c, enum ws_opcode opcode, struct slice payload);
unsigned ws_out_notify(struct ws_conn *c, struct slice frames, unsigned topic); /* how many frames were dropped */
/* Writes what waits. Once all of it is out c->out is NULL, and the topics whose frames were dropped are returned. */
unsigned ws_out_flush(struct ws_conn *c);
void ws_out_drop_frames(struct ws_conn *c); /* all but the frame that is partly written */
void ws_out_free(struct ws_conn *c);
size_t ws_out_pending(const struct ws_conn *c);
/* What is sent between the two gathers, and leaves as one write. */
void ws_cork(struct ws_conn *c);
void ws_uncork(struct ws_conn *c, size_t lead);

/* ws_parse.c */
enum ws_end {
    WS_END_NOT,    /* it goes on */
    WS_END_CLOSED, /* both closes are done */
    WS_END_BROKEN  /* the peer gets a close frame with `code` */
};
struct ws_parsed {
    enum ws_end end;
    uint16_t code;
    const char *why; /* for the log */
};
struct ws_parsed ws_parse(struct ws_conn *c, struct slice bytes); /* c is corked */
void ws_parser_drop(struct ws_conn *c);                           /* in the middle of something: freed */
void ws_parsers_free(struct ws_set *s);

/* ws_conn.c */
void ws_conn_init(struct ws_conn *c, struct ws_set *s, const struct ws_handover *h); /* without h's principal */
void ws_conn_free(struct ws_conn *c);
/* Its first bytes: writes the 101 head, tells the app, parses what was read after the request, all in one write. */
void ws_conn_begin(struct ws_conn *c, struct slice head, struct slice rest);
void ws_conn_read(struct ws_conn *c);
void ws_conn_fail(struct ws_conn *c, uint16_t code, const char *why); /* close frame, then DRAINING */

/* ws_sweep.c */
void ws_sweep_init(struct ws_set *s);
void ws_sweep_join(struct ws_conn *c); /* one that is new, with its principal */
