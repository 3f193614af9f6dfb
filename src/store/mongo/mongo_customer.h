/* mongo_customer.h: one customer by id, reference or address.
 * Thread:  the connection's. */
#pragma once
#include "bson_map.h"
#include "mongo_client.h"

/* doc (may be NULL): where a customer is found, a copy of its document in place of what was there; the caller's. */
NODISCARD enum err mongo_customer(const struct mongo_conn *conn, enum customer_by by, struct slice value,
                                  struct arena *a, struct customer *out, bson_t **doc);
/* Whoever may be meant; which of them is, mongo_customer() says. The caller's to destroy, or mongo_find()'s. */
bson_t *mongo_filter_by(enum customer_by by, struct slice value);
