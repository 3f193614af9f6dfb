/* batch_int.h: one try of one batch, and the ops on customers, which have a file of their own. Private to src/store.
 * Thread:  the writer.
 * Owns:    nothing: the lists are the caller's room (batch.c). */
#pragma once
#include "write/batch.h"

/* One try of one batch. */
struct attempt {
    struct store *store;
    struct op *const *ops;
    size_t count;
    struct op **sends;             /* the OP_SENDs of ops, in order… */
    struct new_message **messages; /* …and what each of them sends */
    size_t send_count;
    struct new_message **unlinked; /* those of them whose chat the cache did not know */
    size_t unlinked_count;
    struct new_message *
        *keyed; /* those with a client key, and the revs they came with: a duplicate overwrites its own */
    int64_t *keyed_rev, *keyed_time;
    size_t keyed_count;
    bool halfway;      /* the op at work has changed the store already */
    struct op *guilty; /* for whose sake the batch is rolled back; NULL: not known, or not an op's fault */
    struct totals changed;
};

/* batch_customer.c. Results as of a store's call: ERR_STORE fails the batch, the rest is the op's own. */
NODISCARD enum err batch_create(struct attempt *try, struct op *op);
NODISCARD enum err batch_put_user(struct attempt *try, struct op *op);

/* scope_refusal() where the chat's customer is out of scope. */
NODISCARD enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link,
                                    struct arena *a);
