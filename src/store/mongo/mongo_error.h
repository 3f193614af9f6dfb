/* mongo_error.h: whom a failure concerns, in the terms of store.h, and taking it down.
 * Thread:  any, with its own connection. */
#pragma once
#include "mongo_client.h"
#include "mongo_health.h"

/* Sorts a failed call and takes it down. Returns ERR_STORE, but on the writer's connection inside a batch what
 * mongo_sort() says: there one op may be at fault. */
enum err mongo_failed(const struct mongo_conn *conn, const char *what, const bson_error_t *error);
/* The same where the caller has sorted: the database failed; or it would not do one thing, which is no matter of
 * health. */
void mongo_note_away(const struct mongo_conn *conn, const char *what, const bson_error_t *error);
void mongo_note_refused(const struct mongo_conn *conn, const char *what, const bson_error_t *error);

enum err mongo_sort(const bson_error_t *error);
enum err mongo_sort_code(int64_t code);              /* of the server: a command's, or one document's */
const char *mongo_reason(const bson_error_t *error); /* one of mongo_health.h's; NULL: nothing in particular */

/* The documents that the reply of a bulk write names as refused, one after the other; {0} at first. */
struct mongo_refusal {
    bson_iter_t list;
    bool begun;
    int64_t index, code; /* -1: it does not say */
    const char *message; /* the reply's */
};
bool mongo_refusal_next(const bson_t *reply, struct mongo_refusal *r);
/* The failure is that of these documents alone: the others are written. */
bool mongo_only_documents(const bson_t *reply, const bson_error_t *error);
/* One of them was refused for a reason that will pass (failover, no space): worth another try. */
bool mongo_may_pass(const bson_t *reply);
