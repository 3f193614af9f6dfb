/* A batch of the writer, as store.h asks for it. Of each message:
 *   1. sqlite_resolve_chats()  its chat's key, and whose the chat is, where the server's memory does not know them
 *   2. insert_message()        one row, which names the chat's head as the message before it; then it is the head itself
 *                              and its chat is opened, where that was closed and the customer writes
 *   3. sqlite_commit()         the rows of some other chats and some marks go along (rollup_with_commit,
 *                              marks_with_commit), then all is durable at once
 * Failures:
 *   the client's key was used before   nothing is inserted; the first message with that key is the answer
 *   the rev is not new                 a try whose answer was lost has stored the message, and all of its batch: it counts
 *                                      as stored, and totals are not added to again (sqlite_note_rev)
 *   a rule of the operator's own (an index, a check, a trigger) refuses a row: the message's own result says so, and the
 *   batch goes on where nothing of the message is in the transaction; otherwise the writer rolls back and goes on without it
 *   ERR_STORE                          the database failed: the writer rolls back and tries the whole batch again */
#include "sqlite_store.h"

#include "base/log.h"
#include "base/metrics.h"

/* ---- begin, commit, rollback ---- */

enum err sqlite_begin(struct store *store)
{
    struct sqlite_store *s = sqlite_store_of(store);
    if (s->watch.wrong)
        return ERR_STORE;
    enum err err = OK;
    if (!s->conn.db || s->conn.lost)
        err = sqlite_open_writer(s, NULL);
    if (err == OK)
        err = txn_begin(s);
    if (err == OK)
        return OK;
    sqlite_note_health(s);
    return err == ERR_NOMEM ? err : ERR_STORE; /* no op is at fault: none was tried */
}

enum err sqlite_commit(struct store *store)
{
    struct sqlite_store *s = sqlite_store_of(store);
    if (txn_wrote(s) && (rollup_with_commit(s) != OK || marks_with_commit(s) != OK || words_with_commit(s) != OK))
        return ERR_STORE; /* no op of this batch is at fault, whatever it is */
    enum err err = txn_commit(s);
    if (err != OK)
        return err; /* the caller rolls back */
    rollup_settle(s, true);
    marks_settle(s, true);
    words_settle(s, true);
    return OK;
}

void sqlite_rollback(struct store *store)
{
    struct sqlite_store *s = sqlite_store_of(store);
    txn_rollback(s);
    rollup_settle(s, false);
    marks_settle(s, false);
    words_settle(s, false);
}

/* An operator's trigger may have ended the transaction, and some failures do. */
bool sqlite_stands(struct store *store)
{
    return sqlite3_get_autocommit(sqlite_store_of(store)->conn.db) == 0;
}

/* ---- messages ---- */

static enum err resolve_chat(struct sqlite_store *s, struct new_message *m)
{
    metrics_add(M_STORE_READ_WRITER, 1);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_LINK);
    bind_text(stmt, 1, m->chat_id);
    enum err err = db_row(&s->conn, stmt);
    if (err == ERR_NOT_FOUND) {
        m->result = ERR_NOT_FOUND;
        return OK;
    }
    if (err != OK)
        return err;
    bool failed = false;
    m->link = (struct chat_link){
        .known = true,
        .chat_key = sqlite3_column_int64(stmt, 0),
        .customer_key = sqlite3_column_int64(stmt, 1),
        .flags = (uint8_t)sqlite3_column_int(stmt, 2),
        .customer_id = column_keep(stmt, 3, m->arena, &failed),
        .owner = column_keep(stmt, 7, m->arena, &failed),
        .owner_known = true,
    };
    struct head head = {.chat = m->link.chat_key, .customer = m->link.customer_key};
    head.rev = head.rolled = sqlite3_column_int64(stmt, 4);
    head.total = sqlite3_column_int64(stmt, 5);
    head.ts = sqlite3_column_int64(stmt, 6);
    db_reset(stmt);
    if (failed) {
        m->link.known = false;
        m->result = ERR_NOMEM;
        return OK;
    }
    struct head *slot;
    return heads_find(&s->heads, head.chat) ? OK : heads_add(&s->heads, &head, &slot);
}

enum err sqlite_resolve_chats(struct store *store, struct new_message *const *messages, size_t count)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < count; i++)
        if (!messages[i]->link.known)
            err = resolve_chat(sqlite_store_of(store), messages[i]);
    return err;
}

static void bind_optional(sqlite3_stmt *stmt, int at, struct slice value)
{
    if (value.len > 0)
        bind_text(stmt, at, value);
    else if (stmt)
        (void)sqlite3_bind_null(stmt, at);
}

/* The message's own columns, from the third parameter on. */
static void bind_content(sqlite3_stmt *stmt, const struct new_message *m)
{
    bind_int(stmt, 3, m->timestamp_us);
    bind_text(stmt, 4, m->role);
    bind_text(stmt, 5, m->text);
    bind_optional(stmt, 6, m->client_key);
}

/* The rev is not new. Either the file has this very message, from a try whose answer was lost, or the message is wrong. */
static enum err stored_before(struct sqlite_store *s, struct new_message *m)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_MESSAGE_SAME);
    bind_int(stmt, 1, m->rev);
    bind_int(stmt, 2, m->link.chat_key);
    bind_content(stmt, m);
    enum err err = db_row(&s->conn, stmt);
    db_reset(stmt);
    if (err != ERR_NOT_FOUND)
        return err;
    log_error("rev not new", "rev=%lld", (long long)m->rev);
    m->result = ERR_CONFLICT;
    return OK;
}

/* Nothing was inserted: the client sent this key before, and that message is the answer. */
static enum err take_first_of_key(struct sqlite_store *s, struct new_message *m)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_MESSAGE_BY_KEY);
    bind_int(stmt, 1, m->link.chat_key);
    bind_text(stmt, 2, m->client_key);
    enum err err = db_row(&s->conn, stmt);
    if (err == OK) {
        m->duplicate = true;
        m->rev = sqlite3_column_int64(stmt, 0);
        m->timestamp_us = sqlite3_column_int64(stmt, 1);
    }
    db_reset(stmt);
    if (err != ERR_NOT_FOUND)
        return err;
    m->result = ERR_CONFLICT; /* another index was in the way, which an operator has added */
    return OK;
}

static enum err insert_row(struct sqlite_store *s, const struct new_message *m, const struct staged_head *chat)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_MESSAGE_INSERT);
    bind_int(stmt, 1, m->rev);
    bind_int(stmt, 2, chat->chat);
    bind_content(stmt, m);
    bind_int(stmt, 7, chat->rev);
    bind_int(stmt, 8, chat->total + 1);
    bind_int(stmt, 9, m->via_widget);
    bind_optional(stmt, 10, m->agent_id);
    bind_optional(stmt, 11, m->agent_name);
    return db_run(&s->conn, stmt);
}

static enum err add_flags(struct sqlite_store *s, const struct new_message *m)
{
    unsigned missing = chat_flags_of_role(m->role) & ~(unsigned)m->link.flags;
    if (missing == 0)
        return OK;
    metrics_add(M_STORE_WRITE_CHAT, 1);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_ADD_FLAGS);
    bind_int(stmt, 1, m->link.chat_key);
    bind_int(stmt, 2, missing);
    return db_run(&s->conn, stmt);
}

/* The customer has something to say in a closed chat. Where an earlier message of this batch has opened it, nothing is left
 * to do. Where the message is stored already (stored_before), what its first try found out stands. */
static enum err reopen(struct sqlite_store *s, struct new_message *m)
{
    m->reopened = false;
    if (!(m->link.flags & CHAT_CLOSED) || !slice_eq(m->role, SLICE_LIT(ROLE_USER)))
        return OK;
    metrics_add(M_STORE_WRITE_CHAT, 1);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_REOPEN);
    bind_int(stmt, 1, m->link.chat_key);
    bind_int(stmt, 2, m->rev);
    bind_int(stmt, 3, m->timestamp_us);
    enum err err = db_run(&s->conn, stmt);
    m->reopened = err == OK && sqlite3_changes(s->conn.db) > 0;
    return err;
}

/* The failure is this message's own: it becomes its result. The batch goes on where the transaction still stands and has
 * nothing of the message (unchanged). */
static enum err refuse(struct sqlite_store *s, struct new_message *m, enum err err, bool unchanged)
{
    if (err == ERR_STORE)
        return err;
    m->result = err;
    return unchanged && sqlite_stands(&s->base) ? OK : err;
}

static enum err insert_message(struct sqlite_store *s, struct new_message *m)
{
    struct head *head;
    struct staged_head *chat;
    enum err err = txn_head(s, &s->heads, m->link.chat_key, &head);
    if (err == ERR_NOT_FOUND) {
        m->result = ERR_NOT_FOUND;
        return OK;
    }
    if (err == OK)
        err = txn_stage(s, head, &chat);
    if (err != OK)
        return err;
    sqlite_note_rev(s, m->rev);
    if (m->rev <= s->last_rev_after)
        return stored_before(s, m);
    err = insert_row(s, m, chat);
    if (err != OK)
        return refuse(s, m, err, true);
    if (sqlite3_changes(s->conn.db) == 0)
        return take_first_of_key(s, m);
    chat->rev = s->last_rev_after = m->rev;
    chat->ts = m->timestamp_us;
    if (++chat->total == 1)
        chat->first = m->rev;
    s->totals_after.messages++;
    metrics_add(M_STORE_INSERT_MESSAGE, 1);
    err = add_flags(s, m);
    if (err == OK)
        err = reopen(s, m);
    return err == OK ? OK : refuse(s, m, err, false);
}

enum err sqlite_insert_messages(struct store *store, struct new_message *const *messages, size_t count)
{
    struct sqlite_store *s = sqlite_store_of(store);
    enum err err = heads_reserve(&s->heads, s->staged_count + count);
    for (size_t i = 0; err == OK && i < count; i++)
        if (messages[i]->result == OK)
            err = insert_message(s, messages[i]);
    return err;
}

/* ---- totals ---- */

enum err sqlite_add_totals(struct store *store, const struct totals *delta)
{
    struct sqlite_store *s = sqlite_store_of(store);
    if (s->replayed)
        return OK;
    /* Messages are counted where they are inserted, so that one stored by an unclear try is not counted again. */
    struct totals rest = *delta;
    rest.messages = 0;
    return counters_add(&s->conn, &rest, &s->totals_after);
}
