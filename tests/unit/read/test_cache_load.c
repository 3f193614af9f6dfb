/* Loads and appends at the same time: whatever the order, no message is lost and none is there twice. The hook runs
 * while the store is asked: before it looks at its rows, or after, so that what it tells is already old. */
#include "cache_suites.h"

#include "read/cache/cache_int.h"

#include <stdio.h>

#define MB ((size_t)1 << 20)

static struct op *late; /* committed, not yet applied */

static struct kit *cold(bool known)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "1");
    say(k, "c1", "user", "2");
    kit_restart(k, 16 * MB);
    if (known) /* an entry, so that the load is attached to it */
        say(k, "c1", "user", "3");
    late = NULL;
    return k;
}

/* The texts of the answer in order, joined. */
static void check_texts(const char *body, const char *expected)
{
    char texts[256] = "";
    for (const char *at = body; (at = strstr(at, "\"content\":\""));) {
        at += strlen("\"content\":\"");
        snprintf(texts + strlen(texts), sizeof(texts) - strlen(texts), "%.*s ", (int)strcspn(at, "\""), at);
    }
    CHECK_TEXT(texts, expected);
}

static void send_both(struct kit *k)
{
    say(k, "c1", "user", "4");
    say(k, "c1", "agent", "5");
}

static void commit_only(struct kit *k)
{
    late = kit_send(k, "c1", "user", "4");
    kit_commit(k, late);
}

static void run(enum kit_moment moment, void (*hook)(struct kit *), bool known, const char *expected)
{
    struct kit *k = cold(known);
    k->moment = moment;
    k->hook = hook;
    struct answer a = get(k, VIEW_POLL, "ann");
    CU_ASSERT_TRUE(a.built);
    check_texts(a.body, expected);
    CU_ASSERT_TRUE(k->loads <= 2);
    if (late)
        kit_apply(k, late);
    int loads = k->loads;
    check_texts(get(k, VIEW_POLL, "ann").body, expected);
    CU_ASSERT_EQUAL(k->loads, loads); /* a busy customer is cached all the same */
    say(k, "c1", "user", "9");
    char with_nine[256];
    snprintf(with_nine, sizeof(with_nine), "%s9 ", expected);
    struct answer b = get(k, VIEW_POLL, "ann");
    check_texts(b.body, with_nine);
    CU_ASSERT_FALSE(b.built);
    /* What was merged is what the store has. */
    kit_restart(k, 16 * MB);
    struct answer c = get(k, VIEW_POLL, "ann");
    check_texts(c.body, with_nine);
    kit_free(k);
}

static void test_appends_not_seen(void)
{
    run(KIT_BETWEEN, send_both, true, "1 2 3 4 5 ");
    run(KIT_BETWEEN, send_both, false, "1 2 4 5 ");
}

static void test_appends_seen(void)
{
    run(KIT_BEFORE, send_both, true, "1 2 3 4 5 ");
    run(KIT_BEFORE, send_both, false, "1 2 4 5 ");
}

/* The load sees a batch before the cache is told of it. */
static void test_seen_before_applied(void)
{
    run(KIT_BEFORE, commit_only, true, "1 2 3 4 ");
    run(KIT_BEFORE, commit_only, false, "1 2 4 ");
}

/* Two batches: one seen, one not. */
static void one_then_hook(struct kit *k)
{
    say(k, "c1", "user", "4");
    k->moment = KIT_BETWEEN;
    k->hook = send_both;
}

static void test_some_seen(void)
{
    struct kit *k = cold(true);
    k->moment = KIT_BEFORE;
    k->hook = one_then_hook;
    check_texts(get(k, VIEW_POLL, "ann").body, "1 2 3 4 4 5 ");
    kit_free(k);
}

static void new_chat(struct kit *k)
{
    open_chat(k, "ann", "c2");
    say(k, "c2", "user", "in c2");
    say(k, "c1", "user", "4");
}

static void test_chat_born_meanwhile(void)
{
    const enum kit_moment moments[] = {KIT_BEFORE, KIT_BETWEEN};
    for (int i = 0; i < 4; i++) {
        struct kit *k = cold(i / 2);
        k->moment = moments[i % 2];
        k->hook = new_chat;
        struct answer a = get(k, VIEW_POLL, "ann");
        check_texts(a.body, i / 2 ? "1 2 3 4 in c2 " : "1 2 4 in c2 ");
        CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"total_chats\":2"));
        say(k, "c2", "user", "more");
        int loads = k->loads;
        check_texts(get(k, VIEW_POLL, "ann").body, i / 2 ? "1 2 3 4 in c2 more " : "1 2 4 in c2 more ");
        CU_ASSERT_EQUAL(k->loads, loads);
        kit_free(k);
    }
}

static void only_new_chat(struct kit *k)
{
    open_chat(k, "ann", "c2");
}

/* Nothing else tells that the load came too early. */
static void test_empty_chat_born_meanwhile(void)
{
    for (int known = 0; known < 2; known++) {
        struct kit *k = cold(known);
        k->moment = KIT_BETWEEN;
        k->hook = only_new_chat;
        struct answer a = get(k, VIEW_POLL, "ann");
        CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"chat_id\":\"c2\""));
        say(k, "c2", "user", "x");
        check_texts(get(k, VIEW_POLL, "ann").body, known ? "1 2 3 x " : "1 2 x ");
        kit_free(k);
    }
}

static void new_name(struct kit *k)
{
    kit_write(k, kit_put_customer(k, "ann@x.io", "Annabel", "o1"));
}

static void test_row_changed_meanwhile(void)
{
    const enum kit_moment moments[] = {KIT_BEFORE, KIT_BETWEEN};
    for (int i = 0; i < 4; i++) {
        struct kit *k = cold(i / 2);
        k->moment = moments[i % 2];
        k->hook = new_name;
        CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "ann").body, "\"user_name\":\"Annabel\""));
        CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_CUSTOMER, "ann@x.io").body, "\"name\":\"Annabel\""));
        kit_free(k);
    }
}

static void ai_off(struct kit *k)
{
    kit_write(k, kit_ai(k, "c1", false));
}

static void test_switch_meanwhile(void)
{
    const enum kit_moment moments[] = {KIT_BEFORE, KIT_BETWEEN};
    for (int i = 0; i < 4; i++) {
        struct kit *k = cold(i / 2);
        k->moment = moments[i % 2];
        k->hook = ai_off;
        get(k, VIEW_POLL, "ann");
        CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_AI, "c1").body, "\"ai_agent_enabled\":false"));
        kit_free(k);
    }
}

/* The answer to a question asked while the load ran carries a version of its own: no 304 hides what came later. */
static void test_etag_of_a_merged_answer(void)
{
    struct kit *k = cold(true);
    k->moment = KIT_BETWEEN;
    k->hook = send_both;
    struct answer a = get(k, VIEW_POLL, "ann");
    struct view_query q = {.view = VIEW_POLL, .ident = SLICE_LIT("ann"), .if_none_match = slice_cstr(a.etag)};
    CU_ASSERT_EQUAL(ask(k, &q).result, VIEW_NOT_MODIFIED);
    say(k, "c1", "user", "x");
    CU_ASSERT_EQUAL(ask(k, &q).result, VIEW_OK);
    kit_free(k);
}

/* Changes in every load: each answer is right, and in the end it is cached. */
static void again_and_again(struct kit *k)
{
    say(k, "c1", "user", "+");
    k->hook = again_and_again;
}

static void test_never_starved(void)
{
    for (int known = 0; known < 2; known++) {
        struct kit *k = cold(known);
        k->moment = KIT_BETWEEN;
        k->hook = again_and_again;
        get(k, VIEW_POLL, "ann");
        CU_ASSERT_TRUE(k->loads <= 2);
        int loads = k->loads;
        k->hook = NULL;
        CU_ASSERT_FALSE(get(k, VIEW_POLL, "ann").built);
        CU_ASSERT_EQUAL(k->loads, loads);
        kit_free(k);
    }
}

/* A store that reads behind (a stale replica): its answer must not be cached as if it were all. */
static void test_stale_store(void)
{
    struct kit *k = cold(true);
    struct op *op = kit_send(k, "c1", "user", "unseen");
    kit_commit(k, op);
    k->customers[0]->chats[0]->count--; /* the replica does not have it yet */
    kit_apply(k, op);
    get(k, VIEW_POLL, "ann");
    CU_ASSERT_EQUAL(k->loads, 3);
    k->customers[0]->chats[0]->count++;
    check_texts(get(k, VIEW_POLL, "ann").body, "1 2 3 unseen ");
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "ann").built);
    kit_free(k);
}

/* A chat that was made elsewhere while its customer is loaded: what is loaded is not all. */
static void test_chat_made_elsewhere(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    say(k, "c1", "user", "1");
    kit_commit(k, kit_create(k, "ann", NULL, NULL, "c2"));
    kit_commit(k, kit_send(k, "c2", "user", "2"));
    say(k, "c2", "user", "3"); /* ours: the store resolved the chat */
    check_texts(get(k, VIEW_POLL, "ann").body, "1 2 3 ");
    CU_ASSERT_EQUAL(k->loads, 1);
    kit_free(k);
}

/* Nor is it where all that we did there was to turn a switch. */
static void test_switch_elsewhere(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    kit_commit(k, kit_create(k, "ann", NULL, NULL, "c2"));
    kit_write(k, kit_ai(k, "c2", false));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "ann").body, "\"total_chats\":2"));
    kit_free(k);
}

/* A message that the load missed though it saw a later one: the content is dropped, not patched. */
static void test_gap(void)
{
    struct kit *k = cold(true);
    struct op *op = kit_send(k, "c1", "user", "gap");
    kit_commit(k, op);
    struct kit_chat *chat = k->customers[0]->chats[0];
    struct kit_message hidden = chat->messages[chat->count - 1];
    chat->count--;
    kit_commit(k, kit_send(k, "c1", "user", "after"));
    get(k, VIEW_POLL, "ann"); /* 1 2 3 after */
    chat->messages[chat->count] = chat->messages[chat->count - 1];
    chat->messages[chat->count - 1] = hidden;
    chat->count++;
    kit_apply(k, op);
    check_texts(get(k, VIEW_POLL, "ann").body, "1 2 3 gap after ");
    kit_free(k);
}

static void test_deleted_chat(void)
{
    struct kit *k = cold(true);
    open_chat(k, "ann", "c2");
    say(k, "c2", "user", "x");
    k->customers[0]->chat_count = 1; /* somebody removed it by hand */
    get(k, VIEW_POLL, "ann");
    CU_ASSERT_EQUAL(k->loads, 1);
    CU_ASSERT_EQUAL(get(k, VIEW_CHAT, "c2").result, VIEW_NOT_FOUND);
    CU_ASSERT_FALSE(get(k, VIEW_POLL, "ann").built);
    k->customers[0]->chat_count = 2;
    kit_free(k);
}

static void test_failed_load_forgets_nothing(void)
{
    struct kit *k = cold(true);
    k->fail = ERR_STORE;
    k->moment = KIT_BETWEEN;
    k->hook = send_both;
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "ann").result, VIEW_FAILED);
    k->fail = OK;
    check_texts(get(k, VIEW_POLL, "ann").body, "1 2 3 4 5 ");
    kit_free(k);
}

const CU_TestInfo cache_load_tests[] = {
    {"appends that the load did not see", test_appends_not_seen},
    {"appends that the load saw", test_appends_seen},
    {"a batch seen before it is applied", test_seen_before_applied},
    {"one seen, one not", test_some_seen},
    {"a chat born meanwhile", test_chat_born_meanwhile},
    {"an empty chat born meanwhile", test_empty_chat_born_meanwhile},
    {"a row changed meanwhile", test_row_changed_meanwhile},
    {"a switch turned meanwhile", test_switch_meanwhile},
    {"ETag of a merged answer", test_etag_of_a_merged_answer},
    {"a busy customer is cached", test_never_starved},
    {"a stale replica", test_stale_store},
    {"a chat made elsewhere", test_chat_made_elsewhere},
    {"a switch turned in a chat made elsewhere", test_switch_elsewhere},
    {"a gap in what was loaded", test_gap},
    {"a deleted chat", test_deleted_chat},
    {"a failed load forgets nothing", test_failed_load_forgets_nothing},
    CU_TEST_INFO_NULL,
};
