/* A commit whose answer is a failure, and what the file says afterwards. Through a VFS with faults (fault_vfs.h). */
#include "chat/customer.h"
#include "fault_vfs.h"
#include "sqlite_fault_suites.h"
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"

#include <stdio.h>

static void close_reader(struct rig *r)
{
    r->store->vtable->reader_close(r->reader);
    r->reader = NULL;
}

/* No other connection is there, as once in the first half second of an existing database's server. */
static void leave_alone(struct rig *r)
{
    struct sqlite_store *s = sqlite_store_of(r->store);
    checkpointer_stop(s->checkpointer);
    s->checkpointer = NULL;
    close_reader(r);
}

static bool open_reader(struct rig *r)
{
    CU_ASSERT_EQUAL(r->store->vtable->reader_open(r->store, &r->reader), OK);
    return r->reader != NULL;
}

static void stop_failing(void)
{
    fault_plan(&(struct fault_plan){0});
}

/* Every way to read says so, now and after a restart. */
static void expect_texts(struct rig *r, const char *texts)
{
    for (int round = 0; round < 2; round++) {
        struct buf got = {0};
        const char *all = rig_load(r, "ann");
        for (const char *at = all ? all : ""; (at = strstr(at, "  user ")); at += 7)
            buf_printf(&got, "%.*s ", (int)strcspn(at + 7, " "), at + 7);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&got), texts);
        buf_fini(&got);
        struct totals t = rig_totals(r);
        int64_t spaces = 0;
        for (const char *at = texts; *at; at++)
            spaces += *at == ' ';
        CU_ASSERT_EQUAL(t.messages, spaces);
        CU_ASSERT_EQUAL(t.chats, 1);
        CU_ASSERT_EQUAL(t.customers, 1);
        if (!rig_reopen(r))
            return;
    }
}

/* EIO of the log's fdatasync at COMMIT while no other connection is open: closing the only one would drop the log's
 * index, and opening it anew would take the failed frames for committed ones. */
static void failed_commit_of_the_only_connection(const char *key)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    if (!rig_reopen(&r))
        return;
    leave_alone(&r);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "one"), OK);
    struct op *op = rig_send(&r, a, "user", "two", key);
    int64_t rev = send_of(op)->message.rev;
    enum err err = ERR_STORE;
    /* The second would be of the checkpoint that the last connection makes as it closes. */
    fault_plan(&(struct fault_plan){.kind = FAULT_REFUSE, .ops = FAULT_SYNC, .at = 1, .calls = 2});
    CU_ASSERT_EQUAL(RIG_APPLY(&r, op), ERR_STORE);
    for (int tries = 0; tries < 3 && err != OK; tries++)
        err = RIG_APPLY(&r, op);
    CU_ASSERT_EQUAL(err, OK);
    stop_failing();
    CU_ASSERT_EQUAL(op->result, OK);
    CU_ASSERT_EQUAL(send_of(op)->message.rev, rev);
    CU_ASSERT_FALSE(send_of(op)->message.duplicate);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "three"), OK);
    if (open_reader(&r))
        expect_texts(&r, "one two three ");
    rig_close(&r);
}

static void failed_commit_without_a_key(void)
{
    failed_commit_of_the_only_connection(NULL);
}

static void failed_commit_with_a_key(void)
{
    failed_commit_of_the_only_connection("k");
}

/* Syncs fail for a while, and no file grows; then a reader opens: it finds all in place, and need not make the log's index. */
static void reader_opens_in_trouble(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "one"), OK);
    leave_alone(&r);
    const unsigned ops = FAULT_TRUNCATE | FAULT_SYNC | FAULT_SHM | FAULT_DELETE;
    fault_plan(&(struct fault_plan){.kind = FAULT_REFUSE, .ops = ops, .at = 1, .calls = INT32_MAX});
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(rig_say(&r, a, "user", "no"), ERR_STORE);
        if (open_reader(&r)) {
            CU_ASSERT_PTR_NOT_NULL(rig_load(&r, "ann"));
            close_reader(&r);
        }
    }
    stop_failing();
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "two"), OK);
    if (open_reader(&r))
        expect_texts(&r, "one two ");
    rig_close(&r);
}

/* Should the log be recovered under us all the same (the connection is closed here by hand), all that the failed commit
 * held is there: the retry answers as the first try would have, and counts nothing twice. */
static void failed_commit_that_is_there(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "one"), OK);
    leave_alone(&r);
    struct customer given = {.email = SLICE_LIT("bob@example.com"), .owner = SLICE_LIT("acme")};
    struct op *ops[] = {rig_create(&r, "bob", NULL, "Bob"), rig_put(&r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER),
                        rig_send(&r, a, "user", "two", NULL), rig_send(&r, a, "agent", "three", "k"),
                        rig_ai(&r, a, false)};
    enum { COUNT = sizeof(ops) / sizeof(ops[0]) };
    fault_plan(&(struct fault_plan){.kind = FAULT_REFUSE, .ops = FAULT_SYNC, .at = 1, .calls = 2});
    CU_ASSERT_EQUAL(rig_apply(&r, ops, COUNT), ERR_STORE);
    db_close(&s->conn);
    stop_failing();
    CU_ASSERT_EQUAL(rig_apply(&r, ops, COUNT), OK);
    for (size_t i = 0; i < COUNT; i++)
        CU_ASSERT_EQUAL(ops[i]->result, OK);
    CU_ASSERT_FALSE(send_of(ops[3])->message.duplicate);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "four"), OK);
    for (int round = 0; round < 2; round++) {
        if (!r.reader && !open_reader(&r))
            break;
        struct totals t = rig_totals(&r);
        CU_ASSERT_STRING_EQUAL(rig_totals_text(&r, &t), "3 2 4 1 0 1 2 1 2 2 0 0 0 0");
        const char *all = rig_load(&r, "ann");
        CU_ASSERT_PTR_NOT_NULL(all);
        CU_ASSERT(all && strstr(all, "total=4") && strstr(all, "user two") && strstr(all, "agent three"));
        if (!rig_reopen(&r))
            break;
    }
    rig_close(&r);
}

const CU_TestInfo sqlite_recovery_tests[] = {
    {"a failed commit of the only connection", failed_commit_without_a_key},
    {"the same, with a client key", failed_commit_with_a_key},
    {"a failed commit that is there after all", failed_commit_that_is_there},
    {"a reader opens in the middle of trouble", reader_opens_in_trouble},
    CU_TEST_INFO_NULL,
};
