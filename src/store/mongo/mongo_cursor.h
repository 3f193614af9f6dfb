/* mongo_cursor.h: how a query is asked and ended, and how many updates go as one command.
 * Thread:  the connection's. */
#pragma once
#include "mongo_client.h"

struct mongo_store;

/* What a query needs beside its filter. sort and fields (may be NULL) are JSON constants of ours. */
struct mongo_find {
    const char *sort;
    const char *fields;
    int64_t limit;  /* 0 = none */
    int64_t max_ms; /* 0 = none */
    int64_t batch;  /* documents per answer; 0 = the server's choice */
    bool primary;   /* else the URI's read preference */
};
/* Takes the filter: destroys it. The caller destroys the cursor. */
mongoc_cursor_t *mongo_find(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *filter,
                            const struct mongo_find *how);
/* Takes the pipeline, a JSON constant of ours or a built array. */
mongoc_cursor_t *mongo_aggregate(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *pipeline,
                                 int64_t max_ms, bool primary);
/* JSON constants of ours: a member (json NULL: none), and the array "p" as a pipeline for the above. */
void mongo_append_json(bson_t *doc, const char *key, const char *json);
bson_t *mongo_pipeline(const char *json);
/* A bulk whose updates do not wait for one another; the caller destroys it. And: its reply found all of them. */
mongoc_bulk_operation_t *mongo_unordered(mongoc_collection_t *in);
bool mongo_all_matched(const bson_t *reply, size_t count);
/* The cursor's end: destroys it; ERR_STORE where it ended by an error. */
NODISCARD enum err mongo_done(struct mongo_store *s, const struct mongo_conn *conn, const char *what,
                              mongoc_cursor_t *cursor);
