/* Cursors: what a client gets that asks for changes only, put together, is what a full answer would show
 * (docs/architecture.md, invariant 5). */
#include "cache_suites.h"

#include "json/json_in.h"

#include <stdio.h>
#include <stdlib.h>

#define MB ((size_t)1 << 20)

static struct view_query since_query(enum view view, const char *ident, const char *cursor)
{
    struct view_query q = {.view = view, .ident = slice_cstr(ident)};
    view_parse_cursor(slice_cstr(cursor), &q);
    return q;
}

static void test_parse(void)
{
    struct view_query q;
    static const struct {
        const char *text;
        int64_t since, base; /* since 0: refused */
    } cases[] = {
        {"1", 1, 0},
        {"1795557360588003", T0 + 3, 0},
        {"20-10", 20, 10},
        {"20-10-15", 20, 10},
        {"20.7", 20, 0},
        {"20~7", 20, 0},
        {"20-10.4294967295", 20, 10},
        {"20-10-15~7", 20, 10},
        {"10-10", 10, 10},
        {"", 0, 0},
        {"0", 0, 0},
        {"-", 0, 0},
        {"-1", 0, 0},
        {"1-", 0, 0},
        {"1-2", 0, 0},
        {"5-0", 0, 0},
        {"1x", 0, 0},
        {" 1", 0, 0},
        {"1-1-0", 0, 0},
        {"1-1-1-1", 0, 0},
        {"1.", 0, 0},
        {"1.0", 0, 0},
        {"1.4294967296", 0, 0},
        {"1.5.5", 0, 0},
        {"20.7_5", 20, 0},
        {"20-10-15~7_9223372036854775807", 20, 10},
        {"1.5_", 0, 0},
        {"1.5_0", 0, 0},
        {"1.5_2_2", 0, 0},
        {"1_5", 0, 0},
        {"1~5-1", 0, 0},
        {".5", 0, 0},
        {"1:5", 0, 0},
        {"9223372036854775807", INT64_MAX, 0},
        {"9223372036854775808", 0, 0},
        {"99999999999999999999999", 0, 0},
        {"1e5", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&q, 0xff, sizeof(q));
        view_parse_cursor(slice_cstr(cases[i].text), &q);
        CU_ASSERT_EQUAL(q.has_since, cases[i].since != 0);
        CU_ASSERT_EQUAL(q.since, cases[i].since);
        CU_ASSERT_EQUAL(q.since_base, cases[i].base);
    }
    view_parse_cursor((struct slice){0}, &q);
    CU_ASSERT_FALSE(q.has_since);
}

static void test_poll(void)
{
    struct kit *k = kit_new(16 * MB);
    char cursor[128];
    open_chat(k, "ann", "c1");
    open_chat(k, "ann", "c2");
    say(k, "c1", "user", "one");
    cursor_of(get(k, VIEW_POLL, "ann").body, cursor);
    struct view_query q = since_query(VIEW_POLL, "ann", cursor);
    struct answer a = ask(k, &q);
    CHECK_TEXT(a.body, "{\"user_id\":\"ann\",\"user_name\":\"Name of ann\",\"user_email\":\"ann@x.io\",\"chats\":[],"
                       "\"total_chats\":2,\"cursor\":\"1795557360588003\"}");
    say(k, "c2", "user", "two");
    say(k, "c2", "agent", "three");
    open_chat(k, "bob", "c3");
    a = ask(k, &q);
    CU_ASSERT_FALSE(a.built);
    CHECK_TEXT(
        a.body,
        "{\"user_id\":\"ann\",\"user_name\":\"Name of ann\",\"user_email\":\"ann@x.io\",\"chats\":["
        "{\"chat_id\":\"c2\",\"status\":\"open\",\"created_at\":\"2026-11-24T21:56:00.588002Z\",\"assigned_to\":null,"
        "\"last_activity\":\"2026-11-24T21:56:00.588005Z\",\"total_messages\":2,\"unread\":1,\"read_up_to\":{"
        "\"user\":\"6b0607f0aabbccddee08f8e4\",\"agent\":\"6b0607f0aabbccddee08f8e5\"},\"messages\":["
        "{\"_id\":\"6b0607f0aabbccddee08f8e4\",\"role\":\"user\",\"text\":\"two\",\"content\":\"two\","
        "\"timestamp\":\"2026-11-24T21:56:00.588004Z\",\"read\":true},"
        "{\"_id\":\"6b0607f0aabbccddee08f8e5\",\"role\":\"agent\",\"text\":\"three\",\"content\":\"three\","
        "\"timestamp\":\"2026-11-24T21:56:00.588005Z\",\"read\":false}]}],\"total_chats\":2,"
        "\"cursor\":\"1795557360588005\"}");
    /* From the future, or no cursor at all: everything. */
    const char *others[] = {"9999999999999999", "x", "0"};
    for (int i = 0; i < 3; i++) {
        struct view_query full = since_query(VIEW_POLL, "ann", others[i]);
        CHECK_TEXT(ask(k, &full).body, get(k, VIEW_POLL, "ann").body);
    }
    /* Not loaded: a reader answers the same. */
    kit_restart(k, 16 * MB);
    struct answer cold = ask(k, &q);
    CU_ASSERT_TRUE(cold.built);
    CU_ASSERT_EQUAL(count_of(cold.body, "\"_id\""), 2);
    kit_free(k);
}

static void test_refetch(void)
{
    struct kit *k = kit_new(16 * MB);
    char cursor[128];
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    open_chat(k, "cid", "c3");
    say(k, "c1", "user", "old");
    cursor_of(get(k, VIEW_REFETCH, NULL).body, cursor);
    struct view_query q = since_query(VIEW_REFETCH, "", cursor);
    CHECK_TEXT(ask(k, &q).body, "{\"users\":[],\"cursor\":\"1795557360588004\"}");
    say(k, "c2", "user", "first");
    say(k, "c1", "user", "second");
    kit_write(k, kit_ai(k, "c3", false));
    struct answer a = ask(k, &q);
    CU_ASSERT_FALSE(a.built);
    CHECK_TEXT(
        a.body,
        "{\"users\":[{\"_id\":\"bob\",\"name\":\"Name of bob\",\"email\":\"bob@x.io\",\"ip\":null,"
        "\"vibe\":\"neutral\",\"category\":\"agent-inbox\",\"status\":\"active\",\"location\":{},\"device\":{},"
        "\"dashboard_user_id\":null,\"chats\":[{\"chat_id\":\"c2\",\"status\":\"open\","
        "\"created_at\":\"2026-11-24T21:56:00.588002Z\",\"assigned_to\":null,\"last_activity\":\"2026-11-24T21:56:00."
        "588005Z\","
        "\"total_messages\":1,\"unread\":1,\"read_up_to\":{\"user\":\"6b0607f0aabbccddee08f8e5\",\"agent\":null},"
        "\"messages\":[{\"role\":\"user\",\"text\":\"first\","
        "\"timestamp\":\"2026-11-24T21:56:00.588005Z\",\"read\":false}]}]},"
        "{\"_id\":\"ann\",\"name\":\"Name of ann\",\"email\":\"ann@x.io\",\"ip\":null,"
        "\"vibe\":\"neutral\",\"category\":\"agent-inbox\",\"status\":\"active\",\"location\":{},\"device\":{},"
        "\"dashboard_user_id\":null,\"chats\":[{\"chat_id\":\"c1\",\"status\":\"open\","
        "\"created_at\":\"2026-11-24T21:56:00.588001Z\",\"assigned_to\":null,\"last_activity\":\"2026-11-24T21:56:00."
        "588006Z\","
        "\"total_messages\":2,\"unread\":2,\"read_up_to\":{\"user\":\"6b0607f0aabbccddee08f8e6\",\"agent\":null},"
        "\"messages\":[{\"role\":\"user\",\"text\":\"second\","
        "\"timestamp\":\"2026-11-24T21:56:00.588006Z\",\"read\":false}]}]}],\"cursor\":\"1795557360588007\"}");
    /* A restart forgets who changed: the store knows. */
    kit_restart(k, 16 * MB);
    struct answer cold = ask(k, &q);
    CU_ASSERT_TRUE(cold.built);
    CU_ASSERT_EQUAL(k->lists, 1);
    CHECK_TEXT(cold.body, a.body);
    kit_free(k);
}

/* A client that keeps what it is told: per chat, how many messages it has, by their places. */
struct replica {
    char ids[200][16];
    bool has[200][40];
    int chats;
};

static int replica_chat(struct replica *r, struct slice id)
{
    for (int i = 0; i < r->chats; i++)
        if (slice_eq(slice_cstr(r->ids[i]), id))
            return i;
    snprintf(r->ids[r->chats], sizeof(r->ids[0]), "%.*s", SLICE_ARG(id));
    return r->chats++;
}

/* The messages of an answer are the last ones of their chat: total_messages says which. */
static int replica_take(struct replica *r, const char *body)
{
    struct arena a;
    struct json_doc doc;
    struct json_error why;
    struct json_value customer, chat, none;
    int customers = 0;
    arena_init(&a, 0);
    CU_ASSERT_EQUAL_FATAL(json_parse(slice_cstr(body), &a, &doc, &why), OK);
    for (struct json_iter u = json_iter(json_get(json_root(&doc), SLICE_LIT("users")));
         json_next(&u, &none, &customer);) {
        customers++;
        for (struct json_iter c = json_iter(json_get(customer, SLICE_LIT("chats"))); json_next(&c, &none, &chat);) {
            struct slice id;
            int64_t total;
            CU_ASSERT_EQUAL(json_string(json_get(chat, SLICE_LIT("chat_id")), &id), OK);
            CU_ASSERT_EQUAL(json_i64(json_get(chat, SLICE_LIT("total_messages")), &total), OK);
            int at = replica_chat(r, id);
            size_t count = json_count(json_get(chat, SLICE_LIT("messages")));
            for (size_t m = 0; m < count; m++)
                r->has[at][(size_t)total - count + m] = true;
        }
    }
    arena_fini(&a);
    return customers;
}

static void replica_check(const struct replica *r, struct kit *k)
{
    for (size_t u = 0; u < k->customer_count; u++)
        for (size_t c = 0; c < k->customers[u]->chat_count; c++) {
            int at = -1;
            for (int i = 0; i < r->chats; i++)
                if (strcmp(r->ids[i], k->customers[u]->chats[c]->id) == 0)
                    at = i;
            CU_ASSERT_TRUE_FATAL(at >= 0);
            for (size_t m = 0; m < k->customers[u]->chats[c]->count; m++)
                CU_ASSERT_TRUE(r->has[at][m]);
        }
}

static void talk(struct kit *k, unsigned *seed, int times)
{
    char chat[16];
    for (int i = 0; i < times; i++) {
        snprintf(chat, sizeof(chat), "c%02d", rand_r(seed) % 60);
        for (size_t u = 0; u < k->customer_count; u++)
            if (strcmp(k->customers[u]->chats[0]->id, chat) == 0 && k->customers[u]->chats[0]->count < 39)
                say(k, chat, "user", "x");
    }
}

/* Sixty customers talk; the client comes by now and then, asks for at most 7 a page, and misses nothing, though they
 * go on talking while it pages. cold: the cache forgets everything before each page. */
static void run_replica(bool cold)
{
    struct kit *k = kit_new(16 * MB);
    struct replica *r = calloc(1, sizeof(*r));
    unsigned seed = 42;
    char id[16], chat[16], cursor[128];
    for (int i = 0; i < 60; i++) {
        snprintf(id, sizeof(id), "u%02d", i);
        snprintf(chat, sizeof(chat), "c%02d", i);
        open_chat(k, id, chat);
    }
    struct answer a = get(k, VIEW_REFETCH, NULL);
    replica_take(r, a.body);
    cursor_of(a.body, cursor);
    for (int visit = 0; visit < 12; visit++) {
        talk(k, &seed, 60);
        bool more = true;
        for (int page = 0; more && page < 100; page++) {
            if (cold)
                kit_restart(k, 16 * MB);
            struct view_query q = since_query(VIEW_REFETCH, "", cursor);
            CU_ASSERT_TRUE(q.has_since);
            q.limit = 7;
            a = ask(k, &q);
            CU_ASSERT_TRUE(replica_take(r, a.body) <= 7);
            cursor_of(a.body, cursor);
            more = strstr(a.body, "\"more\":true") != NULL;
            if (page < 3)
                talk(k, &seed, 3);
        }
        CU_ASSERT_FALSE(more);
    }
    struct view_query q = since_query(VIEW_REFETCH, "", cursor);
    replica_take(r, ask(k, &q).body);
    replica_check(r, k);
    free(r);
    kit_free(k);
}

static void test_pages_warm(void)
{
    run_replica(false);
}

static void test_pages_cold(void)
{
    run_replica(true);
}

static void test_owner(void)
{
    struct kit *k = kit_new(16 * MB);
    char email[32];
    for (int cold = 0; cold < 2; cold++) {
        char cursor[128];
        snprintf(cursor, sizeof(cursor), "%lld", (long long)k->rev);
        for (int i = 0; i < 40; i++) {
            snprintf(email, sizeof(email), "u%02d@x.io", i);
            kit_write(k, kit_put_customer(k, email, "n", i % 4 == 0 ? "o1" : "o2"));
        }
        if (cold)
            kit_restart(k, 16 * MB);
        int customers = 0;
        bool more = true;
        for (int page = 0; more && page < 20; page++) {
            struct view_query q = since_query(VIEW_REFETCH, "", cursor);
            q.owner = SLICE_LIT("o1");
            q.limit = 3;
            struct answer a = ask(k, &q);
            CU_ASSERT_EQUAL(count_of(a.body, "\"dashboard_user_id\":\"o2\""), 0);
            customers += (int)count_of(a.body, "\"dashboard_user_id\":\"o1\"");
            cursor_of(a.body, cursor);
            more = strstr(a.body, "\"more\":true") != NULL;
        }
        CU_ASSERT_EQUAL(customers, 10);
        CU_ASSERT_FALSE(more);
    }
    kit_free(k);
}

const CU_TestInfo view_since_tests[] = {
    {"cursor text", test_parse},
    {"poll", test_poll},
    {"refetch", test_refetch},
    {"pages, from the cache", test_pages_warm},
    {"pages, from the store", test_pages_cold},
    {"owner", test_owner},
    CU_TEST_INFO_NULL,
};
