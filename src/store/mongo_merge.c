#include "mongo_store.h"

#include <stdlib.h>

enum { STREAMS = 7 };

/* One kind of row. last: asked only when all others have ended (it needs a scan). */
static const struct stream_row {
    bool chats;
    bool last;
    const char *filter, *sort, *time;
} user_rows[STREAMS] = {
    {true, false, "{\"last_activity\":{\"$type\":\"date\"}}", "{\"last_activity\":-1}", "last_activity"},
    {true, false, "{\"last_activity\":{\"$type\":\"string\"}}", "{\"last_activity\":-1}", "last_activity"},
    {false, false, "{\"last_activity\":{\"$type\":\"date\"}}", "{\"last_activity\":-1}", "last_activity"},
    {false, false, "{\"last_activity\":{\"$type\":\"string\"}}", "{\"last_activity\":-1}", "last_activity"},
    {false, false, "{\"last_activity\":null,\"last_seen\":{\"$type\":\"date\"}}", "{\"last_seen\":-1}", "last_seen"},
    {false, false, "{\"last_activity\":null,\"last_seen\":{\"$type\":\"string\"}}", "{\"last_seen\":-1}", "last_seen"},
    {false, true,
     "{\"$nor\":[{\"last_activity\":{\"$type\":[\"date\",\"string\"]}},"
     "{\"last_activity\":null,\"last_seen\":{\"$type\":[\"date\",\"string\"]}}]}",
     "{\"_id\":-1}", "created_at"},
};
static const struct stream_row chat_rows[] = {
    {true, false, "{\"last_activity\":{\"$type\":\"date\"}}", "{\"last_activity\":-1}", "last_activity"},
    {true, false, "{\"last_activity\":{\"$type\":\"string\"}}", "{\"last_activity\":-1}", "last_activity"},
    {true, true, "{\"$nor\":[{\"last_activity\":{\"$type\":[\"date\",\"string\"]}}]}", "{\"_id\":-1}", "created_at"},
};

struct stream {
    const struct stream_row *row;
    mongoc_cursor_t *cursor;
    bool asked; /* a `last` one: its query was sent */
    bool ready; /* head is filled */
    struct mongo_merged head;
    int64_t time_us;
};

struct mongo_merge {
    struct mongo_store *store;
    const struct mongo_conn *conn;
    const bson_t *only;
    struct arena *arena;
    bool primary;
    int64_t most;
    size_t count;
    struct stream streams[STREAMS];
};

static mongoc_cursor_t *ask(struct mongo_merge *m, const struct stream_row *row)
{
    bson_error_t error;
    bson_t *filter = bson_new_from_json((const uint8_t *)row->filter, -1, &error);
    must(filter); /* a constant of ours */
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

static struct slice field_text(const bson_t *doc, const char *key, struct arena *a)
{
    bson_iter_t it;
    if (!bson_iter_init_find(&it, doc, key))
        return (struct slice){0};
    return arena_slice(a, bson_text(&it, a));
}

static enum err advance(struct mongo_merge *m, struct stream *s)
{
    const bson_t *doc;
    bson_iter_t it;
    if (!mongoc_cursor_next(s->cursor, &doc)) {
        enum err e = mongo_done(m->store, m->conn, "listing by activity", s->cursor);
        s->cursor = NULL;
        return e;
    }
    s->ready = true;
    s->time_us = bson_iter_init_find(&it, doc, s->row->time) ? bson_time(&it) : 0;
    s->head.user_id = field_text(doc, s->row->chats ? "user_id" : "_id", m->arena);
    s->head.chat_id = s->row->chats ? field_text(doc, "chat_id", m->arena) : (struct slice){0};
    if (s->row->chats && s->head.chat_id.len == 0)
        s->head.chat_id = field_text(doc, "_id", m->arena);
    return OK;
}

struct mongo_merge *mongo_merge_open(struct mongo_store *s, const struct mongo_conn *conn, enum mongo_order order,
                                     const bson_t *only, int64_t most, struct arena *a)
{
    struct mongo_merge *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    bool users = order == MONGO_USERS_BY_ACTIVITY;
    *m = (struct mongo_merge){.store = s, .conn = conn, .only = only, .arena = a, .primary = users, .most = most};
    m->count = users ? STREAMS : sizeof(chat_rows) / sizeof(chat_rows[0]);
    for (size_t i = 0; i < m->count; i++) {
        m->streams[i].row = users ? &user_rows[i] : &chat_rows[i];
        if (!m->streams[i].row->last)
            m->streams[i].cursor = ask(m, m->streams[i].row);
    }
    return m;
}

enum err mongo_merge_next(struct mongo_merge *m, struct mongo_merged *out)
{
    struct stream *best = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct stream *s = &m->streams[i];
        if (s->row->last && !best && !s->asked) {
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
