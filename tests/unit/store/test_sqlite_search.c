/* Searches over a file of the schema before them: while its words are filled in, and afterwards; of few and of many. */
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"
#include "suites.h"

#include <stdio.h>

#define CUSTOMERS 12000 /* more than a search sorts by itself */

static void run_sql(const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    must(sqlite3_open(sqlite_test_path(), &db) == SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK);
    if (why)
        fprintf(stderr, "\n%s\n", why);
    sqlite3_free(why);
    sqlite3_close(db);
}

static int64_t ask_file(const char *sql)
{
    sqlite3 *db;
    must(sqlite3_open(sqlite_test_path(), &db) == SQLITE_OK);
    int64_t answer = sqlite_ask(db, sql);
    sqlite3_close(db);
    return answer;
}

/* Customers c1 … c12000, the later the newer; every third is called Third, all are of x.io. */
static bool open_old_file(struct rig *r)
{
    const struct schema old = {sqlite_schema.steps, 4};
    struct db_options options = {.path = sqlite_test_path(), .durable = true, .cache_kib = 512};
    struct sqlite_conn c = {0};
    struct buf why = {0};
    sqlite_factory.wipe(NULL);
    run_sql("VACUUM"); /* makes the file */
    CU_ASSERT_EQUAL_FATAL(db_open(&c, CONN_WRITER, &options, &why), OK);
    CU_ASSERT_EQUAL(schema_migrate(&c, &old, &why), OK);
    db_close(&c);
    buf_fini(&why);
    run_sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
        "INSERT INTO customers(id, oid, email, user_ref, name, ip, vibe, category, status, owner, last_chat, "
        "timestamp, location, device, created, last_seen, visits, visit_duration, activity, rev, chat_count) "
        "SELECT i, 'c' || i, 'c' || i || '@x.io', '', CASE i % 3 WHEN 0 THEN 'Third' ELSE 'Other' END || ' No' || i, "
        "'', '', 'agent-inbox', 'active', '', '', '', '', '', 7, 7, 1, 0, i, i, 0 FROM n");
    *r = (struct rig){.factory = &sqlite_factory};
    arena_init(&r->arena, 0);
    r->pool = NULL;
    return rig_reopen(r);
}

static void expect_all(struct rig *r)
{
    static const char *const thirds[4] = {"third", "", "", ""}, *const all[4] = {"x.io", "", "", ""},
                             *const section[4] = {"", "agent-inbox", "active", ""};
    CU_ASSERT_STRING_EQUAL(rig_search(r, thirds, 0, 3), "4000: c12000 c11997 c11994");
    CU_ASSERT_STRING_EQUAL(rig_search(r, thirds, 3998, 3), "4000: c6 c3");
    CU_ASSERT_STRING_EQUAL(rig_search(r, all, 0, 3), "12000: c12000 c11999 c11998");
    CU_ASSERT_STRING_EQUAL(rig_search(r, all, 11998, 3), "12000: c2 c1");
    CU_ASSERT_STRING_EQUAL(rig_search(r, section, 1, 2), "12000: c11999 c11998");
    CU_ASSERT_STRING_EQUAL(RIG_SEARCH(r, "c7777@", "", "", ""), "1: c7777");
    CU_ASSERT_STRING_EQUAL(RIG_SEARCH(r, "no777 third", "", "", ""), "5: c7779 c7776 c7773 c7770 c777");
}

static void old_file_is_searched_while_it_is_filled(void)
{
    struct rig r;
    if (!open_old_file(&r))
        return;
    const struct sqlite_store *s = sqlite_store_of(r.store);
    const struct store_vtable *v = r.store->vtable;
    CU_ASSERT_EQUAL(words_behind(s), CUSTOMERS);
    expect_all(&r);
    int steps = 0;
    for (bool more = true; more && steps < 1000; steps++) {
        more = v->maintain(r.store, 0, true);
        if (steps == 40) /* in between, and over a restart */
            expect_all(&r);
        if (steps == 41 && !rig_reopen(&r))
            return;
        s = sqlite_store_of(r.store);
    }
    CU_ASSERT(steps > 60 && steps < 200);
    while (words_behind(s) > 0 && steps++ < 1000)
        v->maintain(r.store, INT64_C(1) << 50, true); /* the last few wait for a quiet moment */
    CU_ASSERT_EQUAL(words_behind(s), 0);
    expect_all(&r);
    CU_ASSERT_EQUAL(ask_file("SELECT value FROM meta WHERE key = 'words_upto'"), CUSTOMERS);
    CU_ASSERT_EQUAL(ask_file("SELECT count(DISTINCT customer) FROM customer_words"), CUSTOMERS);
    rig_close(&r);
}

/* What an operator takes out by hand leaves words behind: they are passed over. */
static void rows_that_are_gone_are_not_found(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    (void)rig_chat(&r, "ann");
    (void)rig_chat(&r, "anna");
    r.store->vtable->maintain(r.store, INT64_C(1) << 50, true);
    CU_ASSERT_EQUAL(ask_file("SELECT count(*) FROM customer_words WHERE word = 'ann'"), 1);
    run_sql("PRAGMA foreign_keys = OFF; DELETE FROM customers WHERE oid = 'ann'");
    CU_ASSERT_PTR_NOT_NULL(strstr(RIG_SEARCH(&r, "ann", "", "", ""), ": anna"));
    rig_close(&r);
}

/* Where the writer never rests, words come along with its commits, and are taken back with them. */
static void words_come_with_commits(void)
{
    struct rig r;
    if (!open_old_file(&r))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    const struct store_vtable *v = r.store->vtable;
    struct customer u = {.id = SLICE_LIT("new"), .email = SLICE_LIT("new@x.io"), .rev = 20000, .activity_us = 20000};
    CU_ASSERT_EQUAL(v->begin(r.store), OK);
    CU_ASSERT_EQUAL(v->put_customer(r.store, &u), OK);
    CU_ASSERT_EQUAL(words_with_commit(s), OK);
    v->rollback(r.store);
    CU_ASSERT_EQUAL(s->words.upto, 0);
    CU_ASSERT_STRING_EQUAL(RIG_SEARCH(&r, "new", "", "", ""), "0: ");
    for (int i = 0; i < 10; i++) {
        u.rev++;
        CU_ASSERT_EQUAL(v->begin(r.store), OK);
        CU_ASSERT_EQUAL(v->put_customer(r.store, &u), OK);
        CU_ASSERT_EQUAL(v->commit(r.store), OK);
    }
    CU_ASSERT(s->words.upto >= 160 && s->words.upto < 200);
    CU_ASSERT_STRING_EQUAL(RIG_SEARCH(&r, "new", "", "", ""), "1: new");
    CU_ASSERT_STRING_EQUAL(RIG_SEARCH(&r, "c7@", "", "", ""), "1: c7");
    rig_close(&r);
}

const CU_TestInfo sqlite_search_tests[] = {
    {"an old file is searched while it is filled", old_file_is_searched_while_it_is_filled},
    {"rows that are gone are not found", rows_that_are_gone_are_not_found},
    {"words come with commits", words_come_with_commits},
    CU_TEST_INFO_NULL,
};
