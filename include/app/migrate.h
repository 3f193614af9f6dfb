/* migrate.h: `sakurad --migrate [--dry-run]`.
 * Thread:  main, instead of a server. Blocks until done; progress is for people, one line a second.
 * Fails:   as store/migrate.h says; every failure was said on progress. */
#pragma once
#include "app/config.h"
#include "base/err.h"

#include <stdio.h>

NODISCARD enum err migrate_run(const struct config *config, bool dry_run, FILE *progress);
