/* mongo_user.h: one customer by id, reference or address.
 * Thread:  the connection's. */
#pragma once
#include "bson_map.h"
#include "mongo_client.h"

/* doc (may be NULL): where a customer is found, a copy of its document in place of what was there; the caller's. */
NODISCARD enum err mongo_user(const struct mongo_conn *conn, enum user_by by, struct slice value, struct arena *a,
                              struct user *out, bson_t **doc);
/* Whoever may be meant; which of them is, mongo_user() says. The caller's to destroy, or mongo_find()'s. */
bson_t *mongo_filter_by(enum user_by by, struct slice value);
