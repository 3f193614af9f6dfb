#include "mongo_cursor.h"

#include "bson_map.h"
#include "mongo_error.h"

#include "base/metrics.h"

bson_t *mongo_json(const char *json)
{
    bson_error_t error;
    bson_t *value = bson_new_from_json((const uint8_t *)json, -1, &error);
    must(value);
    return value;
}

void mongo_append_json(bson_t *doc, const char *key, const char *json)
{
    bson_error_t error;
    bson_t value;
    if (!json)
        return;
    must(bson_init_from_json(&value, json, -1, &error));
    bson_append_document(doc, key, -1, &value);
    bson_destroy(&value);
}

mongoc_bulk_operation_t *mongo_unordered(mongoc_collection_t *in)
{
    bson_t opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(in, &opts);
    bson_destroy(&opts);
    return bulk;
}

bool mongo_all_matched(const bson_t *reply, size_t count)
{
    return bson_number(reply, "nMatched") == (int64_t)count;
}

static const mongoc_read_prefs_t *prefs(const struct mongo_conn *conn, bool primary)
{
    return primary ? conn->primary : NULL; /* NULL: the URI's */
}

mongoc_cursor_t *mongo_find(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *filter,
                            const struct mongo_find *how)
{
    bson_t opts = BSON_INITIALIZER;
    mongo_append_json(&opts, "sort", how->sort);
    mongo_append_json(&opts, "projection", how->fields);
    if (how->limit > 0)
        BSON_APPEND_INT64(&opts, "limit", how->limit);
    if (how->max_ms > 0)
        BSON_APPEND_INT64(&opts, "maxTimeMS", how->max_ms);
    if (how->batch > 0)
        BSON_APPEND_INT64(&opts, "batchSize", how->batch);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(in, filter, &opts, prefs(conn, how->primary));
    bson_destroy(&opts);
    bson_destroy(filter);
    metrics_add(conn->kind == MONGO_WRITER ? M_STORE_READ_WRITER : M_STORE_READ, 1);
    return cursor;
}

/* [{$match: match}, …stages]; takes match. */
static bson_t *pipeline_of(bson_t *match, const char *stages)
{
    bson_t *whole = bson_new(), *rest = mongo_json(stages);
    struct bson_array list;
    bson_iter_t it;
    array_begin(&list, whole, "pipeline");
    if (match) {
        BCON_APPEND(&list.array, array_key(&list), "{", "$match", BCON_DOCUMENT(match), "}");
        bson_destroy(match);
    }
    must(bson_iter_init(&it, rest));
    while (bson_iter_next(&it))
        bson_append_iter(&list.array, array_key(&list), -1, &it);
    bson_destroy(rest);
    return array_end(&list);
}

mongoc_cursor_t *mongo_aggregate(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *match,
                                 const char *stages, int64_t max_ms, bool primary)
{
    bson_t opts = BSON_INITIALIZER;
    bson_t *pipeline = pipeline_of(match, stages);
    if (max_ms > 0)
        BSON_APPEND_INT64(&opts, "maxTimeMS", max_ms);
    mongoc_cursor_t *cursor = mongoc_collection_aggregate(in, MONGOC_QUERY_NONE, pipeline, &opts, prefs(conn, primary));
    bson_destroy(&opts);
    bson_destroy(pipeline);
    metrics_add(conn->kind == MONGO_WRITER ? M_STORE_READ_WRITER : M_STORE_READ, 1);
    return cursor;
}

enum err mongo_done(const struct mongo_conn *conn, const char *what, mongoc_cursor_t *cursor, enum err e)
{
    bson_error_t error;
    enum err end = mongoc_cursor_error(cursor, &error) ? mongo_failed(conn, what, &error) : OK;
    mongoc_cursor_destroy(cursor);
    return e != OK ? e : end;
}

enum err mongo_first(const struct mongo_conn *conn, const char *what, mongoc_cursor_t *cursor, bson_t **doc)
{
    const bson_t *found;
    *doc = mongoc_cursor_next(cursor, &found) ? bson_copy(found) : NULL;
    return mongo_done(conn, what, cursor, OK);
}
