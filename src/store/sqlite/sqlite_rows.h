/* sqlite_rows.h: rows of the tables → the structs of model.h.
 * Thread:  the connection's.
 * Owns:    nothing. With an arena strings are copied into it; without one they borrow from the row.
 * Fails:   ERR_NOMEM. */
#pragma once
#include "sqlite_conn.h"
#include "sqlite_heads.h"
#include "store/store.h"

struct chat_row {
    struct chat chat;
    int64_t head;  /* newest message; 0: none */
    int64_t first; /* first message; 0: none */
};

/* Of SQL_MESSAGE_ROW. */
NODISCARD enum err row_message(sqlite3_stmt *stmt, int64_t rev, struct arena *a, struct message *out);
NODISCARD enum err row_customer(sqlite3_stmt *stmt, struct arena *a, struct customer *out);
NODISCARD enum err row_chat(sqlite3_stmt *stmt, struct arena *a, struct chat_row *out);
NODISCARD enum err row_find_customer(struct sqlite_conn *c, enum customer_by by, struct slice value, struct arena *a,
                                     struct customer *out);
NODISCARD enum err row_find_chat(struct sqlite_conn *c, struct slice chat_id, struct arena *a, struct chat_row *out);
/* Puts in what the row does not say yet: the chat's head, and what follows from it. */
void chat_row_overlay(struct chat_row *row, const struct head *head);
/* An ObjectId's text is lower-case, whatever case it is asked for in. text must live as long as the result. */
struct slice canonical_customer_id(struct slice id, char text[static OID_LEN]);
/* Reads and writes meta and counters by name. */
NODISCARD enum err meta_get(struct sqlite_conn *c, const char *key, int64_t *out);
NODISCARD enum err meta_put(struct sqlite_conn *c, const char *key, int64_t value);
NODISCARD enum err counters_get(struct sqlite_conn *c, struct totals *out);
NODISCARD enum err counter_add(struct sqlite_conn *c, const char *name, int64_t delta);
NODISCARD enum err counters_add(struct sqlite_conn *c, struct totals *delta, struct totals *sum); /* to both */
