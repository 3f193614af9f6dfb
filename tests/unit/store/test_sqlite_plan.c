/* Every statement of the store is an index search, by SQLite's own plan. */
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"
#include "suites.h"

#include <stdio.h>

#define SQL_TEXT(id, text) [id] = (text),
static const char *const statements[] = {SQL_STATEMENTS(SQL_TEXT)};

/* Scans along an index that end by themselves: after LIMIT rows, or when the reader has the rows that it wants. */
static const enum sql_id bounded_scans[] = {SQL_CHATS_RECENT,     SQL_CHATS_FIRST,     SQL_CHAT_HEADS_RECENT,
                                            SQL_CUSTOMERS_RECENT, SQL_CUSTOMERS_FIRST, SQL_CUSTOMERS_OF_STATUS};

static bool may_scan(enum sql_id id)
{
    for (size_t i = 0; i < sizeof(bounded_scans) / sizeof(bounded_scans[0]); i++)
        if (bounded_scans[i] == id)
            return true;
    return false;
}

static bool is_step(const char *detail)
{
    return strncmp(detail, "SEARCH ", 7) == 0;
}

/* Sorting, or a table read from end to end. */
static bool is_bad(enum sql_id id, const char *detail)
{
    if (strstr(detail, "TEMP B-TREE") || strstr(detail, "AUTOMATIC"))
        return true;
    if (strncmp(detail, "SCAN CONSTANT ROW", 17) == 0)
        return false;
    return strncmp(detail, "SCAN ", 5) == 0 && !may_scan(id);
}

static int explain(sqlite3 *db, enum sql_id id)
{
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statements[id]);
    sqlite3_stmt *stmt = NULL;
    int steps = 0;
    CU_ASSERT_EQUAL(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);
        if (is_bad(id, detail))
            fprintf(stderr, "\n%s\n  %s\n", statements[id], detail);
        CU_ASSERT_FALSE(is_bad(id, detail));
        steps += is_step(detail);
    }
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    return steps;
}

/* As SQLite plans them on an empty database, which knows nothing of sizes, and with statistics of a large one. */
static void every_statement_searches(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    sqlite3 *db = sqlite_store_of(r.store)->conn.db;
    int searches = 0;
    for (int id = 0; id < SQL_COUNT; id++)
        searches += explain(db, (enum sql_id)id);
    CU_ASSERT(searches > 25); /* the plans are read at all */
    CU_ASSERT_EQUAL(
        sqlite3_exec(db,
                     "ANALYZE; INSERT INTO sqlite_stat1 VALUES ('customers', 'customers_email', '1000000 1'),"
                     "('customers', 'customers_rev', '1000000 1'), ('chats', 'chats_user', '2000000 2'),"
                     "('chats', 'chats_activity', '2000000 1'),"
                     "('messages', 'messages_client_key', '10000000 100 1'); ANALYZE sqlite_schema",
                     NULL, NULL, NULL),
        SQLITE_OK);
    for (int id = 0; id < SQL_COUNT; id++)
        searches += explain(db, (enum sql_id)id);
    rig_close(&r);
}

/* The test can fail: a statement without its index is found out. */
static void a_missing_index_is_seen(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    sqlite3 *db = sqlite_store_of(r.store)->conn.db;
    CU_ASSERT_EQUAL(sqlite3_exec(db, "DROP INDEX customers_email", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *stmt;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statements[SQL_CUSTOMER_BY_EMAIL]);
    must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_step(stmt), SQLITE_ROW);
    CU_ASSERT(is_bad(SQL_CUSTOMER_BY_EMAIL, (const char *)sqlite3_column_text(stmt, 3)));
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    rig_close(&r);
}

const CU_TestInfo sqlite_plan_tests[] = {
    {"every statement is a search", every_statement_searches},
    {"a missing index is seen", a_missing_index_is_seen},
    CU_TEST_INFO_NULL,
};
