/* The words by which customers are searched (chat/words.h), one row each: customer_words(word, customer).
 * A new customer costs no more than before: its words fall on as many pages as there are words, so they follow later, when the
 * writer rests. meta.words_upto says up to which customer they are there; a search reads the rows behind it as they are. So
 * nothing is ever missing, and a database that had no words yet is filled in the same way, while it serves.
 *   1. words_before() and words_after() an update of a customer's row: what has its words already keeps them in step at once
 *   2. words_fill()        the next few customers, in a transaction of its own while nothing is queued
 *   3. words_with_commit() a few with each commit, where the writer never rests and many are behind
 *   4. words_settle()      after each of those transactions: words_upto in memory follows the file
 * Failures: what was rolled back comes again with the next transaction. */
#include "sqlite_store.h"

#include "base/log.h"

#define OWN_CUSTOMERS   64   /* of one transaction of our own: a few milliseconds */
#define SHARE_CUSTOMERS 16   /* of one commit, and one more for each customer that it adds */
#define LATE_CUSTOMERS  4096 /* behind: a search reads so many rows in some milliseconds */
#define QUIET_CUSTOMERS 256  /* behind: so few wait for a quiet moment */

int64_t words_behind(const struct sqlite_store *s)
{
    return s->words.newest > s->words.upto ? s->words.newest - s->words.upto : 0;
}

bool words_are_due(const struct sqlite_store *s, bool quiet)
{
    return words_behind(s) > (quiet ? 0 : QUIET_CUSTOMERS);
}

enum err words_open(struct sqlite_store *s)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CUSTOMER_NEWEST);
    enum err err = db_row(&s->conn, stmt);
    int64_t newest = err == OK ? sqlite3_column_int64(stmt, 0) : 0;
    db_reset(stmt);
    s->words = (struct words_state){.newest = newest};
    if (err == OK)
        err = meta_get(&s->conn, "words_upto", &s->words.upto);
    s->words.upto_staged = s->words.upto;
    if (err == OK && words_behind(s) > LATE_CUSTOMERS)
        log_info("store words", "customers=%lld: made searchable while it serves", (long long)words_behind(s));
    return err;
}

static enum err change_word(struct sqlite_store *s, enum sql_id how, struct slice word, int64_t customer)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, how);
    bind_text(stmt, 1, word);
    bind_int(stmt, 2, customer);
    return db_run(&s->conn, stmt);
}

/* Those of `from` that `beside` has not. */
static enum err change_words(struct sqlite_store *s, enum sql_id how, const struct words *from,
                             const struct words *beside, int64_t customer)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < from->count; i++)
        if (!words_have(beside, from->items[i]))
            err = change_word(s, how, from->items[i], customer);
    return err;
}

enum err words_before(struct sqlite_store *s, struct slice oid, struct words *out)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CUSTOMER_NAMED);
    bind_text(stmt, 1, oid);
    enum err err = db_row(&s->conn, stmt);
    *out = (struct words){.count = 0};
    if (err == OK)
        words_of_customer(out, column_slice(stmt, 0), column_slice(stmt, 1));
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err words_after(struct sqlite_store *s, const struct customer *u, const struct words *before)
{
    if (u->key > s->words.newest) {
        s->words.newest = u->key;
        s->words.added++;
    }
    if (u->key > s->words.upto_staged)
        return OK;
    struct words now;
    words_of_customer(&now, u->name, u->email);
    enum err err = change_words(s, SQL_WORD_REMOVE, before, &now, u->key);
    return err == OK ? change_words(s, SQL_WORD_ADD, &now, before, u->key) : err;
}

/* In the open transaction: the next `most` customers. */
static enum err add_some(struct sqlite_store *s, int64_t most)
{
    static const struct words none = {.count = 0};
    struct words w;
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CUSTOMERS_AFTER);
    bind_int(stmt, 1, s->words.upto_staged);
    bind_int(stmt, 2, most);
    int64_t taken = 0, last = s->words.upto_staged;
    enum err err;
    while ((err = db_row(&s->conn, stmt)) == OK) {
        last = sqlite3_column_int64(stmt, 0);
        words_of_customer(&w, column_slice(stmt, 1), column_slice(stmt, 2));
        err = change_words(s, SQL_WORD_ADD, &w, &none, last);
        if (err != OK)
            break;
        taken++;
    }
    db_reset(stmt);
    if (err != ERR_NOT_FOUND)
        return err;
    s->words.upto_staged = taken < most ? s->words.newest : last;
    return meta_put(&s->conn, "words_upto", s->words.upto_staged);
}

enum err words_with_commit(struct sqlite_store *s)
{
    return words_behind(s) > LATE_CUSTOMERS ? add_some(s, SHARE_CUSTOMERS + s->words.added) : OK;
}

void words_settle(struct sqlite_store *s, bool committed)
{
    if (committed)
        s->words.upto = s->words.upto_staged;
    s->words.upto_staged = s->words.upto;
    s->words.added = 0;
}

enum err words_fill(struct sqlite_store *s)
{
    enum err err = txn_begin(s);
    if (err == OK)
        err = add_some(s, OWN_CUSTOMERS);
    if (err == OK)
        err = txn_commit(s);
    if (err != OK)
        txn_rollback(s);
    words_settle(s, err == OK);
    return err;
}
