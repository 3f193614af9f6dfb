/* Every view's exact JSON, and its ETag. */
#include "cache_suites.h"

#include "json/json_in.h"

#include <stdio.h>
#include <stdlib.h>

#define MB ((size_t)1 << 20)

#define HEAD_ANN                                                                                                       \
    "{\"_id\":\"ann\",\"name\":\"Name of ann\",\"email\":\"ann@x.io\",\"ip\":null,\"vibe\":\"neutral\","               \
    "\"category\":\"agent-inbox\",\"status\":\"active\",\"location\":{},\"device\":{},\"dashboard_user_id\":null"
#define CHAT_ANN                                                                                                       \
    "{\"chat_id\":\"c1\",\"status\":\"open\",\"created_at\":\"2026-11-24T21:56:00.588001Z\",\"assigned_to\":null,"     \
    "\"last_activity\":\"2026-11-24T21:56:00.588003Z\",\"total_messages\":2,"
/* What the agent sent, the agents' side has read, and what was before it. */
#define READ_UP_TO                                                                                                     \
    "\"read_up_to\":{\"user\":\"6b0607f0aabbccddee08f8e2\",\"agent\":\"6b0607f0aabbccddee08f8e3\"},\"messages\":["
#define SEEN_ANN  CHAT_ANN "\"unread\":0," READ_UP_TO
#define MESSAGE_1 "{\"role\":\"user\",\"text\":\"hi\",\"timestamp\":\"2026-11-24T21:56:00.588002Z\",\"read\":true }"
#define MESSAGE_2                                                                                                      \
    "{\"role\":\"agent\",\"text\":\"say \\\"yo\\\"\",\"timestamp\":\"2026-11-24T21:56:00.588003Z\",\"read\":true }"

/* ann with chat c1: "hi", then an answer. */
static struct kit *two_messages(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "hi");
    say(k, "c1", "agent", "say \"yo\"");
    return k;
}

static void check_json(const char *body)
{
    struct arena a;
    struct json_doc doc;
    struct json_error why;
    arena_init(&a, 0);
    CU_ASSERT_EQUAL(json_parse(slice_cstr(body), &a, &doc, &why), OK);
    arena_fini(&a);
}

static void test_refetch(void)
{
    struct kit *k = two_messages();
    struct answer a = get(k, VIEW_REFETCH, NULL);
    CHECK_TEXT(a.body, "{\"users\":[" HEAD_ANN ",\"chats\":[" SEEN_ANN MESSAGE_1 "," MESSAGE_2
                       "]}]}],\"cursor\":\"1795557360588003\"}");
    CU_ASSERT_TRUE(a.built);
    CU_ASSERT_EQUAL(k->loads, 0);
    struct answer again = get(k, VIEW_REFETCH, NULL);
    CU_ASSERT_FALSE(again.built);
    CHECK_TEXT(again.body, a.body);
    CHECK_TEXT(again.etag, a.etag);
    kit_free(k);
}

static void test_poll(void)
{
    struct kit *k = two_messages();
    struct answer a = get(k, VIEW_POLL, "ann@x.io");
    CU_ASSERT_FALSE(a.built);
    CHECK_TEXT(a.body,
               "{\"user_id\":\"ann\",\"user_name\":\"Name of ann\",\"user_email\":\"ann@x.io\",\"chats\":[" CHAT_ANN
               "\"unread\":1," READ_UP_TO
               "{\"_id\":\"6b0607f0aabbccddee08f8e2\",\"role\":\"user\",\"text\":\"hi\",\"content\":\"hi\","
               "\"timestamp\":\"2026-11-24T21:56:00.588002Z\",\"read\":true},"
               "{\"_id\":\"6b0607f0aabbccddee08f8e3\",\"role\":\"agent\",\"text\":\"say \\\"yo\\\"\","
               "\"content\":\"say \\\"yo\\\"\",\"timestamp\":\"2026-11-24T21:56:00.588003Z\",\"read\":false}]}],"
               "\"total_chats\":1,\"cursor\":\"1795557360588003\"}");
    CHECK_TEXT(get(k, VIEW_POLL, "ann").body, a.body);
    struct answer none = get(k, VIEW_POLL, "bob");
    CU_ASSERT_EQUAL(none.result, VIEW_NOT_FOUND);
    CU_ASSERT_TRUE(none.built);
    kit_free(k);
}

static void test_customers(void)
{
    struct kit *k = two_messages();
    struct answer a = get(k, VIEW_CUSTOMER, "ann");
    CHECK_TEXT(a.body, HEAD_ANN ",\"last_seen\":null,\"chats\":[" SEEN_ANN MESSAGE_1 "," MESSAGE_2 "]}]}");
    CU_ASSERT_FALSE(a.built);
    kit_write(k, kit_put_customer(k, "zoe@x.io", "Zoe", "owner-1"));
    struct view_query q = {.view = VIEW_CUSTOMERS, .skip = 1, .limit = 5};
    a = ask(k, &q);
    CHECK_TEXT(a.body, "{\"users\":[" HEAD_ANN ",\"last_seen\":null,\"chats\":[" SEEN_ANN MESSAGE_1 "," MESSAGE_2
                       "]}]}],\"total\":0,\"skip\":1,\"limit\":5}");
    q.skip = 0;
    q.limit = 1;
    a = ask(k, &q);
    CHECK_TEXT(a.body,
               "{\"users\":[{\"_id\":\"zoe@x.io\",\"name\":\"Zoe\",\"email\":\"zoe@x.io\",\"ip\":null,"
               "\"vibe\":\"neutral\",\"category\":\"agent-inbox\",\"status\":\"active\",\"location\":{},\"device\":{},"
               "\"dashboard_user_id\":\"owner-1\",\"last_seen\":\"2026-11-24T21:56:00.588004Z\",\"chats\":[]}],"
               "\"total\":0,\"skip\":0,\"limit\":1}");
    CU_ASSERT_EQUAL(get(k, VIEW_CUSTOMER, "nobody").result, VIEW_NOT_FOUND);
    kit_free(k);
}

static void test_chat(void)
{
    struct kit *k = two_messages();
    const char *object =
        "{\"chat_id\":\"c1\",\"user_id\":\"ann\",\"status\":\"open\",\"created_at\":\"2026-11-24T21:56:00.588001Z\","
        "\"updated_at\":\"2026-11-24T21:56:00.588003Z\",\"assigned_to\":null,\"unread\":0," READ_UP_TO
        "{\"_id\":\"6b0607f0aabbccddee08f8e2\",\"sender\":\"user\",\"content\":\"hi\","
        "\"timestamp\":\"2026-11-24T21:56:00.588002Z\",\"status\":\"sent\",\"isLink\":false,\"linkUrl\":null,"
        "\"tags\":[]},{\"_id\":\"6b0607f0aabbccddee08f8e3\",\"sender\":\"agent\",\"content\":\"say \\\"yo\\\"\","
        "\"timestamp\":\"2026-11-24T21:56:00.588003Z\",\"status\":\"sent\",\"isLink\":false,\"linkUrl\":null,"
        "\"tags\":[]}],\"state\":{}}";
    struct answer a = get(k, VIEW_CHAT, "c1");
    CHECK_TEXT(a.body, object);
    CU_ASSERT_FALSE(a.built);
    char listed[2048];
    snprintf(listed, sizeof(listed), "{\"chats\":[%s],\"total\":1,\"skip\":0,\"limit\":100}", object);
    CHECK_TEXT(get(k, VIEW_CHATS, NULL).body, listed);
    struct view_query other = {.view = VIEW_CHATS, .email = SLICE_LIT("zoe@x.io"), .limit = 10};
    CHECK_TEXT(ask(k, &other).body, "{\"chats\":[],\"total\":0,\"skip\":0,\"limit\":10}");
    CU_ASSERT_EQUAL(get(k, VIEW_CHAT, "nope").result, VIEW_NOT_FOUND);
    kit_free(k);
}

/* By last activity, whoever's they are; a page of them. */
static void test_chats_order(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    open_chat(k, "ann", "c3");
    say(k, "c1", "user", "last");
    struct view_query q = {.view = VIEW_CHATS, .limit = 2};
    const char *body = ask(k, &q).body;
    const char *first = strstr(body, "\"chat_id\":\"c1\""), *second = strstr(body, "\"chat_id\":\"c3\"");
    CU_ASSERT_TRUE(first && second && first < second);
    CU_ASSERT_PTR_NULL(strstr(body, "\"chat_id\":\"c2\""));
    q.skip = 2;
    body = ask(k, &q).body;
    CU_ASSERT_PTR_NOT_NULL(strstr(body, "\"chat_id\":\"c2\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(body, "\"total\":3,\"skip\":2,\"limit\":2}"));
    kit_free(k);
}

static void test_history_pages(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    add_legacy(k, "c1", "user", "L0");
    add_legacy(k, "c1", "user", "L1");
    kit_restart(k, 16 * MB);
    char text[16];
    for (int i = 0; i < 7; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        say(k, "c1", "user", text);
    }
    /* Newest page first, then back: m5 m6, m3 m4, m1 m2, L1 m0, L0. */
    const char *expected[] = {"m5", "m3", "m1", "L1", "L0"};
    char before[64] = "";
    for (int page = 0; page < 5; page++) {
        struct answer a =
            ask(k, &(struct view_query){
                       .view = VIEW_HISTORY, .ident = SLICE_LIT("c1"), .limit = 2, .before = slice_cstr(before)});
        CU_ASSERT_EQUAL_FATAL(a.result, VIEW_OK);
        check_json(a.body);
        const char *text_at = strstr(a.body, "\"text\":\"");
        CU_ASSERT_PTR_NOT_NULL_FATAL(text_at);
        CU_ASSERT_NSTRING_EQUAL(text_at + 8, expected[page], 2);
        CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), page < 4 ? 2 : 1);
        const char *next = strstr(a.body, "\"next_before\":");
        CU_ASSERT_EQUAL(strstr(a.body, "\"has_more\":true") != NULL, page < 4);
        if (page < 4) {
            CU_ASSERT_EQUAL(sscanf(next, "\"next_before\":\"%63[^\"]\"", before), 1);
        } else {
            CHECK_TEXT(next, "\"next_before\":null}");
        }
    }
    struct view_query bad = {.view = VIEW_HISTORY, .ident = SLICE_LIT("c1"), .before = SLICE_LIT("x")};
    CU_ASSERT_EQUAL(ask(k, &bad).result, VIEW_FAILED);
    CU_ASSERT_EQUAL(ask(k, &bad).error, ERR_INVALID);
    CU_ASSERT_EQUAL(get(k, VIEW_HISTORY, "nope").result, VIEW_NOT_FOUND);
    struct view_query oldest = {.view = VIEW_HISTORY, .ident = SLICE_LIT("c1"), .before = SLICE_LIT("msg_1_0")};
    CHECK_TEXT(ask(k, &oldest).body, "{\"chat_id\":\"c1\",\"messages\":[],\"has_more\":false,\"next_before\":null}");
    kit_free(k);
}

static void test_ai(void)
{
    struct kit *k = two_messages();
    CHECK_TEXT(get(k, VIEW_AI, "c1").body, "{\"success\":true,\"ai_agent_enabled\":true,\"chat_id\":\"c1\"}");
    struct answer before = get(k, VIEW_AI, "c1");
    kit_write(k, kit_ai(k, "c1", false));
    struct answer off = get(k, VIEW_AI, "c1");
    CHECK_TEXT(off.body, "{\"success\":true,\"ai_agent_enabled\":false,\"chat_id\":\"c1\"}");
    CU_ASSERT_FALSE(off.built);
    CU_ASSERT_STRING_NOT_EQUAL(before.etag, off.etag);
    say(k, "c1", "assistant", "roles leave the switch alone");
    CHECK_TEXT(get(k, VIEW_AI, "c1").body, off.body);
    kit_restart(k, 16 * MB);
    CHECK_TEXT(get(k, VIEW_AI, "c1").body, off.body); /* from the store */
    get(k, VIEW_POLL, "ann");
    CHECK_TEXT(get(k, VIEW_AI, "c1").body, off.body); /* from what was loaded */
    CU_ASSERT_EQUAL(get(k, VIEW_AI, "nope").result, VIEW_NOT_FOUND);
    kit_free(k);
}

static void test_totals(void)
{
    struct kit *k = kit_new(16 * MB);
    struct totals changed = {.chats = 5, .chats_with_either = 3, .chats_with_assistant = 2};
    changed.inbox[INBOX_MY_CHATS] = 4;
    tell_memory(k->cache, NULL, 0, &changed);
    const char *body = get(k, VIEW_REPORT, NULL).body;
    CU_ASSERT_NSTRING_EQUAL(body,
                            "{\"success\":true,\"total_chats\":5,\"agent_chats\":3,\"channels\":{\"whatsapp\":0,"
                            "\"instagram\":0,\"website\":5},\"timestamp\":\"20",
                            115);
    check_json(body);
    struct answer agent = get(k, VIEW_AGENT, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(agent.body, "\"chats_responded_to\":2,\"model\":null,\"status\":\"offline\","
                                              "\"initialized\":false,\"timestamp\":\"20"));
    CHECK_TEXT(agent.etag, "");
    int64_t counts[INBOX_COUNT];
    cache_inbox_counts(k->cache, counts);
    CU_ASSERT_EQUAL(counts[INBOX_ALL], 5);
    CU_ASSERT_EQUAL(counts[INBOX_MY_CHATS], 4);
    kit_free(k);
}

static void test_overview(void)
{
    struct kit *k = two_messages();
    kit_write(k, kit_put_customer(k, "zoe@x.io", "Zoe", "o1"));
    const char *body = get(k, VIEW_OVERVIEW, NULL).body;
    const char *start = "{\"database_name\":\"kit\",\"collections\":{\"customers\":{\"count\":3,\"data\":[" HEAD_ANN
                        ",\"created_at\":\"2026-11-24T21:56:00.588001Z\",\"last_seen\":null},{\"_id\":\"zoe@x.io\"";
    CU_ASSERT_NSTRING_EQUAL(body, start, strlen(start));
    const char *chats =
        "]},\"customer-chats\":{\"count\":7,\"data\":[{\"_id\":\"c1\",\"chat_id\":\"c1\",\"user_id\":\"ann\","
        "\"status\":\"open\",\"created_at\":\"2026-11-24T21:56:00.588001Z\","
        "\"last_activity\":\"2026-11-24T21:56:00.588003Z\",\"total_messages\":2,\"messages_count\":2,"
        "\"first_message\":{\"_id\":\"6b0607f0aabbccddee08f8e2\",\"role\":\"user\",\"text\":\"hi\"";
    CU_ASSERT_PTR_NOT_NULL(strstr(body, chats));
    const char *end = "\"dashboard_users\":{\"count\":0,\"data\":[]}},\"statistics\":{\"total_widget_customers\":3,"
                      "\"total_customer_chats\":7,\"total_messages\":11,\"total_dashboard_users\":0,"
                      "\"customers_with_chats\":2,\"customers_linked_to_dashboard\":1,\"customers_not_linked\":2},"
                      "\"timestamp\":\"20";
    CU_ASSERT_PTR_NOT_NULL(strstr(body, end));
    check_json(body);
    kit_free(k);
}

/* What a browser does: the ETag of the last answer, weak, or in a list. */
static void test_not_modified(void)
{
    struct kit *k = two_messages();
    const enum view views[] = {VIEW_REFETCH, VIEW_POLL, VIEW_CUSTOMERS, VIEW_CUSTOMER,
                               VIEW_CHATS,   VIEW_CHAT, VIEW_HISTORY};
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        struct view_query q = {.view = views[i], .limit = 10};
        q.ident = views[i] == VIEW_CHAT || views[i] == VIEW_HISTORY ? SLICE_LIT("c1") : SLICE_LIT("ann");
        struct answer a = ask(k, &q);
        CU_ASSERT_EQUAL(a.result, VIEW_OK);
        char header[200];
        snprintf(header, sizeof(header), "\"other-1\", W/%s", a.etag);
        q.if_none_match = slice_cstr(header);
        struct answer same = ask(k, &q);
        CU_ASSERT_EQUAL(same.result, VIEW_NOT_MODIFIED);
        CU_ASSERT_FALSE(same.built);
        CHECK_TEXT(same.etag, a.etag);
        say(k, "c1", "user", "more");
        struct answer changed = ask(k, &q);
        CU_ASSERT_EQUAL(changed.result, VIEW_OK);
        CU_ASSERT_STRING_NOT_EQUAL(changed.etag, a.etag);
        q.if_none_match = SLICE_LIT(" * ");
        CU_ASSERT_EQUAL(ask(k, &q).result, VIEW_NOT_MODIFIED);
        q.if_none_match = SLICE_LIT("\"00000000-1\"");
        CU_ASSERT_EQUAL(ask(k, &q).result, VIEW_OK);
    }
    kit_free(k);
}

static void test_hostile_text(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "us\"er\\\n", "\x01\x1f\t\"\\ </script> \xe2\x80\xa8\xe2\x80\xa9 \xf0\x9f\x98\x80 \xff \x7f");
    const char *text = "\\u0001\\u001f\\t\\\"\\\\ </script> \\u2028\\u2029 \xf0\x9f\x98\x80 \xef\xbf\xbd \x7f\"";
    const enum view views[] = {VIEW_REFETCH, VIEW_POLL, VIEW_CUSTOMERS, VIEW_CUSTOMER,
                               VIEW_CHATS,   VIEW_CHAT, VIEW_HISTORY};
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        const char *body = get(k, views[i], views[i] == VIEW_CHAT || views[i] == VIEW_HISTORY ? "c1" : "ann").body;
        check_json(body);
        CU_ASSERT_PTR_NOT_NULL(strstr(body, text));
        CU_ASSERT_PTR_NOT_NULL(strstr(body, "\"us\\\"er\\\\\\n\""));
    }
    kit_free(k);
}

/* The refetch of one owner, from the order of activity, and from the store where that does not hold everybody. */
static void test_owner(void)
{
    struct kit *k = kit_new(16 * MB);
    char email[32];
    for (int i = 0; i < 30; i++) {
        snprintf(email, sizeof(email), "u%02d@x.io", i);
        kit_write(k, kit_put_customer(k, email, "n", i % 3 == 0 ? "o1" : "o2"));
    }
    struct view_query q = {.view = VIEW_REFETCH, .owner = SLICE_LIT("o1"), .limit = 4};
    struct answer a = ask(k, &q);
    CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 4);
    CU_ASSERT_EQUAL(count_of(a.body, "\"dashboard_user_id\":\"o1\""), 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "u27@x.io"));
    CU_ASSERT_EQUAL(k->lists, 0);
    CU_ASSERT_FALSE(ask(k, &q).built);
    kit_restart(k, 16 * MB);
    struct answer b = ask(k, &q);
    CU_ASSERT_EQUAL(k->lists, 1);
    CHECK_TEXT(b.body, a.body);
    CU_ASSERT_FALSE(ask(k, &q).built);
    kit_free(k);
}

/* More listings than slots: each is right, the ones used last are kept. */
static void test_variants(void)
{
    struct kit *k = kit_new(16 * MB);
    char id[16];
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "u%02d", i);
        open_chat(k, id, id);
    }
    for (int round = 0; round < 2; round++)
        for (int limit = 1; limit <= 20; limit++) {
            struct answer a = ask(k, &(struct view_query){.view = VIEW_REFETCH, .limit = limit});
            CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), (size_t)limit);
            CU_ASSERT_TRUE(a.built);
            a = ask(k, &(struct view_query){.view = VIEW_REFETCH, .limit = limit});
            CU_ASSERT_FALSE(a.built);
        }
    kit_free(k);
}

static void test_large_goes_to_a_reader(void)
{
    struct kit *k = kit_new(64 * MB);
    static char text[100001];
    memset(text, 'x', sizeof(text) - 1);
    open_chat(k, "ann", "c1");
    for (int i = 0; i < 4; i++)
        say(k, "c1", "user", text);
    struct answer a = get(k, VIEW_POLL, "ann");
    CU_ASSERT_TRUE(a.built);
    CU_ASSERT_TRUE(strlen(a.body) > 800000);
    a = get(k, VIEW_POLL, "ann");
    CU_ASSERT_FALSE(a.built); /* kept */
    CU_ASSERT_TRUE(get(k, VIEW_CHAT, "c1").built);
    CU_ASSERT_FALSE(ask(k, &(struct view_query){.view = VIEW_HISTORY, .ident = SLICE_LIT("c1"), .limit = 1}).built);
    kit_free(k);
}

/* Bypassed: everything from the store, nothing kept, no ETag that could outlive a change of another node. */
static void test_bypass(void)
{
    struct kit *k = two_messages();
    cache_free(k->cache);
    struct cache_options off = {.max_bytes = MB, .tag = TAG5, .max_rev = k->rev, .enabled = false};
    k->cache = cache_new(&off);
    const enum view views[] = {VIEW_REFETCH, VIEW_POLL,    VIEW_CUSTOMERS, VIEW_CUSTOMER, VIEW_CHATS,
                               VIEW_CHAT,    VIEW_HISTORY, VIEW_AI,        VIEW_REPORT,   VIEW_AGENT};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
            bool chat = views[i] == VIEW_CHAT || views[i] == VIEW_HISTORY || views[i] == VIEW_AI;
            struct answer a = get(k, views[i], chat ? "c1" : "ann");
            CU_ASSERT_EQUAL(a.result, VIEW_OK);
            CU_ASSERT_TRUE(a.built);
            CHECK_TEXT(a.etag, "");
            check_json(a.body);
        }
    kit_commit(k, kit_send(k, "c1", "user", "from another node"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "ann").body, "from another node"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_REPORT, NULL).body, "\"total_chats\":7"));
    struct view_query q = {.view = VIEW_REFETCH, .has_since = true, .since = k->rev - 1};
    CU_ASSERT_EQUAL(count_of(ask(k, &q).body, "\"role\""), 1);
    kit_free(k);
}

static void test_store_failure(void)
{
    struct kit *k = two_messages();
    kit_restart(k, 16 * MB);
    k->fail = ERR_STORE;
    const enum view views[] = {VIEW_REFETCH, VIEW_POLL, VIEW_CUSTOMER, VIEW_CHAT, VIEW_CHATS};
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        struct answer a = get(k, views[i], views[i] == VIEW_CHAT ? "c1" : "ann");
        CU_ASSERT_EQUAL(a.result, VIEW_FAILED);
        CU_ASSERT_EQUAL(a.error, ERR_STORE);
        CHECK_TEXT(a.etag, "");
    }
    k->fail = OK;
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "ann").result, VIEW_OK);
    k->fail = ERR_STORE; /* away: what is warm goes on */
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "ann").result, VIEW_OK);
    kit_free(k);
}

const CU_TestInfo view_tests[] = {
    {"refetch", test_refetch},
    {"poll", test_poll},
    {"users", test_customers},
    {"chat and chats", test_chat},
    {"chats by last activity", test_chats_order},
    {"history by pages", test_history_pages},
    {"AI switch", test_ai},
    {"reports", test_totals},
    {"overview", test_overview},
    {"304", test_not_modified},
    {"hostile text", test_hostile_text},
    {"owner", test_owner},
    {"more listings than slots", test_variants},
    {"large bodies are a reader's work", test_large_goes_to_a_reader},
    {"bypass", test_bypass},
    {"store failure", test_store_failure},
    CU_TEST_INFO_NULL,
};
