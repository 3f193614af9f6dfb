/* mongo_lease_doc.h: the lease as the database has it: one document, and the few ways to change it, each a
 * compare-and-set.
 * Thread:  mongo-lease.
 * Owns:    nothing: connection and collection are the caller's.
 * Blocks:  on the database, as long as the writer's pool lets a command take.
 * Fails:   false: not changed, or not known to be (then the log has the driver's words). */
#pragma once
#include "mongo_lease_rule.h"

#include "base/err.h"
#include "mongo_client.h"

#define MONGO_LEASES "sakurad-lease"

struct lease_table {
    const struct mongo_conn *conn;
    mongoc_collection_t *documents;
    char self[LEASE_ID_LEN + 1];
    struct process_name process; /* this one */
    int64_t lease_us;
};

/* who: the holder, for people. */
NODISCARD enum err lease_read(struct lease_table *l, struct lease_doc *out, char *who, size_t who_size);
NODISCARD bool lease_create(struct lease_table *l);
NODISCARD bool lease_take(struct lease_table *l, const struct lease_doc *seen); /* if it is still as seen */
void lease_ask(struct lease_table *l, const struct lease_doc *seen);
/* True: it is ours, nobody asks for it, and `turn` is counted up. *failed: whether it is so cannot be said. */
NODISCARD bool lease_renew(struct lease_table *l, bool *failed);
bool lease_give_back(struct lease_table *l);
