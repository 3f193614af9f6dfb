/* batch.h: what a batch of ops means, in terms of the store's interface: the same rules on every store.
 * Happy path: begin; customers and chats (create, put, ai) one by one; then all sends at once; totals; commit.
 * Failures:  ERR_STORE anywhere: rollback, the batch is as if never tried (ids stay, so it can be tried again);
 *            an op's own failure (no such chat, …) is that op's result and harms no other. Where the store cannot go on
 *            after it, or does not say whose it is (store.h): rollback too, and the op, where it is known, has its result.
 * Thread:    the writer only.
 * Owns:      nothing; results go into the ops and their arenas. Its lists are the caller's, kept from batch to batch. */
#pragma once
#include "store/op.h"
#include "store/store.h"

/* Where a batch's ops are sorted out: grows to the largest batch, so that a later one asks for no memory. Starts zeroed. */
struct batch_room {
    void *block;
    size_t ops; /* that it has room for */
};
void batch_room_fini(struct batch_room *room);

/* Order of effects: as in ops[]. Every op has rev and now_us/timestamp_us set by the caller before the first try.
 * On OK each op's `result` is final and `changed` holds what the batch added to the totals. */
NODISCARD enum err batch_apply(struct store *s, struct batch_room *room, struct op *const *ops, size_t count,
                               struct totals *changed);

/* The customer rules of POST /api/users/chats/create and /api/users/data, pure: */
enum user_field {
    USER_EMAIL = 1 << 0,
    USER_NAME = 1 << 1,
    USER_TIMESTAMP = 1 << 2,
    USER_VISITS = 1 << 3,
    USER_IP = 1 << 4,
    USER_LOCATION = 1 << 5,
    USER_DEVICE = 1 << 6,
    USER_VIBE = 1 << 7,
    USER_DURATION = 1 << 8,
    USER_CHAT = 1 << 9,
    USER_CATEGORY = 1 << 10,
    USER_STATUS = 1 << 11,
    USER_OWNER = 1 << 12
};
bool user_name_is_default(struct slice name); /* "", "Widget User", "User …" */
/* A new customer of whom only the id is known. Keeps the id's slice; what it makes lives in the arena. */
NODISCARD enum err user_unknown(struct arena *a, struct slice id, int64_t now_us, struct user *out);
