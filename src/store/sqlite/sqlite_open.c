/* The writer's connection, opened for the first time or again after it was lost:
 *   1. the watch says whether the names still lead to our files (again only)
 *   2. db_open() connects; the old connection is closed once the new one stands
 *   3. read_file() brings the tables up to this version, and memory to what the file has: tag, highest rev, totals, heads
 *   4. the roll-up writes the rows that a crash has left behind (rollup_recover)
 * Failures: whatever fails leaves the connection lost, so that the next begin() starts again from 1. */
#include "sqlite_store.h"

static int note_frames(void *arg, sqlite3 *db, const char *schema, int frames)
{
    (void)db;
    (void)schema;
    struct sqlite_store *s = arg;
    s->log_frames = frames;
    if (s->checkpointer)
        checkpointer_committed(s->checkpointer, frames);
    return SQLITE_OK;
}

static enum err read_tag(struct sqlite_store *s)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_META_GET);
    bind_text(stmt, 1, SLICE_LIT("tag"));
    enum err err = db_row(&s->conn, stmt);
    if (err == OK && sqlite3_column_bytes(stmt, 0) == (int)sizeof(s->tag))
        memcpy(s->tag, sqlite3_column_blob(stmt, 0), sizeof(s->tag));
    else
        err = ERR_STORE;
    db_reset(stmt);
    return err;
}

enum err sqlite_max_rev(struct sqlite_store *s, int64_t *rev)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_MAX_REV);
    enum err err = db_row(&s->conn, stmt);
    if (err == OK)
        *rev = sqlite3_column_int64(stmt, 0);
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? ERR_STORE : err;
}

static enum err read_file(struct sqlite_store *s, struct buf *why)
{
    enum err err = schema_migrate(&s->conn, &sqlite_schema, why);
    if (err == OK)
        err = read_tag(s);
    if (err == OK)
        err = sqlite_max_rev(s, &s->opened_rev);
    if (err == OK)
        err = words_open(s);
    return err == OK ? rollup_recover(s) : err;
}

enum err sqlite_open_writer(struct sqlite_store *s, struct buf *why)
{
    if (!sqlite_watch_before_reopen(s, why))
        return ERR_STORE;
    enum err err = db_open(&s->conn, CONN_WRITER, &s->options, why);
    if (err != OK)
        return err;
    (void)sqlite3_wal_hook(s->conn.db, note_frames, s);
    sqlite_watch_opened(s);
    struct buf sentence = {0};
    err = read_file(s, &sentence);
    if (err != OK && why)
        buf_printf(why, "%s: %s", s->path,
                   sentence.len > 0   ? buf_cstr(&sentence)
                   : err == ERR_NOMEM ? "out of memory"
                                      : s->conn.error_text);
    s->conn.lost = err != OK;
    buf_fini(&sentence);
    return err;
}
