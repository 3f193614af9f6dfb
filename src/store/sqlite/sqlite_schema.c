/* Why messages have no index by chat: with 1,000 chats written at once, each entry of such an index falls on another
 * page, and each page touched is written whole to the log. Measured (1,000 chats, 80-byte texts, 64 messages a
 * transaction): with the index 53,000 messages/s, without 200,000. So each message names the one before it in its
 * chat (prev), and a chat's row the newest (head): a history is read by walking back, one search by rowid each,
 * which is what reading through an index would cost too. A send appends one row and touches nothing else. */
#include "sqlite_schema.h"

#include "sqlite_sql.h"

#include "base/log.h"

#include <stdio.h>

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE meta("
    "  key TEXT PRIMARY KEY,"
    "  value"
    ") WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('tag', randomblob(5)), ('rolled_rev', 0), ('last_rev', 0);"

    /* Totals. 'messages' counts those up to meta.rolled_rev; the rest is counted at open. */
    "CREATE TABLE counters("
    "  name TEXT PRIMARY KEY,"
    "  value INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "INSERT INTO counters VALUES ('users', 0), ('chats', 0), ('messages', 0), ('chats_with_agent', 0),"
    "  ('chats_with_assistant', 0), ('chats_with_either', 0), ('users_with_chats', 0), ('users_with_owner', 0),"
    "  ('inbox_all', 0), ('inbox_agent_active', 0), ('inbox_agent_resolved', 0), ('inbox_my_chats', 0),"
    "  ('inbox_my_escalated', 0), ('inbox_my_resolved', 0);"

    /* rev: of the last change, messages of the customer's chats included; it orders by activity too. */
    "CREATE TABLE customers("
    "  id INTEGER PRIMARY KEY,"
    "  oid TEXT NOT NULL UNIQUE,"
    "  email TEXT NOT NULL,"
    "  user_ref TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  ip TEXT NOT NULL,"
    "  vibe TEXT NOT NULL,"
    "  category TEXT NOT NULL,"
    "  status TEXT NOT NULL,"
    "  owner TEXT NOT NULL,"
    "  last_chat TEXT NOT NULL,"
    "  timestamp TEXT NOT NULL,"
    "  location TEXT NOT NULL,"
    "  device TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  last_seen INTEGER NOT NULL,"
    "  visits INTEGER NOT NULL,"
    "  visit_duration REAL NOT NULL,"
    "  activity INTEGER NOT NULL,"
    "  rev INTEGER NOT NULL,"
    "  chat_count INTEGER NOT NULL"
    ");"
    "CREATE INDEX customers_email ON customers(email);"
    "CREATE INDEX customers_user_ref ON customers(user_ref) WHERE user_ref <> '';"
    "CREATE INDEX customers_rev ON customers(rev);"
    "CREATE INDEX customers_owner ON customers(owner, rev) WHERE owner <> '';"

    /* head, total, last_ts, first, activity_rev follow the messages by the roll-up (sqlite_rollup.c). */
    "CREATE TABLE chats("
    "  id INTEGER PRIMARY KEY,"
    "  chat_id TEXT NOT NULL UNIQUE,"
    "  user INTEGER NOT NULL REFERENCES customers(id),"
    "  status TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL,"
    "  rev INTEGER NOT NULL,"
    "  flags INTEGER NOT NULL,"
    "  activity_rev INTEGER NOT NULL,"
    "  head INTEGER NOT NULL DEFAULT 0,"
    "  first INTEGER NOT NULL DEFAULT 0,"
    "  total INTEGER NOT NULL DEFAULT 0,"
    "  last_ts INTEGER NOT NULL DEFAULT 0"
    ");"
    "CREATE INDEX chats_user ON chats(user);"
    "CREATE INDEX chats_activity ON chats(activity_rev);"

    /* prev: the rev of the message before it in its chat, 0 for the first; seq: 1 for the first. No column `read`:
     * how far it is read is the chat's (step 4). */
    "CREATE TABLE messages("
    "  rev INTEGER PRIMARY KEY,"
    "  chat INTEGER NOT NULL,"
    "  prev INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  ts INTEGER NOT NULL,"
    "  role TEXT NOT NULL,"
    "  text TEXT NOT NULL,"
    "  client_key TEXT"
    ");"
    "CREATE UNIQUE INDEX messages_client_key ON messages(chat, client_key) WHERE client_key IS NOT NULL;",

    /* 2: addresses are compared without case and blanks */
    ("CREATE INDEX customers_email_folded ON customers(" SQL_FOLDED("email") ");"),

    /* 3: what customers say without proof. messages.via: 0, or 1 for a role that a customer's own widget gave. */
    ("ALTER TABLE customers ADD COLUMN claimed_email TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE messages ADD COLUMN via INTEGER NOT NULL DEFAULT 0;"),

    /* 4: whose a chat is, up to where its sides have read (marks: sqlite_marks.c), which agent wrote a message. CHAT_CLOSED of
     * flags says what status says. */
    ("ALTER TABLE chats ADD COLUMN assigned_to TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE chats ADD COLUMN agents_read INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE chats ADD COLUMN customer_read INTEGER NOT NULL DEFAULT 0;"
     "UPDATE chats SET flags = flags | 8 WHERE status = 'closed';"
     "ALTER TABLE messages ADD COLUMN agent_id TEXT;"
     "ALTER TABLE messages ADD COLUMN agent_name TEXT;"),

    /* 5: searches. The words are filled in later (sqlite_words.c). A table of our own and not FTS5: as many words cost a
     * sixth of the time to add one by one, whole addresses are found by any beginning, and no build of SQLite lacks it. */
    ("CREATE TABLE customer_words("
     "  word TEXT NOT NULL,"
     "  customer INTEGER NOT NULL,"
     "  PRIMARY KEY (word, customer)"
     ") WITHOUT ROWID;"
     "INSERT INTO meta VALUES ('words_upto', 0);"
     "CREATE INDEX customers_section ON customers(category, status);"),
};

const struct schema sqlite_schema = {.steps = steps, .version = sizeof(steps) / sizeof(steps[0])};

static enum err read_number(struct sqlite_conn *c, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return db_failed(c, sql);
    enum err err = db_row(c, stmt);
    *out = err == OK ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err apply_steps(struct sqlite_conn *c, const struct schema *schema, int64_t from)
{
    for (int64_t i = from; i < schema->version; i++) {
        enum err err = db_exec(c, schema->steps[i]);
        if (err != OK)
            return err;
    }
    char sql[96];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
             schema->version);
    return db_exec(c, sql);
}

/* Inside the transaction, so that no other program changes the answers before the steps are made. */
static enum err check_and_apply(struct sqlite_conn *c, const struct schema *schema, struct buf *why)
{
    int64_t version = 0, application = 0, tables = 0;
    enum err err = read_number(c, "PRAGMA user_version", &version);
    if (err == OK)
        err = read_number(c, "PRAGMA application_id", &application);
    if (err == OK)
        err = read_number(c, "SELECT count(*) FROM sqlite_schema", &tables);
    if (err != OK)
        return err;
    if (application != APPLICATION_ID && (tables > 0 || version != 0)) {
        buf_append_lit(why, "it is the database of another program");
        return ERR_UNSUPPORTED;
    }
    if (version > schema->version) {
        buf_printf(why, "a newer sakurad wrote it (its schema is %lld, this sakurad knows up to %d)",
                   (long long)version, schema->version);
        return ERR_UNSUPPORTED;
    }
    if (version == schema->version)
        return OK;
    if (version > 0)
        log_info("store schema", "from=%lld to=%d", (long long)version, schema->version);
    return apply_steps(c, schema, version);
}

enum err schema_migrate(struct sqlite_conn *c, const struct schema *schema, struct buf *why)
{
    enum err err = db_exec(c, "BEGIN IMMEDIATE");
    if (err == OK)
        err = check_and_apply(c, schema, why);
    if (err == OK)
        err = db_exec(c, "COMMIT");
    if (err == ERR_STORE)
        buf_append_slice(why, slice_cstr(c->error_text));
    if (err != OK)
        db_rollback(c);
    return err;
}
