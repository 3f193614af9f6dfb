/* The cache's tables: links, stubs, versions, the order of activity, eviction, warming. */
#include "cache_suites.h"

#include "base/metrics.h"
#include "read/view_int.h"

#include <stdio.h>
#include <stdlib.h>

#define MB ((size_t)1 << 20)

static void open_many(struct kit *k, int count, int messages)
{
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "u%04d", i);
        open_chat(k, id, id);
        for (int m = 0; m < messages; m++)
            say(k, id, "user", "a message of a length that people write in a chat, more or less");
    }
}

static void test_link(void)
{
    struct kit *k = kit_new(16 * MB);
    struct arena a;
    struct chat_link link;
    arena_init(&a, 0);
    CU_ASSERT_FALSE(cache_link(k->cache, SLICE_LIT("c1"), &a, &link));
    CU_ASSERT_FALSE(link.known);
    open_chat(k, "ann", "c1");
    say(k, "c1", "agent", "x");
    CU_ASSERT_TRUE(cache_link(k->cache, SLICE_LIT("c1"), &a, &link));
    CU_ASSERT_EQUAL(link.flags, CHAT_HAS_AGENT);
    CU_ASSERT_EQUAL(link.customer_key, 1);
    CU_ASSERT_EQUAL(link.chat_key, T0 + 1);
    CU_ASSERT_TRUE(slice_eq(link.customer_id, SLICE_LIT("ann")));
    /* A send that the store resolved makes the link known; nothing is loaded for it. */
    kit_restart(k, 16 * MB);
    CU_ASSERT_FALSE(cache_link(k->cache, SLICE_LIT("c1"), &a, &link));
    say(k, "c1", "assistant", "y");
    CU_ASSERT_TRUE(cache_link(k->cache, SLICE_LIT("c1"), &a, &link));
    CU_ASSERT_EQUAL(link.flags, CHAT_HAS_AGENT | CHAT_HAS_ASSISTANT);
    CU_ASSERT_EQUAL(link.customer_key, 1);
    CU_ASSERT_TRUE(slice_eq(link.customer_id, SLICE_LIT("ann")));
    CU_ASSERT_EQUAL(k->loads, 0);
    arena_fini(&a);
    kit_free(k);
}

static void test_born_loaded(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "x");
    struct answer a = get(k, VIEW_POLL, "ann@x.io");
    CU_ASSERT_FALSE(a.built);
    CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 1);
    CU_ASSERT_EQUAL(get(k, VIEW_REFETCH, NULL).result, VIEW_OK);
    CU_ASSERT_EQUAL(k->loads + k->lists, 0);
    kit_free(k);
}

static void test_duplicate_and_failed_ops(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "x");
    struct answer before = get(k, VIEW_POLL, "ann");
    struct op *op = kit_send(k, "c1", "user", "again");
    send_of(op)->message.duplicate = true;
    send_of(op)->message.rev = send_of(op)->message.timestamp_us = k->rev;
    send_of(op)->message.link = (struct chat_link){.known = true, .customer_id = SLICE_LIT("ann")};
    kit_apply(k, op);
    op = kit_send(k, "nope", "user", "lost");
    kit_write(k, op);
    CU_ASSERT_EQUAL(op->result, ERR_NOT_FOUND);
    struct answer after = get(k, VIEW_POLL, "ann");
    CHECK_TEXT(after.body, before.body);
    CHECK_TEXT(after.etag, before.etag);
    kit_free(k);
}

/* A customer's version changes with its own changes only; the inbox's with every change; loads change none. */
static void test_versions(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    struct answer ann = get(k, VIEW_POLL, "ann"), bob = get(k, VIEW_POLL, "bob"), all = get(k, VIEW_REFETCH, NULL);
    say(k, "c2", "user", "x");
    CHECK_TEXT(get(k, VIEW_POLL, "ann").etag, ann.etag);
    CU_ASSERT_STRING_NOT_EQUAL(get(k, VIEW_POLL, "bob").etag, bob.etag);
    CU_ASSERT_STRING_NOT_EQUAL(get(k, VIEW_REFETCH, NULL).etag, all.etag);
    kit_restart(k, 16 * MB);
    struct answer restarted = get(k, VIEW_REFETCH, NULL);
    CHECK_TEXT(get(k, VIEW_REFETCH, NULL).etag, restarted.etag);
    get(k, VIEW_POLL, "ann");
    CHECK_TEXT(get(k, VIEW_REFETCH, NULL).etag, restarted.etag);
    CU_ASSERT_STRING_NOT_EQUAL(get(k, VIEW_POLL, "ann").etag, ann.etag); /* another process's */
    kit_free(k);
}

/* Chats of existing deployments have ids of any length: a message to one emptied the whole cache. */
static void test_long_ids_are_entries_too(void)
{
    struct kit *k = kit_new(16 * MB);
    char customer[ENTRY_ID_MAX + 1], chat[ENTRY_ID_MAX];
    memset(customer, 'u', 300);
    memset(chat, 'c', sizeof(chat));
    customer[300] = chat[sizeof(chat) - 1] = '\0';
    open_chat(k, "ann", "c1");
    kit_write(k, kit_create(k, customer, NULL, "Long", chat));
    struct answer before = get(k, VIEW_POLL, customer);
    say(k, chat, "user", "hello");
    struct answer after = get(k, VIEW_POLL, customer);
    CU_ASSERT_FALSE(after.built);
    CU_ASSERT_STRING_NOT_EQUAL(after.etag, before.etag);
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "ann").built);
    kit_free(k);
}

/* An evicted customer keeps its version: 304 without a load, and the same ETag when it is loaded again. */
static void test_version_outlives_messages(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "x");
    struct answer a = get(k, VIEW_POLL, "ann@x.io");
    cache_lock(k->cache);
    customer_unload(k->cache, index_customer(k->cache, SLICE_LIT("ann"), index_hash(SLICE_LIT("ann"))));
    cache_unlock(k->cache);
    struct view_query q = {.view = VIEW_POLL, .ident = SLICE_LIT("ann@x.io"), .if_none_match = slice_cstr(a.etag)};
    CU_ASSERT_EQUAL(ask(k, &q).result, VIEW_NOT_MODIFIED);
    CU_ASSERT_EQUAL(k->loads, 0);
    struct answer b = get(k, VIEW_POLL, "ann@x.io");
    CU_ASSERT_EQUAL(k->loads, 1);
    CHECK_TEXT(b.body, a.body);
    CHECK_TEXT(b.etag, a.etag);
    say(k, "c1", "user", "y");
    CU_ASSERT_EQUAL(ask(k, &q).result, VIEW_OK);
    kit_free(k);
}

/* Given up after a try, and stored all the same. What is in memory is served until the store answers again. */
static void test_doubt(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    say(k, "c1", "user", "x");
    struct op *send = kit_send(k, "c1", "user", "lost answer");
    kit_commit(k, send);
    doubt_in_memory(k->cache, send);
    struct answer before = get(k, VIEW_POLL, "ann");
    CU_ASSERT_FALSE(before.built);
    CU_ASSERT_PTR_NULL(strstr(before.body, "lost answer"));
    recover_memory(k->cache);
    struct answer after = get(k, VIEW_POLL, "ann");
    CU_ASSERT_TRUE(after.built);
    CU_ASSERT_EQUAL(count_of(after.body, "lost answer"), 1 + 1); /* as text and as content */
    CU_ASSERT_STRING_NOT_EQUAL(after.etag, before.etag);
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "bob").built); /* nobody else is touched */
    recover_memory(k->cache);
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "ann").built);
    /* A customer that nobody here knows of yet. */
    struct op *create = kit_create(k, "zoe", "zoe@x.io", "Zoe", "c3");
    kit_commit(k, create);
    doubt_in_memory(k->cache, create);
    CU_ASSERT_PTR_NULL(strstr(get(k, VIEW_REFETCH, NULL).body, "zoe@x.io"));
    recover_memory(k->cache);
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_REFETCH, NULL).body, "zoe@x.io"));
    kit_free(k);
}

/* A duplicate names a message that is not in memory: it was stored after its chat was loaded. */
static void test_late_first(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    struct op *first = kit_send(k, "c1", "user", "late"), *again = kit_send(k, "c1", "user", "late");
    kit_commit(k, first);
    send_of(again)->message.rev = send_of(first)->message.rev;
    send_of(again)->message.link = send_of(first)->message.link;
    send_of(again)->message.duplicate = true;
    CU_ASSERT_PTR_NULL(strstr(get(k, VIEW_POLL, "ann").body, "late"));
    kit_apply(k, again);
    struct answer found = get(k, VIEW_POLL, "ann");
    CU_ASSERT_TRUE(found.built);
    CU_ASSERT_PTR_NOT_NULL(strstr(found.body, "late"));
    kit_apply(k, again);
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "ann").built); /* there now: a second one costs nothing */
    kit_free(k);
}

/* It is older than what others have said since: whoever asks for their news must not be told that there is none. */
static void test_late_first_hides_no_news(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    struct op *first = kit_send(k, "c1", "user", "late"), *again = kit_send(k, "c1", "user", "late");
    kit_commit(k, first);
    say(k, "c2", "user", "newer");
    send_of(again)->message.rev = send_of(first)->message.rev;
    send_of(again)->message.link = send_of(first)->message.link;
    send_of(again)->message.duplicate = true;
    (void)get(k, VIEW_REFETCH, NULL);
    kit_apply(k, again);
    struct view_query since = {
        .view = VIEW_REFETCH, .has_since = true, .since = send_of(first)->message.rev, .limit = 100};
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(k, &since).body, "newer"));
    kit_free(k);
}

static void test_rows(void)
{
    struct kit *k = kit_new(16 * MB);
    kit_write(k, kit_put_customer(k, "zoe@x.io", "Zoe", ""));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_CUSTOMER, "zoe@x.io").body, "\"name\":\"Zoe\""));
    kit_write(k, kit_put_customer(k, "zoe@x.io", "Zora", "o9"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_CUSTOMER, "zoe@x.io").body, "\"name\":\"Zora\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_REFETCH, NULL).body, "\"dashboard_user_id\":\"o9\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "zoe@x.io").body, "\"user_name\":\"Zora\""));
    CU_ASSERT_EQUAL(k->loads, 0);
    kit_free(k);
}

/* The ids in the order of activity, as the refetch shows them. */
static void check_order(struct kit *k, int64_t limit, const char *expected)
{
    char ids[512] = "";
    const char *body = ask(k, &(struct view_query){.view = VIEW_REFETCH, .limit = limit}).body;
    for (const char *at = body; (at = strstr(at, "{\"_id\":\""));) {
        at += strlen("{\"_id\":\"");
        size_t len = strcspn(at, "\"");
        snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%.*s ", (int)len, at);
    }
    CHECK_TEXT(ids, expected);
}

static void test_order(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "a", "a1");
    open_chat(k, "b", "b1");
    open_chat(k, "c", "c1");
    check_order(k, 10, "c b a ");
    say(k, "a1", "user", "x");
    check_order(k, 10, "a c b ");
    check_order(k, 2, "a c ");
    kit_write(k, kit_put_customer(k, "b@x.io", "B", ""));
    check_order(k, 10, "b a c ");
    kit_write(k, kit_ai(k, "c1", false)); /* no activity of the customer's */
    check_order(k, 10, "b a c ");
    /* After a restart: from the store; a send to somebody unknown moves to the front. */
    kit_restart(k, 16 * MB);
    check_order(k, 2, "b a ");
    CU_ASSERT_EQUAL(k->lists, 1);
    say(k, "c1", "user", "x");
    check_order(k, 2, "c b ");
    CU_ASSERT_EQUAL(k->lists, 1);
    check_order(k, 10, "c b a ");
    CU_ASSERT_EQUAL(k->lists, 2); /* the two known before were not all */
    kit_free(k);
}

/* A poll loads somebody who is not among the most recent: that must not put him in the refetch. */
static void test_poll_does_not_touch_order(void)
{
    struct kit *k = kit_new(16 * MB);
    open_many(k, 20, 1);
    kit_restart(k, 16 * MB);
    check_order(k, 2, "u0019 u0018 ");
    get(k, VIEW_POLL, "u0003");
    check_order(k, 2, "u0019 u0018 ");
    check_order(k, 3, "u0019 u0018 u0017 ");
    kit_free(k);
}

static void test_eviction(void)
{
    struct kit *k = kit_new(300000);
    uint64_t evicted = metrics_counter(M_CACHE_EVICTED);
    open_many(k, 200, 20);
    CU_ASSERT_TRUE(cache_bytes(k->cache) <= 300000);
    CU_ASSERT_TRUE(metrics_counter(M_CACHE_EVICTED) > evicted);
    CU_ASSERT_EQUAL(k->cache->customers, 200); /* entries stay: below ORDER_MIN */
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CACHE_BYTES), (int64_t)cache_bytes(k->cache));
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CACHE_CUSTOMERS), 200);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CACHE_CHATS), 200);
    char id[16];
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "u%04d", i);
        CU_ASSERT_EQUAL(count_of(get(k, VIEW_POLL, id).body, "\"_id\""), 20);
        CU_ASSERT_TRUE(cache_bytes(k->cache) <= 300000);
    }
    CU_ASSERT_EQUAL(count_of(ask(k, &(struct view_query){.view = VIEW_REFETCH, .limit = 200}).body, "\"role\""), 4000);
    CU_ASSERT_TRUE(cache_bytes(k->cache) <= 300000);
    kit_free(k);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CACHE_BYTES), 0);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_CACHE_CUSTOMERS), 0);
}

/* Histories that grow in turn: the sizes in use shift all the time, and yet the memory held stays within what is said. */
static void test_memory_is_bounded(void)
{
    enum { BYTES = 3 << 20, CHATS = 2000, BATCH = 16384 }; /* what one adds before the next evicts for it */
    const int64_t most = BYTES + cache_idle_most(BYTES);
    struct kit *k = kit_new(BYTES);
    open_many(k, CHATS, 1);
    char id[16];
    for (int m = 0; m < 20; m++)
        for (int i = 0; i < CHATS; i++) {
            snprintf(id, sizeof(id), "u%04d", i);
            say(k, id, "user", "a message of a length that people write in a chat, more or less");
            size_t idle = slab_idle(&k->cache->entry_memory) + slab_idle(&k->cache->content_memory);
            CU_ASSERT_TRUE_FATAL(cache_bytes(k->cache) + idle <= (size_t)(most + BATCH));
        }
    CU_ASSERT_TRUE(cache_bytes(k->cache) > BYTES / 2); /* and it is used */
    kit_free(k);
}

static size_t whole(struct kit *k, int count, int messages)
{
    size_t good = 0;
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "u%04d", i);
        struct answer a = get(k, VIEW_POLL, id);
        if (a.result == VIEW_OK)
            CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), (size_t)messages);
        good += a.result == VIEW_OK;
    }
    return good;
}

/* No memory for what comes: an answer is whole, or it says that it failed; afterwards all is there. */
static void test_without_memory(void)
{
    enum { CHATS = 50, ROUNDS = 40 };
    struct kit *k = kit_new(16 * MB);
    open_many(k, CHATS, 3);
    struct slab *tight[] = {&k->cache->content_memory, &k->cache->entry_memory};
    size_t limits[] = {tight[0]->limit, tight[1]->limit};
    size_t failed = 0;
    char id[16];
    for (int i = 0; i < 2; i++)
        tight[i]->limit = tight[i]->footprint;
    for (int m = 4; m < ROUNDS; m++) {
        for (int i = 0; i < CHATS; i++) {
            char email[32], name[200];
            snprintf(id, sizeof(id), "u%04d", i);
            snprintf(email, sizeof(email), "%s@x.io", id);
            snprintf(name, sizeof(name), "%0*d", m * 4, m); /* longer each time: another size */
            say(k, id, "user", "a message of a length that people write in a chat, more or less");
            if (i % 5 == 0)
                kit_write(k, kit_put_customer(k, email, name, name));
            struct answer a = get(k, VIEW_CUSTOMER, id);
            if (i % 5 == 0 && a.result == VIEW_OK)
                CU_ASSERT_PTR_NOT_NULL(strstr(a.body, name)); /* never the row before */
        }
        snprintf(id, sizeof(id), "new%d", m);
        open_chat(k, id, id);
        struct answer listing = get(k, VIEW_CUSTOMERS, NULL);
        CU_ASSERT_TRUE(listing.result != VIEW_OK || strstr(listing.body, id));
        failed += CHATS - whole(k, CHATS, m);
    }
    CU_ASSERT_TRUE(failed > 0); /* it was tight indeed */
    CU_ASSERT_TRUE(tight[0]->footprint <= tight[0]->limit);
    for (int i = 0; i < 2; i++)
        tight[i]->limit = limits[i];
    CU_ASSERT_EQUAL(whole(k, CHATS, ROUNDS - 1), CHATS);
    kit_free(k);
}

/* What is in use stays; what is not goes first. */
static void test_least_recently_used(void)
{
    struct kit *k = kit_new(300000);
    open_many(k, 60, 20);
    for (int i = 0; i < 200; i++) {
        char id[16];
        get(k, VIEW_POLL, "u0000");
        snprintf(id, sizeof(id), "u%04d", 1 + i % 59);
        get(k, VIEW_POLL, id);
    }
    int loads = k->loads;
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "u0000").built);
    CU_ASSERT_TRUE(loads < 260); /* u0000 was loaded at most once */
    kit_free(k);
}

/* Past ORDER_MIN entries go too; the order stays a complete prefix, and what is past it is the store's to tell. */
static void test_entries_go(void)
{
    struct kit *k = kit_new(800000);
    open_many(k, 2500, 1);
    CU_ASSERT_TRUE(cache_bytes(k->cache) <= 800000);
    CU_ASSERT_TRUE(k->cache->customers < 2500);
    CU_ASSERT_TRUE(k->cache->order.count >= ORDER_MIN);
    CU_ASSERT_FALSE(k->cache->order_all);
    int expected = 2499;
    for (const struct chain_node *at = k->cache->order.ends.next; at != &k->cache->order.ends;
         at = at->next, expected--) {
        char id[16];
        snprintf(id, sizeof(id), "u%04d", expected);
        const struct customer_entry *u = entry_of(at, struct customer_entry, order);
        CU_ASSERT_TRUE(slice_eq(slice_of(u->id, u->id_len), slice_cstr(id)));
    }
    struct view_query deep = {.view = VIEW_CUSTOMERS, .skip = 2400, .limit = 100};
    struct answer a = ask(k, &deep);
    CU_ASSERT_EQUAL(count_of(a.body, "{\"_id\""), 100);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "{\"_id\":\"u0099\""));
    CU_ASSERT_TRUE(k->lists > 0);
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "u0000").result, VIEW_OK);
    /* A change that was forgotten is still found by a cursor. */
    struct view_query since = {.view = VIEW_REFETCH, .has_since = true, .since = T0 + 2, .limit = 1000};
    a = ask(k, &since);
    CU_ASSERT_EQUAL(count_of(a.body, "{\"_id\""), 1000);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "{\"users\":[{\"_id\":\"u0001\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"more\":true"));
    kit_free(k);
}

static void test_stub_size(void)
{
    struct kit *k = kit_new(64 * MB);
    char id[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%024d", i);
        char chat[64];
        snprintf(chat, sizeof(chat), "%036d", i);
        open_chat(k, id, chat);
    }
    kit_restart(k, 64 * MB);
    size_t before = cache_bytes(k->cache);
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%036d", i);
        say(k, id, "user", "x");
    }
    size_t each = (cache_bytes(k->cache) - before) / 1000;
    printf(" [%zu bytes a stub] ", each);
    CU_ASSERT_TRUE(each <= 480);
    kit_free(k);
}

static void test_warm(void)
{
    struct kit *k = kit_new(16 * MB);
    open_many(k, 150, 3);
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(cache_warm(k->cache, &k->reader, 1000), OK);
    CU_ASSERT_TRUE(k->cache->order_all);
    CU_ASSERT_EQUAL(k->loads, 150);
    struct answer a = get(k, VIEW_REFETCH, NULL);
    CU_ASSERT_EQUAL(count_of(a.body, "{\"_id\""), 100);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "{\"users\":[{\"_id\":\"u0149\""));
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "u0000").built);
    CU_ASSERT_TRUE(get(k, VIEW_POLL, "u0000@x.io").built); /* whom an address means is asked once, and no more */
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "u0000@x.io").built);
    CU_ASSERT_EQUAL(k->lookups, 2); /* by id or reference, by address */
    CU_ASSERT_EQUAL(k->loads, 150);
    /* Less room than there is to load: the most recent ones are there. */
    kit_restart(k, 140000);
    CU_ASSERT_EQUAL(cache_warm(k->cache, &k->reader, 1000), OK);
    CU_ASSERT_TRUE(k->loads < 150);
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "u0149").built);
    CU_ASSERT_TRUE(get(k, VIEW_POLL, "u0000").built);
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(cache_warm(k->cache, &k->reader, 50), OK);
    CU_ASSERT_FALSE(k->cache->order_all);
    CU_ASSERT_EQUAL(k->cache->order.count, 50);
    k->fail = ERR_STORE;
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(cache_warm(k->cache, &k->reader, 50), ERR_STORE);
    kit_free(k);
}

/* Rows of a store that was asked before the tail was cut would leave a gap. */
static void test_late_rows(void)
{
    struct kit *k = kit_new(16 * MB);
    open_many(k, 3, 0);
    kit_restart(k, 16 * MB);
    cache_lock(k->cache);
    uint64_t cuts = k->cache->order_cuts;
    order_extend(k->cache, &k->customers[0]->row, 1, true, cuts + 1);
    CU_ASSERT_EQUAL(k->cache->order.count, 0);
    CU_ASSERT_FALSE(k->cache->order_all);
    order_extend(k->cache, &k->customers[0]->row, 1, false, cuts);
    CU_ASSERT_EQUAL(k->cache->order.count, 1);
    CU_ASSERT_FALSE(k->cache->order_all);
    cache_unlock(k->cache);
    kit_free(k);
}

/* When a change cannot be recorded, nothing that might miss it is kept. */
static void test_forget_all(void)
{
    struct kit *k = kit_new(16 * MB);
    open_many(k, 5, 2);
    struct answer a = get(k, VIEW_REFETCH, NULL);
    cache_lock(k->cache);
    cache_forget_all(k->cache, k->rev, k->rev);
    cache_unlock(k->cache);
    CU_ASSERT_EQUAL(k->cache->customers, 0);
    struct answer b = get(k, VIEW_REFETCH, NULL);
    CU_ASSERT_TRUE(b.built);
    size_t customers = (size_t)(strstr(a.body, "\"cursor\"") - a.body);
    CU_ASSERT_EQUAL(strncmp(b.body, a.body, customers), 0);
    CU_ASSERT_STRING_NOT_EQUAL(b.body + customers, a.body + customers); /* who follows looks at the store once */
    CU_ASSERT_STRING_NOT_EQUAL(b.etag, a.etag);
    kit_free(k);
}

/* One was given the other's address later. Whom it means is the store's to say; what it said once holds. */
static void test_same_email(void)
{
    struct kit *k = kit_new(16 * MB);
    kit_write(k, kit_create(k, "first", "same@x.io", "First", "c1"));
    kit_write(k, kit_create(k, "second", "other@x.io", "Second", "c2"));
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "other@x.io").built);
    kit_write(k, kit_create(k, "second", "same@x.io", NULL, "c3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "same@x.io").body, "\"user_id\":\"first\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "second").body, "\"user_email\":\"same@x.io\""));
    CU_ASSERT_EQUAL(k->loads, 0);
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "other@x.io").result, VIEW_NOT_FOUND);
    kit_restart(k, 16 * MB);
    get(k, VIEW_POLL, "second");
    get(k, VIEW_POLL, "first");
    struct answer a = get(k, VIEW_POLL, "same@x.io");
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"user_id\":\"first\""));
    CU_ASSERT_TRUE(a.built);
    kit_write(k, kit_create(k, "second", NULL, NULL, "c4"));
    a = get(k, VIEW_POLL, "same@x.io");
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"user_id\":\"first\""));
    CU_ASSERT_FALSE(a.built);
    kit_free(k);
}

const CU_TestInfo cache_tests[] = {
    {"links", test_link},
    {"a new customer is loaded from birth", test_born_loaded},
    {"duplicates and failures change nothing", test_duplicate_and_failed_ops},
    {"versions", test_versions},
    {"long ids are entries too", test_long_ids_are_entries_too},
    {"a version outlives the messages", test_version_outlives_messages},
    {"an op in doubt is looked up", test_doubt},
    {"a first message that landed late", test_late_first},
    {"a late first message hides no news", test_late_first_hides_no_news},
    {"rows", test_rows},
    {"order of activity", test_order},
    {"a poll does not touch the order", test_poll_does_not_touch_order},
    {"eviction", test_eviction},
    {"memory is bounded while sizes shift", test_memory_is_bounded},
    {"without memory", test_without_memory},
    {"least recently used", test_least_recently_used},
    {"entries go", test_entries_go},
    {"size of a stub", test_stub_size},
    {"warm", test_warm},
    {"rows that come late", test_late_rows},
    {"forget all", test_forget_all},
    {"two customers of one address", test_same_email},
    CU_TEST_INFO_NULL,
};
