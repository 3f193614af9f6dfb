/* mongo_cursor.h: how documents are asked for, and how many updates go as one command.
 * Thread:  the connection's.
 * Owns:    a cursor is the caller's until mongo_done() or mongo_first() takes it. Filters and matches given in are
 *          taken.
 * Fails:   mongo_done(), mongo_first(): as mongo_failed() says. What is wrong with a query shows there, not before. */
#pragma once
#include "mongo_client.h"

/* What a query needs beside its filter. sort and fields (may be NULL) are JSON constants of ours. */
struct mongo_find {
    const char *sort;
    const char *fields;
    int64_t limit;  /* 0 = none */
    int64_t max_ms; /* 0 = none */
    int64_t batch;  /* documents per answer; 0 = the server's choice */
    bool primary;   /* else the URI's read preference */
};
mongoc_cursor_t *mongo_find(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *filter,
                            const struct mongo_find *how);
/* stages: a JSON array of ours; before them comes a $match, where match is not NULL. */
mongoc_cursor_t *mongo_aggregate(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *match,
                                 const char *stages, int64_t max_ms, bool primary);
/* Ends it. e: what the caller made of the documents; it is returned where it is a failure, else the cursor's own. */
NODISCARD enum err mongo_done(const struct mongo_conn *conn, const char *what, mongoc_cursor_t *cursor, enum err e);
/* *doc: a copy of its first document, the caller's; NULL: there is none. */
NODISCARD enum err mongo_first(const struct mongo_conn *conn, const char *what, mongoc_cursor_t *cursor, bson_t **doc);

/* Of a JSON constant of ours: a document, or an array; and as a member of doc (json NULL: none). */
bson_t *mongo_json(const char *json);
void mongo_append_json(bson_t *doc, const char *key, const char *json);

/* A bulk whose writes do not wait for one another; the caller destroys it. And: its reply found all of them. */
mongoc_bulk_operation_t *mongo_unordered(mongoc_collection_t *in);
bool mongo_all_matched(const bson_t *reply, size_t count);
