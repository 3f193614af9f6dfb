/* mongo_recount.h: brings counters of chats up to date: adds what was stored, or counts where that is in doubt.
 * Thread:  the connection's. */
#pragma once
#include "base/err.h"
#include "chat/model.h"
#include "mongo_client.h"

struct mongo_touched { /* a chat and what was added to it */
    struct slice chat_id;
    int64_t added;
    int64_t first_rev, rev; /* of the oldest and the newest message added */
    int64_t timestamp_us;
    int64_t opens_rev; /* of the newest message that opens its chat, if it is stored; 0: none */
    int64_t marks[2];  /* by enum chat_side; 0: none (mongo_marks.h) */
    uint8_t flags;
};
/* One command. *settled: every chat was found below its guard and moved; else they are to be counted. */
NODISCARD enum err mongo_add_counts(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count,
                                    bool *settled);
#define MONGO_RECOUNT_MOST 256
/* Brings the counters of up to MONGO_RECOUNT_MOST chats to what the database holds, whatever was or was not applied
 * before. */
NODISCARD enum err mongo_recount(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count);
