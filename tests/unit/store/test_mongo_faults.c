/* What goes wrong between the store and its server: lost answers, refusals, repeated keys, a database that is away. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define T0    1764021360000000 /* 2025-11-24T21:56:00Z */
#define SENDS 5

struct batch {
    struct kit_send ops[SENDS], *list[SENDS];
};

static void batch_init(struct batch *b, const char *chat, int64_t rev)
{
    static const char *const texts[SENDS] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < SENDS; i++) {
        kit_send_init(&b->ops[i], chat, i == 3 ? "agent" : "user", texts[i], i == 4 ? "key-e" : "", rev + (int64_t)i);
        b->list[i] = &b->ops[i];
    }
}

static void batch_fini(struct batch *b)
{
    for (size_t i = 0; i < SENDS; i++)
        arena_fini(&b->ops[i].arena);
}

static void expect_stored(struct kit *k, const struct batch *b, int64_t total)
{
    for (size_t i = 0; i < SENDS; i++) {
        CU_ASSERT_EQUAL(b->ops[i].m.result, OK);
        CU_ASSERT_EQUAL(b->ops[i].m.rev, T0 + (int64_t)i);
        CU_ASSERT_FALSE(b->ops[i].m.duplicate);
    }
    CU_ASSERT_EQUAL(kit_count(k, MONGO_MESSAGES, "{}"), total);
    CU_ASSERT_EQUAL(kit_number(k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), total);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_CHATS, "{\"chat_id\":\"c\",\"has_agent\":true}"), 1);
}

static bool begin_within(struct kit *k, int64_t write_timeout_ms)
{
    kit_init(k);
    CU_ASSERT_EQUAL_FATAL(kit_open(k, NULL, write_timeout_ms), OK);
    kit_chat(k, "u", "c");
    return kit_owns_server();
}

static bool begin(struct kit *k)
{
    return begin_within(k, KIT_PATIENT_MS);
}

/* The batch is run as the writer does: again, with the same ids, until it is through; then the chats, which follow. */
static int run_batch(struct kit *k, struct batch *b)
{
    int tries = 1;
    while (kit_apply(k, b->list, SENDS) != OK)
        if (++tries > 20)
            return -1;
    while (!kit_settle(k))
        if (++tries > 40)
            return -1;
    return tries;
}

static void lost_with(const char *commands, const char *what, int times)
{
    struct kit k;
    struct batch b;
    if (begin(&k)) {
        batch_init(&b, "c", T0);
        kit_break(&k, times, commands, what);
        CU_ASSERT(run_batch(&k, &b) > 1);
        kit_heal(&k);
        expect_stored(&k, &b, SENDS);
        batch_fini(&b);
    }
    kit_fini(&k);
}

static void insert_lost(void)
{
    lost_with("\"insert\"", "\"closeConnection\":true", 1);
    lost_with("\"insert\"", "\"closeConnection\":true", 3);
}

static void update_lost(void)
{
    lost_with("\"update\"", "\"closeConnection\":true", 2);
}

static void not_primary(void)
{
    lost_with("\"insert\"", "\"errorCode\":10107", 2);
    lost_with("\"update\"", "\"errorCode\":11600", 1);
    lost_with("\"find\"", "\"errorCode\":189", 2);
}

/* The worst case: the server did it and the answer is lost. A failed write concern reports just that. */
static void done_and_not_said(void)
{
    lost_with("\"insert\"", "\"writeConcernError\":{\"code\":64,\"errmsg\":\"timeout\"}", 2);
    lost_with("\"update\"", "\"writeConcernError\":{\"code\":64,\"errmsg\":\"timeout\"}", 2);
}

/* All done, the process dies before it knows; the same ops again are recognised whole. */
static void repeated_whole(void)
{
    struct kit k;
    struct batch b;
    begin(&k);
    batch_init(&b, "c", T0);
    CU_ASSERT_EQUAL(run_batch(&k, &b), 1);
    CU_ASSERT_EQUAL(run_batch(&k, &b), 1);
    expect_stored(&k, &b, SENDS);
    batch_fini(&b);
    kit_fini(&k);
}

/* A crash before the chats followed: the next start puts the counters right. */
static void crash_before_counting(void)
{
    struct kit k;
    struct batch b;
    if (!begin(&k)) {
        kit_fini(&k);
        return;
    }
    batch_init(&b, "c", T0);
    kit_break(&k, -1, "\"update\"", "\"closeConnection\":true");
    CU_ASSERT_EQUAL(kit_apply(&k, b.list, SENDS), OK);
    CU_ASSERT_FALSE(kit_settle(&k));
    kit_close_store(&k);
    kit_heal(&k);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 0);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_EQUAL(k.max_rev, T0 + SENDS - 1 > k.max_rev ? T0 + SENDS - 1 : k.max_rev);
    expect_stored(&k, &b, SENDS);
    batch_fini(&b);
    kit_fini(&k);
}

/* Chats that cannot be written hold the sends up before a crash could lose track of more than is looked for. */
static void too_far_behind(void)
{
    struct kit k;
    struct batch b;
    if (!begin(&k)) {
        kit_fini(&k);
        return;
    }
    batch_init(&b, "c", T0);
    kit_break(&k, -1, "\"update\"", "\"errorCode\":13");
    CU_ASSERT_EQUAL(kit_apply(&k, b.list, SENDS), OK);
    struct kit_send later, *list[] = {&later};
    kit_send_init(&later, "c", "user", "f", "", T0 + MONGO_BEHIND_US + 1);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), ERR_STORE);
    later.m.rev = T0 + MONGO_BEHIND_US;
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{}"), SENDS + 1);
    kit_close_store(&k); /* and that far back is looked */
    kit_heal(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_stored(&k, &b, SENDS + 1);
    arena_fini(&later.arena);
    kit_send_init(&later, "c", "user", "g", "", T0 + 2 * MONGO_BEHIND_US);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), SENDS + 2);
    arena_fini(&later.arena);
    batch_fini(&b);
    kit_fini(&k);
}

/* One more send to "c" by an agent, newer than the chat itself; its chat is then behind. */
static int64_t send_later(struct kit *k, int nth)
{
    struct kit_send op, *list[] = {&op};
    int64_t rev = (clock_wall_us() / 1000000 + 10 + nth) * 1000000;
    kit_send_init(&op, "c", "agent", "x", "", rev);
    CU_ASSERT_EQUAL(kit_apply(k, list, 1), OK);
    arena_fini(&op.arena);
    return rev;
}

/* Lists and loads are answered from documents that are level with the messages. */
static void read_when_behind(void)
{
    struct kit k;
    struct customer *customers;
    size_t count;
    begin(&k);
    const struct store_vtable *v = k.store->vtable;
    int64_t rev = send_later(&k, 0);
    CU_ASSERT_EQUAL(v->recent_customers(k.reader, (struct slice){0}, 0, 10, &k.arena, &customers, &count), OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_TRUE(customers[0].rev < rev); /* the row's own: it was read before the chats */
    CU_ASSERT_EQUAL(customers[0].activity_us, rev);
    rev = send_later(&k, 1);
    CU_ASSERT_EQUAL(v->changed_customers(k.reader, rev - 1, 10, &k.arena, &customers, &count), OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(customers[0].rev, rev);
    CU_ASSERT_EQUAL(customers[0].activity_us, rev);
    (void)send_later(&k, 2);
    CU_ASSERT_EQUAL(kit_load(&k, "u"), OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&k.text), "chat c total=3 "));
    kit_fini(&k);
}

/* The writer does not wait: it adds to what it reads what is not written yet. */
static void flags_when_behind(void)
{
    struct kit k;
    struct chat chat = {0};
    struct kit_send op;
    bool broken = begin(&k);
    if (broken)
        kit_break(&k, -1, "\"update\"", "\"errorCode\":13"); /* so that nothing is written meanwhile */
    (void)send_later(&k, 0);
    CU_ASSERT_EQUAL(k.store->vtable->find_chat(k.store, SLICE_LIT("c"), &k.arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.flags & CHAT_HAS_AGENT, CHAT_HAS_AGENT);
    kit_send_init(&op, "c", "user", "y", "", T0);
    CU_ASSERT_EQUAL(k.store->vtable->resolve_chats(k.store, &(struct new_message *){&op.m}, 1), OK);
    CU_ASSERT_EQUAL(op.m.link.flags & CHAT_HAS_AGENT, CHAT_HAS_AGENT);
    arena_fini(&op.arena);
    if (broken)
        kit_heal(&k);
    kit_fini(&k);
}

static void count_as_starting(struct mongo_store *s, int64_t newest)
{
    CU_ASSERT_EQUAL(mongo_recover_tail(s->counters, &s->writer, newest), OK);
    CU_ASSERT_EQUAL(mongo_counters_settle(s->counters), OK);
}

/* A second node counts in between: what the first one adds behind is not added twice. */
static void two_nodes(void)
{
    struct kit k;
    begin(&k);
    struct store *other;
    CU_ASSERT_EQUAL_FATAL(kit_open_store(&k, NULL, KIT_PATIENT_MS, &other), OK);
    struct mongo_store *s = (struct mongo_store *)other;
    struct kit_send op, *list[] = {&op};
    for (int i = 0; i < 6; i++) {
        kit_send_init(&op, "c", "user", "x", "", T0 + i);
        struct store *mine = k.store;
        k.store = i % 2 ? other : mine;
        CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
        k.store = mine;
        arena_fini(&op.arena);
        if (i == 2)
            count_as_starting(s, T0 + i);
    }
    CU_ASSERT(kit_settle(&k));
    CU_ASSERT_EQUAL(mongo_counters_settle(s->counters), OK);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 6);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "last_rev"), T0 + 5);
    other->vtable->close(other);
    kit_fini(&k);
}

static void client_keys(void)
{
    struct kit k;
    begin(&k);
    kit_chat(&k, "u", "d");
    CU_ASSERT(atomic_load(&((struct mongo_store *)k.store)->index.keys_unique));
    for (int unique = 1; unique >= 0; unique--) { /* with the index's help and by looking first */
        atomic_store(&((struct mongo_store *)k.store)->index.keys_unique, unique);
        const char *first = unique ? "k1" : "k3", *second = unique ? "k2" : "k4";
        int64_t t = T0 + (unique ? 0 : 100000);
        struct kit_send ops[6], *list[6] = {&ops[0], &ops[1], &ops[2], &ops[3], &ops[4], &ops[5]};
        kit_send_init(&ops[0], "c", "user", "x", first, t + 1000);
        CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
        arena_fini(&ops[0].arena);
        kit_send_init(&ops[0], "c", "user", "x", first, t + 2000);   /* repeated */
        kit_send_init(&ops[1], "d", "user", "x", first, t + 3000);   /* same key, other chat */
        kit_send_init(&ops[2], "c", "user", "y", second, t + 4000);  /* new */
        kit_send_init(&ops[3], "c", "user", "y2", second, t + 5000); /* repeated within the batch */
        kit_send_init(&ops[4], "c", "user", "x", "", t + 6000);      /* no key */
        kit_send_init(&ops[5], "nochat", "user", "x", first, t + 7000);
        CU_ASSERT_EQUAL(kit_apply(&k, list, 6), OK);
        CU_ASSERT_EQUAL(kit_apply(&k, list + 3, 1), OK);
        CU_ASSERT(ops[0].m.duplicate && ops[0].m.rev == t + 1000 && ops[0].m.timestamp_us == t + 1000);
        CU_ASSERT(!ops[1].m.duplicate && ops[1].m.rev == t + 3000);
        CU_ASSERT(!ops[2].m.duplicate && ops[2].m.rev == t + 4000);
        CU_ASSERT(ops[3].m.duplicate && ops[3].m.rev == t + 4000);
        CU_ASSERT(!ops[4].m.duplicate);
        CU_ASSERT_EQUAL(ops[5].m.result, ERR_NOT_FOUND);
        for (size_t i = 0; i < 6; i++)
            arena_fini(&ops[i].arena);
    }
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{}"), 8);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 6);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"d\"}", "total_messages"), 2);
    kit_fini(&k);
}

/* Another node made the same _id: both messages stay, and a repeat still recognises ours. */
static void id_of_another_node(void)
{
    struct kit k;
    begin(&k);
    struct kit_send op, *list[] = {&op};
    kit_send_init(&op, "c", "user", "theirs", "", T0);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    arena_fini(&op.arena);
    kit_close_store(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK); /* the same tag now, another process tag */
    kit_send_init(&op, "c", "user", "ours", "", T0);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
        CU_ASSERT_EQUAL(op.m.result, OK);
        CU_ASSERT_EQUAL(op.m.rev, T0);
    }
    arena_fini(&op.arena);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{\"text\":\"ours\"}"), 1);
    kit_send_init(&op, "c", "user", "next", "", T0 + 1);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    arena_fini(&op.arena);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{}"), 3);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 3);
    CU_ASSERT_EQUAL(kit_load(&k, "u"), OK); /* in order, whichever tag sorts first */
    const char *next = strstr(buf_cstr(&k.text), "user next");
    CU_ASSERT(next && strstr(buf_cstr(&k.text), "user ours") < next && strstr(buf_cstr(&k.text), "user theirs") < next);
    kit_fini(&k);
}

/* What one op brings must not fail the others. */
static void bad_documents(void)
{
    struct kit k;
    begin(&k);
    static char big[9 * 1024 * 1024];
    memset(big, 'x', sizeof(big) - 1);
    struct kit_send ops[4], *list[4] = {&ops[0], &ops[1], &ops[2], &ops[3]};
    kit_send_init(&ops[0], "c", "user", "good", "", T0);
    kit_send_init(&ops[1], "c", "user", "bad \xff utf-8", "", T0 + 1);
    kit_send_init(&ops[2], "c", "user", big, "", T0 + 2);
    kit_send_init(&ops[3], "c", "user", "good too", "", T0 + 3);
    ops[3].m.text = slice_of("nul\0inside", 10);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 4), OK);
    CU_ASSERT_EQUAL(ops[0].m.result, OK);
    CU_ASSERT_EQUAL(ops[1].m.result, ERR_INVALID);
    CU_ASSERT_EQUAL(ops[2].m.result, ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(ops[3].m.result, OK);
    for (size_t i = 0; i < 4; i++)
        arena_fini(&ops[i].arena);
    CU_ASSERT_EQUAL(kit_load(&k, "u"), OK);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 2);
    CU_ASSERT_EQUAL(mongo_find_customer(k.store, CUSTOMER_BY_ID, SLICE_LIT("\xff"), &k.arena, &(struct customer){0}),
                    ERR_NOT_FOUND);
    kit_fini(&k);
}

static uint64_t commands(const char *name)
{
    char want[96];
    struct buf b;
    buf_init(&b);
    metrics_render(&b);
    snprintf(want, sizeof(want), "sakurad_mongo_commands_total{command=\"%s\",result=\"ok\"} ", name);
    const char *at = strstr(buf_cstr(&b), want);
    uint64_t n = at ? strtoull(at + strlen(want), NULL, 10) : 0;
    buf_fini(&b);
    return n;
}

/* Steady state: a batch for known chats is one command and no query, and what several add to a chat is one more. */
static void commands_of_batches(void)
{
    struct kit k;
    struct batch b;
    begin(&k);
    batch_init(&b, "c", T0);
    for (size_t i = 0; i < SENDS; i++)
        b.ops[i].m.link = (struct chat_link){.known = true};
    uint64_t inserts = commands("insert"), updates = commands("update"), finds = commands("find");
    uint64_t aggregates = commands("aggregate");
    for (int round = 0; round < 3; round++) {
        CU_ASSERT_EQUAL(kit_apply(&k, b.list, SENDS), OK);
        for (size_t i = 0; i < SENDS; i++) {
            b.ops[i].m.rev += 100;
            b.ops[i].m.client_key = (struct slice){0};
        }
    }
    CU_ASSERT_EQUAL(commands("insert") - inserts, 3);
    CU_ASSERT(kit_settle(&k));
    CU_ASSERT(commands("update") - updates >= 1);
    CU_ASSERT(commands("update") - updates <= 3);
    CU_ASSERT_EQUAL(commands("find") - finds, 0);
    CU_ASSERT_EQUAL(commands("aggregate") - aggregates, 0);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 3 * SENDS);
    batch_fini(&b);
    kit_fini(&k);
}

static enum err open_with(const char *uri, const char *required, struct store **out, struct buf *why)
{
    struct config config = {0};
    char *argv[] = {(char[]){"sakurad"},
                    (char[]){"--store"},
                    (char *)(uintptr_t)uri,
                    (char[]){"--write-timeout"},
                    (char[]){"1000"},
                    (char *)(uintptr_t)required,
                    NULL};
    char *envp[] = {NULL};
    enum err e = config_parse(&config, required ? 6 : 5, argv, envp, why);
    if (e == OK)
        e = store_mongo_open(&config.store, out, why);
    config_fini(&config);
    return e;
}

/* How long the quickest of some calls took, each at a later time: what waits for the server does so in every one, what
 * the scheduler keeps back does not. */
#define CALLS 5

static int64_t quickest_us(struct store *s, void (*call)(struct store *s, int64_t now_us, void *arg), void *arg)
{
    int64_t least_us = INT64_MAX;
    for (int i = 0; i < CALLS; i++) {
        int64_t before = clock_mono_us();
        call(s, before + i * INT64_C(1000000000), arg);
        int64_t took_us = clock_mono_us() - before;
        least_us = took_us < least_us ? took_us : least_us;
    }
    return least_us;
}

static void ask_health(struct store *s, int64_t now_us, void *arg)
{
    (void)now_us;
    s->vtable->health(s, arg);
}

static void maintain(struct store *s, int64_t now_us, void *arg)
{
    (void)arg;
    s->vtable->maintain(s, now_us, true);
}

static void resolve_in_vain(struct store *s, int64_t now_us, void *arg)
{
    struct kit_send op;
    (void)now_us, (void)arg;
    kit_send_init(&op, "c", "user", "x", "", T0);
    CU_ASSERT_EQUAL(s->vtable->resolve_chats(s, &(struct new_message *){&op.m}, 1), ERR_STORE);
    arena_fini(&op.arena);
}

/* A busy lock costs the text: asks until there is one. */
static void get_detail(struct store *s, struct store_health *health)
{
    for (int i = 0; i < 5000; i++) {
        s->vtable->health(s, health);
        if (health->detail[0])
            return;
        usleep(1000);
    }
}

/* Nothing listens there: opened all the same, health says so at once, calls fail within the timeouts. */
static void away_at_start(void)
{
    const char *uri = "mongodb://joe:s3cr3t@127.0.0.1:9/x";
    struct store *s = NULL;
    struct buf why;
    buf_init(&why);
    CU_ASSERT_EQUAL_FATAL(open_with(uri, NULL, &s, &why), OK);
    struct store_health health;
    CU_ASSERT(quickest_us(s, ask_health, &health) < 10000);
    CU_ASSERT_FALSE(health.ok);
    get_detail(s, &health);
    CU_ASSERT(health.detail[0] != '\0');
    int64_t rev;
    uint8_t tag[5];
    struct totals totals;
    CU_ASSERT_EQUAL(s->vtable->identity(s, &rev, tag), ERR_STORE);
    CU_ASSERT_EQUAL(s->vtable->totals(s, &totals), ERR_STORE);
    CU_ASSERT(quickest_us(s, resolve_in_vain, NULL) < 1000000);
    CU_ASSERT(quickest_us(s, maintain, NULL) < 100000);
    get_detail(s, &health);
    CU_ASSERT_PTR_NULL(strstr(health.detail, "s3cr3t"));
    s->vtable->close(s);
    CU_ASSERT_EQUAL(open_with(uri, "--store-required", &s, &why), ERR_STORE);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&why), "cannot reach the store mongodb://joe:***@127.0.0.1:9/x"));
    CU_ASSERT_PTR_NULL(strstr(buf_cstr(&why), "s3cr3t"));
    buf_fini(&why);
}

static void bad_uris(void)
{
    static const char *const uris[] = {"mongodb://joe:s3cr3t@", "mongodb://u:s3cr3t%zz@h/", "mongodb://h/?w=0"};
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        struct store *s = NULL;
        struct buf why;
        buf_init(&why);
        CU_ASSERT_EQUAL(open_with(uris[i], NULL, &s, &why), ERR_INVALID);
        CU_ASSERT(why.len > 0);
        CU_ASSERT_PTR_NULL(strstr(buf_cstr(&why), "s3cr3t"));
        CU_ASSERT_PTR_NULL(s);
        buf_fini(&why);
    }
}

/* Health falls with the failures and rises by itself. */
static void health_follows(void)
{
    struct kit k;
    struct batch b;
    struct store_health health;
    if (!begin(&k)) {
        kit_fini(&k);
        return;
    }
    k.store->vtable->health(k.store, &health);
    CU_ASSERT(health.ok);
    CU_ASSERT_STRING_EQUAL(health.kind, "mongodb");
    batch_init(&b, "c", T0);
    kit_break(&k, -1, "\"insert\"", "\"errorCode\":13"); /* not authorized: reachable, and refusing */
    CU_ASSERT_EQUAL(kit_apply(&k, b.list, SENDS), ERR_STORE);
    get_detail(k.store, &health);
    CU_ASSERT_FALSE(health.ok);
    CU_ASSERT(health.detail[0] != '\0');
    kit_heal(&k);
    k.store->vtable->maintain(k.store, clock_mono_us(), true);
    k.store->vtable->health(k.store, &health);
    CU_ASSERT(health.ok);
    CU_ASSERT_EQUAL(kit_apply(&k, b.list, SENDS), OK);
    expect_stored(&k, &b, SENDS);
    batch_fini(&b);
    kit_fini(&k);
}

/* A server that does not answer costs no more than the timeouts. */
static void slow_server(void)
{
    struct kit k;
    struct batch b;
    if (!begin_within(&k, 5000)) {
        kit_fini(&k);
        return;
    }
    batch_init(&b, "c", T0);
    kit_break(&k, 1, "\"insert\"", "\"blockConnection\":true,\"blockTimeMS\":30000");
    int64_t before = clock_mono_us();
    CU_ASSERT_EQUAL(kit_apply(&k, b.list, SENDS), ERR_STORE);
    CU_ASSERT(clock_mono_us() - before < 25000000); /* it takes three seconds */
    kit_heal(&k);
    CU_ASSERT(run_batch(&k, &b) > 0);
    expect_stored(&k, &b, SENDS);
    batch_fini(&b);
    kit_fini(&k);
}

const CU_TestInfo mongo_fault_tests[] = {
    {"an insert's answer lost", insert_lost},
    {"an update's answer lost", update_lost},
    {"the server steps down", not_primary},
    {"done, and reported as not sure", done_and_not_said},
    {"a batch repeated whole", repeated_whole},
    {"a crash before the chats are counted", crash_before_counting},
    {"a chat too far behind", too_far_behind},
    {"read when behind", read_when_behind},
    {"flags when behind", flags_when_behind},
    {"two nodes, one chat", two_nodes},
    {"client keys", client_keys},
    {"an _id that another node took", id_of_another_node},
    {"documents that cannot be stored", bad_documents},
    {"one command a batch, no query", commands_of_batches},
    {"away at start", away_at_start},
    {"bad URIs", bad_uris},
    {"health follows", health_follows},
    {"a server that does not answer", slow_server},
    CU_TEST_INFO_NULL,
};
