/* migrate.h: moves the messages that an old deployment embedded in its chats' documents into customer-messages.
 * Thread:  main, alone: no store is open. The server may run meanwhile on the same database, and so may a second
 *          try after an interruption: copies are made first, checked against the originals, and only then does one
 *          update take the originals out of the chat; readers pass over copies whose originals are still there.
 * Keeps:   every field of a message; its old _id as legacy_id, its place as legacy_index; order. What cannot be moved
 *          without loss is left where it is and named.
 * Fails:   ERR_UNSUPPORTED: the store is no MongoDB; ERR_STORE: the database failed, run it again; ERR_CONFLICT: done,
 *          but some chats were left in place. */
#pragma once
#include "base/err.h"
#include "store/settings.h"

#include <stdio.h>

NODISCARD enum err mongo_migrate(const struct store_settings *settings, bool dry_run, FILE *progress);
