/* mongo_totals.h: the totals, counted by query.
 * Thread:  the connection's. Blocks for up to some minutes on a large database. */
#pragma once
#include "chat/model.h"
#include "mongo_client.h"

/* *adrift: chats less those of customers. Not 0: some belong to nobody, or a customer is there under two ids. */
NODISCARD enum err mongo_count_all(const struct mongo_conn *conn, struct totals *out, int64_t *adrift);
