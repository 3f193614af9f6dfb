/* sqlite_files.h: a database file in a folder of its own, for each test anew. */
#pragma once
#include "store_rig.h"

extern const struct store_factory sqlite_factory;
const char *sqlite_test_path(void);                                                  /* of the database file */
enum err sqlite_open_uri(const char *uri, struct store **out, struct buf *why);      /* with the scheme */
enum err sqlite_open_path(const char *options, struct store **out, struct buf *why); /* options: "?…" or "" */
struct sqlite3;
bool sqlite_passes_check(struct sqlite3 *db);            /* PRAGMA integrity_check */
int64_t sqlite_ask(struct sqlite3 *db, const char *sql); /* a number; -1: none */
