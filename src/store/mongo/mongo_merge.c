#include "mongo_merge.h"

#include "bson_map.h"
#include "mongo_cursor.h"

#include <stdlib.h>

enum { STREAMS = 7 };

/* One kind of row: documents whose `time` is of that BSON type, sorted by it. type NULL: the rest, asked only when all
 * others have ended, since it needs a scan. */
static const struct stream_row {
    bool chats;
    const char *time, *type, *sort;
} customer_rows[STREAMS] = {
    {true, "last_activity", "date", "{\"last_activity\":-1}"},
    {true, "last_activity", "string", "{\"last_activity\":-1}"},
    {false, "last_activity", "date", "{\"last_activity\":-1}"},
    {false, "last_activity", "string", "{\"last_activity\":-1}"},
    {false, "last_seen", "date", "{\"last_seen\":-1}"}, /* where there is no last_activity */
    {false, "last_seen", "string", "{\"last_seen\":-1}"},
    {false, "created_at", NULL, "{\"_id\":-1}"},
};
static const struct stream_row chat_rows[] = {
    {true, "last_activity", "date", "{\"last_activity\":-1}"},
    {true, "last_activity", "string", "{\"last_activity\":-1}"},
    {true, "created_at", NULL, "{\"_id\":-1}"},
};

struct stream {
    const struct stream_row *row;
    mongoc_cursor_t *cursor;
    bool asked; /* the rest: its query was sent */
    bool ready; /* head is filled */
    struct mongo_merged head;
    int64_t time_us;
};

struct mongo_merge {
    const struct mongo_conn *conn;
    const bson_t *only;
    struct arena *arena;
    bool primary;
    int64_t most;
    size_t count;
    struct stream streams[STREAMS];
};

static bson_t *row_filter(const struct stream_row *row)
{
    bson_t *filter = BCON_NEW(row->time, "{", "$type", BCON_UTF8(row->type), "}");
    if (!row->chats && strcmp(row->time, "last_seen") == 0)
        BSON_APPEND_NULL(filter, "last_activity");
    return filter;
}

/* What is in none of the other streams. */
static bson_t *rest_filter(const struct mongo_merge *m, bool chats)
{
    struct bson_array none;
    array_begin(&none, bson_new(), "$nor");
    for (size_t i = 0; i < m->count; i++) {
        const struct stream_row *row = m->streams[i].row;
        if (row->chats == chats && row->type)
            array_add(&none, row_filter(row));
    }
    return array_end(&none);
}

static mongoc_cursor_t *ask(struct mongo_merge *m, const struct stream_row *row)
{
    bson_t *filter = row->type ? row_filter(row) : rest_filter(m, row->chats);
    if (m->only)
        bson_concat(filter, m->only);
    struct mongo_find how = {.sort = row->sort,
                             .fields = row->chats ? "{\"user_id\":1,\"chat_id\":1,\"last_activity\":1,\"created_at\":1}"
                                                  : "{\"last_activity\":1,\"last_seen\":1,\"created_at\":1}",
                             .limit = row->chats ? 0 : m->most,
                             .batch = m->most < 1000 ? m->most + 1 : 1000,
                             .primary = m->primary};
    return mongo_find(m->conn, row->chats ? m->conn->chats : m->conn->customers, filter, &how);
}

static enum err field_text(const bson_t *doc, const char *key, struct arena *a, struct slice *out)
{
    bson_iter_t it;
    *out = (struct slice){0};
    return bson_iter_init_find(&it, doc, key) ? bson_text(&it, a, out) : OK;
}

/* A chat that has no chat_id is called by its _id. */
static enum err read_head(struct mongo_merge *m, struct stream *s, const bson_t *doc)
{
    struct mongo_merged *head = &s->head;
    head->chat_id = (struct slice){0};
    enum err e = field_text(doc, s->row->chats ? "user_id" : "_id", m->arena, &head->customer_id);
    if (e == OK && s->row->chats)
        e = field_text(doc, "chat_id", m->arena, &head->chat_id);
    if (e == OK && s->row->chats && head->chat_id.len == 0)
        e = field_text(doc, "_id", m->arena, &head->chat_id);
    return e;
}

static enum err advance(struct mongo_merge *m, struct stream *s)
{
    const bson_t *doc;
    bson_iter_t it;
    if (!mongoc_cursor_next(s->cursor, &doc)) {
        enum err e = mongo_done(m->conn, "listing by activity", s->cursor, OK);
        s->cursor = NULL;
        return e;
    }
    s->ready = true;
    s->time_us = bson_iter_init_find(&it, doc, s->row->time) ? bson_time(&it) : 0;
    return read_head(m, s, doc);
}

struct mongo_merge *mongo_merge_open(const struct mongo_conn *conn, enum mongo_order order, const bson_t *only,
                                     int64_t most, struct arena *a)
{
    struct mongo_merge *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    bool customers = order == MONGO_CUSTOMERS_BY_ACTIVITY;
    *m = (struct mongo_merge){.conn = conn, .only = only, .arena = a, .primary = customers, .most = most};
    m->count = customers ? STREAMS : sizeof(chat_rows) / sizeof(chat_rows[0]);
    for (size_t i = 0; i < m->count; i++)
        m->streams[i].row = customers ? &customer_rows[i] : &chat_rows[i];
    for (size_t i = 0; i < m->count; i++)
        if (m->streams[i].row->type)
            m->streams[i].cursor = ask(m, m->streams[i].row);
    return m;
}

enum err mongo_merge_next(struct mongo_merge *m, struct mongo_merged *out)
{
    struct stream *best = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct stream *s = &m->streams[i];
        if (!s->row->type && !best && !s->asked) {
            s->asked = true;
            s->cursor = ask(m, s->row);
        }
        enum err e = s->cursor && !s->ready ? advance(m, s) : OK;
        if (e != OK)
            return e;
        if (s->ready && (!best || s->time_us > best->time_us))
            best = s;
    }
    if (!best)
        return ERR_NOT_FOUND;
    *out = best->head;
    best->ready = false;
    return OK;
}

void mongo_merge_close(struct mongo_merge *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++)
        mongoc_cursor_destroy(m->streams[i].cursor);
    free(m);
}
