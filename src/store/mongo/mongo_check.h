/* mongo_check.h: a configuration that can never work, told apart from a database that is away.
 * Thread:  main.
 * Fails:   ERR_INVALID with a sentence for the operator. */
#pragma once
#include "mongo_client.h"

/* Files that the URI names, and room in the pools for our threads: a start refuses what is wrong there. */
NODISCARD enum err mongo_check_uri(const struct mongo_uris *u, const struct store_settings *settings, struct buf *why);
