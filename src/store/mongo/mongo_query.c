/* Questions that several files ask: customers by their ids, what their chats add to them, how many messages chats have. */
#include "mongo_store.h"

#include "base/map.h"

#define IDS_AT_ONCE 1000 /* in one $in */

/* --- which of many --- */

static enum err raise_users(struct mongo_store *s, const struct mongo_conn *conn, const struct map *users,
                            const struct slice *ids, size_t count, struct arena *row)
{
    bson_t *filter = bson_new();
    put_id_in(filter, "user_id", ids, count);
    struct mongo_find how = {.fields = "{\"_id\":0,\"user_id\":1,\"last_activity\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->chats, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct chat chat;
        arena_reset(row);
        e = map_chat(doc, row, &chat);
        struct user *u = e == OK ? map_get(users, chat.user_id) : NULL;
        if (!u)
            continue;
        u->chat_count++;
        if (chat.last_activity_us > u->activity_us)
            u->activity_us = chat.last_activity_us;
    }
    enum err end = mongo_done(s, conn, "reading chats of customers", cursor);
    return e != OK ? e : end;
}

enum err mongo_enrich(struct mongo_store *s, const struct mongo_conn *conn, struct user *users, size_t count)
{
    struct map map;
    struct arena row;
    map_init(&map);
    arena_init(&row, 0);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++)
        e = map_put(&map, users[i].id, &users[i]);
    for (size_t at = 0; e == OK && at < count; at += IDS_AT_ONCE) {
        struct slice ids[IDS_AT_ONCE];
        size_t n = 0;
        while (n < IDS_AT_ONCE && at + n < count) {
            ids[n] = users[at + n].id;
            n++;
        }
        e = raise_users(s, conn, &map, ids, n, &row);
    }
    arena_fini(&row);
    map_fini(&map);
    return e;
}

static enum err users_of(struct mongo_store *s, const struct mongo_conn *conn, const struct map *places,
                         const struct slice *ids, size_t count, struct arena *a)
{
    bson_t *filter = bson_new();
    put_id_in(filter, "_id", ids, count);
    struct mongo_find how = {.primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->customers, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct user u;
        e = map_user(doc, a, &u);
        struct user *place = e == OK ? map_get(places, u.id) : NULL;
        if (place && (place->id.len == 0 || u.key == ID_OBJECT)) /* there under both forms: the ObjectId */
            *place = u;
    }
    enum err end = mongo_done(s, conn, "reading customers", cursor);
    return e != OK ? e : end;
}

enum err mongo_users_by_id(struct mongo_store *s, const struct mongo_conn *conn, const struct slice *ids, size_t count,
                           struct arena *a, struct user *out)
{
    struct map places;
    map_init(&places);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++) {
        out[i] = (struct user){0};
        e = map_put(&places, ids[i], &out[i]);
    }
    for (size_t at = 0; e == OK && at < count; at += IDS_AT_ONCE) {
        size_t n = count - at < IDS_AT_ONCE ? count - at : IDS_AT_ONCE;
        e = users_of(s, conn, &places, ids + at, n, a);
    }
    map_fini(&places);
    return e;
}

/* --- counts of messages --- */

static bson_t *count_pipeline(const struct mongo_count *chats, size_t count)
{
    bson_t match, filter, in, ids;
    bson_t *pipeline = bson_new();
    bson_append_document_begin(pipeline, "0", -1, &match);
    bson_append_document_begin(&match, "$match", -1, &filter);
    bson_append_document_begin(&filter, "chat_id", -1, &in);
    bson_append_array_begin(&in, "$in", -1, &ids);
    for (size_t i = 0; i < count; i++) {
        char digits[16];
        const char *key;
        bson_uint32_to_string((uint32_t)i, &key, digits, sizeof(digits));
        put_text(&ids, key, chats[i].chat_id);
    }
    bson_append_array_end(&in, &ids);
    bson_append_document_end(&filter, &in);
    bson_append_document_end(&match, &filter);
    bson_append_document_end(pipeline, &match);
    BCON_APPEND(pipeline, "1", "{", "$group", "{", "_id", BCON_UTF8("$chat_id"), "n", "{", "$sum", BCON_INT32(1), "}",
                "newest", "{", "$max", BCON_UTF8("$_id"), "}", "}", "}");
    return pipeline;
}

static void take_count(const bson_t *doc, const struct map *chats)
{
    bson_iter_t it;
    uint32_t len;
    const char *id =
        bson_iter_init_find(&it, doc, "_id") && BSON_ITER_HOLDS_UTF8(&it) ? bson_iter_utf8(&it, &len) : NULL;
    struct mongo_count *c = id ? map_get(chats, slice_of(id, len)) : NULL;
    if (!c)
        return;
    if (bson_iter_init_find(&it, doc, "n"))
        c->count = bson_integer(&it);
    if (bson_iter_init_find(&it, doc, "newest") && BSON_ITER_HOLDS_OID(&it)) {
        struct oid oid;
        memcpy(oid.bytes, bson_iter_oid(&it)->bytes, OID_BYTES);
        c->newest = oid_to_rev(&oid);
    }
}

/* A migration that was interrupted left copies beside the originals: only the originals count. */
static enum err subtract_copies(struct mongo_store *s, const struct mongo_conn *conn, struct mongo_count *c)
{
    bson_error_t error;
    bson_t *filter = bson_new();
    put_text(filter, "chat_id", c->chat_id);
    BCON_APPEND(filter, "legacy_index", "{", "$exists", BCON_BOOL(true), "}");
    int64_t copies = mongoc_collection_count_documents(conn->messages, filter, NULL, conn->primary, NULL, &error);
    bson_destroy(filter);
    if (copies < 0)
        return mongo_failed(s, conn, "counting copied messages", &error);
    c->count -= copies;
    return OK;
}

enum err mongo_count_messages(struct mongo_store *s, const struct mongo_conn *conn, struct mongo_count *chats,
                              size_t count)
{
    struct map map;
    map_init(&map);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++)
        e = map_put(&map, chats[i].chat_id, &chats[i]);
    for (size_t at = 0; e == OK && at < count; at += IDS_AT_ONCE) {
        size_t n = count - at < IDS_AT_ONCE ? count - at : IDS_AT_ONCE;
        mongoc_cursor_t *cursor = mongo_aggregate(conn, conn->messages, count_pipeline(chats + at, n), 0, true);
        const bson_t *doc;
        while (mongoc_cursor_next(cursor, &doc))
            take_count(doc, &map);
        e = mongo_done(s, conn, "counting messages", cursor);
    }
    for (size_t i = 0; e == OK && i < count; i++)
        if (chats[i].has_embedded && chats[i].count > 0)
            e = subtract_copies(s, conn, &chats[i]);
    map_fini(&map);
    return e;
}
