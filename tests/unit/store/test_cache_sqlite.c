/* The cache over the embedded store: whatever was done, in whatever batches, an answer from memory is what a reader
 * gets that asks the store alone. The ops are a random walk; the seed is printed where they differ. */
#include "cache_suites.h"

#include "store/batch.h"
#include "store/cache/cache_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PEOPLE    25
#define BATCH_MAX 12

struct walk {
    struct store *store;
    struct store_reader *reader;
    struct cache *cache;  /* the one under test */
    struct cache *bypass; /* asks the store each time */
    struct batch_room room;
    char dir[64];
    int64_t rev;
    char chats[400][UUID_LEN + 1];
    int chat_count;
    unsigned seed;
    uint8_t tag[5];
};

static struct cache *new_cache(struct walk *w, bool enabled)
{
    struct cache_options options = {.max_bytes = (size_t)150 << 10, .max_rev = w->rev, .enabled = enabled};
    memcpy(options.tag, w->tag, sizeof(options.tag));
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->totals(w->store, &options.totals), OK);
    struct cache *c = cache_new(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    return c;
}

static void open_store(struct walk *w)
{
    char path[96];
    struct buf why;
    int64_t max_rev;
    buf_init(&why);
    snprintf(path, sizeof(path), "%s/chat.db?durability=none", w->dir);
    if (store_sqlite_open(NULL, slice_cstr(path), &w->store, &why) != OK)
        fprintf(stderr, "%s\n", buf_cstr(&why));
    buf_fini(&why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w->store);
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->identity(w->store, &max_rev, w->tag), OK);
    w->rev = max_rev > T0 ? max_rev : T0;
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->reader_open(w->store, &w->reader), OK);
    w->cache = new_cache(w, true);
    w->bypass = new_cache(w, false);
}

static void close_store(struct walk *w)
{
    cache_free(w->cache);
    cache_free(w->bypass);
    batch_room_fini(&w->room);
    w->store->vtable->reader_close(w->reader);
    w->store->vtable->maintain(w->store, INT64_MAX / 4, true);
    w->store->vtable->close(w->store);
}

static int dice(struct walk *w, int sides)
{
    return (int)((unsigned)rand_r(&w->seed) % (unsigned)sides);
}

static struct slice numbered(struct arena *a, const char *before, int n, const char *after)
{
    char text[64];
    snprintf(text, sizeof(text), "%s%d%s", before, n, after);
    return arena_slice(a, slice_cstr(text));
}

static void make_send(struct walk *w, struct op *op)
{
    static const char *const roles[] = {"user", "agent", "assistant"};
    op->kind = OP_SEND;
    op->send.chat_id = slice_cstr(w->chats[dice(w, w->chat_count)]);
    op->send.role = slice_cstr(roles[dice(w, 3)]);
    op->send.text = numbered(&op->arena, "text ", dice(w, 1000), " \"\xe2\x80\xa8");
    if (dice(w, 4) == 0)
        op->send.client_key = numbered(&op->arena, "key", dice(w, 50), "");
    op->send.rev = op->send.timestamp_us = ++w->rev;
}

static void make_create(struct walk *w, struct op *op)
{
    op->kind = OP_CREATE_CHAT;
    int who = dice(w, PEOPLE);
    if (dice(w, 2))
        op->create.user_id = numbered(&op->arena, "person-", who, "");
    if (dice(w, 2) || op->create.user_id.len == 0)
        op->create.email = numbered(&op->arena, "p", who, "@x.io");
    uuid_v4(op->create.chat_id);
    oid_new(&op->create.new_user);
    op->create.rev = op->create.now_us = ++w->rev;
}

static void make_put(struct walk *w, struct op *op)
{
    struct op_put_user *p = &op->put_user;
    op->kind = OP_PUT_USER;
    p->given.email = numbered(&op->arena, "p", dice(w, PEOPLE), "@x.io");
    p->given.name = numbered(&op->arena, "Person ", dice(w, 1000), "");
    p->given.vibe = slice_cstr("neutral");
    p->given.category = slice_cstr(dice(w, 2) ? "agent-inbox" : "human-chats");
    p->given.status = slice_cstr(dice(w, 2) ? "active" : "resolved");
    p->given.owner = numbered(&op->arena, "o", dice(w, 3), "");
    p->set = USER_EMAIL | USER_NAME | USER_CATEGORY | USER_STATUS | USER_OWNER;
    oid_new(&p->new_user);
    p->rev = p->now_us = ++w->rev;
}

static void make_op(struct walk *w, struct op *op)
{
    int kind = dice(w, 20);
    arena_init(&op->arena, 0);
    if (kind == 0 || w->chat_count == 0)
        make_create(w, op);
    else if (kind < 3)
        make_put(w, op);
    else if (kind < 5) {
        op->kind = OP_SET_AI;
        op->set_ai.chat_id = slice_cstr(w->chats[dice(w, w->chat_count)]);
        op->set_ai.enabled = dice(w, 2);
        op->set_ai.rev = op->set_ai.now_us = ++w->rev;
    } else {
        make_send(w, op);
    }
}

/* What the writer does with a batch. late: a reader asks between commit and apply. */
static void one_batch(struct walk *w, bool late)
{
    struct op ops[BATCH_MAX] = {0};
    struct op *list[BATCH_MAX];
    size_t count = 1 + (size_t)dice(w, BATCH_MAX);
    struct totals changed;
    for (size_t i = 0; i < count; i++) {
        make_op(w, &ops[i]);
        list[i] = &ops[i];
        if (ops[i].kind == OP_SEND)
            cache_link(w->cache, ops[i].send.chat_id, &ops[i].arena, &ops[i].send.link);
        if (ops[i].kind == OP_SET_AI)
            cache_link(w->cache, ops[i].set_ai.chat_id, &ops[i].arena, &ops[i].set_ai.link);
    }
    CU_ASSERT_EQUAL_FATAL(batch_apply(w->store, &w->room, list, count, &changed), OK);
    if (late) {
        struct view_answer out;
        struct view_query q = {.view = VIEW_REFETCH, .limit = 1 + dice(w, PEOPLE)};
        struct arena a;
        arena_init(&a, 0);
        view_build(w->reader, w->cache, &q, &a, &out);
        blob_drop(out.body);
        arena_fini(&a);
    }
    cache_apply(w->cache, list, count, &changed);
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind == OP_CREATE_CHAT && ops[i].result == OK && w->chat_count < 400)
            memcpy(w->chats[w->chat_count++], ops[i].create.chat_id, UUID_LEN);
        arena_fini(&ops[i].arena);
    }
}

/* The body without its cursor, which is of the cache's own time. */
static struct slice without_cursor(const struct view_answer *out)
{
    if (!out->body)
        return (struct slice){0};
    struct slice s = blob_slice(out->body);
    const char *at = memmem(s.ptr, s.len, ",\"cursor\":", 10);
    return at ? slice_of(s.ptr, (size_t)(at - s.ptr)) : s;
}

static bool compare(struct walk *w, const struct view_query *q)
{
    struct view_answer ours, theirs;
    struct arena a;
    arena_init(&a, 0);
    cache_serve(w->cache, q, &a, &ours);
    if (ours.result == VIEW_LOAD)
        view_build(w->reader, w->cache, q, &a, &ours);
    w->bypass->rev = w->rev; /* a node that is bypassed hears of no writes; here its answers are to be equal */
    view_build(w->reader, w->bypass, q, &a, &theirs);
    struct slice x = without_cursor(&ours), y = without_cursor(&theirs);
    bool same = ours.result == theirs.result && slice_eq(x, y);
    if (!same)
        fprintf(stderr, "view %d \"%.*s\" rev %lld since %lld:\n  memory (%d): %.*s\n  store (%d):  %.*s\n",
                (int)q->view, SLICE_ARG(q->ident), (long long)w->rev, (long long)q->since, (int)ours.result,
                SLICE_ARG(x), (int)theirs.result, SLICE_ARG(y));
    CU_ASSERT_TRUE(same);
    blob_drop(ours.body);
    blob_drop(theirs.body);
    arena_fini(&a);
    return same;
}

static bool compare_something(struct walk *w)
{
    char ident[40];
    int who = dice(w, PEOPLE);
    if (dice(w, 2))
        snprintf(ident, sizeof(ident), "p%d@x.io", who);
    else
        snprintf(ident, sizeof(ident), "person-%d", who);
    struct view_query q = {.view = VIEW_POLL, .limit = 1 + dice(w, PEOPLE), .ident = slice_cstr(ident)};
    switch (dice(w, 8)) {
    case 0:
        q.view = VIEW_REFETCH;
        break;
    case 1:
        q.view = VIEW_REFETCH;
        q.owner = SLICE_LIT("o1");
        break;
    case 2:
        q.view = VIEW_REFETCH;
        q.has_since = true;
        q.since = w->rev - dice(w, 40);
        q.limit = PEOPLE * 2;
        break;
    case 3:
        q.view = VIEW_USERS;
        q.skip = dice(w, PEOPLE);
        break;
    case 4:
    case 5:
        q.view = dice(w, 2) ? VIEW_CHAT : VIEW_AI;
        snprintf(ident, sizeof(ident), "%s", w->chats[dice(w, w->chat_count)]);
        q.ident = slice_cstr(ident);
        break;
    case 6:
        q.view = VIEW_CHATS;
        break;
    default:
        break;
    }
    return compare(w, &q);
}

static void check_totals(struct walk *w)
{
    struct totals ours, theirs;
    cache_totals(w->cache, &ours);
    CU_ASSERT_EQUAL(w->reader->vtable->read_totals(w->reader, &theirs), OK);
    CU_ASSERT_EQUAL(memcmp(&ours, &theirs, sizeof(ours)), 0);
}

static void run_walk(unsigned seed)
{
    struct walk w = {.seed = seed};
    snprintf(w.dir, sizeof(w.dir), "/tmp/unit_cache.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w.dir));
    open_store(&w);
    bool same = true;
    for (int step = 0; step < 150 && same; step++) {
        one_batch(&w, step > 0 && dice(&w, 5) == 0);
        if (dice(&w, 10) == 0)
            w.store->vtable->maintain(w.store, step * INT64_C(2000000), dice(&w, 2));
        for (int i = dice(&w, 6); i > 0 && same; i--)
            same = compare_something(&w);
        if (dice(&w, 30) == 0) {
            close_store(&w);
            open_store(&w);
            if (dice(&w, 2))
                CU_ASSERT_EQUAL(cache_warm(w.cache, w.reader, 20), OK);
        }
    }
    check_totals(&w);
    if (!same)
        fprintf(stderr, "seed %u\n", seed);
    close_store(&w);
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", w.dir);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void test_walks(void)
{
    for (unsigned seed = 1; seed <= 8; seed++)
        run_walk(seed);
}

const CU_TestInfo cache_sqlite_tests[] = {
    {"random walks", test_walks},
    CU_TEST_INFO_NULL,
};
