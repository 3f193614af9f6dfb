#include "sqlite_files.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static char path[96];

static void remove_folder(void)
{
    static const char *const suffixes[] = {"",      "-wal",      "-shm",       "-lock",    ".moved",
                                           ".copy", ".copy-wal", ".copy-lock", ".copy-shm"};
    char name[160];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

const char *sqlite_test_path(void)
{
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof(folder), "%.40s/sakurad-XXXXXX", base ? base : "/tmp");
        must(mkdtemp(folder) != NULL);
        snprintf(path, sizeof(path), "%s/test.db", folder);
        must(atexit(remove_folder) == 0);
    }
    return path;
}

enum err sqlite_open_uri(const char *uri, struct store **out, struct buf *why)
{
    char copy[512];
    snprintf(copy, sizeof(copy), "%s", uri);
    return store_open(&(struct store_settings){.uri = copy}, out, why);
}

enum err sqlite_open_path(const char *options, struct store **out, struct buf *why)
{
    char uri[256];
    snprintf(uri, sizeof(uri), "sqlite:%s%s", sqlite_test_path(), options);
    return sqlite_open_uri(uri, out, why);
}

bool sqlite_passes_check(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    const char *said = ok ? (const char *)sqlite3_column_text(stmt, 0) : sqlite3_errmsg(db);
    ok = ok && strcmp(said, "ok") == 0;
    if (!ok)
        fprintf(stderr, "\nintegrity_check: %s\n", said);
    sqlite3_finalize(stmt);
    return ok;
}

int64_t sqlite_ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    bool row = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
    int64_t value = row ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_finalize(stmt);
    return value;
}

static void wipe(void *arg)
{
    (void)arg;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[160];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", sqlite_test_path(), suffixes[i]);
        (void)unlink(name);
    }
}

static enum err open_store(void *arg, struct store **out)
{
    (void)arg;
    struct buf why = {0};
    enum err err = sqlite_open_path("", out, &why);
    if (err != OK)
        fprintf(stderr, "%s\n", buf_cstr(&why));
    buf_fini(&why);
    return err;
}

const struct store_factory sqlite_factory = {.name = "sqlite", .wipe = wipe, .open = open_store};
