/* mongo_identity.h: what a start learns of the database before it writes to it.
 * Thread:  the writer, or main before it starts. */
#pragma once
#include "mongo_store.h"

/* The database's tag: as it was, where there is no message yet. And for s->tag, once. */
NODISCARD enum err mongo_read_tag(const struct mongo_conn *conn, uint8_t tag[5]);
NODISCARD enum err mongo_learn_tag(struct mongo_store *s);
/* After a crash before messages were counted: gives the chats of the newest ones, where they lag behind, to
 * mongo_counters.c as doubted. newest: the newest message's rev. */
NODISCARD enum err mongo_recover_tail(struct mongo_counters *counters, const struct mongo_conn *conn, int64_t newest);
