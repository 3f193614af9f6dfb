/* mongo_search.h: customers by words (chat/words.h) and by section. A customer's document has its words in a field of ours,
 * "search_words", with an index. The writer keeps it (bson_rows.c); what was there before, or came from another program, gets it
 * at start.
 * Thread:  the connection's. */
#pragma once
#include "mongo_client.h"
#include "store/store.h"

bson_t *mongo_search_filter(const struct customer_filter *f);

/* Gives documents that have no words theirs, a page after the other, until all have, stop() says so, or the database fails: the next
 * start tries again. A document that changes meanwhile is left to who changed it. */
void mongo_add_words(const struct mongo_conn *conn, bool (*stop)(void *arg), void *arg);
