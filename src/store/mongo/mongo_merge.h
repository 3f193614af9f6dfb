/* mongo_merge.h: one order out of several queries. Times stand in the database as dates, as text or not at all, and no
 * index sorts across types: so each kind is a query of its own, sorted by the server, and the heads are merged here.
 * Thread:  the connection's.
 * Owns:    its cursors; `only` is kept, not taken, until close. Slices live in the arena. */
#pragma once
#include "base/arena.h"
#include "mongo_client.h"

struct mongo_merge;
enum mongo_order { MONGO_CUSTOMERS_BY_ACTIVITY, MONGO_CHATS_BY_ACTIVITY };
struct mongo_merged {
    struct slice customer_id;
    struct slice chat_id; /* MONGO_CHATS_BY_ACTIVITY */
};

/* only: further conditions on the chats, may be NULL. most: no more than this many are asked for. NULL: no memory. */
struct mongo_merge *mongo_merge_open(const struct mongo_conn *conn, enum mongo_order order, const bson_t *only,
                                     int64_t most, struct arena *a);
/* ERR_NOT_FOUND at the end. */
NODISCARD enum err mongo_merge_next(struct mongo_merge *m, struct mongo_merged *out);
void mongo_merge_close(struct mongo_merge *m); /* accepts NULL */
