/* One transaction of the writer, a batch's or a roll-up's, and what memory knows about it.
 *   1. txn_begin()   takes SQLite's write lock; the totals and the newest rev go on from the committed ones
 *   2. txn_head()    a chat's newest message, from memory or else from its row
 *      txn_stage()   a copy of it, which the statements of this transaction move on; readers do not see it
 *   3. txn_commit()  once the commit is on disk, what was staged is published to readers in one step (heads_publish)
 * Failures: txn_rollback() drops what was staged and the chats that were new, so that memory is as of the last commit. It
 *   follows whatever fails after a txn_begin() that did not, a commit too. When the answer of a commit is lost (a disk that
 *   fails) nobody knows whether the file has the batch: the connection is then lost as well, and opening the next one
 *   reads memory anew from the file (sqlite_open.c). */
#include "sqlite_store.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/metrics.h"

#include <stdlib.h>

#define LOG_ASK_FRAMES  4096  /* 16 MiB: the checkpoint thread is asked; more at once and its fsync delays commits */
#define LOG_MOST_FRAMES 32768 /* 128 MiB: the writer waits for a checkpoint, whatever it costs */

/* Finishes what the checkpoint thread began. The log starts anew with the next write, if no reader is inside it. */
static void finish_checkpoint(struct sqlite_store *s)
{
    if (!checkpointer_yields(s->checkpointer, LOG_MOST_FRAMES))
        return;
    checkpointer_finish(s->checkpointer, &s->conn);
    s->log_asked = s->log_frames;
}

enum err txn_begin(struct sqlite_store *s)
{
    if (s->checkpointer)
        finish_checkpoint(s);
    s->totals_after = s->heads.totals;
    s->last_rev_after = s->heads.last_rev;
    s->replayed = false;
    s->changes_before = s->conn.db ? sqlite3_total_changes(s->conn.db) : 0;
    enum err err = db_run_id(&s->conn, SQL_BEGIN_WRITE);
    if (err != OK)
        db_rollback(&s->conn);
    return err;
}

bool txn_wrote(const struct sqlite_store *s)
{
    return sqlite3_total_changes(s->conn.db) != s->changes_before;
}

static void clear_batch(struct sqlite_store *s)
{
    for (size_t i = 0; i < s->staged_count; i++) {
        const struct head *head = heads_find(&s->heads, s->staged[i].chat);
        if (head)
            *heads_staged(&s->heads, head) = 0;
    }
    s->staged_count = 0;
    s->new_chat_count = 0;
}

static void note_commit(struct sqlite_store *s)
{
    s->committed_us = clock_mono_us();
    if (s->log_frames > LOG_ASK_FRAMES && s->checkpointer)
        checkpointer_ask(s->checkpointer);
    if (!s->conn.failed)
        return;
    s->conn.failed = false;
    s->conn.error = SQLITE_OK;
    sqlite_note_health(s);
}

enum err txn_commit(struct sqlite_store *s)
{
    bool wrote = txn_wrote(s);
    enum err err = db_run_id(&s->conn, SQL_COMMIT);
    if (err != OK)
        return err;
    heads_publish(&s->heads, s->staged, s->staged_count, &s->totals_after, s->last_rev_after);
    clear_batch(s);
    if (wrote)
        note_commit(s);
    return OK;
}

void txn_rollback(struct sqlite_store *s)
{
    db_rollback(&s->conn);
    for (size_t i = 0; i < s->new_chat_count; i++)
        heads_forget(&s->heads, s->new_chats[i]);
    clear_batch(s);
    sqlite_note_health(s);
}

/* ---- the newest message of a chat ---- */

enum err txn_head(struct sqlite_store *s, struct heads *h, int64_t chat, struct head **out)
{
    *out = chat > 0 ? heads_find(h, chat) : NULL;
    if (*out)
        return OK;
    metrics_add(M_STORE_READ_WRITER, 1);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_HEAD);
    bind_int(stmt, 1, chat);
    enum err err = db_row(&s->conn, stmt);
    struct head head = {.chat = chat};
    if (err == OK) {
        head.customer = sqlite3_column_int64(stmt, 0);
        head.rev = head.rolled = sqlite3_column_int64(stmt, 1);
        head.total = sqlite3_column_int64(stmt, 2);
        head.ts = sqlite3_column_int64(stmt, 3);
    }
    db_reset(stmt);
    return err == OK ? heads_add(h, &head, out) : err;
}

enum err txn_stage(struct sqlite_store *s, const struct head *head, struct staged_head **out)
{
    uint32_t *index = heads_staged(&s->heads, head);
    if (*index == 0) {
        if (!list_room(s->staged, s->staged_count, s->staged_cap, 256))
            return ERR_NOMEM;
        s->staged[s->staged_count] = (struct staged_head){
            .chat = head->chat, .rev = head->rev, .ts = head->ts, .total = head->total, .first = head->first};
        *index = (uint32_t)++s->staged_count;
    }
    *out = &s->staged[*index - 1];
    return OK;
}
