#include "sqlite_store.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_CACHE_MB_DEFAULT 16
#define PAGE_CACHE_MB_MOST    65536
#define READER_CACHE_SHARE    2 /* a reader has half of the writer's */
#define MAINTAIN_US           1000000
#define QUIET_US              500000 /* without a commit: time for what would delay one */
#define QUIET_BUDGET_US       20000
#define PROBE_BYTES           65536
#define LOG_ROOM_BYTES        (20 << 20) /* what it grows to before a checkpoint lets it begin anew, and some */

/* ---- the URI: PATH[?option=value[&…]] ---- */

struct uri {
    struct slice path;
    bool durable;
    uint64_t page_cache_mb;
};

static enum err parse_option(struct slice name, struct slice value, struct uri *uri, struct buf *why)
{
    if (slice_eq(name, SLICE_LIT("durability"))) {
        uri->durable = !slice_eq(value, SLICE_LIT("none"));
        if (!uri->durable || slice_eq(value, SLICE_LIT("full")))
            return OK;
        buf_printf(why, "sqlite: durability must be full or none, not '%.*s'", SLICE_ARG(value));
        return ERR_INVALID;
    }
    if (slice_eq(name, SLICE_LIT("page_cache_mb"))) {
        if (slice_to_u64(value, &uri->page_cache_mb) && uri->page_cache_mb >= 1 &&
            uri->page_cache_mb <= PAGE_CACHE_MB_MOST)
            return OK;
        buf_printf(why, "sqlite: page_cache_mb must be 1 to %d, not '%.*s'", PAGE_CACHE_MB_MOST, SLICE_ARG(value));
        return ERR_INVALID;
    }
    buf_printf(why, "sqlite: unknown option '%.*s'; there are durability=full|none and page_cache_mb=N",
               SLICE_ARG(name));
    return ERR_INVALID;
}

static enum err parse_options(struct slice query, struct uri *uri, struct buf *why)
{
    enum err err = OK;
    for (struct slice option, name; err == OK && slice_take(&query, '&', &option);) {
        (void)slice_take(&option, '=', &name);
        err = parse_option(name, option, uri, why);
    }
    return err;
}

static enum err parse_uri(struct slice text, struct uri *uri, struct buf *why)
{
    struct slice path;
    (void)slice_take(&text, '?', &path);
    *uri = (struct uri){.path = path, .durable = true, .page_cache_mb = PAGE_CACHE_MB_DEFAULT};
    enum err err = parse_options(text, uri, why);
    if (err != OK)
        return err;
    if (path.len == 0 || path.len > 4000 || memchr(path.ptr, '\0', path.len)) {
        buf_append_lit(why, "sqlite: the path is missing or too long; write sqlite:PATH");
        return ERR_INVALID;
    }
    if (path.ptr[0] == ':') {
        buf_append_lit(why, "sqlite: a database in memory cannot be shared by threads; give a path, in /dev/shm if "
                            "nothing needs to last");
        return ERR_INVALID;
    }
    if (slice_starts(path, SLICE_LIT("//")) && !slice_starts(path, SLICE_LIT("///"))) {
        buf_append_lit(why, "sqlite: write sqlite:PATH, without the two slashes");
        return ERR_INVALID;
    }
    return OK;
}

/* ---- the database ---- */

/* What a start finds in the log may not be on the disk yet, where its fdatasync had failed before the server was killed. So
 * the log is moved into the database, and synced, before anything is answered. */
static enum err secure_log(struct sqlite_store *s, struct buf *why)
{
    if (sqlite3_wal_checkpoint_v2(s->conn.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        return OK;
    (void)db_failed(&s->conn, "checkpoint");
    buf_printf(why, "%s: %s", s->path, s->conn.error_text);
    return ERR_STORE;
}

static enum err open_database(struct sqlite_store *s, struct buf *why)
{
    enum err err = sqlite_open_writer(s, why);
    if (err == OK)
        err = secure_log(s, why);
    if (err != OK)
        return err;
    sqlite_make_log_room(s, LOG_ROOM_BYTES);
    err = checkpointer_start(&s->options, &s->checkpointer);
    if (err != OK)
        buf_printf(why, "%s: %s", s->path, err_text(err));
    return err;
}

/* ---- between batches ---- */

/* After a failure: can the file be written again? With as many bytes as a batch may have, since a disk that is full still
 * takes small changes. */
static enum err probe(struct sqlite_store *s)
{
    enum err err = sqlite_begin(&s->base);
    if (err != OK)
        return err;
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_META_PUT);
    bind_text(stmt, 1, SLICE_LIT("probe"));
    if (stmt)
        (void)sqlite3_bind_zeroblob(stmt, 2, PROBE_BYTES);
    err = db_run(&s->conn, stmt);
    if (err == OK)
        err = sqlite_commit(&s->base);
    if (err == OK)
        err = sqlite_begin(&s->base);
    if (err == OK) {
        stmt = db_stmt(&s->conn, SQL_META_DELETE);
        bind_text(stmt, 1, SLICE_LIT("probe"));
        err = db_run(&s->conn, stmt);
    }
    if (err == OK)
        err = sqlite_commit(&s->base);
    if (err != OK)
        sqlite_rollback(&s->base);
    return err;
}

static bool sqlite_maintain(struct store *store, int64_t now_mono_us, bool idle)
{
    struct sqlite_store *s = sqlite_store_of(store);
    if (now_mono_us - s->checked_us >= MAINTAIN_US) {
        s->checked_us = now_mono_us;
        sqlite_watch_look(s);
        sqlite_log_size_note(s, now_mono_us);
    }
    if (s->watch.wrong)
        return false;
    if (s->conn.failed || !s->conn.db) {
        if (idle)
            (void)probe(s);
        return false;
    }
    if (marks_write(s, now_mono_us, false) != OK || !idle)
        return false;
    bool quiet = now_mono_us - s->committed_us >= QUIET_US;
    bool more = words_are_due(s, quiet) && words_fill(s) == OK && words_are_due(s, false);
    if (!quiet || (s->heads.pending_count > 0 && rollup_all(s, QUIET_BUDGET_US) != OK))
        return more;
    if (s->checkpointer && s->log_frames > 0 && s->log_asked != s->log_frames) {
        s->log_asked = s->log_frames;
        checkpointer_ask(s->checkpointer);
    }
    return more;
}

static enum err sqlite_identity(struct store *store, int64_t *max_rev, uint8_t tag[5])
{
    struct sqlite_store *s = sqlite_store_of(store);
    memcpy(tag, s->tag, sizeof(s->tag));
    return sqlite_max_rev(s, max_rev);
}

static enum err sqlite_totals(struct store *store, struct totals *out)
{
    heads_totals(&sqlite_store_of(store)->heads, out);
    return OK;
}

/* ---- open and close ---- */

static void free_store(struct sqlite_store *s)
{
    db_close(&s->conn);
    heads_fini(&s->heads);
    marks_fini(&s->marks);
    sqlite_log_size_end(s);
    sqlite_watch_end(s);
    sqlite_unlock(s);
    (void)pthread_mutex_destroy(&s->health_lock);
    free(s->staged);
    free(s->new_chats);
    free(s->roll.chats);
    free(s->path);
    free(s);
}

static void sqlite_close(struct store *store)
{
    struct sqlite_store *s = sqlite_store_of(store);
    sqlite_watch_look(s);
    checkpointer_stop(s->checkpointer);
    s->checkpointer = NULL; /* the roll-up below goes on without it */
    bool well = s->conn.db && !s->conn.failed && !s->watch.wrong;
    if (well && marks_write(s, 0, true) != OK)
        log_warn("store closed", "what was read in the last two seconds is lost");
    if (well && rollup_all(s, 0) != OK)
        log_warn("store closed", "rows are behind; the next start brings them up to date");
    free_store(s); /* SQLite moves the log into the file when its last connection closes */
}

static const struct store_vtable vtable = {
    .kind = "sqlite",
    .time_grain_us = 1,
    .close = sqlite_close,
    .health = sqlite_health,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .stands = sqlite_stands,
    .resolve_chats = sqlite_resolve_chats,
    .insert_messages = sqlite_insert_messages,
    .find_chat = sqlite_find_chat,
    .find_customer = sqlite_find_customer,
    .put_customer = sqlite_put_customer,
    .insert_chat = sqlite_insert_chat,
    .set_chat_flags = sqlite_set_chat_flags,
    .put_chat = sqlite_put_chat,
    .set_mark = sqlite_set_mark,
    .add_totals = sqlite_add_totals,
    .maintain = sqlite_maintain,
    .identity = sqlite_identity,
    .totals = sqlite_totals,
    .reader_open = sqlite_reader_open,
    .reader_close = sqlite_reader_close,
    .read_customer = sqlite_read_customer,
    .load_customer = sqlite_load_customer,
    .recent_customers = sqlite_recent_customers,
    .search_customers = sqlite_search_customers,
    .read_chat = sqlite_read_chat,
    .list_chats = sqlite_list_chats,
    .overview = sqlite_overview,
    .read_totals = sqlite_read_totals,
    .changed_customers = sqlite_changed_customers,
};

static enum err new_store(const struct uri *uri, struct sqlite_store **out)
{
    struct sqlite_store *s = calloc(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    s->file_fd = s->lock_fd = -1;
    s->watch.log_fd = -1;
    (void)pthread_mutex_init(&s->health_lock, NULL);
    s->base = (struct store){.vtable = &vtable};
    /* "./": a name like file:x is a name, not one of SQLite's URIs. */
    if (asprintf(&s->path, "%s%.*s", uri->path.ptr[0] == '/' ? "" : "./", SLICE_ARG(uri->path)) < 0) {
        s->path = NULL;
        free_store(s);
        return ERR_NOMEM;
    }
    int cache_kib = (int)uri->page_cache_mb * 1024;
    s->options = (struct db_options){.path = s->path, .durable = uri->durable, .cache_kib = cache_kib};
    s->reader_cache_kib = cache_kib / READER_CACHE_SHARE;
    *out = s;
    return OK;
}

enum err store_sqlite_open(struct slice path, struct store **out, struct buf *why)
{
    struct uri uri;
    *out = NULL;
    enum err err = parse_uri(path, &uri, why);
    if (err != OK)
        return err;
    struct sqlite_store *s;
    err = new_store(&uri, &s);
    if (err != OK) {
        buf_append_lit(why, "out of memory");
        return err;
    }
    err = sqlite_lock(s, why);
    if (err == OK)
        err = heads_init(&s->heads);
    if (err == OK)
        err = marks_init(&s->marks);
    if (err == OK)
        err = open_database(s, why);
    if (err != OK) {
        free_store(s);
        return err;
    }
    if (!uri.durable)
        log_warn("store durability is off", "answers come before the disk has the data: for measurements only");
    if (!checkpoint_safe_by_itself(sqlite3_libversion_number()))
        log_info("store library",
                 "sqlite=%s advice=\"while the server runs, no other program may write or checkpoint this file; "
                 "reading it and .backup are safe (https://sqlite.org/wal.html#walresetbug)\"",
                 sqlite3_libversion());
    sqlite_note_health(s);
    *out = &s->base;
    return OK;
}

enum err store_sqlite_check(struct slice path, struct buf *why)
{
    struct uri uri;
    enum err err = parse_uri(path, &uri, why);
    return err == OK ? sqlite_check_file(uri.path, why) : err;
}
