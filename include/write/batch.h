/* batch.h: what a batch of ops means, in terms of the store's interface: the same rules on every store.
 * Happy path: begin; what is no message (customers, chats) one by one; then all messages at once; totals; commit. Where the
 *            order matters (kind.h: in_order) the messages before such an op go in before it.
 * Failures:  ERR_STORE anywhere: rollback, the batch is as if never tried (ids stay, so it can be tried again);
 *            an op's own failure (no such chat, …) is that op's result and harms no other. Where the store cannot go on
 *            after it, or does not say whose it is (store.h): rollback too, and the op, where it is known, has its result.
 * Thread:    the writer only.
 * Owns:      nothing; results go into the ops and their arenas. Its lists are the caller's, kept from batch to batch. */
#pragma once
#include "store/store.h"
#include "write/op.h"

/* Where a batch's ops are sorted out: grows to the largest batch, so that a later one asks for no memory. Starts zeroed. */
struct batch_room {
    void *block;
    size_t ops; /* that it has room for */
};
void batch_room_fini(struct batch_room *room);

/* Once, before the op's first try: a retry writes the same. */
void batch_give_ids(struct op *op, int64_t rev, int64_t now_us);
/* Order of effects: as in ops[]. Every op is a write that has its ids.
 * On OK each op's `result` is final and `changed` holds what the batch added to the totals. */
NODISCARD enum err batch_apply(struct store *s, struct batch_room *room, struct op *const *ops, size_t count,
                               struct totals *changed);
