/* Who asks by a cursor is told once where somebody has read, as long as memory knows. */
#include "cache_suites.h"

#include "read/cache/cache_int.h"

#include <stdio.h>

#define MB ((size_t)1 << 20)

static const struct scope everybody = {0}, owner_1 = {SCOPE_OWNER, {"owner-1", 7}};

/* A mark is told once to who asks by a cursor: the chat's row, and no message. */
static void test_told_once(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "ann", "c2");
    open_chat(k, "bob", "c3");
    int64_t rev = say(k, "c1", "user", "x");
    say(k, "c2", "user", "y");
    const struct view_query views[] = {{.view = VIEW_REFETCH}, {.view = VIEW_POLL, .ident = SLICE_LIT("ann")}};
    for (int i = 0; i < 2; i++) {
        char cursor[128];
        cursor_of(ask(k, &views[i]).body, cursor);
        kit_read(k, "c1", SIDE_AGENTS, rev + i - 1);
        struct answer a = ask_since(k, views[i], cursor, cursor);
        CU_ASSERT_FALSE(a.built);
        CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":\"c1\""), 1);
        CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":"), 1);
        CU_ASSERT_EQUAL(count_of(a.body, "\"messages\":[]"), 1);
        CU_ASSERT_EQUAL(count_of(a.body, "\"bob\""), 0);
        a = ask_since(k, views[i], cursor, cursor);
        CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":"), 0);
        CU_ASSERT_TRUE(cache_up_to_date(k->cache, &everybody, SLICE_LIT("c1"), slice_cstr(cursor)));
        say(k, "c3", "user", "z"); /* the cursor is another one now, and tells the mark no more */
        a = ask_since(k, views[i], cursor, cursor);
        CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":"), 1 - (size_t)i);
    }
    kit_free(k);
}

/* Who was marked and has left memory since is loaded again; all of its chats may be the one. */
static void test_told_from_the_store(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    char cursor[128];
    int64_t rev = say(k, "c1", "user", "x");
    cursor_of(get(k, VIEW_REFETCH, NULL).body, cursor);
    kit_read(k, "c1", SIDE_AGENTS, rev);
    cache_lock(k->cache);
    customer_unload(k->cache, index_customer(k->cache, SLICE_LIT("ann"), index_hash(SLICE_LIT("ann"))));
    cache_unlock(k->cache);
    struct answer a = ask_since(k, (struct view_query){.view = VIEW_REFETCH}, cursor, cursor);
    CU_ASSERT_TRUE(a.built);
    CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":\"c1\""), 1);
    CU_ASSERT_EQUAL(count_of(a.body, "\"messages\":[]"), 1);
    a = ask_since(k, (struct view_query){.view = VIEW_REFETCH}, cursor, cursor);
    CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":"), 0);
    kit_free(k);
}

/* After a restart a cursor that stood at a mark is no cursor of the future: nothing is told anew. */
static void test_cursor_outlives_a_restart(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    char cursor[128], first[128];
    int64_t rev = say(k, "c1", "user", "x");
    cursor_of(get(k, VIEW_REFETCH, NULL).body, first);
    kit_read(k, "c1", SIDE_AGENTS, rev);
    ask_since(k, (struct view_query){.view = VIEW_REFETCH}, first, cursor);
    k->rev = rev; /* all that the store has */
    kit_restart(k, 16 * MB);
    struct answer a = ask_since(k, (struct view_query){.view = VIEW_REFETCH}, cursor, cursor);
    CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":"), 0);
    CU_ASSERT_EQUAL(unread_of(get(k, VIEW_REFETCH, NULL).body), 0);
    kit_free(k);
}

static void test_pages(void)
{
    struct kit *k = kit_new(64 * MB);
    char id[16], chat[16], cursor[128];
    int64_t revs[150];
    size_t told = 0;
    for (int i = 0; i < 150; i++) {
        snprintf(id, sizeof(id), "u%03d", i);
        snprintf(chat, sizeof(chat), "c%03d", i);
        open_chat(k, id, chat);
        revs[i] = say(k, chat, "user", "x");
    }
    cursor_of(get(k, VIEW_REFETCH, NULL).body, cursor);
    for (int i = 0; i < 150; i++) {
        snprintf(chat, sizeof(chat), "c%03d", i);
        kit_read(k, chat, SIDE_AGENTS, revs[i]);
    }
    say(k, "c000", "user", "y"); /* changed, and marked */
    const struct view_query q = {.view = VIEW_REFETCH, .limit = 40};
    for (int page = 0; page < 4; page++) {
        struct answer a = ask_since(k, q, cursor, cursor);
        told += count_of(a.body, "\"chat_id\":");
        CU_ASSERT_EQUAL(count_of(a.body, "\"text\":\"y\""), page == 0);
        CU_ASSERT_EQUAL(count_of(a.body, "\"more\":true"), page < 3);
    }
    CU_ASSERT_EQUAL(told, 150);
    CU_ASSERT_EQUAL(count_of(ask_since(k, q, cursor, cursor).body, "\"chat_id\":"), 0);
    kit_free(k);
}

/* An owner's cursor moves with the owner's marks alone, and tells of no other's. */
static void test_marks_of_others(void)
{
    struct kit *k = kit_new(16 * MB);
    kit_write(k, kit_put_customer(k, "mine@x.io", "Mine", "owner-1"));
    kit_write(k, kit_put_customer(k, "other@x.io", "Other", "owner-2"));
    kit_write(k, kit_create(k, "mine@x.io", "mine@x.io", "Mine", "c1"));
    kit_write(k, kit_create(k, "other@x.io", "other@x.io", "Other", "c2"));
    int64_t mine = say(k, "c1", "user", "x"), other = say(k, "c2", "user", "x");
    const struct view_query q = {.view = VIEW_REFETCH, .owner = SLICE_LIT("owner-1"), .viewer = owner_1};
    char cursor[128], next[128];
    cursor_of(ask(k, &q).body, cursor);
    struct answer before = ask(k, &q);
    kit_read(k, "c2", SIDE_AGENTS, other);
    CHECK_TEXT(ask(k, &q).etag, before.etag);
    struct answer a = ask_since(k, q, cursor, next);
    CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":"), 0);
    CU_ASSERT_STRING_EQUAL(next, cursor);
    CU_ASSERT_TRUE(cache_up_to_date(k->cache, &owner_1, (struct slice){0}, slice_cstr(cursor)));
    kit_read(k, "c1", SIDE_AGENTS, mine);
    CU_ASSERT_FALSE(cache_up_to_date(k->cache, &owner_1, (struct slice){0}, slice_cstr(cursor)));
    CU_ASSERT_STRING_NOT_EQUAL(ask(k, &q).etag, before.etag);
    a = ask_since(k, q, cursor, next);
    CU_ASSERT_EQUAL(count_of(a.body, "\"chat_id\":\"c1\""), 1);
    CU_ASSERT_STRING_NOT_EQUAL(next, cursor);
    CU_ASSERT_TRUE(cache_up_to_date(k->cache, &owner_1, (struct slice){0}, slice_cstr(next)));
    kit_free(k);
}

/* Only so many are told of, and who has left memory is told of no more. */
static void test_marked_are_bounded(void)
{
    struct kit *k = kit_new(64 * MB);
    char id[16], chat[16];
    for (int i = 0; i < MARKED_MAX + 50; i++) {
        snprintf(id, sizeof(id), "u%d", i);
        snprintf(chat, sizeof(chat), "c%d", i);
        open_chat(k, id, chat);
        kit_read(k, chat, SIDE_AGENTS, k->rev);
    }
    CU_ASSERT_EQUAL(k->cache->marked.count, MARKED_MAX);
    cache_lock(k->cache);
    cache_forget_all(k->cache, k->rev, k->rev);
    CU_ASSERT_EQUAL(k->cache->marked.count, 0);
    cache_unlock(k->cache);
    kit_free(k);
}

const CU_TestInfo marks_since_tests[] = {
    {"told once", test_told_once},
    {"told from the store", test_told_from_the_store},
    {"a cursor at a mark, after a restart", test_cursor_outlives_a_restart},
    {"pages of marks", test_pages},
    {"others' marks", test_marks_of_others},
    {"so many marks are told", test_marked_are_bounded},
    CU_TEST_INFO_NULL,
};
