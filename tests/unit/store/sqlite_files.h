/* sqlite_files.h: a database file in a folder of its own, for each test anew. */
#pragma once
#include "store_rig.h"

extern const struct store_factory sqlite_factory;
const char *sqlite_test_path(void);                                                  /* of the database file */
enum err sqlite_open_uri(const char *uri, struct store **out, struct buf *why);      /* with the scheme */
enum err sqlite_open_path(const char *options, struct store **out, struct buf *why); /* options: "?…" or "" */
