/* mongo_error.h: whom a failure is about, in the terms of store.h, and taking it down: in the log, and in health.
 * Thread:  any, with its own connection. */
#pragma once
#include "mongo_client.h"
#include "mongo_health.h"

struct mongo_store;

/* Takes down a failed call: log (not every repetition), and on the writer's connection health. Returns ERR_STORE; inside a
 * batch, on the writer's connection, as mongo_sort() says: what one op is at fault for is not the database's failing. */
enum err mongo_failed(struct mongo_store *s, const struct mongo_conn *conn, const char *what,
                      const bson_error_t *error);
/* The two that it is made of. Logs, and where `failing` also says so in health until mongo_health_worked(). */
void mongo_health_failed(struct mongo_health *h, bool failing, const char *what, const bson_error_t *error);
/* It answered, and would not do that one thing: a line now and then, no matter of health. */
void mongo_health_refused(struct mongo_health *h, const char *what, const bson_error_t *error);

enum err mongo_sort(const bson_error_t *error);
enum err mongo_sort_code(int64_t code);              /* of the server: a command's, or one document's */
const char *mongo_reason(const bson_error_t *error); /* one of mongo_health.h's; NULL: nothing in particular */

/* The reply of a failed write speaks of single documents only: the others are done. */
bool mongo_only_documents(const bson_t *reply, const bson_error_t *error);
/* Of those, one was refused for a reason that will pass (failover, no space): worth another try. */
bool mongo_may_pass(const bson_t *reply);
