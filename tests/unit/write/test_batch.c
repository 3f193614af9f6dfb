/* Pure rules, and failures: a store that fails where the test says, and a retry that writes nothing twice
 * (docs/architecture.md, invariant 2). What batches mean on a store: conformance.c. */
#include "chat/customer.h"
#include "sqlite_files.h"
#include "write_suites.h"

#include <stdlib.h>

static void default_names(void)
{
    static const struct {
        const char *name;
        bool is_default;
    } rows[] = {{"", true},        {"Widget User", true},  {"User 64b7f0c2", true}, {"User ", true},
                {"User", false},   {"Users", false},       {"Ann", false},          {"user x", false},
                {"Widget", false}, {"Unknown User", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CU_ASSERT_EQUAL(customer_name_is_default(slice_cstr(rows[i].name)), rows[i].is_default);
    CU_ASSERT(customer_name_is_default((struct slice){0}));
}

/* ---- a real store behind a vtable that fails the n-th call of the batch ---- */

struct faulty {
    struct store store;
    struct store_vtable table;
    struct store *inner;
    int fail_at; /* 0: never */
    int calls;
    int begun, committed, rolled_back;
};

static struct faulty *faulty_of(struct store *s)
{
    return (struct faulty *)s;
}

static bool fails(struct store *s)
{
    struct faulty *f = faulty_of(s);
    return ++f->calls == f->fail_at;
}

#define PASS(s, call, ...) (fails(s) ? ERR_STORE : faulty_of(s)->inner->vtable->call(faulty_of(s)->inner, __VA_ARGS__))

static enum err f_begin(struct store *s)
{
    enum err err = fails(s) ? ERR_STORE : faulty_of(s)->inner->vtable->begin(faulty_of(s)->inner);
    faulty_of(s)->begun += err == OK;
    return err;
}

static enum err f_commit(struct store *s)
{
    enum err err = fails(s) ? ERR_STORE : faulty_of(s)->inner->vtable->commit(faulty_of(s)->inner);
    faulty_of(s)->committed += err == OK;
    return err;
}

static void f_rollback(struct store *s)
{
    faulty_of(s)->inner->vtable->rollback(faulty_of(s)->inner);
    faulty_of(s)->rolled_back++;
}

static bool f_stands(struct store *s)
{
    return faulty_of(s)->inner->vtable->stands(faulty_of(s)->inner);
}

static enum err f_resolve(struct store *s, struct new_message *const *messages, size_t count)
{
    return PASS(s, resolve_chats, messages, count);
}

static enum err f_insert(struct store *s, struct new_message *const *messages, size_t count)
{
    /* The worst moment: all is written, then the store says that it is not sure. */
    enum err err = faulty_of(s)->inner->vtable->insert_messages(faulty_of(s)->inner, messages, count);
    return fails(s) ? ERR_STORE : err;
}

static enum err f_find_chat(struct store *s, struct slice id, struct arena *a, struct chat *out)
{
    return PASS(s, find_chat, id, a, out);
}

static enum err f_find_customer(struct store *s, enum customer_by by, struct slice value, struct arena *a,
                                struct customer *out)
{
    return PASS(s, find_customer, by, value, a, out);
}

static enum err f_put_customer(struct store *s, struct customer *u)
{
    return PASS(s, put_customer, u);
}

static enum err f_insert_chat(struct store *s, struct chat *c)
{
    return PASS(s, insert_chat, c);
}

static enum err f_set_flags(struct store *s, const struct chat_link *link, struct slice id, uint8_t flags, int64_t rev,
                            int64_t now)
{
    return PASS(s, set_chat_flags, link, id, flags, rev, now);
}

static enum err f_put_chat(struct store *s, const struct chat *c)
{
    return PASS(s, put_chat, c);
}

static enum err f_set_mark(struct store *s, const struct chat_link *link, struct slice id, enum chat_side side,
                           int64_t mark)
{
    return PASS(s, set_mark, link, id, side, mark);
}

static enum err f_add_totals(struct store *s, const struct totals *delta)
{
    return PASS(s, add_totals, delta);
}

static void faulty_init(struct faulty *f, struct store *inner)
{
    *f = (struct faulty){.inner = inner, .table = *inner->vtable};
    f->table.begin = f_begin;
    f->table.commit = f_commit;
    f->table.rollback = f_rollback;
    f->table.stands = f_stands;
    f->table.resolve_chats = f_resolve;
    f->table.insert_messages = f_insert;
    f->table.find_chat = f_find_chat;
    f->table.find_customer = f_find_customer;
    f->table.put_customer = f_put_customer;
    f->table.insert_chat = f_insert_chat;
    f->table.set_chat_flags = f_set_flags;
    f->table.put_chat = f_put_chat;
    f->table.set_mark = f_set_mark;
    f->table.add_totals = f_add_totals;
    f->store.vtable = &f->table;
}

#define OPS 12
struct mixture {
    struct op *ops[OPS];
    int64_t revs[OPS];
};

/* Every kind, with a chat made and used in the same batch and a key used twice in it and once before. */
static void make_mixture(struct rig *r, const char *known, struct mixture *m)
{
    struct op *create = rig_create(r, "zoe", NULL, NULL);
    const char *fresh = arena_dup(&r->arena, slice_of(create_chat_of(create)->chat_id, UUID_LEN));
    struct customer given = {.email = SLICE_LIT("put@x.io"), .owner = SLICE_LIT("boss")};
    m->ops[0] = create;
    m->ops[1] = rig_send(r, fresh, "user", "first", NULL);
    m->ops[2] = rig_send(r, known, "agent", "keyed", "k2");
    m->ops[3] = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER);
    m->ops[4] = rig_send(r, known, "assistant", "twin", "k2");
    m->ops[5] = rig_ai(r, known, false);
    m->ops[6] = rig_send(r, known, "user", "old", "k1");
    m->ops[7] = rig_send(r, "no-such-chat", "user", "x", NULL);
    m->ops[8] = rig_close_chat(r, known, true);
    m->ops[9] = rig_mark(r, known, SIDE_AGENTS, RIG_T0 + 1000);
    m->ops[10] = rig_change_customer(r, "ann");
    change_customer_of(m->ops[10])->set = CUSTOMER_CATEGORY;
    change_customer_of(m->ops[10])->category = SLICE_LIT("human-chats");
    m->ops[11] = rig_send(r, known, "user", "wait", NULL);
    for (int i = 0; i < OPS; i++)
        m->revs[i] = m->ops[i]->kind == &write_send.op ? send_of(m->ops[i])->message.rev : 0;
}

static void expect_untouched(const struct mixture *m)
{
    for (int i = 0; i < OPS; i++) {
        CU_ASSERT_EQUAL(m->ops[i]->result, OK);
        if (m->ops[i]->kind != &write_send.op)
            continue;
        CU_ASSERT_EQUAL(send_of(m->ops[i])->message.rev, m->revs[i]);
        CU_ASSERT_EQUAL(send_of(m->ops[i])->message.timestamp_us, m->revs[i]);
        CU_ASSERT_FALSE(send_of(m->ops[i])->message.duplicate);
        CU_ASSERT_FALSE(send_of(m->ops[i])->message.link.known);
    }
}

static void expect_done(struct rig *r, const char *known, const struct mixture *m, const struct totals *changed,
                        int64_t old_rev)
{
    for (int i = 0; i < OPS; i++)
        CU_ASSERT_EQUAL(m->ops[i]->result, i == 7 ? ERR_NOT_FOUND : OK);
    CU_ASSERT(send_of(m->ops[11])->message.reopened);
    CU_ASSERT_STRING_EQUAL(rig_row(r, known), "open flags=5 rev=@13 agents=@1");
    CU_ASSERT(send_of(m->ops[4])->message.duplicate && send_of(m->ops[4])->message.rev == m->revs[2]);
    CU_ASSERT(send_of(m->ops[6])->message.duplicate && send_of(m->ops[6])->message.rev == old_rev);
    CU_ASSERT_STRING_EQUAL(rig_totals_text(r, changed), "2 1 3 1 0 1 1 1 1 0 0 1 0 0");
    struct totals t = rig_totals(r);
    CU_ASSERT_STRING_EQUAL(rig_totals_text(r, &t), "3 2 4 1 0 1 2 1 2 1 0 1 0 0");
}

/* Wherever the store fails, nothing of the batch stays, and the same ops succeed when it is well. */
static void retry_after_any_failure(void)
{
    int failed = 0;
    for (int at = 1;; at++) {
        struct rig r;
        struct faulty f;
        struct mixture m;
        if (!rig_open(&r, &sqlite_factory))
            return;
        const char *known = rig_chat(&r, "ann");
        struct op *old = rig_send(&r, known, "user", "old", "k1");
        CU_ASSERT_EQUAL(RIG_APPLY(&r, old), OK);
        make_mixture(&r, known, &m);
        faulty_init(&f, r.store);
        f.fail_at = at;
        struct totals changed, before = rig_totals(&r);
        enum err err = batch_apply(&f.store, &r.room, m.ops, OPS, &changed);
        if (err != OK) {
            failed++;
            CU_ASSERT_EQUAL(err, ERR_STORE);
            CU_ASSERT_EQUAL(f.rolled_back, f.begun);
            CU_ASSERT_EQUAL(f.committed, 0);
            CU_ASSERT_EQUAL(changed.messages + changed.customers + changed.chats, 0);
            struct totals after = rig_totals(&r);
            CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(after)), 0);
            CU_ASSERT_PTR_NULL(rig_load(&r, "zoe"));
            expect_untouched(&m);
            CU_ASSERT_STRING_EQUAL(rig_row(&r, known), "open flags=0 rev=@0");
            CU_ASSERT_EQUAL(batch_apply(&f.store, &r.room, m.ops, OPS, &changed), OK);
        }
        expect_done(&r, known, &m, &changed, send_of(old)->message.rev);
        rig_close(&r);
        if (err == OK)
            break;
    }
    CU_ASSERT(failed >= 12); /* each call of the batch was the failing one once */
}

/* Two requests by one key in a batch: the second finds the first one's chat. Where they are given up before that is durable
 * there is no chat to answer with, whichever call failed. */
static void twin_given_up_is_no_repetition(void)
{
    int found = 0;
    enum err err = ERR_STORE;
    for (int at = 1; err != OK && at < 100; at++) {
        struct rig r;
        struct faulty f;
        struct totals changed;
        if (!rig_open(&r, &sqlite_factory))
            return;
        struct op *ops[] = {rig_create(&r, "zoe", NULL, NULL), rig_create(&r, "zoe", NULL, NULL)};
        struct create_chat *twin = create_chat_of(ops[1]);
        memcpy(twin->chat_id, create_chat_of(ops[0])->chat_id, UUID_LEN);
        twin->keyed = create_chat_of(ops[0])->keyed = true;
        faulty_init(&f, r.store);
        f.fail_at = at;
        err = batch_apply(&f.store, &r.room, ops, 2, &changed);
        if (err != OK)
            twin->op.result = err; /* as op_finish() does */
        found += err != OK && twin->repeated;
        CU_ASSERT_EQUAL(create_chat_repeats(twin), err == OK);
        rig_close(&r);
    }
    CU_ASSERT_EQUAL(err, OK);
    CU_ASSERT(found > 0); /* the try that failed had found it */
}

const CU_TestInfo batch_tests[] = {
    {"default names", default_names},
    {"a batch is tried again after any failure", retry_after_any_failure},
    {"a twin given up is no repetition", twin_given_up_is_no_repetition},
    CU_TEST_INFO_NULL,
};
