/* Whose a chat is, where it stands, who wrote: what changes of a chat beside its messages. */
#include "cache_suites.h"

#include "read/cache/cache_int.h"

#include <stdio.h>

#define MB ((size_t)1 << 20)

static void test_chat_changes(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    char cursor[128], etag[ETAG_MAX + 1];
    int64_t row_rev = 0;
    const struct view_query chat = {.view = VIEW_CHAT, .ident = SLICE_LIT("c1")};
    say(k, "c1", "user", "x");
    open_chat(k, "bob", "c2");
    cursor_of(get(k, VIEW_REFETCH, NULL).body, cursor);
    strcpy(etag, get(k, VIEW_CHAT, "c1").etag);
    CU_ASSERT_TRUE(cache_chat_matches(k->cache, &chat, slice_cstr(etag), &row_rev));
    CU_ASSERT_EQUAL(row_rev, kit_chat(k, "c1")->row.rev);
    kit_change(k, "c1", "ann \"the\" agent", true);
    CU_ASSERT_FALSE(cache_chat_matches(k->cache, &chat, slice_cstr(etag), &row_rev));
    CU_ASSERT_TRUE(cache_chat_matches(k->cache, &chat, SLICE_LIT("*"), &row_rev));
    CU_ASSERT_EQUAL(row_rev, kit_chat(k, "c1")->row.rev);
    CU_ASSERT_FALSE(
        cache_chat_matches(k->cache, &(struct view_query){.ident = SLICE_LIT("c9")}, SLICE_LIT("*"), &row_rev));
    struct answer a = ask_since(k, (struct view_query){.view = VIEW_REFETCH}, cursor, cursor);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"status\":\"closed\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"assigned_to\":\"ann \\\"the\\\" agent\""));
    const char *list = get(k, VIEW_REFETCH, NULL).body;
    CU_ASSERT_TRUE(strstr(list, "\"_id\":\"ann\"") < strstr(list, "\"_id\":\"bob\"")); /* it is activity */
    for (int from_store = 0; from_store < 2; from_store++) {
        static const enum view views[] = {VIEW_CUSTOMER, VIEW_POLL, VIEW_CHAT, VIEW_CHATS};
        for (int i = 0; i < 4; i++) {
            a = get(k, views[i], i < 2 ? "ann" : "c1");
            CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"status\":\"closed\""));
            CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"assigned_to\":\"ann \\\"the\\\" agent\""));
        }
        if (!from_store)
            kit_restart(k, 16 * MB);
    }
    say(k, "c1", "agent", "still closed");
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_CUSTOMER, "ann").body, "\"status\":\"closed\""));
    int64_t rev = say(k, "c1", "user", "open again");
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_CUSTOMER, "ann").body, "\"status\":\"open\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_CUSTOMER, "ann").body, "\"assigned_to\":\"ann \\\"the\\\" agent\""));
    CU_ASSERT_TRUE(cache_chat_matches(k->cache, &chat, SLICE_LIT("*"), &row_rev));
    CU_ASSERT_EQUAL(row_rev, rev);
    say(k, "c1", "user", "a message changes the version, and not the row");
    CU_ASSERT_TRUE(cache_chat_matches(k->cache, &chat, slice_cstr(get(k, VIEW_CHAT, "c1").etag), &row_rev));
    CU_ASSERT_EQUAL(row_rev, rev);
    kit_free(k);
}

/* Reading goes on in every open chat: whoever wanted to take one was told that somebody had been faster. */
static void test_reading_is_not_being_faster(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    int64_t row_rev, first = say(k, "c1", "user", "x");
    const struct view_query chat = {.view = VIEW_CHAT, .ident = SLICE_LIT("c1")};
    const struct view_query by_owner = {
        .view = VIEW_CHAT, .ident = SLICE_LIT("c1"), .viewer = {.kind = SCOPE_OWNER, .id = SLICE_LIT("o")}};
    char etag[ETAG_MAX + 1], listed[2 * ETAG_MAX + 8];
    for (int from_store = 0; from_store < 2; from_store++) {
        strcpy(etag, get(k, VIEW_CHAT, "c1").etag);
        snprintf(listed, sizeof(listed), "\"other\", W/%s", etag);
        kit_read(k, "c1", from_store ? SIDE_CUSTOMER : SIDE_AGENTS, first);
        CU_ASSERT_STRING_NOT_EQUAL(get(k, VIEW_CHAT, "c1").etag, etag); /* it shows what is read */
        CU_ASSERT_TRUE(cache_chat_matches(k->cache, &chat, slice_cstr(etag), &row_rev));
        CU_ASSERT_TRUE(cache_chat_matches(k->cache, &chat, slice_cstr(listed), &row_rev));
        CU_ASSERT_FALSE(cache_chat_matches(k->cache, &by_owner, slice_cstr(etag), &row_rev));
        first = say(k, "c1", "agent", "y");
        CU_ASSERT_FALSE(cache_chat_matches(k->cache, &chat, slice_cstr(etag), &row_rev));
        kit_restart(k, 16 * MB);
        CU_ASSERT_FALSE(cache_chat_matches(k->cache, &chat, slice_cstr(etag), &row_rev));
    }
    kit_free(k);
}

static void change_meanwhile(struct kit *k)
{
    kit_change(k, "c1", "cleo", true);
}

/* A load that has the row as it was before does not hide the change. */
static void test_changed_during_a_load(void)
{
    static const enum kit_moment moments[] = {KIT_BEFORE, KIT_BETWEEN};
    for (int known = 0; known < 2; known++)
        for (int i = 0; i < 2; i++) {
            struct kit *k = kit_new(16 * MB);
            open_chat(k, "ann", "c1");
            say(k, "c1", "user", "one");
            kit_restart(k, 16 * MB);
            if (known)
                kit_read(k, "c1", SIDE_AGENTS, 1);
            k->moment = moments[i];
            k->hook = change_meanwhile;
            get(k, VIEW_CUSTOMER, "ann");
            struct answer a = get(k, VIEW_CUSTOMER, "ann");
            CU_ASSERT_FALSE(a.built);
            CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"status\":\"closed\""));
            CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"assigned_to\":\"cleo\""));
            kit_free(k);
        }
}

/* Rows that were replaced stay while somebody may read them: so many, and not more. */
static void test_many_changes(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "one");
    get(k, VIEW_CUSTOMER, "ann");
    size_t most = k->cache->content_bytes + 100 * 1024;
    for (int i = 0; i < 1000; i++) {
        char who[24];
        snprintf(who, sizeof(who), "agent %d", i);
        kit_change(k, "c1", who, i % 2);
        struct answer a = get(k, VIEW_CUSTOMER, "ann");
        CU_ASSERT_PTR_NOT_NULL(strstr(a.body, who));
        CU_ASSERT_TRUE(k->cache->content_bytes < most);
    }
    CU_ASSERT_TRUE(k->loads > 5 && k->loads < 50);
    kit_free(k);
}

static void test_who_wrote(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say_as(k, "c1", "an\"n", "hello");
    say(k, "c1", "agent", "nobody knows who");
    for (int from_store = 0; from_store < 2; from_store++) {
        const struct view_query page = {.view = VIEW_HISTORY, .ident = SLICE_LIT("c1")};
        const char *bodies[] = {get(k, VIEW_REFETCH, NULL).body,   get(k, VIEW_POLL, "ann").body,
                                get(k, VIEW_CHAT, "c1").body,      get(k, VIEW_CHATS, NULL).body,
                                get(k, VIEW_CUSTOMER, "ann").body, ask(k, &page).body};
        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
            CU_ASSERT_EQUAL(count_of(bodies[i], "\"agent\":{\"id\":\"an\\\"n\",\"name\":\"an\\\"n\"}"), 1);
            CU_ASSERT_EQUAL(count_of(bodies[i], "\"agent\":{"), 1);
        }
        kit_restart(k, 16 * MB);
    }
    kit_free(k);
}

const CU_TestInfo chat_row_tests[] = {
    {"given away, closed and opened", test_chat_changes},
    {"reading is not being faster", test_reading_is_not_being_faster},
    {"changed during a load", test_changed_during_a_load},
    {"changed on and on", test_many_changes},
    {"which agent wrote", test_who_wrote},
    CU_TEST_INFO_NULL,
};
