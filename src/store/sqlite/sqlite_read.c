#include "sqlite_store.h"

#include "base/log.h"
#include "base/metrics.h"
#include "store/ident.h"

#include <stdio.h>
#include <stdlib.h>

#define OVERVIEW_ROWS 100

struct sqlite_store *reader_store(struct store_reader *r)
{
    return sqlite_store_of(r->store);
}

static enum err open_connection(struct sqlite_reader *r)
{
    const struct sqlite_store *s = reader_store(&r->base);
    struct db_options options = s->options;
    options.cache_kib = s->reader_cache_kib;
    if (!sqlite_watch_same_file(s))
        return ERR_STORE; /* another file is there now; the writer says so */
    return db_open(&r->conn, CONN_READER, &options, NULL);
}

enum err sqlite_reader_open(struct store *store, struct store_reader **out)
{
    struct sqlite_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    r->base = (struct store_reader){.vtable = store->vtable, .store = store};
    arena_init(&r->scratch, 0);
    enum err err = open_connection(r);
    if (err != OK) {
        free(r);
        return err;
    }
    *out = &r->base;
    return OK;
}

void sqlite_reader_close(struct store_reader *reader)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    db_close(&r->conn);
    arena_fini(&r->scratch);
    free(r);
}

/* ---- what every read begins and ends with ---- */

enum err reader_begin(struct sqlite_reader *r)
{
    metrics_add(M_STORE_READ, 1);
    arena_reset(&r->scratch);
    if (r->conn.db && !r->conn.lost)
        return OK;
    return open_connection(r);
}

enum err reader_snapshot(struct sqlite_reader *r)
{
    return db_run_id(&r->conn, SQL_BEGIN_READ);
}

enum err reader_end(struct sqlite_reader *r, enum err err)
{
    if (r->conn.db && !sqlite3_get_autocommit(r->conn.db))
        db_rollback(&r->conn); /* nothing was written: the cheaper end */
    if (err == ERR_STORE)
        metrics_add(M_STORE_ERROR, 1);
    return err;
}

static enum err find_customer(void *arg, enum customer_by by, struct slice value, struct customer *out)
{
    struct sqlite_reader *r = arg;
    return row_find_customer(&r->conn, by, value, &r->scratch, out);
}

/* ---- chats with what memory knows of them ---- */

struct chat_list {
    struct head *heads; /* .chat set; the rest from memory */
    struct mark *marks; /* the same */
    struct chat_row *rows;
    size_t count;
};

/* The keys that stmt yields, in its order. */
static enum err read_chat_keys(struct sqlite_reader *r, sqlite3_stmt *stmt, struct chat_list *list)
{
    size_t cap = 0;
    enum err err;
    *list = (struct chat_list){0};
    while ((err = db_row(&r->conn, stmt)) == OK) {
        list->heads = arena_grow(&r->scratch, list->heads, list->count, &cap, sizeof(*list->heads));
        if (!list->heads) {
            db_reset(stmt);
            return ERR_NOMEM;
        }
        list->heads[list->count++] = (struct head){.chat = sqlite3_column_int64(stmt, 0)};
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

/* What memory knows of them: before the snapshot (sqlite_store.h says why). */
static enum err read_chat_memory(struct sqlite_reader *r, struct chat_list *list)
{
    struct sqlite_store *s = reader_store(&r->base);
    list->marks = arena_alloc(&r->scratch, (list->count + 1) * sizeof(*list->marks));
    if (!list->marks)
        return ERR_NOMEM;
    for (size_t i = 0; i < list->count; i++)
        list->marks[i].chat = list->heads[i].chat;
    marks_get(&s->marks, list->marks, list->count);
    heads_get(&s->heads, list->heads, list->count);
    return OK;
}

/* Their rows, with what memory knows; strings in a. */
static enum err read_chat_rows(struct sqlite_reader *r, struct chat_list *list, struct arena *a)
{
    list->rows = arena_alloc(&r->scratch, (list->count + 1) * sizeof(*list->rows));
    enum err err = list->rows ? OK : ERR_NOMEM;
    for (size_t i = 0; err == OK && i < list->count; i++) {
        sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CHAT_BY_KEY);
        bind_int(stmt, 1, list->heads[i].chat);
        err = db_row(&r->conn, stmt);
        if (err == OK)
            err = row_chat(stmt, a, &list->rows[i]);
        db_reset(stmt);
        if (err != OK)
            break;
        chat_row_overlay(&list->rows[i], &list->heads[i]);
        mark_overlay(&list->marks[i], &list->rows[i].chat);
    }
    return err == ERR_NOT_FOUND ? ERR_STORE : err; /* chats are never deleted */
}

/* ---- one customer whole ---- */

static enum err broken_chain(const struct chat_row *row)
{
    log_error("store failed", "store=sqlite chat=%.*s error=\"its messages do not link up\"",
              SLICE_ARG(row->chat.chat_id));
    return ERR_STORE;
}

/* Walks back from the newest; revs[0] is the oldest. */
static enum err read_chain(struct sqlite_reader *r, const struct chat_row *row, int64_t *revs)
{
    int64_t rev = row->head;
    for (int64_t i = row->chat.total_messages; i > 0; i--) {
        revs[i - 1] = rev;
        sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_MESSAGE_PREV);
        bind_int(stmt, 1, rev);
        enum err err = db_row(&r->conn, stmt);
        rev = err == OK ? sqlite3_column_int64(stmt, 0) : 0;
        db_reset(stmt);
        if (err != OK)
            return err == ERR_NOT_FOUND ? broken_chain(row) : err;
    }
    return rev == 0 ? OK : broken_chain(row);
}

static enum err read_message(struct sqlite_reader *r, int64_t rev, const struct load_sink *sink)
{
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_MESSAGE_ROW);
    bind_int(stmt, 1, rev);
    enum err err = db_row(&r->conn, stmt);
    struct message message;
    if (err == OK)
        err = row_message(stmt, rev, NULL, &message);
    if (err == OK)
        err = sink->message(sink->arg, &message);
    db_reset(stmt);
    return err;
}

static enum err load_chat(struct sqlite_reader *r, const struct chat_row *row, const struct load_sink *sink)
{
    enum err err = sink->chat(sink->arg, &row->chat);
    if (err != OK || row->head == 0)
        return err;
    if (row->chat.total_messages <= 0 || (uint64_t)row->chat.total_messages > SIZE_MAX / sizeof(int64_t))
        return broken_chain(row);
    size_t count = (size_t)row->chat.total_messages;
    int64_t *revs = malloc(count * sizeof(*revs));
    if (!revs)
        return ERR_NOMEM;
    err = read_chain(r, row, revs);
    for (size_t i = 0; err == OK && i < count; i++)
        err = read_message(r, revs[i], sink);
    free(revs);
    return err;
}

static enum err load_customer_row(struct sqlite_reader *r, int64_t key, const struct chat_list *chats,
                                  const struct load_sink *sink)
{
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMER_BY_KEY);
    bind_int(stmt, 1, key);
    enum err err = db_row(&r->conn, stmt);
    struct customer customer;
    if (err == OK)
        err = row_customer(stmt, NULL, &customer);
    for (size_t i = 0; err == OK && i < chats->count; i++) {
        const struct chat_row *row = &chats->rows[i];
        if (row->head > customer.rev)
            customer.rev = row->head;
        if (row->head > 0 && row->chat.last_activity_us > customer.activity_us)
            customer.activity_us = row->chat.last_activity_us;
    }
    if (err == OK) {
        customer.chat_count = (int64_t)chats->count;
        err = sink->customer(sink->arg, &customer);
    }
    db_reset(stmt);
    return err;
}

/* The keys of the chats first, then what memory knows of them, then the snapshot. */
static enum err load_customer(struct sqlite_reader *r, struct slice ident, const struct load_sink *sink)
{
    struct customer named;
    enum err err = ident_find(find_customer, r, ident, &named);
    if (err != OK)
        return err;
    struct chat_list chats;
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CHATS_OF_CUSTOMER);
    bind_int(stmt, 1, named.key);
    err = read_chat_keys(r, stmt, &chats);
    if (err == OK)
        err = read_chat_memory(r, &chats);
    if (err == OK)
        err = reader_snapshot(r);
    if (err == OK)
        err = read_chat_rows(r, &chats, &r->scratch);
    if (err == OK)
        err = load_customer_row(r, named.key, &chats, sink);
    for (size_t i = 0; err == OK && i < chats.count; i++)
        err = load_chat(r, &chats.rows[i], sink);
    return err;
}

enum err sqlite_load_customer(struct store_reader *reader, struct slice ident, const struct load_sink *sink)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    enum err err = reader_begin(r);
    return reader_end(r, err == OK ? load_customer(r, ident, sink) : err);
}

/* ---- one row ---- */

enum err sqlite_read_customer(struct store_reader *reader, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    enum err err = reader_begin(r);
    return reader_end(r, err == OK ? row_find_customer(&r->conn, by, value, a, out) : err);
}

static enum err read_chat(struct sqlite_reader *r, struct slice chat_id, struct arena *a, struct chat *out)
{
    struct chat_list one;
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CHAT_KEY);
    bind_text(stmt, 1, chat_id);
    enum err err = read_chat_keys(r, stmt, &one);
    if (err == OK && one.count == 0)
        return ERR_NOT_FOUND;
    if (err == OK)
        err = read_chat_memory(r, &one);
    if (err == OK)
        err = read_chat_rows(r, &one, a);
    if (err == OK)
        *out = one.rows[0].chat;
    return err;
}

enum err sqlite_read_chat(struct store_reader *reader, struct slice chat_id, struct arena *a, struct chat *out)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    enum err err = reader_begin(r);
    return reader_end(r, err == OK ? read_chat(r, chat_id, a, out) : err);
}

enum err sqlite_read_totals(struct store_reader *reader, struct totals *out)
{
    heads_totals(&reader_store(reader)->heads, out); /* kept in step by every commit: nothing to ask */
    return OK;
}

/* ---- the overview ---- */

static enum err overview_message(struct sqlite_reader *r, int64_t rev, struct arena *a, struct message *out, bool *has)
{
    if (rev == 0)
        return OK;
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_MESSAGE_ROW);
    bind_int(stmt, 1, rev);
    enum err err = db_row(&r->conn, stmt);
    if (err == OK)
        err = row_message(stmt, rev, a, out);
    db_reset(stmt);
    *has = err == OK;
    return err == ERR_NOT_FOUND ? ERR_STORE : err;
}

/* MongoDB has an _id of its own for a chat's document; here the row's number takes its place. */
static enum err row_id(int64_t key, struct arena *a, struct slice *out)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)key);
    *out = arena_slice(a, slice_of(text, (size_t)len));
    return out->ptr ? OK : ERR_NOMEM;
}

static enum err overview_chats(struct sqlite_reader *r, const struct chat_list *list, struct arena *a,
                               struct overview *out)
{
    out->chats = arena_zalloc(a, (list->count + 1) * sizeof(*out->chats));
    enum err err = out->chats ? OK : ERR_NOMEM;
    for (size_t i = 0; err == OK && i < list->count; i++) {
        const struct chat_row *row = &list->rows[i];
        struct overview_chat *chat = &out->chats[i];
        chat->chat = row->chat;
        chat->messages = row->chat.total_messages;
        err = row_id(row->chat.key, a, &chat->row_id);
        if (err == OK)
            err = overview_message(r, row->first, a, &chat->first, &chat->has_first);
        if (err == OK)
            err = overview_message(r, row->head, a, &chat->last, &chat->has_last);
        out->chat_count = i + 1;
    }
    return err;
}

static enum err overview_customers(struct sqlite_reader *r, struct arena *a, struct overview *out)
{
    out->customers = arena_alloc(a, OVERVIEW_ROWS * sizeof(*out->customers));
    if (!out->customers)
        return ERR_NOMEM;
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMERS_FIRST);
    bind_int(stmt, 1, OVERVIEW_ROWS);
    enum err err;
    while ((err = db_row(&r->conn, stmt)) == OK) {
        err = row_customer(stmt, a, &out->customers[out->customer_count]);
        if (err != OK)
            break;
        out->customer_count++;
    }
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err database_name(const char *path, struct arena *a, struct slice *out)
{
    const char *slash = strrchr(path, '/');
    *out = arena_slice(a, slice_cstr(slash ? slash + 1 : path));
    return out->ptr ? OK : ERR_NOMEM;
}

static enum err read_overview(struct sqlite_reader *r, struct arena *a, struct overview *out)
{
    struct chat_list chats;
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CHATS_FIRST);
    bind_int(stmt, 1, OVERVIEW_ROWS);
    enum err err = read_chat_keys(r, stmt, &chats);
    if (err == OK)
        err = read_chat_memory(r, &chats);
    if (err == OK)
        err = reader_snapshot(r);
    if (err == OK)
        err = read_chat_rows(r, &chats, a);
    if (err == OK)
        err = overview_customers(r, a, out);
    return err == OK ? overview_chats(r, &chats, a, out) : err;
}

enum err sqlite_overview(struct store_reader *reader, struct arena *a, struct overview *out)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    *out = (struct overview){0};
    enum err err = reader_begin(r);
    if (err == OK)
        err = database_name(reader_store(reader)->path, a, &out->database_name);
    if (err == OK)
        err = read_overview(r, a, out);
    return reader_end(r, err);
}
