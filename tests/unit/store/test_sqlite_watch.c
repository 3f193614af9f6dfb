/* The files of the database under a running server: one server whatever name they are opened by
 * (docs/architecture.md, invariant 11); what happens when somebody
 * deletes, moves, replaces or shortens one of them. */
#include "base/metrics.h"
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"
#include "suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEFORE 20 /* messages that a checkpoint has moved into the database */
#define AFTER  30 /* and those that only the log holds */
#define MORE   5  /* acknowledged between the trouble and the look */

static const char *beside(const char *suffix)
{
    static char names[4][160];
    static unsigned at;
    at = (at + 1) % 4;
    snprintf(names[at], sizeof(names[0]), "%s%s", sqlite_test_path(), suffix);
    return names[at];
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    must(in && out);
    for (int c; (c = fgetc(in)) != EOF;)
        must(fputc(c, out) == c);
    must(fclose(in) == 0 && fclose(out) == 0);
}

static void failed_as(const char *name)
{
    fprintf(stderr, "%s\n", name);
    CU_FAIL("see above");
}

/* In one commit. */
static void say(struct rig *r, const char *chat, int times)
{
    struct op *ops[AFTER];
    must(times <= AFTER);
    for (int i = 0; i < times; i++)
        ops[i] = rig_send(r, chat, "user", "a text of some length, so that there are several pages", NULL);
    CU_ASSERT_EQUAL(rig_apply(r, ops, (size_t)times), OK);
}

/* Each in its own: so many frames, and more. */
static void say_singly(struct rig *r, const char *chat, int times)
{
    for (int i = 0; i < times; i++)
        say(r, chat, 1);
}

static void look(struct rig *r)
{
    static int64_t now = INT64_C(1) << 50;
    r->store->vtable->maintain(r->store, now += 2000000, false);
}

static struct store_health health_of(struct rig *r)
{
    struct store_health h;
    r->store->vtable->health(r->store, &h);
    return h;
}

/* What a start would find after a kill at this moment: the rows, or -1 where the database is not sound. */
static int64_t rows_after_kill(void)
{
    static const char *const suffixes[] = {"", "-wal"};
    char to[160];
    for (size_t i = 0; i < 2; i++) {
        snprintf(to, sizeof(to), "%s%s", beside(".copy"), suffixes[i]);
        (void)unlink(to);
        if (access(beside(suffixes[i]), F_OK) == 0)
            copy_file(beside(suffixes[i]), to);
    }
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int64_t rows = -1;
    must(sqlite3_open(beside(".copy"), &db) == SQLITE_OK);
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0) {
        sqlite3_finalize(stmt);
        must(sqlite3_prepare_v2(db, "SELECT count(*) FROM messages", -1, &stmt, NULL) == SQLITE_OK);
        rows = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    }
    sqlite3_finalize(stmt);
    must(sqlite3_close(db) == SQLITE_OK);
    return rows;
}

/* ---- troubles after which nothing may be missing ---- */

static void delete_log(void)
{
    CU_ASSERT_EQUAL(unlink(beside("-wal")), 0);
}

static void move_log_away(void)
{
    CU_ASSERT_EQUAL(rename(beside("-wal"), beside(".moved")), 0);
}

static void put_older_log_there(void)
{
    copy_file(beside("-wal"), beside(".moved")); /* as a tool that restores a copy does */
    CU_ASSERT_EQUAL(rename(beside(".moved"), beside("-wal")), 0);
}

static void put_noise_there(void)
{
    FILE *f = fopen(beside(".moved"), "w");
    must(f && fputs("not a log", f) > 0 && fclose(f) == 0);
    CU_ASSERT_EQUAL(rename(beside(".moved"), beside("-wal")), 0);
}

static void delete_index(void)
{
    CU_ASSERT_EQUAL(unlink(beside("-shm")), 0);
}

static void delete_both(void)
{
    delete_log();
    delete_index();
}

static void replace_index(void)
{
    copy_file(beside("-shm"), beside(".moved"));
    CU_ASSERT_EQUAL(rename(beside(".moved"), beside("-shm")), 0);
}

static const struct trouble {
    const char *name, *detail;
    void (*make)(void);
} troubles[] = {
    {"the log is deleted", "-wal", delete_log},
    {"the log is moved away", "-wal", move_log_away},
    {"the log is replaced by an older copy", "-wal", put_older_log_there},
    {"the log is replaced by something else", "-wal", put_noise_there},
    {"the index is deleted", "-shm", delete_index},
    {"the log and the index are deleted", "-wal", delete_both},
    {"the index is replaced", "-shm", replace_index},
};

static const char *opened(struct rig *r, void (*say_after)(struct rig *r, const char *chat, int times))
{
    if (!rig_open(r, &sqlite_factory))
        return NULL;
    const char *chat = rig_chat(r, "ann");
    say(r, chat, BEFORE);
    if (!rig_reopen(r)) /* all in the database now */
        return NULL;
    say_after(r, chat, AFTER);
    look(r);
    CU_ASSERT(health_of(r).ok);
    return chat;
}

static void remove_asides(void)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -f '%s'-wal.foreign-*", sqlite_test_path());
    must(system(command) == 0);
}

static void nothing_is_missing(void)
{
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        const struct trouble *t = &troubles[i];
        struct rig r;
        const char *chat = opened(&r, say);
        if (!chat)
            return;
        t->make();
        say(&r, chat, MORE);
        look(&r);
        struct store_health h = health_of(&r);
        CU_ASSERT_FALSE(h.ok);
        if (!strstr(h.detail, t->detail) || rows_after_kill() != BEFORE + AFTER + MORE)
            failed_as(t->name);
        CU_ASSERT_EQUAL(rig_say(&r, chat, "user", "late"), ERR_STORE);
        look(&r); /* for as long as it lasts, and no worse */
        CU_ASSERT_EQUAL(rows_after_kill(), BEFORE + AFTER + MORE);
        CU_ASSERT_PTR_NOT_NULL(rig_load(&r, "ann")); /* reads go on */
        if (!rig_reopen(&r) || rig_totals(&r).messages != BEFORE + AFTER + MORE)
            failed_as(t->name);
        CU_ASSERT_EQUAL(rig_say(&r, chat, "user", "a clean start"), OK);
        rig_close(&r);
        remove_asides();
    }
}

static void files_come_back(void)
{
    struct rig r;
    const char *chat = opened(&r, say);
    if (!chat)
        return;
    for (int round = 0; round < 2; round++) {
        CU_ASSERT_EQUAL(rename(beside("-wal"), beside(".moved")), 0);
        look(&r);
        CU_ASSERT_EQUAL(rig_say(&r, chat, "user", "late"), ERR_STORE);
        CU_ASSERT_EQUAL(rename(beside(".moved"), beside("-wal")), 0);
        look(&r);
        CU_ASSERT(health_of(&r).ok);
        say(&r, chat, MORE);
        look(&r);
        CU_ASSERT(health_of(&r).ok);
    }
    CU_ASSERT_EQUAL(rows_after_kill(), BEFORE + AFTER + 2 * MORE);
    rig_close(&r);
}

/* Another database was put in its place: the log that lies beside it is not read into that one. */
static void the_file_is_replaced(void)
{
    struct rig r;
    const char *chat = opened(&r, say);
    if (!chat)
        return;
    sqlite3 *db;
    must(sqlite3_open(beside(".moved"), &db) == SQLITE_OK);
    must(sqlite3_exec(db, "CREATE TABLE messages(x); INSERT INTO messages VALUES (1), (2)", NULL, NULL, NULL) ==
         SQLITE_OK);
    must(sqlite3_close(db) == SQLITE_OK);
    CU_ASSERT_EQUAL(rename(beside(".moved"), sqlite_test_path()), 0);
    say(&r, chat, MORE);
    look(&r);
    CU_ASSERT_FALSE(health_of(&r).ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(health_of(&r).detail, "replaced"));
    CU_ASSERT_EQUAL(rig_say(&r, chat, "user", "late"), ERR_STORE);
    CU_ASSERT_EQUAL(rows_after_kill(), 2);
    struct store_reader *late = NULL; /* nor is what it holds shown as ours */
    CU_ASSERT_EQUAL(r.store->vtable->reader_open(r.store, &late), ERR_STORE);
    CU_ASSERT_PTR_NULL(late);
    rig_close(&r);
}

/* ---- a log that was shortened: what it held is gone, but the database stays sound ---- */

static void checkpoint(struct rig *r)
{
    sqlite3 *db = sqlite_store_of(r->store)->conn.db;
    CU_ASSERT_EQUAL(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
}

static void cut(const char *suffix, off_t bytes)
{
    CU_ASSERT_EQUAL(truncate(beside(suffix), bytes), 0);
}

static const struct cutting {
    const char *name, *suffix;
    off_t to;
    bool moved_before; /* everything is in the database, and the log still holds it too */
    int64_t at_least;
} cuttings[] = {
    {"emptied", "-wal", 0, false, BEFORE},
    {"cut in the middle", "-wal", 32 + 10 * 4120, false, BEFORE},
    {"cut inside a frame", "-wal", 32 + 10 * 4120 + 1000, false, BEFORE},
    {"emptied after a checkpoint", "-wal", 0, true, BEFORE + AFTER},
    {"cut after a checkpoint", "-wal", 32 + 10 * 4120, true, BEFORE + AFTER},
};

static void a_shortened_log_does_no_more_harm(void)
{
    for (size_t i = 0; i < sizeof(cuttings) / sizeof(cuttings[0]); i++) {
        const struct cutting *c = &cuttings[i];
        struct rig r;
        const char *chat = opened(&r, say_singly);
        if (!chat)
            return;
        if (c->moved_before)
            checkpoint(&r);
        cut(c->suffix, c->to);
        if (!c->moved_before)
            (void)rig_say(&r, chat, "user", "written behind the gap");
        look(&r);
        CU_ASSERT_FALSE(health_of(&r).ok);
        CU_ASSERT_PTR_NOT_NULL(strstr(health_of(&r).detail, "cut short"));
        CU_ASSERT_EQUAL(rig_say(&r, chat, "user", "late"), ERR_STORE);
        look(&r);
        if (rows_after_kill() < c->at_least)
            failed_as(c->name);
        r.store->vtable->reader_close(r.reader);
        r.store->vtable->close(r.store);
        if (rows_after_kill() < c->at_least) /* a stop writes no holes into it either */
            failed_as(c->name);
        CU_ASSERT_EQUAL_FATAL(r.factory->open(r.factory->arg, &r.store), OK);
        CU_ASSERT_EQUAL_FATAL(r.store->vtable->reader_open(r.store, &r.reader), OK);
        CU_ASSERT(rig_totals(&r).messages >= c->at_least);
        say(&r, chat, MORE);
        rig_close(&r);
    }
}

static void an_overwritten_file_is_noticed(void)
{
    struct rig r;
    const char *chat = opened(&r, say);
    if (!chat)
        return;
    cut("", 0);
    look(&r);
    CU_ASSERT_FALSE(health_of(&r).ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(health_of(&r).detail, "overwritten"));
    CU_ASSERT_EQUAL(rig_say(&r, chat, "user", "late"), ERR_STORE);
    rig_close(&r);
}

/* ---- a log that cannot begin anew ---- */

static void say_much(struct rig *r, const char *chat, int64_t frames)
{
    static char text[500001];
    memset(text, 'x', sizeof(text) - 1);
    for (int64_t upto = sqlite_store_of(r->store)->log_frames + frames; sqlite_store_of(r->store)->log_frames < upto;)
        CU_ASSERT_EQUAL_FATAL(rig_say(r, chat, "user", text), OK);
}

static void a_log_held_by_a_reader_is_said(void)
{
    struct rig r;
    sqlite3 *reader;
    const char *chat = opened(&r, say);
    if (!chat)
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    must(sqlite3_open(sqlite_test_path(), &reader) == SQLITE_OK);
    must(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM chats", NULL, NULL, NULL) == SQLITE_OK);
    say_much(&r, chat, 9000);
    for (int i = 0; i < 20; i++)
        look(&r);
    CU_ASSERT_EQUAL(s->log_size.said_us, 0); /* nothing was written meanwhile: it has no reason to begin anew */
    say(&r, chat, 1);
    look(&r);
    CU_ASSERT(s->log_size.said_us > 0);
    CU_ASSERT(metrics_gauge_value(G_STORE_LOG_BYTES) > 9000 * 4096);
    CU_ASSERT(metrics_gauge_value(G_STORE_LOG_FRAMES) > 9000);
    must(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    must(sqlite3_close(reader) == SQLITE_OK);
    checkpoint(&r);
    say(&r, chat, 1);
    look(&r);
    CU_ASSERT_EQUAL(s->log_size.said_us, 0);
    CU_ASSERT(metrics_gauge_value(G_STORE_LOG_FRAMES) < 100);
    CU_ASSERT(health_of(&r).ok);
    rig_close(&r);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_STORE_LOG_BYTES), 0);
}

/* ---- one server, by any name ---- */

static void refused_as(const char *path)
{
    struct buf uri = {0}, why = {0};
    char pid[32];
    struct store *second = NULL;
    snprintf(pid, sizeof(pid), "(process %ld)", (long)getpid());
    buf_printf(&uri, "sqlite:%s", path);
    if (sqlite_open_uri(buf_cstr(&uri), &second, &why) == OK || !strstr(buf_cstr(&why), "in use by another server") ||
        !strstr(buf_cstr(&why), pid))
        failed_as(path);
    buf_fini(&uri);
    buf_fini(&why);
}

static void one_server_by_any_name(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    static const char *const links[] = {".symbolic", ".hard"};
    CU_ASSERT_EQUAL(symlink(sqlite_test_path(), beside(links[0])), 0);
    CU_ASSERT_EQUAL(link(sqlite_test_path(), beside(links[1])), 0);
    refused_as(sqlite_test_path());
    refused_as(beside(links[0]));
    refused_as(beside(links[1]));
    CU_ASSERT_EQUAL(unlink(beside("-lock")), 0); /* by hand */
    refused_as(sqlite_test_path());
    refused_as(beside(links[0]));
    CU_ASSERT_EQUAL(rig_say(&r, rig_chat(&r, "ann"), "user", "the first goes on"), OK);
    look(&r);
    CU_ASSERT(health_of(&r).ok);
    for (size_t i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(unlink(beside(links[i])), 0);
    CU_ASSERT(rig_reopen(&r)); /* and leaves no lock behind */
    rig_close(&r);
}

const CU_TestInfo sqlite_watch_tests[] = {
    {"one server by any name of the file", one_server_by_any_name},
    {"files deleted or replaced: nothing is missing", nothing_is_missing},
    {"files that come back", files_come_back},
    {"the file is replaced", the_file_is_replaced},
    {"a shortened log does no more harm", a_shortened_log_does_no_more_harm},
    {"a log held by a reader is said", a_log_held_by_a_reader_is_said},
    {"an overwritten file is noticed", an_overwritten_file_is_noticed},
    CU_TEST_INFO_NULL,
};
