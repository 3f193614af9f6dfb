/* sqlite_schema.h: the tables, and how a file of an older sakurad becomes one of this.
 * Thread:  main, at open.
 * Owns:    nothing.
 * Fails:   ERR_UNSUPPORTED: the file is another program's, or a newer sakurad's; ERR_STORE. why says it in a sentence. */
#pragma once
#include "sqlite_conn.h"

#define APPLICATION_ID 0x534b5244 /* "SKRD" in the file's header: what `file` and we know our files by */

/* steps[i] takes a file from version i to i + 1. */
struct schema {
    const char *const *steps;
    int version; /* how many steps there are */
};

extern const struct schema sqlite_schema;

/* One transaction: after a crash the file is of the old version or of the new one. */
NODISCARD enum err schema_migrate(struct sqlite_conn *c, const struct schema *schema, struct buf *why);
