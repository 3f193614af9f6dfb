/* sqlite_marks.h: up to where the sides of chats have read (marks: chat/model.h), on their way into the chats' rows. A mark
 * costs no write of its own, so it waits here; a crash loses what has not been written, which is at most two seconds' worth.
 *   1. marks_set()          a batch sets a mark. It stays with the batch…
 *   2. marks_settle()       …until that is committed; from then on readers see it.
 *   3. marks_with_commit()  once the oldest has waited MARKS_WAIT_US all that wait are a round, sorted by key since neighbours
 *                           share pages. A few of it go with each commit that happens anyway,
 *      marks_write()        and the rest in transactions of our own, at least once a second.
 *   4. marks_settle()       when the last of a round is in its row, and committed, the round is forgotten.
 * What always holds: a mark is in here or in its row. A reader copies what is here before it opens its snapshot, so it misses
 * none that is forgotten in between.
 * Failures: after a rollback a round stands where it stood. Rows only move forward, so writing one twice changes nothing. A
 *   connection that is opened anew changes nothing here.
 * Thread:   [writer], or main while the writer does not run; [any] on any. One mutex, held for table work only. The writer
 *           alone changes what is in here, so it reads it without the lock.
 * Owns:     its tables, made with the first mark.
 * Bounded:  MARKS_MOST chats wait, and as many are in a round; past that a mark is written at once. So it is after a failure:
 *           a batch of marks alone would else say that the disk is well, and what it took might never get there.
 * Fails:    ERR_NOMEM, or as the store. */
#pragma once
#include "chat/model.h"
#include "sqlite_conn.h"

#include <pthread.h>

#define MARKS_MOST    4096
#define MARKS_WAIT_US 500000

struct sqlite_store;

struct mark {
    int64_t chat;    /* key; 0: free slot */
    int64_t upto[2]; /* by enum chat_side; 0: nothing */
};

struct marks {
    pthread_mutex_t lock;
    struct mark *waiting; /* open addressing by chat */
    size_t waiting_count;
    int64_t since_us;   /* mono: the first of them */
    struct mark *round; /* sorted by chat */
    size_t round_count;
    size_t next, next_staged; /* of the round: the first that is not written; and if the running transaction commits */
    struct mark *batch;       /* set by the running batch, in its order */
    size_t batch_count, batch_cap;
};

NODISCARD enum err marks_init(struct marks *m);
void marks_fini(struct marks *m); /* accepts a zeroed one */
NODISCARD enum err marks_set(struct sqlite_store *s, int64_t chat, enum chat_side side, int64_t mark); /* [writer] */
NODISCARD enum err marks_with_commit(struct sqlite_store *s); /* [writer] in the open transaction */
void marks_settle(struct sqlite_store *s, bool committed);    /* [writer] after its commit or rollback */
/* [writer] All that have waited long enough by now_us (mono), or all. */
NODISCARD enum err marks_write(struct sqlite_store *s, int64_t now_us, bool all);
/* [any] Each marks[i].chat is given; fills what is here of it, else 0. */
void marks_get(struct marks *m, struct mark *marks, size_t count);
void mark_overlay(const struct mark *mark, struct chat *chat); /* forwards only */
