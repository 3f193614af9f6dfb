/* mongo_reopen.h: closed chats that their customers have written to are open again.
 * Thread:  the writer. */
#pragma once
#include "mongo_store.h"

/* The messages are stored, and open their chats where these are closed and nobody closed them later: the first one of each
 * chat does. Sets its reopened, also where an earlier try has opened the chat by it. */
NODISCARD enum err mongo_reopen(struct mongo_store *s, struct new_message *const *messages, size_t count);
