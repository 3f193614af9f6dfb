/* producer.h: a thread that gives operations away and gets them back. Each has a pool and a mailbox of its own: workers,
 * and any other thread that has something to store (a bus's, a connector's).
 * Thread:  all on the producer's own, but that others post into the inbox (op_finish()).
 * Owns:    its ops, also while they are away: every one must be back before producer_fini(). */
#pragma once
#include "write/op.h"

struct producer {
    struct op_pool *ops;
    struct mailbox *inbox;
};

NODISCARD enum err producer_init(struct producer *p, size_t max_ops, size_t max_bytes_each); /* ERR_NOMEM: fini it */
void producer_fini(struct producer *p);                                                      /* accepts zeroed */
/* An op that will come back here; NULL at the pool's bound. */
struct op *producer_op(struct producer *p, const struct op_kind *kind, op_complete_fn complete);
/* What came back: oldest first, linked by node.next; NULL: nothing. Each is given to op_put() in the end. */
struct op *producer_take(struct producer *p);
/* Completes what came back and takes it into the pool again, for one whose completions need no more than the op. False:
 * nothing came. Accepts zeroed. */
bool producer_complete(struct producer *p);
