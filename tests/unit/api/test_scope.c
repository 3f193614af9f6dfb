/* Scopes against the embedded store, with nothing in memory: what the cache cannot say the store must. */
#include "store/scope.h"

#include "base/clock.h"
#include "store/batch.h"
#include "store/cache.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static struct op *new_op(struct world *w, enum op_kind kind, enum scope_kind scope, const char *id)
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
                       char user_id[64], char chat_id[UUID_LEN])
{
    struct op *op = new_op(w, OP_CREATE_CHAT, scope, scope_id);
    uuid_v4(op->create.chat_id);
    oid_new(&op->create.new_user);
    op->create.user_id = slice_cstr(id);
    op->create.email = slice_cstr(email);
    op->create.rev = op->create.now_us = w->rev;
    enum err e = apply(w, op);
    if (e == OK) {
        snprintf(user_id, 64, "%.*s", SLICE_ARG(op->create.user.id));
        if (chat_id)
            memcpy(chat_id, op->create.chat_id, UUID_LEN);
    }
    op_put(w->ops, op);
    return e;
}

static enum err report(struct world *w, enum scope_kind scope, const char *scope_id, const char *email,
                       const char *owner)
{
    struct op *op = new_op(w, OP_PUT_USER, scope, scope_id);
    oid_new(&op->put_user.new_user);
    op->put_user.given.email = slice_cstr(email);
    op->put_user.given.owner = slice_cstr(owner);
    op->put_user.given.vibe = SLICE_LIT("calm");
    op->put_user.set = USER_EMAIL | USER_VIBE | (owner[0] ? USER_OWNER : 0u);
    op->put_user.rev = op->put_user.now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err send(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat, size_t chat_len)
{
    struct op *op = new_op(w, OP_SEND, scope, scope_id);
    op->send.chat_id = slice_of(chat, chat_len);
    op->send.role = SLICE_LIT("user");
    op->send.text = SLICE_LIT("hello");
    op->send.rev = op->send.timestamp_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static enum err set_ai(struct world *w, enum scope_kind scope, const char *scope_id, const char *chat)
{
    struct op *op = new_op(w, OP_SET_AI, scope, scope_id);
    op->set_ai.chat_id = slice_of(chat, UUID_LEN);
    op->set_ai.rev = op->set_ai.now_us = w->rev;
    enum err e = apply(w, op);
    op_put(w->ops, op);
    return e;
}

static void begin(struct world *w)
{
    struct buf why = {0};
    struct config config = {.readers = 1};
    char uri[96], user_id[64];
    *w = (struct world){.directory = "/tmp/unit-scope-XXXXXX", .rev = clock_wall_us()};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->directory));
    snprintf(w->path, sizeof(w->path), "%s/s.db", w->directory);
    snprintf(uri, sizeof(uri), "sqlite:%s", w->path);
    config.store = uri;
    CU_ASSERT_EQUAL_FATAL(store_open(&config, &w->store, &why), OK);
    w->ops = op_pool_new(16, 1 << 20);
    w->cache = cache_new(&(struct cache_options){.max_bytes = 1 << 20});
    CU_ASSERT_EQUAL_FATAL(create(w, SCOPE_ALL, "", "ann", "ann@x.io", user_id, w->chats[0]), OK);
    CU_ASSERT_EQUAL_FATAL(create(w, SCOPE_ALL, "", "bob", "bob@x.io", user_id, w->chats[1]), OK);
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

static void test_sends(void)
{
    struct world w;
    begin(&w);
    const struct {
        enum scope_kind kind;
        const char *id;
        enum err ann, bob;
    } cases[] = {
        {SCOPE_ALL, "", OK, OK},
        {SCOPE_USER, "ann", OK, ERR_DENIED},
        {SCOPE_USER, "ann@x.io", ERR_DENIED, ERR_DENIED},
        {SCOPE_USER, "", ERR_DENIED, ERR_DENIED},
        {SCOPE_OWNER, "o1", OK, ERR_DENIED},
        {SCOPE_OWNER, "o2", ERR_DENIED, OK},
        {SCOPE_OWNER, "ann", ERR_DENIED, ERR_DENIED},
        {SCOPE_NOBODY, "", ERR_DENIED, ERR_DENIED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CU_ASSERT_EQUAL(send(&w, cases[i].kind, cases[i].id, w.chats[0], UUID_LEN), cases[i].ann);
        CU_ASSERT_EQUAL(send(&w, cases[i].kind, cases[i].id, w.chats[1], UUID_LEN), cases[i].bob);
        CU_ASSERT_EQUAL(set_ai(&w, cases[i].kind, cases[i].id, w.chats[0]), cases[i].ann);
        CU_ASSERT_EQUAL(set_ai(&w, cases[i].kind, cases[i].id, w.chats[1]), cases[i].bob);
        CU_ASSERT_EQUAL(send(&w, cases[i].kind, cases[i].id, "none", 4), ERR_NOT_FOUND);
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
        ops[i] = new_op(&w, OP_SEND, SCOPE_USER, "ann");
        ops[i]->send.chat_id = slice_of(w.chats[i == 1], UUID_LEN);
        ops[i]->send.role = SLICE_LIT("agent");
        ops[i]->send.text = SLICE_LIT("hello");
        ops[i]->send.rev = ops[i]->send.timestamp_us = w.rev;
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

static void test_creations(void)
{
    struct world w;
    char id[64];
    begin(&w);
    /* a stranger: nobody who exists, and no id of its own choice */
    CU_ASSERT_EQUAL(create(&w, SCOPE_NOBODY, "", "ann", "", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_NOBODY, "", "", "bob@x.io", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_NOBODY, "", "carl", "bob@x.io", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_NOBODY, "", "carl", "carl@x.io", id, NULL), OK);
    CU_ASSERT_STRING_NOT_EQUAL(id, "carl");
    /* a widget: itself, known or not */
    CU_ASSERT_EQUAL(create(&w, SCOPE_USER, "ann", "ann", "bob@x.io", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "ann");
    CU_ASSERT_EQUAL(create(&w, SCOPE_USER, "ann", "bob", "", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_USER, "dora", "dora", "bob@x.io", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_USER, "dora", "dora", "", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "dora");
    CU_ASSERT_EQUAL(create(&w, SCOPE_USER, "dora", "dora", "bob@x.io", id, NULL), ERR_DENIED); /* not her address */
    CU_ASSERT_EQUAL(create(&w, SCOPE_USER, "dora", "dora", "dora@x.io", id, NULL), OK);
    /* an owner's dashboard: its customers, and new ones that become its own */
    CU_ASSERT_EQUAL(create(&w, SCOPE_OWNER, "o1", "ann", "", id, NULL), OK);
    CU_ASSERT_EQUAL(create(&w, SCOPE_OWNER, "o1", "bob", "", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_OWNER, "o1", "eve", "", id, NULL), OK);
    CU_ASSERT_EQUAL(create(&w, SCOPE_OWNER, "o2", "eve", "", id, NULL), ERR_DENIED);
    CU_ASSERT_EQUAL(create(&w, SCOPE_OWNER, "o1", "eve", "", id, NULL), OK);
    end(&w);
}

static void test_reports(void)
{
    struct world w;
    char id[64];
    begin(&w);
    CU_ASSERT_EQUAL(report(&w, SCOPE_USER, "ann", "bob@x.io", ""), ERR_DENIED);
    CU_ASSERT_EQUAL(report(&w, SCOPE_USER, "ann", "new@x.io", ""), OK);
    CU_ASSERT_EQUAL(create(&w, SCOPE_ALL, "", "", "new@x.io", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "ann");
    CU_ASSERT_EQUAL(report(&w, SCOPE_USER, "ann", "unknown@example.com", ""), OK);
    CU_ASSERT_EQUAL(create(&w, SCOPE_ALL, "", "", "new@x.io", id, NULL), OK); /* still hers */
    CU_ASSERT_STRING_EQUAL(id, "ann");
    CU_ASSERT_EQUAL(report(&w, SCOPE_USER, "fay", "fay@x.io", ""), OK); /* a site's own id, first heard of here */
    CU_ASSERT_EQUAL(create(&w, SCOPE_ALL, "", "", "fay@x.io", id, NULL), OK);
    CU_ASSERT_STRING_EQUAL(id, "fay");
    CU_ASSERT_EQUAL(report(&w, SCOPE_OWNER, "o1", "bob@x.io", "o1"), ERR_DENIED);
    CU_ASSERT_EQUAL(report(&w, SCOPE_OWNER, "o2", "bob@x.io", "o2"), OK);
    CU_ASSERT_EQUAL(report(&w, SCOPE_NOBODY, "", "bob@x.io", ""), ERR_DENIED);
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
    const enum view of_user[] = {VIEW_POLL, VIEW_USER}, of_chat[] = {VIEW_CHAT, VIEW_HISTORY, VIEW_AI};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "ann@x.io", SCOPE_USER, "ann", id), OK);
        CU_ASSERT_STRING_EQUAL(id, "ann"); /* what was checked is what is answered */
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "ann", SCOPE_USER, "ann", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "bob@x.io", SCOPE_USER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "nobody@x.io", SCOPE_USER, "ann", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "gus", SCOPE_USER, "gus", id), ERR_NOT_FOUND);
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "ann@x.io", SCOPE_OWNER, "o1", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "ann@x.io", SCOPE_OWNER, "o2", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_user[i], "ann@x.io", SCOPE_NOBODY, "", id), ERR_DENIED);
    }
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_USER, "ann", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_USER, "bob", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_OWNER, "o1", id), OK);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], ann_chat, SCOPE_OWNER, "o2", id), ERR_DENIED);
        CU_ASSERT_EQUAL(resolve(&w, of_chat[i], "none", SCOPE_USER, "ann", id), ERR_NOT_FOUND);
    }
    for (enum view v = 0; v < VIEW_COUNT; v++) /* whatever else there is refuses a scope, and passes without one */
        if (v != VIEW_POLL && v != VIEW_USER && v != VIEW_CHAT && v != VIEW_HISTORY && v != VIEW_AI) {
            CU_ASSERT_EQUAL(resolve(&w, v, "ann", SCOPE_USER, "ann", id), ERR_DENIED);
            CU_ASSERT_EQUAL(resolve(&w, v, "ann", SCOPE_OWNER, "o1", id), ERR_DENIED);
            CU_ASSERT_EQUAL(resolve(&w, v, "ann", SCOPE_ALL, "", id), OK);
        }
    end(&w);
}

const CU_TestInfo scope_tests[] = {
    {"sends and switches", test_sends}, {"batches", test_batches}, {"creations", test_creations},
    {"reports", test_reports},          {"views", test_views},     CU_TEST_INFO_NULL,
};
