/* Rules that an operator has added to the file: an index, a trigger. Who breaks one is answered alone. */
#include "sqlite_files.h"
#include "suites.h"

#include <sqlite3.h>

static void add_rule(const char *sql)
{
    sqlite3 *db = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(sqlite_test_path(), &db), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_close(db), SQLITE_OK);
}

#define OPS 5

/* As the writer does it: what is named leaves, and the rest is tried again. */
static void apply_until_done(struct rig *r, struct op *const *ops, enum err *results)
{
    struct op *left[OPS];
    size_t count = OPS;
    memcpy(left, ops, sizeof(left));
    for (int tries = 0; count > 0; tries++) {
        enum err err = rig_apply(r, left, count);
        CU_ASSERT_FATAL(err != ERR_STORE && tries < OPS);
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < OPS; j++)
                if (ops[j] == left[i])
                    results[j] = left[i]->result;
            if (err != OK && left[i]->result == OK)
                left[kept++] = left[i];
        }
        CU_ASSERT_FATAL(err == OK || kept < count);
        count = err == OK ? 0 : kept;
    }
}

static const struct rule {
    const char *sql;
    enum err create, send; /* of the second create and the second send below, which break it, or do not */
} rules[] = {
    {"CREATE UNIQUE INDEX own ON customers(name)", ERR_CONFLICT, OK},
    {"CREATE UNIQUE INDEX own ON messages(text)", OK, ERR_CONFLICT},
    {"CREATE TRIGGER own BEFORE INSERT ON customers WHEN new.oid = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END",
     ERR_REFUSED, OK},
    {"CREATE TRIGGER own BEFORE INSERT ON customers WHEN new.oid = 'bad' BEGIN SELECT RAISE(FAIL, 'no'); END",
     ERR_REFUSED, OK},
    {"CREATE TRIGGER own BEFORE INSERT ON customers WHEN new.oid = 'bad' BEGIN SELECT RAISE(IGNORE); END", ERR_REFUSED,
     OK},
    {"CREATE TRIGGER own AFTER INSERT ON customers WHEN new.oid = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
     ERR_REFUSED, OK},
    /* the customer is stored already when its chat is refused */
    {"CREATE TRIGGER own BEFORE INSERT ON chats WHEN new.user = (SELECT id FROM customers WHERE oid = 'bad') "
     "BEGIN SELECT RAISE(ABORT, 'no'); END",
     ERR_REFUSED, OK},
    {"CREATE TRIGGER own BEFORE INSERT ON messages WHEN new.text = 'same' AND new.role = 'agent' "
     "BEGIN SELECT RAISE(ABORT, 'no'); END",
     OK, ERR_REFUSED},
    {"CREATE TRIGGER own AFTER INSERT ON messages WHEN new.text = 'same' AND new.role = 'agent' "
     "BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
     OK, ERR_REFUSED},
    /* the message is stored already when its chat's flags are refused */
    {"CREATE TRIGGER own BEFORE UPDATE OF flags ON chats WHEN new.flags <> old.flags "
     "BEGIN SELECT RAISE(ABORT, 'no'); END",
     OK, ERR_REFUSED},
};

static void broken_alone(void)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct rig r;
        enum err results[OPS];
        if (!rig_open(&r, &sqlite_factory))
            return;
        const char *chat = rig_chat(&r, "ann");
        add_rule(rules[i].sql);
        struct op *ops[OPS] = {rig_create(&r, "good", NULL, "Same"), rig_create(&r, "bad", NULL, "Same"),
                               rig_send(&r, chat, "user", "same", NULL), rig_send(&r, chat, "agent", "same", NULL),
                               rig_send(&r, chat, "user", "last", NULL)};
        apply_until_done(&r, ops, results);
        CU_ASSERT_EQUAL(results[0], OK);
        CU_ASSERT_EQUAL(results[1], rules[i].create);
        CU_ASSERT_EQUAL(results[2], OK);
        CU_ASSERT_EQUAL(results[3], rules[i].send);
        CU_ASSERT_EQUAL(results[4], OK);
        CU_ASSERT_PTR_NOT_NULL(rig_load(&r, "good"));
        CU_ASSERT_EQUAL(rig_load(&r, "bad") != NULL, rules[i].create == OK);
        const char *history = rig_load(&r, "ann");
        CU_ASSERT_PTR_NOT_NULL_FATAL(history);
        CU_ASSERT_PTR_NOT_NULL(strstr(history, "  user same "));
        CU_ASSERT_EQUAL(strstr(history, "  agent same ") != NULL, rules[i].send == OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(history, "  user last "));
        struct totals t = rig_totals(&r);
        CU_ASSERT_EQUAL(t.customers, rules[i].create == OK ? 3 : 2);
        CU_ASSERT_EQUAL(t.chats, rules[i].create == OK ? 3 : 2);
        CU_ASSERT_EQUAL(t.messages, rules[i].send == OK ? 3 : 2);
        struct store_health health;
        r.store->vtable->health(r.store, &health);
        CU_ASSERT(health.ok);
        rig_close(&r);
    }
}

const CU_TestInfo sqlite_rule_tests[] = {
    {"a rule of the operator's own, broken", broken_alone},
    CU_TEST_INFO_NULL,
};
