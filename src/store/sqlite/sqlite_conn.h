/* sqlite_conn.h: one connection to the database file, its prepared statements, its errors.
 * Thread:  one: the connection is opened without SQLite's own mutexes.
 * Owns:    the connection and its statements, until db_close().
 * Blocks:  on the disk, and up to CONN_BUSY_MS on another process's lock.
 * Fails:   after a line in the log with SQLite's words (never a stored value): ERR_STORE, calls after it try again, and
 *          conn->lost says that only a new connection can help; or, where a statement's values are at fault, as store.h
 *          says of an op. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "sqlite_sql.h"

#include <sqlite3.h>

#define CONN_BUSY_MS   2000
#define LOG_FILE_LIMIT (64 << 20) /* the file is cut to this when it is reset */

enum db_kind { CONN_WRITER, CONN_READER, CONN_CHECKPOINT };

struct db_options {
    const char *path;
    bool durable; /* false: synchronous=OFF */
    int cache_kib;
};

struct sqlite_conn {
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_COUNT]; /* prepared when first used */
    int error;                      /* SQLite's extended code of the last failure */
    bool failed;                    /* from a failure until the owner finds that it works again */
    bool lost;                      /* only a new connection can help */
    int64_t logged_us;              /* mono: the last line about a failure; a sick disk must not fill the log */
    char error_text[128];
};

/* Opens c, or opens it anew: what it was is closed only once the new connection stands, and stays where none can be had.
 * why (may be NULL) gets a sentence for the operator. */
NODISCARD enum err db_open(struct sqlite_conn *c, enum db_kind kind, const struct db_options *options, struct buf *why);
void db_close(struct sqlite_conn *c); /* accepts a zeroed one */

/* Notes and logs the failure that SQLite just reported, and sorts it. */
enum err db_failed(struct sqlite_conn *c, const char *doing);
/* One or more statements that return nothing, such as a migration. */
NODISCARD enum err db_exec(struct sqlite_conn *c, const char *sql);
/* The statement, ready to bind; NULL when it cannot be prepared: db_row() and db_run() then fail. */
sqlite3_stmt *db_stmt(struct sqlite_conn *c, enum sql_id id);
void bind_int(sqlite3_stmt *stmt, int at, int64_t value);
void bind_text(sqlite3_stmt *stmt, int at, struct slice value); /* borrowed until the statement is run; never NULL */
/* The next row: OK, ERR_NOT_FOUND past the last (the statement is then reset), or what db_failed() says. */
NODISCARD enum err db_row(struct sqlite_conn *c, sqlite3_stmt *stmt);
/* Runs to the end, rows or not, and resets. */
NODISCARD enum err db_run(struct sqlite_conn *c, sqlite3_stmt *stmt);
NODISCARD enum err db_run_id(struct sqlite_conn *c, enum sql_id id); /* one with no parameters */
void db_reset(sqlite3_stmt *stmt);                                   /* after reading only some of its rows */
void db_rollback(struct sqlite_conn *c);                             /* where a transaction is open */

struct slice column_slice(sqlite3_stmt *stmt, int at); /* valid until the next row or reset; ptr never NULL */
/* Copied into a; where a is NULL, as column_slice() has it. *failed is set where there is no memory. */
struct slice column_keep(sqlite3_stmt *stmt, int at, struct arena *a, bool *failed);
