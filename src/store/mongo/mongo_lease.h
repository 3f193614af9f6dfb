/* mongo_lease.h: the one document that says which process writes to this database: two that serve it at once would each
 * keep from its clients what the other takes in.
 * Thread:  a thread of its own ("mongo-lease") does all that asks the database. claim: main at start, the writer after it.
 *          enter, leave: the writer. stop: main, after the writer has ended. health: any.
 * Owns:    its thread and one connection.
 * Blocks:  claim at start as long as it takes to see whether the holder lives (at once where it is a process of this
 *          machine), later not; enter never.
 * Fails:   claim: ERR_CONFLICT, another process holds it (why names it); ERR_STORE, the database is away. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

#include <mongoc/mongoc.h>

struct mongo_store;

struct mongo_lease_times {
    int64_t good_us;   /* it is good for so long after a renewal was asked for */
    int64_t margin_us; /* the longest that a write begun in that time may still take */
    int64_t renew_us;
};
struct mongo_lease_times mongo_lease_times(int64_t socket_timeout_ms);

NODISCARD enum err mongo_lease_claim(struct mongo_store *s, struct buf *why);
void mongo_lease_stop(struct mongo_store *s); /* gives it back, where the database is there */
/* Around a batch. False: nothing may be written now. A store that has claimed none may always. */
NODISCARD bool mongo_lease_enter(struct mongo_store *s);
void mongo_lease_leave(struct mongo_store *s);
bool mongo_lease_good(const struct mongo_store *s);
/* Instead of a command that must not be sent any more: fails as one does, false. */
bool mongo_lease_refuses(bson_t *reply, bson_error_t *error);
/* What it has to say where it is not good. */
void mongo_lease_health(struct mongo_store *s, struct store_health *out);
