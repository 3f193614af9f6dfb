/* conn.h: one client's socket on one worker: slot and generation, input kept between reads, output that did not go
 * at once, one deadline. What the bytes mean is the protocol's (http/session.h embeds a conn as its first member).
 * Thread:  the worker that owns the conn_set; a connection lives and dies there, or leaves by conn_detach().
 * Owns:    the descriptor, kept input, pending output (one reference to a body).
 * Memory:  a quiet connection has no buffers: input is read into the set's scratch and kept only when it is part
 *          of a request, output is kept only when the socket did not take it. One buffer that was given back is the
 *          set's spare, lent to the next connection that has something to keep.
 * Blocks:  never.
 * Fails:   conn_open() NULL at the set's bound or without memory; I/O errors make the conn dead, and its owner
 *          closes it. */
#pragma once
#include "base/blob.h"
#include "base/err.h"
#include "base/pool.h"
#include "net/loop.h"
#include "net/share.h"
#include "net/timer.h"

struct conn;

struct conn_protocol {
    size_t object_bytes;              /* of the object that embeds the conn first */
    void (*on_ready)(struct conn *c); /* readable, or pending output has all gone */
    void (*on_deadline)(struct conn *c);
    void (*on_close)(struct conn *c);              /* give back what the protocol holds; the conn goes right after */
    struct holder (*holder)(const struct conn *c); /* whose is what it keeps and sends; needed with a book */
};

/* What the connections of one worker share. */
struct conn_set {
    struct loop *loop;
    struct timer_wheel *wheel;
    const struct conn_protocol *protocol;
    void *owner;                              /* the protocol's own: found from a conn by c->set->owner */
    void (*left)(void *arg, uint64_t ticket); /* a connection ended here: admission's count */
    void *left_arg;
    struct pool pool;
    struct conn **slots;
    uint32_t *generations;
    uint32_t *free_slots;
    uint32_t slot_count, free_count;
    uint32_t open;
    struct share_book *book; /* of what connections keep; NULL: no bound. Set after conn_set_init() */
    char *scratch;           /* CONN_SCRATCH bytes: what was just read, until the callback returns */
    struct buf spare;        /* empty, or without memory */
};

#define CONN_SCRATCH 65536

struct conn {
    struct loop_source source; /* first: an epoll event is a conn */
    struct timer deadline;
    struct conn_set *set;
    uint32_t slot;
    uint32_t generation; /* of this slot now: an op's origin matches or is stale */
    uint64_t ticket;
    bool readable; /* the kernel may have more input */
    bool hung_up;  /* the end of the stream was signalled: it is read after what came before it */
    bool ended;    /* the peer will send no more (FIN), and all of it has been read */
    bool dead;     /* the socket failed: close it */
    struct buf in; /* kept input; in_at: consumed up to here */
    size_t in_at;
    struct buf out; /* pending bytes; out_at: sent up to here; then the body */
    size_t out_at;
    struct blob *body;
    size_t body_at;
    size_t in_charged, out_charged; /* to the set's pots: room in `in` and `out` */
    uint8_t pot;                    /* enum pot: of the body that is sent next */
    uint8_t body_pot;               /* of the one that is pending */
};

NODISCARD enum err conn_set_init(struct conn_set *set, struct loop *loop, struct timer_wheel *wheel,
                                 const struct conn_protocol *protocol, uint32_t max);
void conn_set_fini(struct conn_set *set); /* closes what is open */

struct conn *conn_open(struct conn_set *set, int fd, uint64_t ticket); /* NULL: the caller still owns fd */
void conn_close(struct conn *c);
/* Closes and resets: what the peer has not taken is thrown away, not kept by the kernel for minutes. */
void conn_abort(struct conn *c);
int conn_detach(struct conn *c); /* the descriptor leaves alive; the conn is gone, its ticket not given back */
/* NULL when that connection, or the request that it waited for, is gone. */
struct conn *conn_find(struct conn_set *set, uint32_t slot, uint32_t generation);
void conn_forget_origin(struct conn *c); /* a new generation: late completions no longer find it */

/* The input at hand: what was kept, then what is read. It stays valid until the next conn_fill/conn_keep. */
struct slice conn_input(const struct conn *c);
/* CONN_FULL: there is no room to keep what came before, and nobody gives way. */
enum conn_fill { CONN_FILLED, CONN_DRY, CONN_ENDED, CONN_FAILED, CONN_FULL };
/* Reads more after `*input` (which may lie in the scratch or be kept): *input is the longer input then. */
enum conn_fill conn_fill(struct conn *c, struct slice *input);
/* `rest` (a tail of the input) is wanted later: kept. */
NODISCARD enum err conn_keep(struct conn *c, struct slice rest);
/* The protocol has come to know whose the kept input is. */
void conn_name_holder(struct conn *c);
void conn_drop_input(struct conn *c); /* all of it, and its memory */

/* Sends head and body by one writev; what the socket does not take is kept (the body by reference).
 * ERR_BUSY: there is no room to keep the body, so nothing has been sent. */
NODISCARD enum err conn_send(struct conn *c, struct slice head, struct blob *body);
bool conn_sending(const struct conn *c); /* output is pending */
/* Of what was sent, what the peer's kernel has not acknowledged, and what is pending. One system call. */
size_t conn_untaken(const struct conn *c);
void conn_deadline(struct conn *c, int64_t after_ms); /* 0: none */
