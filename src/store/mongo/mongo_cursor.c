/* A query's way: options, cursor, end, and what it counts as. */
#include "mongo_cursor.h"

#include "bson_map.h"
#include "mongo_error.h"

#include "base/metrics.h"

void mongo_append_json(bson_t *doc, const char *key, const char *json)
{
    bson_t value;
    bson_error_t error;
    if (!json)
        return;
    must(bson_init_from_json(&value, json, -1, &error)); /* constants of ours */
    bson_append_document(doc, key, -1, &value);
    bson_destroy(&value);
}

bson_t *mongo_pipeline(const char *json)
{
    bson_error_t error;
    bson_iter_t it, stages;
    bson_t *whole = bson_new_from_json((const uint8_t *)json, -1, &error);
    bson_t *pipeline = bson_new();
    must(whole && bson_iter_init_find(&it, whole, "p") && bson_iter_recurse(&it, &stages));
    while (bson_iter_next(&stages))
        bson_append_iter(pipeline, NULL, 0, &stages);
    bson_destroy(whole);
    return pipeline;
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
    bson_iter_t it;
    return bson_iter_init_find(&it, reply, "nMatched") && bson_integer(&it) == (int64_t)count;
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

mongoc_cursor_t *mongo_aggregate(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *pipeline,
                                 int64_t max_ms, bool primary)
{
    bson_t opts = BSON_INITIALIZER;
    if (max_ms > 0)
        BSON_APPEND_INT64(&opts, "maxTimeMS", max_ms);
    mongoc_cursor_t *cursor = mongoc_collection_aggregate(in, MONGOC_QUERY_NONE, pipeline, &opts, prefs(conn, primary));
    bson_destroy(&opts);
    bson_destroy(pipeline);
    metrics_add(conn->kind == MONGO_WRITER ? M_STORE_READ_WRITER : M_STORE_READ, 1);
    return cursor;
}

enum err mongo_done(struct mongo_store *s, const struct mongo_conn *conn, const char *what, mongoc_cursor_t *cursor)
{
    bson_error_t error;
    enum err e = mongoc_cursor_error(cursor, &error) ? mongo_failed(s, conn, what, &error) : OK;
    mongoc_cursor_destroy(cursor);
    return e;
}
