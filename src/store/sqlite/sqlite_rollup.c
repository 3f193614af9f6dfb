/* The rows of chats and customers follow the messages in rounds. A send writes its message only; which one is a chat's
 * newest, and how many there are, is known to memory (sqlite_heads.h) before the rows learn it here:
 *   1. start_round()   takes the chats that are pending, sorted by key since neighbours share pages, and notes the newest
 *                      rev of all (upto_rev).
 *   2. roll_some()     writes the rows of the next few: SHARE_CHATS with the commit of each batch, which costs no
 *                      transaction and no fdatasync, or OWN_CHATS in a transaction of its own while the server is quiet.
 *   3. end_round()     with the last chat: every message up to upto_rev is in the rows now, and meta.rolled_rev says so.
 *   4. rollup_settle() after each of those transactions: the round moves on where it was committed.
 * Failures: after a rollback the round stands where it stood, and the next transaction tries the same chats. A crash loses
 *   the round: rollup_recover() reads every message behind rolled_rev, whether its row knows it or not, and begins
 *   a round from that. Rows only move forward, so writing one twice changes nothing. */
#include "sqlite_store.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <stdlib.h>

#define ROUND_EVERY_US 5000000
#define ROUND_MESSAGES 500000 /* a round begins when so many are not in the rows: a start after a crash reads them */
#define PENDING_MOST   8192   /* past it a round begins at once, and each commit rolls as many chats as it adds */
#define SHARE_CHATS    8      /* of one commit: about 0.2 ms */
#define OWN_CHATS      128    /* of one transaction of our own */
#define HEADS_LOADED   16384  /* at open: the chats written last */

static int compare_keys(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static enum err start_round(struct sqlite_store *s)
{
    struct rollup *r = &s->roll;
    size_t count = s->heads.pending_count;
    if (count > r->cap) {
        int64_t *grown = realloc(r->chats, count * sizeof(*grown));
        if (!grown)
            return ERR_NOMEM;
        r->chats = grown;
        r->cap = count;
    }
    if (count > 0)
        memcpy(r->chats, s->heads.pending, count * sizeof(*r->chats));
    qsort(r->chats, count, sizeof(*r->chats), compare_keys);
    r->count = count;
    r->next = r->next_staged = 0;
    r->upto_rev = s->heads.last_rev;
    r->upto_messages = s->heads.totals.messages;
    r->running = true;
    return OK;
}

static enum err roll_chat(struct sqlite_store *s, int64_t chat)
{
    const struct head *head = heads_find(&s->heads, chat);
    must(head != NULL); /* a pending chat never leaves the table */
    struct staged_head *staged;
    enum err err = txn_stage(s, head, &staged);
    if (err != OK || staged->rev <= head->rolled)
        return err;
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_ROLL);
    bind_int(stmt, 1, chat);
    bind_int(stmt, 2, staged->rev);
    bind_int(stmt, 3, staged->total);
    bind_int(stmt, 4, staged->ts);
    bind_int(stmt, 5, staged->first);
    err = db_run(&s->conn, stmt);
    if (err != OK)
        return err;
    stmt = db_stmt(&s->conn, SQL_CUSTOMER_ROLL);
    bind_int(stmt, 1, head->customer);
    bind_int(stmt, 2, staged->rev);
    bind_int(stmt, 3, staged->ts);
    staged->rolled = staged->rev;
    return db_run(&s->conn, stmt);
}

static enum err end_round(struct sqlite_store *s)
{
    struct rollup *r = &s->roll;
    enum err err = meta_put(&s->conn, "rolled_rev", r->upto_rev);
    if (err == OK)
        err = counter_add(&s->conn, "messages", r->upto_messages - r->rolled_messages);
    r->done_staged = err == OK;
    return err;
}

/* Inside a transaction: the next `most` chats of the round. */
static enum err roll_some(struct sqlite_store *s, size_t most)
{
    struct rollup *r = &s->roll;
    size_t left = r->count - r->next;
    size_t take = left < most ? left : most;
    enum err err = OK;
    for (size_t i = 0; err == OK && i < take; i++)
        err = roll_chat(s, r->chats[r->next + i]);
    if (err != OK)
        return err;
    metrics_add(M_STORE_ROLLUP, 1);
    r->next_staged = r->next + take;
    return r->next_staged == r->count ? end_round(s) : OK;
}

static bool round_is_due(const struct sqlite_store *s)
{
    if (s->heads.pending_count == 0)
        return false;
    return s->heads.pending_count >= PENDING_MOST ||
           s->heads.totals.messages - s->roll.rolled_messages >= ROUND_MESSAGES ||
           clock_mono_us() - s->roll.ended_us >= ROUND_EVERY_US;
}

enum err rollup_with_commit(struct sqlite_store *s)
{
    struct rollup *r = &s->roll;
    r->next_staged = r->next;
    if (!r->running) {
        if (!round_is_due(s))
            return OK;
        enum err err = start_round(s);
        if (err != OK)
            return err;
    }
    size_t share = SHARE_CHATS + (s->heads.pending_count >= PENDING_MOST ? s->staged_count : 0);
    return roll_some(s, share);
}

void rollup_settle(struct sqlite_store *s, bool committed)
{
    struct rollup *r = &s->roll;
    if (committed && r->running) {
        r->next = r->next_staged;
        if (r->done_staged) {
            r->running = false;
            r->rolled_messages = r->upto_messages;
            r->ended_us = clock_mono_us();
            heads_sweep_pending(&s->heads);
        }
    }
    r->next_staged = r->next;
    r->done_staged = false;
}

/* A transaction of our own. */
static enum err roll_alone(struct sqlite_store *s)
{
    enum err err = txn_begin(s);
    if (err != OK)
        return err;
    if (!s->roll.running)
        err = start_round(s);
    if (err == OK)
        err = roll_some(s, OWN_CHATS);
    if (err == OK)
        err = txn_commit(s);
    if (err != OK)
        txn_rollback(s);
    rollup_settle(s, err == OK);
    return err;
}

enum err rollup_all(struct sqlite_store *s, int64_t budget_us)
{
    int64_t started = clock_mono_us();
    while (s->roll.running || s->heads.pending_count > 0) {
        enum err err = roll_alone(s);
        if (err != OK)
            return err;
        if (budget_us > 0 && clock_mono_us() - started > budget_us)
            break;
    }
    return OK;
}

/* ---- at every open ---- */

/* The chats written last, so that their next send reads nothing. */
static enum err load_heads(struct sqlite_store *s, struct heads *read)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_HEADS_RECENT);
    bind_int(stmt, 1, HEADS_LOADED);
    struct head *slot;
    enum err err;
    while ((err = db_row(&s->conn, stmt)) == OK) {
        struct head head = {
            .chat = sqlite3_column_int64(stmt, 0),
            .customer = sqlite3_column_int64(stmt, 1),
            .rev = sqlite3_column_int64(stmt, 2),
            .total = sqlite3_column_int64(stmt, 3),
            .ts = sqlite3_column_int64(stmt, 4),
        };
        head.rolled = head.rev;
        err = heads_add(read, &head, &slot);
        if (err != OK)
            break;
    }
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* A round that the crash cut off may have written the row already: the head then goes back to this message, and with the
 * chat's last one it is level again. Nobody else sees `read` yet. */
static enum err take_message(struct sqlite_store *s, struct heads *read, sqlite3_stmt *stmt)
{
    int64_t rev = sqlite3_column_int64(stmt, 0), chat = sqlite3_column_int64(stmt, 1);
    int64_t seq = sqlite3_column_int64(stmt, 2), ts = sqlite3_column_int64(stmt, 3);
    struct head *head;
    enum err err = heads_reserve(read, 1);
    if (err == OK)
        err = txn_head(s, read, chat, &head);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    struct totals totals = read->totals;
    totals.messages++;
    struct staged_head newest = {.chat = chat, .rev = rev, .ts = ts, .total = seq};
    newest.first = seq == 1 ? rev : head->first;
    heads_publish(read, &newest, 1, &totals, rev);
    return OK;
}

static enum err take_messages_after(struct sqlite_store *s, struct heads *read, int64_t rolled_rev)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_MESSAGES_AFTER);
    bind_int(stmt, 1, rolled_rev);
    enum err err;
    while ((err = db_row(&s->conn, stmt)) == OK) {
        err = take_message(s, read, stmt);
        if (err != OK)
            break;
    }
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err read_file(struct sqlite_store *s, struct heads *read, int64_t *rolled_messages)
{
    enum err err = meta_get(&s->conn, "rolled_rev", &read->last_rev);
    if (err == OK)
        err = counters_get(&s->conn, &read->totals);
    *rolled_messages = read->totals.messages;
    if (err == OK)
        err = load_heads(s, read);
    return err == OK ? take_messages_after(s, read, read->last_rev) : err;
}

enum err rollup_recover(struct sqlite_store *s)
{
    struct rollup *r = &s->roll;
    struct heads read;
    int64_t rolled_messages = 0;
    enum err err = heads_init(&read);
    if (err == OK)
        err = read_file(s, &read, &rolled_messages);
    if (err == OK) {
        heads_replace(&s->heads, &read);
        *r = (struct rollup){.chats = r->chats, .cap = r->cap, .rolled_messages = rolled_messages};
    }
    heads_fini(&read);
    if (err != OK)
        return err;
    int64_t behind = s->heads.totals.messages - rolled_messages;
    if (behind > 0) {
        log_info("store recovered", "messages=%lld", (long long)behind);
        err = rollup_all(s, 0);
    }
    r->ended_us = clock_mono_us();
    return err;
}
