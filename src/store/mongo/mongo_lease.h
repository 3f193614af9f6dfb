/* mongo_lease.h: the one document that says which process writes to this database: two that serve it at once would each
 * keep from its clients what the other takes in.
 * Thread:  a thread of its own ("mongo-lease") does all that asks the database. start: main. claim: main at start, the
 *          writer after it. enter, leave, good: the writer. stop: main, after the writer has ended. health: any.
 * Owns:    its thread and one connection.
 * Blocks:  claim, the first time, as long as it takes to see whether the holder lives (at once where it is a process of
 *          this machine), later for moments; enter never.
 * Fails:   claim: ERR_CONFLICT, another process holds it (why names it); ERR_STORE, the database is away.
 * NULL:    no lease was claimed (a test): it may always write. All but start and claim accept it. */
#pragma once
#include "base/buf.h"
#include "mongo_client.h"
#include "store/store.h"

struct mongo_counters;
struct mongo_lease;

struct mongo_lease_times {
    int64_t good_us;   /* it is good for so long after a renewal was asked for */
    int64_t margin_us; /* the longest that a write begun in that time may still take */
    int64_t renew_us;
};
struct mongo_lease_times mongo_lease_times(int64_t socket_timeout_ms);

struct mongo_lease_options {
    const struct mongo_uris *uris;
    mongoc_client_pool_t *pool;      /* the writer's: its timeouts are short */
    struct mongo_counters *counters; /* written before the lease is handed over */
    struct mongo_lease_times times;
    bool shared; /* --store-shared: ask for it instead of being refused */
};
NODISCARD enum err mongo_lease_start(struct mongo_lease **out, const struct mongo_lease_options *o);
NODISCARD enum err mongo_lease_claim(struct mongo_lease *l, bool first, struct buf *why);
void mongo_lease_stop(struct mongo_lease *l); /* it is renewed no more, and good for some seconds yet */
void mongo_lease_free(struct mongo_lease *l); /* after stop: gives it back, where the database is there */
/* Around a batch. False: nothing may be written now. */
NODISCARD bool mongo_lease_enter(struct mongo_lease *l);
void mongo_lease_leave(struct mongo_lease *l);
bool mongo_lease_good(const struct mongo_lease *l);
/* Instead of a command that must not be sent any more: fails as one does, false. */
bool mongo_lease_refuses(bson_t *reply, bson_error_t *error);
/* What it has to say where it is not good. */
void mongo_lease_health(struct mongo_lease *l, struct store_health *out);
