#include "mongo_query.h"

#include "mongo_cursor.h"
#include "mongo_error.h"

#include "base/map.h"

#define IDS_AT_ONCE 1000 /* in one $in */

enum err mongo_chat(const struct mongo_conn *conn, struct slice chat_id, struct arena *a, struct chat *out)
{
    if (chat_id.len == 0 || !slice_is_utf8(chat_id))
        return ERR_NOT_FOUND;
    bson_t *doc, *filter = bson_is("chat_id", chat_id);
    struct mongo_find how = {.fields = MONGO_CHAT_FIELDS, .limit = 1, .primary = true};
    enum err e = mongo_first(conn, "finding a chat", mongo_find(conn, conn->chats, filter, &how), &doc);
    if (e == OK)
        e = doc ? map_chat(doc, a, out) : ERR_NOT_FOUND;
    bson_destroy(doc);
    return e;
}

/* --- customers of many ids --- */

static enum err raise_customers(const struct mongo_conn *conn, const struct map *customers, const struct slice *ids,
                                size_t count, struct arena *row)
{
    bson_t *filter = bson_in("user_id", ids, count);
    struct mongo_find how = {.fields = "{\"_id\":0,\"user_id\":1,\"last_activity\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->chats, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct chat chat;
        arena_reset(row);
        e = map_chat(doc, row, &chat);
        struct customer *u = e == OK ? map_get(customers, chat.customer_id) : NULL;
        if (!u)
            continue;
        u->chat_count++;
        if (chat.last_activity_us > u->activity_us)
            u->activity_us = chat.last_activity_us;
    }
    return mongo_done(conn, "reading chats of customers", cursor, e);
}

enum err mongo_enrich(const struct mongo_conn *conn, struct customer *customers, size_t count)
{
    struct map map;
    struct arena row;
    map_init(&map);
    arena_init(&row, 0);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++)
        e = map_put(&map, customers[i].id, &customers[i]);
    for (size_t at = 0; e == OK && at < count;) {
        struct slice ids[IDS_AT_ONCE];
        size_t n = 0;
        while (n < IDS_AT_ONCE && at < count)
            ids[n++] = customers[at++].id;
        e = raise_customers(conn, &map, ids, n, &row);
    }
    arena_fini(&row);
    map_fini(&map);
    return e;
}

static enum err customers_of(const struct mongo_conn *conn, const struct map *places, const struct slice *ids,
                             size_t count, const bson_t *only, struct arena *a)
{
    bson_t *filter = bson_in("_id", ids, count);
    if (only)
        bson_concat(filter, only);
    mongoc_cursor_t *cursor = mongo_find(conn, conn->customers, filter, &(struct mongo_find){.primary = true});
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct customer u;
        e = map_customer(doc, a, &u);
        struct customer *place = e == OK ? map_get(places, u.id) : NULL;
        if (place && (place->id.len == 0 || u.key == ID_OBJECT)) /* there under both forms: the ObjectId */
            *place = u;
    }
    return mongo_done(conn, "reading customers", cursor, e);
}

enum err mongo_customers_by_id(const struct mongo_conn *conn, const struct slice *ids, size_t count, const bson_t *only,
                               struct arena *a, struct customer *out)
{
    struct map places;
    map_init(&places);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++) {
        out[i] = (struct customer){0};
        e = map_put(&places, ids[i], &out[i]);
    }
    for (size_t at = 0; e == OK && at < count; at += IDS_AT_ONCE) {
        size_t n = count - at < IDS_AT_ONCE ? count - at : IDS_AT_ONCE;
        e = customers_of(conn, &places, ids + at, n, only, a);
    }
    map_fini(&places);
    return e;
}

/* --- counts of messages --- */

static enum err count_some(const struct mongo_conn *conn, const struct map *by_id, const struct mongo_count *chats,
                           size_t count)
{
    static const char stages[] =
        "[{\"$group\":{\"_id\":\"$chat_id\",\"n\":{\"$sum\":1},\"newest\":{\"$max\":\"$_id\"}}}]";
    struct bson_array in;
    bson_in_begin(&in, "chat_id");
    for (size_t i = 0; i < count; i++)
        put_text(&in.array, array_key(&in), chats[i].chat_id);
    mongoc_cursor_t *cursor = mongo_aggregate(conn, conn->messages, bson_in_end(&in), stages, 0, true);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct oid newest;
        struct mongo_count *c = map_get(by_id, bson_string(doc, "_id"));
        if (!c)
            continue;
        c->count = bson_number(doc, "n");
        if (bson_objectid(doc, "newest", &newest))
            c->newest = oid_to_rev(&newest);
    }
    return mongo_done(conn, "counting messages", cursor, OK);
}

/* A migration that was interrupted left copies beside the originals: only the originals count. */
static enum err subtract_copies(const struct mongo_conn *conn, struct mongo_count *c)
{
    bson_error_t error;
    bson_t *filter = bson_is("chat_id", c->chat_id);
    BCON_APPEND(filter, "legacy_index", "{", "$exists", BCON_BOOL(true), "}");
    int64_t copies = mongoc_collection_count_documents(conn->messages, filter, NULL, conn->primary, NULL, &error);
    bson_destroy(filter);
    if (copies < 0)
        return mongo_failed(conn, "counting copied messages", &error);
    c->count -= copies;
    return OK;
}

enum err mongo_count_messages(const struct mongo_conn *conn, struct mongo_count *chats, size_t count)
{
    struct map by_id;
    map_init(&by_id);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++)
        e = map_put(&by_id, chats[i].chat_id, &chats[i]);
    for (size_t at = 0; e == OK && at < count; at += IDS_AT_ONCE) {
        size_t n = count - at < IDS_AT_ONCE ? count - at : IDS_AT_ONCE;
        e = count_some(conn, &by_id, chats + at, n);
    }
    for (size_t i = 0; e == OK && i < count; i++)
        if (chats[i].has_embedded && chats[i].count > 0)
            e = subtract_copies(conn, &chats[i]);
    map_fini(&by_id);
    return e;
}
