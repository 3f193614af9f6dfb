#include "sqlite_conn.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>

#define LOG_AGAIN_US     5000000
#define PREPARE_FOR_LIFE SQLITE_PREPARE_PERSISTENT

#define SQL_TEXT(id, text) [id] = (text),
static const char *const statements[SQL_COUNT] = {SQL_STATEMENTS(SQL_TEXT)};

/* Before SQLite's first use in this process: its memory statistics take a global lock in every malloc. */
static void configure_sqlite(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Whose fault it is, as store.h sorts it: the values that a statement was given, or the database. */
static enum err sort_code(int code)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT: /* an index, a check or a trigger that an operator has added: ours never refuse */
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? ERR_CONFLICT : ERR_REFUSED;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_MISMATCH:
        return ERR_REFUSED;
    default:
        return ERR_STORE;
    }
}

enum err db_failed(struct sqlite_conn *c, const char *doing)
{
    int code = c->db ? sqlite3_extended_errcode(c->db) : SQLITE_NOMEM;
    enum err verdict = sort_code(code);
    int64_t now = clock_mono_us();
    snprintf(c->error_text, sizeof(c->error_text), "%s", c->db ? sqlite3_errmsg(c->db) : "out of memory");
    if (code != c->error || now - c->logged_us > LOG_AGAIN_US) {
        c->logged_us = now;
        log_error("store failed", "store=sqlite doing=\"%s\" code=%d error=\"%s\"", doing, code, c->error_text);
    }
    c->error = code;
    if (verdict != ERR_STORE)
        return verdict;
    c->failed = true;
    int primary = code & 0xff;
    c->lost |=
        primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_CANTOPEN;
    return verdict;
}

enum err db_exec(struct sqlite_conn *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : db_failed(c, "exec");
}

static enum err set_pragmas(struct sqlite_conn *c, enum db_kind kind, const struct db_options *options)
{
    char sql[512];
    /* No mmap: a failing disk would be a SIGBUS instead of an error, and reads are the rare path. Checkpoints are ours
     * (sqlite_checkpoint.c). foreign_keys guards chats → customers; messages declare none, it would cost a read each. */
    snprintf(sql, sizeof(sql),
             "PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; "
             "PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = %s; PRAGMA foreign_keys = %s; "
             "PRAGMA journal_size_limit = %d; PRAGMA query_only = %s;",
             options->cache_kib, options->durable ? "FULL" : "OFF", kind == CONN_WRITER ? "ON" : "OFF", LOG_FILE_LIMIT,
             kind == CONN_READER ? "ON" : "OFF");
    return db_exec(c, sql);
}

/* Also the first read of the file: what is not a database is found out here. */
static enum err set_wal(struct sqlite_conn *c)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) != SQLITE_OK)
        return db_failed(c, "journal mode");
    int rc = sqlite3_step(stmt);
    bool wal = rc == SQLITE_ROW && slice_eq(column_slice(stmt, 0), SLICE_LIT("wal"));
    enum err err = rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : db_failed(c, "journal mode");
    sqlite3_finalize(stmt);
    if (err == OK && !wal) { /* a filesystem without shared memory */
        log_error("store failed", "store=sqlite error=\"the filesystem does not support WAL\"");
        snprintf(c->error_text, sizeof(c->error_text), "the filesystem does not support SQLite's WAL");
        err = ERR_STORE;
    }
    return err;
}

static enum err connect_to_file(struct sqlite_conn *c, enum db_kind kind, const struct db_options *options)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= kind == CONN_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(options->path, &c->db, flags, NULL) != SQLITE_OK)
        return db_failed(c, "open");
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_busy_timeout(c->db, CONN_BUSY_MS);
    /* Only the writer knows whether the log may be moved when the last connection closes (sqlite_watch.h). */
    if (kind != CONN_WRITER)
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    enum err err = set_pragmas(c, kind, options);
    return err == OK && kind == CONN_WRITER ? set_wal(c) : err;
}

/* The old connection is closed only after the new one stands, because closing the last one would drop the log's index (-shm).
 * The next to open would build it from the log, and take for committed what a failing disk has refused but left in the
 * log: messages that were answered as failed would be there all the same. */
enum err db_open(struct sqlite_conn *c, enum db_kind kind, const struct db_options *options, struct buf *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, configure_sqlite) == 0);
    struct sqlite_conn fresh = {.logged_us = c->logged_us, .error = c->error, .failed = c->failed};
    enum err err = connect_to_file(&fresh, kind, options);
    if (err == OK) {
        db_close(c);
        *c = fresh;
        return OK;
    }
    if (why)
        buf_printf(why, "%s: %s", options->path, fresh.error_text);
    db_close(&fresh);
    c->logged_us = fresh.logged_us;
    c->error = fresh.error;
    c->failed = c->lost = true;
    memcpy(c->error_text, fresh.error_text, sizeof(c->error_text));
    return err;
}

void db_close(struct sqlite_conn *c)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(c->stmts[i]);
        c->stmts[i] = NULL;
    }
    if (c->db && sqlite3_close(c->db) != SQLITE_OK)
        must(false); /* every statement of this connection is in its table */
    c->db = NULL;
}

sqlite3_stmt *db_stmt(struct sqlite_conn *c, enum sql_id id)
{
    if (!c->stmts[id] && c->db)
        (void)sqlite3_prepare_v3(c->db, statements[id], -1, PREPARE_FOR_LIFE, &c->stmts[id], NULL);
    return c->stmts[id];
}

/* Binding fails only without memory or on a NULL statement, and then running the statement fails too: a parameter that was
 * not bound is NULL, and the columns are NOT NULL. */
void bind_int(sqlite3_stmt *stmt, int at, int64_t value)
{
    if (stmt)
        (void)sqlite3_bind_int64(stmt, at, value);
}

void bind_text(sqlite3_stmt *stmt, int at, struct slice value)
{
    if (stmt)
        (void)sqlite3_bind_text64(stmt, at, value.ptr ? value.ptr : "", value.len, SQLITE_STATIC, SQLITE_UTF8);
}

enum err db_row(struct sqlite_conn *c, sqlite3_stmt *stmt)
{
    if (!stmt)
        return db_failed(c, "prepare");
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return OK;
    enum err err = rc == SQLITE_DONE ? ERR_NOT_FOUND : db_failed(c, sqlite3_sql(stmt));
    (void)sqlite3_reset(stmt);
    return err;
}

enum err db_run(struct sqlite_conn *c, sqlite3_stmt *stmt)
{
    enum err err;
    do
        err = db_row(c, stmt);
    while (err == OK);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err db_run_id(struct sqlite_conn *c, enum sql_id id)
{
    return db_run(c, db_stmt(c, id));
}

void db_reset(sqlite3_stmt *stmt)
{
    if (stmt)
        (void)sqlite3_reset(stmt);
}

void db_rollback(struct sqlite_conn *c)
{
    if (!c->db)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        db_reset(c->stmts[i]);
    /* Some failures (disk full, I/O) have rolled back already. */
    if (!sqlite3_get_autocommit(c->db) && db_run_id(c, SQL_ROLLBACK) != OK)
        c->lost = true;
}

struct slice column_slice(sqlite3_stmt *stmt, int at)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);
    return slice_of(text ? (const char *)text : "", text ? (size_t)sqlite3_column_bytes(stmt, at) : 0);
}

struct slice column_keep(sqlite3_stmt *stmt, int at, struct arena *a, bool *failed)
{
    struct slice s = column_slice(stmt, at);
    if (!a)
        return s;
    struct slice kept = arena_slice(a, s);
    *failed |= kept.ptr == NULL;
    return kept;
}
