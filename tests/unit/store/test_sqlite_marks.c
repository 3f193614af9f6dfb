/* Marks on their way into the rows of SQLite's chats: what they cost, and what of them outlives what. Through a VFS with faults
 * (fault_vfs.h), which counts what reaches the disk. */
#include "base/clock.h"
#include "chat/customer.h"
#include "fault_vfs.h"
#include "sqlite_fault_suites.h"
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define LATER_US (2 * INT64_C(1000000)) /* so long a mark may wait */

static enum err set(struct rig *r, const char *chat, enum chat_side side, int64_t ms)
{
    struct op *op = rig_mark(r, chat, side, RIG_T0 + ms * 1000);
    enum err err = RIG_APPLY(r, op);
    enum err result = err == OK ? op->result : err;
    op_put(r->pool, op);
    return result;
}

static void maintain_later(struct rig *r)
{
    r->store->vtable->maintain(r->store, clock_mono_us() + LATER_US, false);
}

static int64_t stored(struct rig *r, const char *sql)
{
    return sqlite_ask(sqlite_store_of(r->store)->conn.db, sql);
}

static int64_t agents_read(struct rig *r)
{
    int64_t mark = stored(r, "SELECT max(agents_read) FROM chats");
    return mark == 0 ? 0 : (mark - RIG_T0) / 1000;
}

static void count_writes(void)
{
    fault_plan(&(struct fault_plan){.kind = FAULT_NONE, .ops = FAULT_CHANGES & ~(unsigned)FAULT_LOCK});
}

/* Also where the rows of chats are behind, and a round of them is due. */
static void marks_alone_write_nothing(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), OK);
    s->roll.ended_us = 0;
    s->marks.since_us = 0;
    int64_t committed_us = s->committed_us;
    count_writes();
    for (int i = 1; i <= 50; i++)
        CU_ASSERT_EQUAL(set(&r, a, SIDE_AGENTS, i), OK);
    r.store->vtable->maintain(r.store, clock_mono_us(), false); /* too soon */
    CU_ASSERT_EQUAL(fault_count(), 0);
    CU_ASSERT_EQUAL(s->committed_us, committed_us); /* nor do they keep upkeep from its quiet moment */
    CU_ASSERT_EQUAL(agents_read(&r), 0);
    maintain_later(&r);
    CU_ASSERT(fault_count() > 0);
    CU_ASSERT_EQUAL(agents_read(&r), 50);
    rig_close(&r);
}

static void marks_go_with_a_commit(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(set(&r, a, SIDE_AGENTS, 7), OK);
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), OK);
    CU_ASSERT_EQUAL(agents_read(&r), 0);
    sqlite_store_of(r.store)->marks.since_us -= LATER_US;
    CU_ASSERT_EQUAL(rig_say(&r, a, "user", "y"), OK);
    CU_ASSERT_EQUAL(agents_read(&r), 7);
    count_writes();
    maintain_later(&r); /* nothing is left */
    CU_ASSERT_EQUAL(fault_count(), 0);
    rig_close(&r);
}

/* The power goes: what was written is there, what was not is as it was before. */
static void marks_survive_the_power(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    fault_forget();
    if (!rig_reopen(&r))
        return;
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(set(&r, a, SIDE_AGENTS, 5), OK);
    CU_ASSERT_EQUAL(set(&r, a, SIDE_CUSTOMER, 4), OK);
    maintain_later(&r);
    CU_ASSERT_EQUAL(set(&r, a, SIDE_AGENTS, 9), OK);
    fault_power_off();
    r.store->vtable->reader_close(r.reader);
    r.store->vtable->close(r.store);
    r.reader = NULL;
    r.store = NULL;
    fault_power_on(FAULT_KEEP_SYNCED);
    if (rig_reopen(&r))
        CU_ASSERT_STRING_EQUAL(rig_row(&r, a), "open flags=0 rev=@0 agents=@5 customer=@4");
    rig_close(&r);
}

static void marks_wait_for_the_disk(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    CU_ASSERT_EQUAL(set(&r, a, SIDE_AGENTS, 5), OK);
    fault_plan(&(struct fault_plan){.kind = FAULT_REFUSE, .ops = FAULT_SYNC, .at = 1, .calls = INT32_MAX});
    maintain_later(&r);
    /* Nothing but marks comes: their batch must not say that the store is well again. */
    CU_ASSERT_EQUAL(set(&r, a, SIDE_CUSTOMER, 6), ERR_STORE);
    struct op *lost[] = {rig_mark(&r, a, SIDE_AGENTS, RIG_T0 + 8000), rig_send(&r, a, "user", "x", NULL)};
    CU_ASSERT_EQUAL(rig_apply(&r, lost, 2), ERR_STORE);
    CU_ASSERT_STRING_EQUAL(rig_row(&r, a), "open flags=0 rev=@0 agents=@5");
    struct store_health health;
    r.store->vtable->health(r.store, &health);
    CU_ASSERT_FALSE(health.ok);
    fault_plan(&(struct fault_plan){0});
    CU_ASSERT_EQUAL(set(&r, a, SIDE_CUSTOMER, 6), OK);
    CU_ASSERT_EQUAL(stored(&r, "SELECT customer_read > 0 FROM chats"), 1); /* the first one goes to the disk */
    r.store->vtable->health(r.store, &health);
    CU_ASSERT_TRUE(health.ok);
    CU_ASSERT_EQUAL(rig_apply(&r, lost, 2), OK);
    CU_ASSERT_STRING_EQUAL(rig_row(&r, a), "open flags=0 rev=@0 agents=@8 customer=@6");
    maintain_later(&r);
    CU_ASSERT_EQUAL(agents_read(&r), 8);
    rig_close(&r);
}

/* More chats than wait at once: the rest is written at once, and none is lost. */
static void more_marks_than_wait(void)
{
    enum { CHATS = MARKS_MOST + 50, EACH = 512 };
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct marks *marks = &sqlite_store_of(r.store)->marks;
    static char ids[CHATS][UUID_LEN + 1];
    static struct op *ops[EACH];
    for (size_t i = 0; i < CHATS;) {
        size_t n = 0;
        for (; n < EACH && i < CHATS; n++, i++) {
            ops[n] = rig_create(&r, "ann", NULL, NULL);
            memcpy(ids[i], create_chat_of(ops[n])->chat_id, UUID_LEN);
        }
        CU_ASSERT_EQUAL_FATAL(rig_apply(&r, ops, n), OK);
    }
    for (size_t i = 0; i < CHATS;) {
        size_t n = 0;
        for (; n < EACH && i < CHATS; n++, i++)
            ops[n] = rig_mark(&r, ids[i], SIDE_AGENTS, RIG_T0 + 1000 * (int64_t)(i + 1));
        CU_ASSERT_EQUAL_FATAL(rig_apply(&r, ops, n), OK);
        marks->since_us = INT64_MAX; /* however slow the machine is: only the lack of room writes */
    }
    CU_ASSERT_EQUAL(stored(&r, "SELECT count(*) FROM chats WHERE agents_read > 0"), CHATS - MARKS_MOST);
    CU_ASSERT_EQUAL(marks->waiting_count, MARKS_MOST);
    marks->since_us = 0;
    const int64_t first = RIG_T0 + 1000;
    for (int round = 0; round < 2; round++) {
        size_t wrong = 0;
        for (size_t i = 0; i < CHATS; i++) {
            struct chat chat = {0};
            enum err err = r.store->vtable->read_chat(r.reader, slice_cstr(ids[i]), &r.arena, &chat);
            wrong += err != OK || chat.agents_read != first + 1000 * (int64_t)i;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        if (round == 0 && !rig_reopen(&r))
            break;
    }
    rig_close(&r);
}

/* ---- readers beside the writer ---- */

static struct rig *interrupted;
static int reads_left; /* until marks are written in the middle of a read; 0: none are */

static void write_in_between(enum fault_op op, const char *name)
{
    (void)name;
    if (op == FAULT_READ && reads_left > 0 && --reads_left == 0)
        maintain_later(interrupted);
}

/* Marks go from memory into their row at every place of a read, one after the other: it sees them here or there. */
static void marks_move_under_a_read(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    const char *a = rig_chat(&r, "ann");
    char expected[40];
    int at = 1;
    interrupted = &r;
    for (bool whole = false; at < 500; at++) {
        snprintf(expected, sizeof(expected), " flags=0 @0@%d agents=@%d\n", 2 * at - 1, at);
        CU_ASSERT_EQUAL(rig_say(&r, a, "user", "x"), OK); /* so that a reader's pages are old */
        CU_ASSERT_EQUAL(set(&r, a, SIDE_AGENTS, at), OK);
        struct chat chat = {0};
        reads_left = at / 2 + 1;
        fault_watch(write_in_between);
        if (whole) {
            const char *text = rig_load(&r, "ann");
            CU_ASSERT(text && strstr(text, expected));
        } else {
            CU_ASSERT_EQUAL(r.store->vtable->read_chat(r.reader, slice_cstr(a), &r.arena, &chat), OK);
            CU_ASSERT_EQUAL(chat.agents_read, RIG_T0 + 1000 * at);
        }
        fault_watch(NULL);
        if (whole && reads_left > 0)
            break; /* it has fewer places */
        whole = !whole;
    }
    CU_ASSERT(at > 10 && at < 500);
    reads_left = 0;
    rig_close(&r);
}

struct watcher {
    struct store *store;
    const char *chat;
    atomic_bool done;
    int64_t reads;
    bool back; /* a mark went backwards */
};

static void *watch(void *arg)
{
    struct watcher *w = arg;
    struct store_reader *reader;
    int64_t last = 0;
    must(w->store->vtable->reader_open(w->store, &reader) == OK);
    while (!atomic_load_explicit(&w->done, memory_order_acquire) || w->reads == 0) {
        struct arena a;
        struct chat chat = {0};
        arena_init(&a, 0);
        w->back |= w->store->vtable->read_chat(reader, slice_cstr(w->chat), &a, &chat) != OK;
        w->back |= chat.agents_read < last;
        last = chat.agents_read;
        w->reads++;
        arena_fini(&a);
    }
    w->store->vtable->reader_close(reader);
    return NULL;
}

/* However a read falls between a mark, its commit and its leaving memory, what was seen once stays seen. */
static void marks_never_go_back(void)
{
    struct rig r;
    pthread_t thread;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct watcher w = {.store = r.store, .chat = rig_chat(&r, "ann")};
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, watch, &w), 0);
    for (int i = 1; i <= 400; i++) {
        CU_ASSERT_EQUAL(set(&r, w.chat, SIDE_AGENTS, i), OK);
        CU_ASSERT_EQUAL(set(&r, w.chat, SIDE_AGENTS, i - 1), OK);
        if (i % 2)
            maintain_later(&r);
    }
    atomic_store_explicit(&w.done, true, memory_order_release);
    pthread_join(thread, NULL);
    CU_ASSERT_FALSE(w.back);
    CU_ASSERT_STRING_EQUAL(rig_row(&r, w.chat), "open flags=0 rev=@0 agents=@400");
    rig_close(&r);
}

/* ---- changes whose answer was lost ---- */

/* The commit failed and is there all the same: the next try answers as that one would have, and counts the same. */
static void changes_that_are_there(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    const char *a = rig_chat(&r, "ann"); /* @0 */
    struct op *ops[] = {rig_close_chat(&r, a, true),    rig_send(&r, a, "user", "x", NULL),
                        rig_assign(&r, a, "bob"),       rig_assign(&r, a, "cid"),
                        rig_change_customer(&r, "ann"), rig_mark(&r, a, SIDE_AGENTS, RIG_T0)};
    enum { COUNT = sizeof(ops) / sizeof(ops[0]) };
    change_chat_of(ops[0])->expected_rev = change_chat_of(ops[3])->expected_rev = RIG_T0;
    change_customer_of(ops[4])->set = CUSTOMER_CATEGORY;
    change_customer_of(ops[4])->category = SLICE_LIT("human-chats");
    fault_plan(&(struct fault_plan){.kind = FAULT_REFUSE, .ops = FAULT_SYNC, .at = 1, .calls = 2});
    checkpointer_stop(s->checkpointer); /* the writer's connection is alone, and is closed by hand: */
    s->checkpointer = NULL;
    r.store->vtable->reader_close(r.reader);
    r.reader = NULL;
    CU_ASSERT_EQUAL(rig_apply(&r, ops, COUNT), ERR_STORE);
    db_close(&s->conn); /* the log is recovered, and has what failed */
    fault_plan(&(struct fault_plan){0});
    CU_ASSERT_EQUAL(rig_apply(&r, ops, COUNT), OK);
    CU_ASSERT_TRUE(s->replayed);
    for (size_t i = 0; i < COUNT; i++)
        CU_ASSERT_EQUAL(ops[i]->result, i == 3 ? ERR_CHANGED : OK);
    CU_ASSERT_TRUE(change_chat_of(ops[0])->changed);
    CU_ASSERT_TRUE(send_of(ops[1])->message.reopened);
    CU_ASSERT_STRING_EQUAL(rig_totals_text(&r, &r.changed), "0 0 1 0 0 0 0 0 0 -1 0 1 0 0");
    CU_ASSERT_EQUAL(r.store->vtable->reader_open(r.store, &r.reader), OK);
    CU_ASSERT_STRING_EQUAL(rig_row(&r, a), "open flags=0 rev=@3 to=bob agents=@0");
    struct totals t = rig_totals(&r);
    CU_ASSERT_STRING_EQUAL(rig_totals_text(&r, &t), "1 1 1 0 0 0 1 0 1 0 0 1 0 0");
    rig_close(&r);
}

const CU_TestInfo sqlite_marks_tests[] = {
    {"a batch of marks writes nothing", marks_alone_write_nothing},
    {"marks go with a commit that happens anyway", marks_go_with_a_commit},
    {"written marks survive the power", marks_survive_the_power},
    {"marks wait for the disk", marks_wait_for_the_disk},
    {"more marks than may wait", more_marks_than_wait},
    {"marks move under a read", marks_move_under_a_read},
    {"marks never go back for a reader", marks_never_go_back},
    {"changes in a failed commit that is there", changes_that_are_there},
    CU_TEST_INFO_NULL,
};
