/* Failures of the file: what is refused, that nothing false is acknowledged, that it works again by itself. */
#include "base/log.h"
#include "base/metrics.h"
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"
#include "suites.h"

#include <stdio.h>
#include <unistd.h>

static struct store_health health_of(struct rig *r)
{
    struct store_health h;
    r->store->vtable->health(r->store, &h);
    return h;
}

static void limit_pages(struct rig *r, const char *sql)
{
    sqlite3 *db = sqlite_store_of(r->store)->conn.db;
    CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static enum err say_big(struct rig *r, const char *chat)
{
    static char text[100001];
    memset(text, 'x', sizeof(text) - 1);
    return rig_say(r, chat, "user", text);
}

/* As a full disk: SQLite cannot add pages. */
static void disk_full(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "before"), OK);
    char *before = arena_dup(&r.arena, slice_cstr(rig_load(&r, "ann")));
    limit_pages(&r, "PRAGMA max_page_count = 1"); /* as many as there are */
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(say_big(&r, a), ERR_STORE);
    CU_ASSERT_FALSE(health_of(&r).ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(health_of(&r).detail, "full"));
    r.store->vtable->maintain(r.store, INT64_C(1) << 50, true); /* the probe finds it still full */
    CU_ASSERT_FALSE(health_of(&r).ok);
    CU_ASSERT_STRING_EQUAL(rig_load(&r, "ann"), before); /* reads go on, nothing half-written */
    CU_ASSERT_EQUAL(rig_totals(&r).messages, 1);
    limit_pages(&r, "PRAGMA max_page_count = 1000000");
    r.store->vtable->maintain(r.store, INT64_C(1) << 51, true);
    CU_ASSERT(health_of(&r).ok);
    CU_ASSERT_EQUAL(say_big(&r, a), OK);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "after"), OK);
    CU_ASSERT_EQUAL(rig_totals(&r).messages, 3);
    CU_ASSERT(rig_reopen(&r));
    CU_ASSERT_EQUAL(rig_totals(&r).messages, 3);
    rig_close(&r);
}

/* A batch that works again heals too, without the probe. */
static void heals_by_working(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    limit_pages(&r, "PRAGMA max_page_count = 1");
    CU_ASSERT_EQUAL(say_big(&r, a), ERR_STORE);
    CU_ASSERT_FALSE(health_of(&r).ok);
    limit_pages(&r, "PRAGMA max_page_count = 1000000");
    CU_ASSERT_EQUAL(say_big(&r, a), OK);
    CU_ASSERT(health_of(&r).ok);
    CU_ASSERT_STRING_EQUAL(health_of(&r).detail, "");
    rig_close(&r);
}

/* Another program (a person with the sqlite3 shell) holds the write lock. */
static void locked_by_another(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    sqlite3_busy_timeout(sqlite_store_of(r.store)->conn.db, 10);
    sqlite3 *other;
    must(sqlite3_open(sqlite_test_path(), &other) == SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), ERR_STORE);
    CU_ASSERT_PTR_NOT_NULL(strstr(health_of(&r).detail, "locked"));
    CU_ASSERT_PTR_NOT_NULL(rig_load(&r, "ann"));
    CU_ASSERT_EQUAL(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_busy_timeout(sqlite_store_of(r.store)->conn.db, CONN_BUSY_MS);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), OK);
    CU_ASSERT(health_of(&r).ok);
    sqlite3_close(other);
    rig_close(&r);
}

/* Deleted under the running server: nothing is acknowledged into a file that nobody will find. */
static void file_moved_away(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    char moved[128];
    snprintf(moved, sizeof(moved), "%s.moved", sqlite_test_path());
    CU_ASSERT_EQUAL(rename(sqlite_test_path(), moved), 0);
    r.store->vtable->maintain(r.store, INT64_C(1) << 50, false);
    CU_ASSERT_FALSE(health_of(&r).ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(health_of(&r).detail, "moved"));
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), ERR_STORE);
    CU_ASSERT_EQUAL(rename(moved, sqlite_test_path()), 0);
    r.store->vtable->maintain(r.store, INT64_C(1) << 51, false);
    CU_ASSERT(health_of(&r).ok);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), OK);
    rig_close(&r);
}

/* A connection that SQLite gave up on is replaced; the newest messages are still known. */
static void lost_connections(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "one"), OK);
    struct sqlite_store *s = sqlite_store_of(r.store);
    const sqlite3 *before = s->conn.db;
    s->conn.lost = s->conn.failed = true;
    ((struct sqlite_reader *)r.reader)->conn.lost = true;
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "two"), OK);
    CU_ASSERT(s->conn.db && (s->conn.db != before || !s->conn.lost));
    CU_ASSERT(health_of(&r).ok);
    const char *got = rig_load(&r, "ann");
    CU_ASSERT_PTR_NOT_NULL(got);
    CU_ASSERT(got && strstr(got, "user one") && strstr(got, "user two"));
    rig_close(&r);
}

/* A page of the messages overwritten with noise: an error, not a wrong history and not a crash. */
static void damaged_file(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    for (int i = 0; i < 200; i++)
        CU_ASSERT_EQUAL(rig_say(&r, a, "user", "a text of some length, so that there are several pages"), OK);
    CU_ASSERT(rig_reopen(&r)); /* all in the file now */
    FILE *f = fopen(sqlite_test_path(), "r+b");
    must(f != NULL);
    must(fseek(f, 0, SEEK_END) == 0);
    for (long at = ftell(f) - 4096; at > 40960; at -= 4096) {
        must(fseek(f, at, SEEK_SET) == 0);
        for (int i = 0; i < 4096; i++)
            fputc((i * 37 + 11) & 0xff, f);
    }
    must(fclose(f) == 0);
    uint64_t errors = metrics_counter(M_STORE_ERROR);
    r.store->vtable->reader_close(r.reader);
    CU_ASSERT_EQUAL_FATAL(r.store->vtable->reader_open(r.store, &r.reader), OK);
    struct overview o;
    CU_ASSERT_EQUAL(r.store->vtable->overview(r.reader, &r.arena, &o), ERR_STORE);
    CU_ASSERT(metrics_counter(M_STORE_ERROR) > errors);
    rig_close(&r);
}

/* Steady state: sends to known chats read nothing and write one row each. */
static void sends_cost_one_row(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *chats[10];
    for (int i = 0; i < 10; i++)
        chats[i] = rig_chat(&r, "ann");
    for (int round = 0; round < 2; round++) {
        struct op *ops[50];
        sqlite_store_of(r.store)->roll.ended_us = INT64_MAX / 2; /* no roll-up is due, however long this takes */
        for (int i = 0; i < 50; i++) {
            ops[i] = rig_send(&r, chats[i % 10], "user", "x", round ? NULL : "k");
            struct chat chat;
            CU_ASSERT_EQUAL(r.store->vtable->find_chat(r.store, slice_cstr(chats[i % 10]), &r.arena, &chat), OK);
            send_of(ops[i])->message.link =
                (struct chat_link){.known = true, .chat_key = chat.key, .customer_key = chat.customer_key};
        }
        uint64_t reads = metrics_counter(M_STORE_READ_WRITER), rows = metrics_counter(M_STORE_INSERT_MESSAGE);
        uint64_t chat_writes = metrics_counter(M_STORE_WRITE_CHAT);
        int duplicates = 0;
        CU_ASSERT_EQUAL(rig_apply(&r, ops, 50), OK);
        CU_ASSERT_EQUAL(metrics_counter(M_STORE_READ_WRITER) - reads, 0);
        CU_ASSERT_EQUAL(metrics_counter(M_STORE_INSERT_MESSAGE) - rows, round ? 50 : 10);
        for (int i = 0; i < 50; i++)
            duplicates += send_of(ops[i])->message.duplicate;
        CU_ASSERT_EQUAL(duplicates, round ? 0 : 40);
        CU_ASSERT_EQUAL(metrics_counter(M_STORE_WRITE_CHAT) - chat_writes, 0);
        if (!rig_reopen(&r)) /* chats written last are known at once after a start, too */
            break;
    }
    rig_close(&r);
}

/* A rev that is not new and not this message's: refused, and harms no other. */
static void rev_must_be_new(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann"), *b = rig_chat(&r, "bob");
    struct op *first = rig_send(&r, a, "user", "one", NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(&r, first), OK);
    struct op *stolen = rig_send(&r, b, "user", "two", NULL), *good = rig_send(&r, b, "user", "three", NULL);
    send_of(stolen)->message.rev = send_of(first)->message.rev;
    CU_ASSERT_EQUAL(RIG_APPLY(&r, stolen, good), OK);
    CU_ASSERT_EQUAL(stolen->result, ERR_CONFLICT);
    CU_ASSERT_EQUAL(good->result, OK);
    CU_ASSERT_EQUAL(rig_totals(&r).messages, 2);
    rig_close(&r);
}

/* A chat that was rolled back leaves its row number to another customer's. */
static void rolled_back_chat_is_forgotten(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    (void)rig_chat(&r, "bob");
    const struct store_vtable *v = r.store->vtable;
    struct customer ghost = {.id = SLICE_LIT("ghost"), .rev = RIG_T0};
    struct chat chat = {.chat_id = SLICE_LIT("ghost-chat"), .status = SLICE_LIT("open"), .rev = RIG_T0};
    CU_ASSERT_EQUAL(v->begin(r.store), OK);
    CU_ASSERT_EQUAL(v->put_customer(r.store, &ghost), OK);
    chat.customer_key = ghost.key;
    CU_ASSERT_EQUAL(v->insert_chat(r.store, &chat), OK);
    v->rollback(r.store);
    CU_ASSERT_PTR_NULL(rig_load(&r, "ghost"));
    const char *b = rig_chat(&r, "bob");
    struct chat taken;
    CU_ASSERT_EQUAL(v->find_chat(r.store, slice_cstr(b), &r.arena, &taken), OK);
    CU_ASSERT_EQUAL(taken.key, chat.key);
    (void)rig_chat(&r, "cleo");
    CU_ASSERT_EQUAL(rig_say(&r, b, "user", "x"), OK);
    CU_ASSERT_STRING_EQUAL(rig_recent(&r, "", 0, 10), "bob cleo");
    CU_ASSERT(rig_reopen(&r));
    CU_ASSERT_STRING_EQUAL(rig_recent(&r, "", 0, 10), "bob cleo");
    rig_close(&r);
}

const CU_TestInfo sqlite_fault_tests[] = {
    {"a chat rolled back is forgotten", rolled_back_chat_is_forgotten},
    {"disk full", disk_full},
    {"heals by working", heals_by_working},
    {"locked by another program", locked_by_another},
    {"the file is moved away", file_moved_away},
    {"lost connections are replaced", lost_connections},
    {"a damaged file", damaged_file},
    {"a send costs one row", sends_cost_one_row},
    {"a rev must be new", rev_must_be_new},
    CU_TEST_INFO_NULL,
};
