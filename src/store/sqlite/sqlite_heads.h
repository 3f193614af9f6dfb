/* sqlite_heads.h: a table in memory, for each chat written lately, of its newest message ("head"): what the next message
 * names as the one before it, and what a reader must know that the chat's row does not say yet.
 *   1. heads_add()      a chat enters the table, as its row has it, with its first send since the start (or at open).
 *   2. heads_publish()  after each commit its new head: the row is behind now, the chat is pending.
 *   3. the same          once the roll-up (sqlite_rollup.c) has written the row: no longer pending.
 *   4. heads_reserve()  where there are more than HEADS_KEPT chats, drops the half that was written longest ago.
 * What always holds: of a chat that is not in the table the row is exact, so a pending one never leaves.
 * Thread:  functions marked [writer] on the writer (or main before it starts); [any] on any. One mutex, held for
 *          table work only. The writer alone changes the table, so it reads it without the lock.
 * Owns:    its table.
 * Bounded: HEADS_KEPT chats plus those pending, which the roll-up bounds.
 * Fails:   ERR_NOMEM; the table is then as before. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "chat/model.h"

#include <pthread.h>

#define HEADS_KEPT 32768

struct head {
    int64_t chat;     /* key; 0: free slot; -1: heads_forget() was here, later slots of its probe stay reachable */
    int64_t customer; /* key */
    int64_t rev;      /* newest committed message; 0: none */
    int64_t ts;       /* its time */
    int64_t total;    /* messages in the chat */
    int64_t first;    /* its first message, where the row does not have it yet; else 0 */
    int64_t rolled;   /* the head that the row has; lower than rev: the chat is pending */
    bool listed;      /* in heads.pending */
};

/* What the running batch will make of a chat, once committed. */
struct staged_head {
    int64_t chat;
    int64_t rev, ts, total, first;
    int64_t rolled; /* what this transaction writes into the row; 0: nothing */
};

struct heads {
    pthread_mutex_t lock;
    struct head *slots;
    uint32_t *staged;  /* [writer] per slot: 1 + index into the running batch's list; 0: not in it */
    size_t cap, count; /* cap: a power of two; count: with the forgotten ones */
    int64_t *pending;  /* chat keys, oldest first; may hold some that are rolled by now */
    size_t pending_count, pending_cap;
    struct totals totals; /* committed */
    int64_t last_rev;     /* the newest committed message of all */
};

NODISCARD enum err heads_init(struct heads *h);
void heads_fini(struct heads *h);

/* [writer] Room for `extra` more chats: slots then stay where they are until the next reserve. */
NODISCARD enum err heads_reserve(struct heads *h, size_t extra);
struct head *heads_find(const struct heads *h, int64_t chat); /* [writer], or [any] with the lock; NULL: not there */
uint32_t *heads_staged(struct heads *h, const struct head *slot); /* [writer] */
/* [writer] A chat that is not there yet; makes room where none is reserved. */
NODISCARD enum err heads_add(struct heads *h, const struct head *head, struct head **out);
void heads_forget(struct heads *h, int64_t chat); /* [writer] a chat whose insert was rolled back */
/* [writer] Readers see all of `read` in the place of the old table, which read gets. No batch may be open. */
void heads_replace(struct heads *h, struct heads *read);
/* [writer] A batch is durable: its chats' newest messages, and the totals and newest rev after it. */
void heads_publish(struct heads *h, const struct staged_head *staged, size_t count, const struct totals *totals,
                   int64_t last_rev);
/* [writer] Drops from the pending list what is rolled by now. */
void heads_sweep_pending(struct heads *h);

void heads_totals(struct heads *h, struct totals *out); /* [any] */
/* [any] Each heads[i].chat is given; fills the rest where the table has it (rev 0 where not), all as of one commit. */
void heads_get(struct heads *h, struct head *heads, size_t count);
/* [any] The chats whose rows are behind, as of one commit. */
NODISCARD enum err heads_pending(struct heads *h, struct arena *a, struct head **out, size_t *count);
