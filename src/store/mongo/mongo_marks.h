/* mongo_marks.h: how far the sides of chats have read, written to the chats' documents.
 * Thread:  the connection's. */
#pragma once
#include "mongo_recount.h"

/* One command. Each mark that is not further than the stored one changes nothing. */
NODISCARD enum err mongo_write_marks(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count);
