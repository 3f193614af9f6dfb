/* rig.h: one set of WebSocket connections on the test's own thread, peers at the other end of socket pairs, and time that
 * stands still until the test moves it. */
#pragma once
#include "push/hub.h"
#include "push/ws_conn.h"
#include "push/ws_frame.h"
#include "suites.h"

#include <stdlib.h>
#include <unistd.h>

struct rig {
    struct loop loop;
    struct ws_set *set;
    struct ws_options options;
    unsigned closed; /* on_closed calls */
    uint64_t last_tag;
    int64_t now_us;        /* the loop's time in every turn… */
    int64_t wall_ahead_us; /* …and how far the wall clock is ahead of it */
};

struct peer {
    struct rig *rig;
    int fd;
    struct buf in; /* received, not yet looked at */
    bool eof;
};

struct frame {
    unsigned opcode; /* 0: none came */
    struct slice payload;
};

/* What the rig's app remembers (rig_app): for tests of the connection alone. */
struct told {
    unsigned opened, closed, messages, drained, missed;
    enum ws_message_kind kind;
    struct buf last;
    struct ws_conn *conn;
};
extern struct told told;
extern const struct ws_app rig_app; /* echoes; the text "close me" closes with 4000 */

void rig_start(struct rig *r, const struct ws_app *app, const void *app_arg);
void rig_stop(struct rig *r);
void rig_turn(struct rig *r);             /* one turn of the broadcaster's kind, without sleeping */
void rig_pass(struct rig *r, int64_t ms); /* time passes, in steps that timers notice */
void rig_notices(struct rig *r, const struct notice *n, unsigned count);
void rig_message(struct rig *r, const char *chat, const char *role); /* one NOTICE_MESSAGE */

void peer_open(struct peer *p, struct rig *r); /* no head, nothing read yet */
void peer_open_with(struct peer *p, struct rig *r, struct slice head, struct slice rest, struct ws_principal *who);
void peer_close(struct peer *p);
void peer_write(struct peer *p, const void *bytes, size_t len);
/* A masked client frame. */
void client_frame(struct buf *out, bool fin, unsigned opcode, struct slice payload);
void peer_send(struct peer *p, unsigned opcode, const char *text); /* one whole frame, then turns */
struct frame peer_next(struct peer *p);                            /* the next whole frame from the server */
/* The next frame is this text. "<ts>" in want stands for any timestamp, "<id>" for any UUID. */
void expect_text(struct peer *p, const char *want, unsigned line);
void expect_nothing(struct peer *p, unsigned line);
void expect_close(struct peer *p, unsigned code, unsigned line); /* 0: a close frame without a code */
#define EXPECT_TEXT(p, want)  expect_text(p, want, __LINE__)
#define EXPECT_NOTHING(p)     expect_nothing(p, __LINE__)
#define EXPECT_CLOSE(p, code) expect_close(p, code, __LINE__)
