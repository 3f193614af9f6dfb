/* op.h: an operation that travels: from the producer that made it to the writer or a reader, and back.
 * Kinds:   each has a struct of its own that begins with a struct op (write/send.h, read/query.h, …), and a struct op_kind.
 * Thread:  one at a time, whoever holds it: the producer until submit, then the writer or a reader, then (by
 *          reply_to) the producer again. After a submit that returned OK the giver forgets it.
 * Owns:    its bytes, all in op->arena: never a slice of a connection's buffer.
 * Life:    op_get() from the producer's pool → filled → submit → op_finish() exactly once (asserted) → back in
 *          the producer's mailbox → op->complete() → op_put(). The arena's first block is kept, so steady state
 *          calls no malloc. */
#pragma once
#include "access/scope.h"
#include "base/arena.h"
#include "base/err.h"
#include "handoff/mailbox.h"

struct op;

struct op_kind {
    size_t bytes;                /* of its struct, at most OP_BYTES_MAX */
    void (*drop)(struct op *op); /* of what it holds beside its arena; NULL: nothing */
};
#define OP_BYTES_MAX ((size_t)1088)

/* Which connection waits: (slot, generation) of the worker that made the op. A late completion for another
 * generation drops the reply, never the write. */
struct op_origin {
    uint32_t slot;
    uint32_t generation;
};

struct producer;
typedef void (*op_complete_fn)(struct op *op, void *arg);

struct op {
    struct mailbox_node node; /* first: a mailbox node is an op */
    const struct op_kind *kind;
    enum err result;
    bool in_flight; /* asserted: submitted, not yet finished */
    struct op_origin origin;
    struct producer *reply_to;
    op_complete_fn complete; /* runs on the producer's thread */
    int64_t parsed_us;       /* mono: request parsed */
    int64_t queued_us;       /* mono: submitted */
    int64_t durable_us;      /* mono: committed */
    int64_t deadline_us;     /* mono: past it the writer gives up and finishes with ERR_TIMEOUT; 0: none */
    struct scope scope;      /* whose data a write may touch; zeroed: any. Its id in the arena */
    size_t charged;          /* bytes of the arena counted as requests under way… */
    uint64_t lender;         /* …and whose they are */
    int64_t rev;             /* a write's: given by the writer before its first try */
    int64_t now_us;          /* since 1970, the same */
    struct arena arena;
};

struct op_pool; /* one per producer, bounded */
struct op_pool *op_pool_new(size_t max_ops, size_t max_bytes_each);
void op_pool_free(struct op_pool *p);
struct op *op_get(struct op_pool *p, const struct op_kind *kind); /* zeroed but for the arena; NULL at the bound */
void op_put(struct op_pool *p, struct op *op); /* drops what it holds; keeps the arena's first block */

/* Finished: sets the result and posts the op to op->reply_to. */
void op_finish(struct op *op, enum err result);
