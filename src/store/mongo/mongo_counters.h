/* mongo_counters.h: what stored messages add to their chats' documents, and how far these are read, written behind.
 * Thread:  a thread of its own ("mongo-counters") does all that asks the database; each function below says whose it
 *          is.
 * Owns:    its thread, one connection, the table of what is not yet written. Copies the ids it is given.
 * Blocks:  settle for up to ten seconds, room and mark for up to half a second where too much is behind; mongo_chat_now
 *          on the database; the others never.
 * Fails:   ERR_STORE: not written, or not in time. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "chat/model.h"
#include "mongo_client.h"

#define MONGO_BEHIND_US 15000000 /* the most that a stored message may be older than the newest and not yet counted */

struct mongo_counters;

struct mongo_added { /* one stored message */
    struct slice chat_id;
    int64_t rev, timestamp_us;
    uint8_t flags;
    int64_t
        opens_rev; /* of the customer's newest one, which opens its chat where it is stored; in doubt only; 0: none */
    struct pending *slot; /* mongo_counters.c's: its chat's entry (mongo_table.h) */
};

NODISCARD enum err mongo_counters_start(struct mongo_counters **out, const struct mongo_uris *uris,
                                        mongoc_client_pool_t *pool);
void mongo_counters_stop(struct mongo_counters *c); /* accepts NULL; writes what is left, for some seconds at most */
/* [writer] Before a batch whose newest message has this rev: ERR_STORE, the chats are too far behind. */
NODISCARD enum err mongo_counters_room(struct mongo_counters *c, int64_t rev);
/* [writer] All or nothing: ERR_NOMEM. */
NODISCARD enum err mongo_counters_add(struct mongo_counters *c, struct mongo_added *messages, size_t count);
/* [writer, main] The chat may hold such a message, that nobody adds: it is counted. timestamp_us 0: unknown. */
void mongo_counters_doubt(struct mongo_counters *c, const struct mongo_added *message);
/* [writer] A side of a chat has read so far. */
NODISCARD enum err mongo_counters_mark(struct mongo_counters *c, struct slice chat_id, enum chat_side side,
                                       int64_t mark);
/* [any] What a chat's document may not say yet. Asked for before the document is read, or it may be missed. */
struct mongo_behind {
    uint8_t flags;
    int64_t marks[2]; /* by enum chat_side */
};
struct mongo_behind mongo_counters_behind(struct mongo_counters *c, struct slice chat_id);
/* [any, with its own connection] A chat with what its document does not say yet. */
NODISCARD enum err mongo_chat_now(const struct mongo_conn *conn, struct mongo_counters *c, struct slice chat_id,
                                  struct arena *a, struct chat *out);
/* [readers, main] Before chats are read: waits until every message stored before the call is in their documents. */
NODISCARD enum err mongo_counters_settle(struct mongo_counters *c);
/* For lists and reports, which secondaries may answer while there is no primary: behind is better than not at all. */
void mongo_counters_settle_or_not(struct mongo_counters *c);
