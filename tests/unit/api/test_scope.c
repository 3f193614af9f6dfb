/* Scopes against the embedded store, with nothing in memory: what the cache cannot say the store must. */
#include "access/scope.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "chat/customer.h"
#include "chat/email.h"
#include "read/resolve.h"
#include "suites.h"
#include "write/batch.h"
#include "writes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char no_chat[] = "00000000-0000-4000-8000-000000000000";

struct world {
    char directory[32];
    char path[64];
    struct store *store;
    struct store_reader *reader;
    struct cache *cache; /* bypassed: every question goes to the store */
    struct op_pool *ops;
    struct batch_room room;
    int64_t rev;
    char chats[2][UUID_LEN]; /* ann's and bob's */
};

static struct op *new_op(struct world *w, const struct op_kind *kind, enum scope_kind scope, const char *id)
{
    struct op *op = op_get(w->ops, kind);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->scope = (struct scope){.kind = scope, .id = slice_cstr(id)};
    w->rev += 10;
    return op;
}

static enum err apply(struct world *w, struct op *op)
{
    struct totals changed;
    CU_ASSERT_EQUAL_FATAL(batch_apply(w->store, &w->room, &op, 1, &changed), OK);
    return op->result;
}

static enum err create(struct world *w, enum scope_kind scope, const char *scope_id, const char *id, const char *email,
                       char customer_id[64], char chat_id[UUID_LEN])
{
    struct op *op = new_op(w, &write_create_chat.op, scope, scope_id);
    uuid_v4(create_chat_of(op)->chat_id);
    oid_new(&create_chat_of(op)->new_customer);
    create_chat_of(op)->customer_id = slice_cstr(id);
    create_chat_of(op)->email = slice_cstr(email);
    op->rev = op->now_us = w->rev;
    enum err e = apply(w, op);
    if (e == OK) {
        snprintf(customer_id, 64, "%.*s", SLICE_ARG(create_chat_of(op)->customer.id));
        if (chat_id)
            memcpy(chat_id, create_chat_of(op)->chat_id, UUID_LEN);
    }
    op_put(w->ops, op);
    return e;
}

static enum err report(struct world *w, enum scope_kind scope, const char *scope_id, const char *email,
                       const char *owner)
{
    struct op *op = new_op(w, &write_put_customer.op, scope, scope_id);
    oid_new(&put_customer_of(op)->new_customer);
    put_customer_of(op)->given.email = slice_cstr(email);
    put_customer_of(op)->given.owner = slice_cstr(owner);
    put_customer_of(op)->given.vibe = SLICE_LIT("calm");
    put_customer_of(op)->set = CUSTOMER_EMAIL | CUSTOMER_VIBE | (owner[0] ? CUSTOMER_OWNER : 0u);
    op->rev = op->now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err send(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat, size_t chat_len)
{
    struct op *op = new_op(w, &write_send.op, scope, scope_id);
    send_of(op)->message.chat_id = slice_of(chat, chat_len);
    send_of(op)->message.role = SLICE_LIT("user");
    send_of(op)->message.text = SLICE_LIT("hello");
    send_of(op)->message.rev = send_of(op)->message.timestamp_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err set_ai(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat)
{
    struct op *op = new_op(w, &write_set_ai.op, scope, scope_id);
    set_ai_of(op)->chat_id = slice_of(chat, UUID_LEN);
    op->rev = op->now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err assign(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat)
{
    struct op *op = new_op(w, &write_change_chat.op, scope, scope_id);
    change_chat_of(op)->chat_id = slice_of(chat, UUID_LEN);
    change_chat_of(op)->set_assigned = true;
    change_chat_of(op)->assigned_to = slice_cstr(scope_id);
    op->rev = op->now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err mark(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat)
{
    struct op *op = new_op(w, &write_mark_read.op, scope, scope_id);
    mark_read_of(op)->chat_id = slice_of(chat, UUID_LEN);
    mark_read_of(op)->mark = op->rev = op->now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err change_customer(struct world *w, enum scope_kind scope, const char *scope_id, const char *ident)
{
    struct op *op = new_op(w, &write_change_customer.op, scope, scope_id);
    change_customer_of(op)->ident = slice_cstr(ident);
    change_customer_of(op)->set = CUSTOMER_NAME;
    change_customer_of(op)->name = slice_cstr(scope_id);
    op->rev = op->now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static void begin(struct world *w)
{
    struct buf why = {0};
    struct store_settings settings = {.readers = 1};
    char uri[96], customer_id[64];
    *w = (struct world){.directory = "/tmp/unit-scope-XXXXXX", .rev = clock_wall_us()};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->directory));
    snprintf(w->path, sizeof(w->path), "%s/s.db", w->directory);
    snprintf(uri, sizeof(uri), "sqlite:%s", w->path);
    settings.uri = uri;
    CU_ASSERT_EQUAL_FATAL(store_open(&settings, &w->store, &why), OK);
    w->ops = op_pool_new(16, 1 << 20);
    w->cache = cache_new(&(struct cache_options){.max_bytes = 1 << 20});
    CU_ASSERT_EQUAL_FATAL(create(w, SCOPE_ALL, "", "ann", "ann@x.io", customer_id, w->chats[0]), OK);
    CU_ASSERT_EQUAL_FATAL(create(w, SCOPE_ALL, "", "bob", "bob@x.io", customer_id, w->chats[1]), OK);
    CU_ASSERT_EQUAL_FATAL(report(w, SCOPE_ALL, "", "ann@x.io", "o1"), OK);
    CU_ASSERT_EQUAL_FATAL(report(w, SCOPE_ALL, "", "bob@x.io", "o2"), OK);
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->reader_open(w->store, &w->reader), OK);
}

static void end(struct world *w)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    w->store->vtable->reader_close(w->reader);
    w->store->vtable->close(w->store);
    cache_free(w->cache);
    op_pool_free(w->ops);
    batch_room_fini(&w->room);
    for (size_t i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s%s", w->path, suffixes[i]);
        unlink(path);
    }
    rmdir(w->directory);
}

/* What is not one's own and what does not exist are refused alike, whatever is to be done there. */
static void test_sends(void)
{
    struct world w;
    begin(&w);
    const struct {
        enum scope_kind kind;
        const char *id;
        enum err ann, bob, none;
    } cases[] = {
        {SCOPE_ALL, "", OK, OK, ERR_NOT_FOUND},
        {SCOPE_CUSTOMER, "ann", OK, ERR_DENIED, ERR_DENIED},
        {SCOPE_CUSTOMER, "ann@x.io", ERR_DENIED, ERR_DENIED, ERR_DENIED},
        {SCOPE_CUSTOMER, "", ERR_DENIED, ERR_DENIED, ERR_DENIED},
        {SCOPE_OWNER, "o1", OK, ERR_NOT_FOUND, ERR_NOT_FOUND},
        {SCOPE_OWNER, "o2", ERR_NOT_FOUND, OK, ERR_NOT_FOUND},
        {SCOPE_OWNER, "ann", ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND},
        {SCOPE_NOBODY, "", ERR_DENIED, ERR_DENIED, ERR_DENIED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CU_ASSERT_EQUAL(send(&w, cases[i].kind, cases[i].id, w.chats[0], UUID_LEN), cases[i].ann);
        CU_ASSERT_EQUAL(send(&w, cases[i].kind, cases[i].id, w.chats[1], UUID_LEN), cases[i].bob);
        CU_ASSERT_EQUAL(set_ai(&w, cases[i].kind, cases[i].id, w.chats[0]), cases[i].ann);
        CU_ASSERT_EQUAL(set_ai(&w, cases[i].kind, cases[i].id, w.chats[1]), cases[i].bob);
        CU_ASSERT_EQUAL(send(&w, cases[i].kind, cases[i].id, no_chat, UUID_LEN), cases[i].none);
        CU_ASSERT_EQUAL(set_ai(&w, cases[i].kind, cases[i].id, no_chat), cases[i].none);
        const char *chats[] = {w.chats[0], w.chats[1], no_chat};
        const char *idents[] = {"ann@x.io", "bob", "nobody"};
        const enum err results[] = {cases[i].ann, cases[i].bob, cases[i].none};
        for (int j = 0; j < 3; j++) {
            CU_ASSERT_EQUAL(assign(&w, cases[i].kind, cases[i].id, chats[j]), results[j]);
            CU_ASSERT_EQUAL(mark(&w, cases[i].kind, cases[i].id, chats[j]), results[j]);
            CU_ASSERT_EQUAL(change_customer(&w, cases[i].kind, cases[i].id, idents[j]), results[j]);
        }
    }
    end(&w);
}

/* A denied op in a batch harms no other, and is not counted. */
static void test_batches(void)
{
    struct world w;
    struct op *ops[3];
    struct totals changed;
    begin(&w);
    for (int i = 0; i < 3; i++) {
        ops[i] = new_op(&w, &write_send.op, SCOPE_CUSTOMER, "ann");
        send_of(ops[i])->message.chat_id = slice_of(w.chats[i == 1], UUID_LEN);
        send_of(ops[i])->message.role = SLICE_LIT("agent");
        send_of(ops[i])->message.text = SLICE_LIT("hello");
        send_of(ops[i])->message.rev = send_of(ops[i])->message.timestamp_us = w.rev;
    }
    CU_ASSERT_EQUAL(batch_apply(w.store, &w.room, ops, 3, &changed), OK);
    CU_ASSERT_EQUAL(ops[0]->result, OK);
    CU_ASSERT_EQUAL(ops[1]->result, ERR_DENIED);
    CU_ASSERT_EQUAL(ops[2]->result, OK);
    CU_ASSERT_EQUAL(changed.messages, 2);
    CU_ASSERT_EQUAL(changed.chats_with_agent, 1);
    for (int i = 0; i < 3; i++)
        op_put(w.ops, ops[i]);
    end(&w);
}

/* The customer as the store has it. */
static void check_customer(struct world *w, const char *id, const char *email, const char *claim, const char *owner)
{
    struct arena a;
    struct customer u = {0};
    arena_init(&a, 0);
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->find_customer(w->store, CUSTOMER_BY_ID, slice_cstr(id), &a, &u), OK);
    if (!slice_eq(u.email, slice_cstr(email)) || !slice_eq(u.claimed_email, slice_cstr(claim)))
        printf("  %s: %.*s, claims %.*s\n", id, SLICE_ARG(u.email), SLICE_ARG(u.claimed_email));
    CU_ASSERT(slice_eq(u.email, slice_cstr(email)));
    CU_ASSERT(slice_eq(u.claimed_email, slice_cstr(claim)));
    CU_ASSERT(slice_eq(u.owner, slice_cstr(owner)));
    arena_fini(&a);
}

static void check_owners_word(struct world *w)
{
    char id[64];
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "ann", "", id, NULL), OK);
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "bob", "", id, NULL), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "", "bob@x.io", id, NULL), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "eve", "", id, NULL), OK);
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o2", "eve", "", id, NULL), ERR_NOT_FOUND);
    /* an address that finds another: one's own customer is named, another's is not there */
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "eve", "bob@x.io", id, NULL), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "eve", "ann@x.io", id, NULL), ERR_EXISTS);
    check_customer(w, "eve", "user_eve@widget.local", "", "o1");
    CU_ASSERT_EQUAL(create(w, SCOPE_OWNER, "o1", "eve", "eve@x.io", id, NULL), OK);
    check_customer(w, "eve", "eve@x.io", "", "o1");
}

static void test_creations(void)
{
    struct world w;
    char id[64];
    begin(&w);
    /* a widget: itself, known or not, whatever address it gives */
    CU_ASSERT_EQUAL(create(&w, SCOPE_CUSTOMER, "ann", "ann", "bob@x.io", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "ann");
    check_customer(&w, "ann", "ann@x.io", "", "o1");
    CU_ASSERT_EQUAL(create(&w, SCOPE_CUSTOMER, "ann", "bob", "", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_CUSTOMER, "dora", "dora", "bob@x.io", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "dora");
    check_customer(&w, "dora", "user_dora@widget.local", "bob@x.io", "");
    CU_ASSERT_EQUAL(create(&w, SCOPE_CUSTOMER, "dora", "dora", "dora@x.io", id, NULL), OK);
    check_customer(&w, "dora", "user_dora@widget.local", "dora@x.io", "");
    /* a dashboard's word makes it hers, and no claim any more */
    CU_ASSERT_EQUAL(create(&w, SCOPE_ALL, "", "dora", "Dora@x.io", id, NULL), OK);
    check_customer(&w, "dora", "Dora@x.io", "", "");
    /* an owner's dashboard: its customers, and new ones that become its own */
    check_owners_word(&w);
    end(&w);
}

/* Whoever is known, a stranger becomes somebody new, by the same work: else addresses and ids could be asked for. */
static void test_a_returning_visitor_without_its_token(void)
{
    static const char *const names[][2] = {{"ann", ""},         {"", "bob@x.io"},       {"carl", "bob@x.io"},
                                           {"carl", "c@x.io"},  {"", "new@x.io"},       {"", "new@x.io"},
                                           {"BOB", "BOB@X.IO"}, {"", "u@widget.local"}, {"", "unknown@example.com"}};
    struct world w;
    char id[64], default_email[96];
    begin(&w);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t reads = metrics_counter(M_STORE_READ_WRITER);
        CU_ASSERT_EQUAL(create(&w, SCOPE_NOBODY, "", names[i][0], names[i][1], id, NULL), OK);
        CU_ASSERT_EQUAL(metrics_counter(M_STORE_READ_WRITER), reads);
        CU_ASSERT_EQUAL(strlen(id), OID_LEN);
        snprintf(default_email, sizeof(default_email), "user_%s@widget.local", id);
        check_customer(&w, id, default_email, email_is_default(slice_cstr(names[i][1])) ? "" : names[i][1], "");
    }
    /* and what they said finds nobody but those who had it */
    CU_ASSERT_EQUAL(create(&w, SCOPE_ALL, "", "", "bob@x.io", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "bob");
    CU_ASSERT_EQUAL(create(&w, SCOPE_ALL, "", "", "new@x.io", id, NULL), OK);
    check_customer(&w, id, "new@x.io", "", "");
    end(&w);
}

static void test_reports(void)
{
    struct world w;
    begin(&w);
    static const char *const said[] = {"bob@x.io", "new@x.io", "unknown@example.com", "ANN@x.io", ""};
    static const char *const claims[] = {"bob@x.io", "new@x.io", "new@x.io", "new@x.io", "new@x.io"};
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "ann", said[i], ""), OK);
        check_customer(&w, "ann", "ann@x.io", claims[i], "o1");
    }
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "fay", "fay@x.io", ""), OK); /* a site's own id, first heard of here */
    check_customer(&w, "fay", "user_fay@widget.local", "fay@x.io", "");
    CU_ASSERT_EQUAL(report(&w, SCOPE_OWNER, "o1", "bob@x.io", "o1"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(report(&w, SCOPE_OWNER, "o2", "bob@x.io", "o2"), OK);
    /* An address that is another's id was reported into being a new customer's, who then answered for that other. */
    struct totals t;
    CU_ASSERT_EQUAL(w.store->vtable->read_totals(w.reader, &t), OK);
    int64_t customers = t.customers;
    CU_ASSERT_EQUAL(report(&w, SCOPE_OWNER, "o2", "fay", "o2"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(w.store->vtable->read_totals(w.reader, &t), OK);
    CU_ASSERT_EQUAL(t.customers, customers);
    CU_ASSERT_EQUAL(report(&w, SCOPE_NOBODY, "", "bob@x.io", ""), ERR_DENIED);
    end(&w);
}

/* Whose customer it is a visitor says once. */
static void test_an_owner_is_chosen_once(void)
{
    struct world w;
    begin(&w);
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "ann", "ann@x.io", "o2"), ERR_DENIED);
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "ann", "ann@x.io", "O1"), ERR_DENIED);
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "ann", "ann@x.io", "o1"), OK);
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "ann", "ann@x.io", ""), OK);
    check_customer(&w, "ann", "ann@x.io", "", "o1");
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "fay", "", ""), OK);
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "fay", "", "o1"), OK);
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "fay", "", "o2"), ERR_DENIED);
    check_customer(&w, "fay", "user_fay@widget.local", "", "o1");
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "gil", "", "o2"), OK); /* with the first report of all */
    CU_ASSERT_EQUAL(report(&w, SCOPE_CUSTOMER, "gil", "", "o1"), ERR_DENIED);
    check_customer(&w, "gil", "user_gil@widget.local", "", "o2");
    CU_ASSERT_EQUAL(report(&w, SCOPE_ALL, "", "ann@x.io", "o2"), OK); /* a dashboard may */
    check_customer(&w, "ann", "ann@x.io", "", "o2");
    end(&w);
}

static enum err resolve(struct world *w, enum view view, const char *ident, enum scope_kind kind, const char *id,
                        char pinned[64])
{
    struct arena a;
    arena_init(&a, 0);
    struct view_query q = {.view = view, .ident = slice_cstr(ident), .scope = {kind, slice_cstr(id)}};
    enum err e = scope_resolve(w->reader, w->cache, &q, &a);
    CU_ASSERT_EQUAL(e == OK, q.scope.kind == SCOPE_ALL);
    snprintf(pinned, 64, "%.*s", SLICE_ARG(q.ident));
    arena_fini(&a);
    return e;
}

static void test_views(void)
{
    struct world w;
    char id[64], ann_chat[UUID_LEN + 1] = {0};
    begin(&w);
    memcpy(ann_chat, w.chats[0], UUID_LEN);
    const enum view of_customer[] = {VIEW_POLL, VIEW_CUSTOMER}, of_chat[] = {VIEW_CHAT, VIEW_HISTORY, VIEW_AI};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ann@x.io", SCOPE_CUSTOMER, "ann", id), OK);
        CU_ASSERT_STRING_EQUAL(id, "ann"); /* what was checked is what is answered */
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ann", SCOPE_CUSTOMER, "ann", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "bob@x.io", SCOPE_CUSTOMER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "nobody@x.io", SCOPE_CUSTOMER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "gus", SCOPE_CUSTOMER, "gus", id), ERR_NOT_FOUND);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ann@x.io", SCOPE_OWNER, "o1", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ANN@x.io", SCOPE_CUSTOMER, "ann", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "bob", SCOPE_CUSTOMER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "nobody", SCOPE_CUSTOMER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "bob", SCOPE_CUSTOMER, "gus", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ann", SCOPE_CUSTOMER, "ann@x.io", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ann@x.io", SCOPE_OWNER, "o2", id), ERR_NOT_FOUND);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "nobody@x.io", SCOPE_OWNER, "o2", id), ERR_NOT_FOUND);
        CU_ASSERT_EQUAL(resolve(&w, of_customer[i], "ann@x.io", SCOPE_NOBODY, "", id), ERR_DENIED);
    }
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_CUSTOMER, "ann", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_CUSTOMER, "bob", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_OWNER, "o1", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_OWNER, "o2", id), ERR_NOT_FOUND);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], no_chat, SCOPE_CUSTOMER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], no_chat, SCOPE_OWNER, "o2", id), ERR_NOT_FOUND);
    }
    for (enum view v = 0; v < VIEW_COUNT; v++) /* whatever else there is refuses a scope, and passes without one */
        if (v != VIEW_POLL && v != VIEW_CUSTOMER && v != VIEW_CHAT && v != VIEW_HISTORY && v != VIEW_AI) {
            CU_ASSERT_EQUAL(resolve(&w, v, "ann", SCOPE_CUSTOMER, "ann", id), ERR_DENIED);
            CU_ASSERT_EQUAL(resolve(&w, v, "ann", SCOPE_OWNER, "o1", id), ERR_DENIED);
            CU_ASSERT_EQUAL(resolve(&w, v, "ann", SCOPE_ALL, "", id), OK);
        }
    end(&w);
}

/* Once its own customer is in memory, a widget's question about anything else costs no read, and is not counted as one more
 * look at what is there than at what is not. */
static void test_a_refusal_asks_nobody(void)
{
    struct world w;
    struct arena a;
    struct slice id = {0};
    char bob_chat[UUID_LEN + 1] = {0}, ann_chat[UUID_LEN + 1] = {0}, pinned[64];
    begin(&w);
    memcpy(ann_chat, w.chats[0], UUID_LEN);
    memcpy(bob_chat, w.chats[1], UUID_LEN);
    cache_free(w.cache);
    w.cache = cache_new(&(struct cache_options){.max_bytes = 1 << 20, .enabled = true});
    arena_init(&a, 0);
    const struct scope ann = {.kind = SCOPE_CUSTOMER, .id = SLICE_LIT("ann")};
    CU_ASSERT_EQUAL(cache_sees_chat(w.cache, slice_cstr(ann_chat), &ann), SIGHT_UNKNOWN);
    CU_ASSERT_EQUAL(cache_sees_customer(w.cache, SLICE_LIT("ann@x.io"), &ann, &a, &id), SIGHT_UNKNOWN);
    CU_ASSERT_EQUAL(cache_sees_customer(w.cache, SLICE_LIT("ann"), &ann, &a, &id), SIGHT_UNKNOWN);
    CU_ASSERT_EQUAL(cache_load_customer(w.cache, w.reader, SLICE_LIT("bob")),
                    OK); /* another's being there is no answer */
    CU_ASSERT_EQUAL(cache_sees_chat(w.cache, slice_cstr(bob_chat), &ann), SIGHT_UNKNOWN);
    CU_ASSERT_EQUAL(cache_sees_chat(w.cache, slice_cstr(no_chat), &ann), SIGHT_UNKNOWN);
    CU_ASSERT_EQUAL(cache_sees_customer(w.cache, SLICE_LIT("bob"), &ann, &a, &id), SIGHT_UNKNOWN);
    CU_ASSERT_EQUAL(resolve(&w, VIEW_CHAT, no_chat, SCOPE_CUSTOMER, "ann", pinned), ERR_DENIED); /* brings ann in */
    uint64_t reads = metrics_counter(M_STORE_READ);
    static const char *const others[] = {"bob", "bob@x.io", "nobody", "nobody@x.io", "", "ann@x.io.uk"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CU_ASSERT_EQUAL(cache_sees_customer(w.cache, slice_cstr(others[i]), &ann, &a, &id), SIGHT_NO);
        CU_ASSERT_EQUAL(resolve(&w, VIEW_POLL, others[i], SCOPE_CUSTOMER, "ann", pinned), ERR_DENIED);
    }
    CU_ASSERT_EQUAL(cache_sees_chat(w.cache, slice_cstr(bob_chat), &ann), SIGHT_NO);
    CU_ASSERT_EQUAL(cache_sees_chat(w.cache, slice_cstr(no_chat), &ann), SIGHT_NO);
    CU_ASSERT_EQUAL(resolve(&w, VIEW_CHAT, bob_chat, SCOPE_CUSTOMER, "ann", pinned), ERR_DENIED);
    CU_ASSERT_EQUAL(cache_sees_chat(w.cache, slice_cstr(ann_chat), &ann), SIGHT_YES);
    CU_ASSERT_EQUAL(cache_sees_customer(w.cache, SLICE_LIT("ann@x.io"), &ann, &a, &id), SIGHT_YES);
    CU_ASSERT_EQUAL(metrics_counter(M_STORE_READ), reads);
    arena_fini(&a);
    end(&w);
}

/* Creates again the chat that an earlier request made by the same key, after_us later. */
static enum err create_again(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat,
                             int64_t after_us, char *id)
{
    struct op *op = new_op(w, &write_create_chat.op, scope, scope_id);
    oid_new(&create_chat_of(op)->new_customer);
    memcpy(create_chat_of(op)->chat_id, chat, UUID_LEN);
    create_chat_of(op)->keyed = true;
    create_chat_of(op)->customer_id = SLICE_LIT("ann");
    op->rev = w->rev;
    op->now_us = w->rev + after_us;
    enum err e = apply(w, op);
    snprintf(id, 64, "%.*s", e == ERR_EXISTS ? (int)create_chat_of(op)->customer.id.len : 0,
             e == ERR_EXISTS ? create_chat_of(op)->customer.id.ptr : "");
    CU_ASSERT_EQUAL(create_chat_of(op)->repeated, e == ERR_EXISTS);
    op_put(w->ops, op);
    return e;
}

/* It is the earlier one's answer for who may see the customer, and never a chat of that name for anybody else. */
static void test_a_create_that_is_sent_again(void)
{
    struct world w;
    char id[64];
    struct totals before, after;
    begin(&w);
    CU_ASSERT_EQUAL_FATAL(w.store->vtable->totals(w.store, &before), OK);
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_ALL, "", w.chats[0], 1, id), ERR_EXISTS);
    CU_ASSERT_STRING_EQUAL(id, "ann");
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_CUSTOMER, "ann", w.chats[0], 1, id), ERR_EXISTS);
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_OWNER, "o1", w.chats[0], 1, id), ERR_EXISTS);
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_NOBODY, "", w.chats[0], 1, id), ERR_EXISTS);
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_CUSTOMER, "bob", w.chats[0], 1, id), ERR_DENIED);
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_OWNER, "o2", w.chats[0], 1, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(create_again(&w, SCOPE_NOBODY, "", w.chats[0], INT64_C(3601) * 1000000, id), ERR_DENIED);
    CU_ASSERT_EQUAL_FATAL(w.store->vtable->totals(w.store, &after), OK);
    CU_ASSERT_EQUAL(after.chats, before.chats);
    CU_ASSERT_EQUAL(after.customers, before.customers);
    end(&w);
}

const CU_TestInfo scope_tests[] = {
    {"sends and switches", test_sends},
    {"batches", test_batches},
    {"creations", test_creations},
    {"a create that is sent again", test_a_create_that_is_sent_again},
    {"a returning visitor without its token", test_a_returning_visitor_without_its_token},
    {"reports", test_reports},
    {"an owner is chosen once", test_an_owner_is_chosen_once},
    {"views", test_views},
    {"a widget's refusal asks nobody", test_a_refusal_asks_nobody},
    CU_TEST_INFO_NULL,
};
