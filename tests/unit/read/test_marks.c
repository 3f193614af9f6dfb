/* Marks: up to where each side of a chat has read, and what answers make of it. */
#include "cache_suites.h"

#include "read/cache/cache_int.h"

#include <ctype.h>
#include <stdio.h>

#define MB ((size_t)1 << 20)

static const uint8_t tag[5] = TAG5;

static struct kit *ann_with_chat(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    return k;
}

/* Both spellings of it: a fragment's slot has a blank. */
static size_t reads(const char *body)
{
    return count_of(body, "\"read\":true");
}
static size_t unreads(const char *body)
{
    return count_of(body, "\"read\":false");
}

/* `unread` in a dashboard's and in the customer's answer, from memory and then from the store alone. */
static void check_unread(struct kit *k, int dashboard, int customer)
{
    for (int from_store = 0; from_store < 2; from_store++) {
        static const enum view views[] = {VIEW_REFETCH, VIEW_CUSTOMER, VIEW_CHAT, VIEW_CUSTOMERS, VIEW_CHATS};
        for (unsigned i = 0; i < sizeof(views) / sizeof(views[0]); i++)
            CU_ASSERT_EQUAL(unread_of(get(k, views[i], views[i] == VIEW_CHAT ? "c1" : "ann").body), dashboard);
        CU_ASSERT_EQUAL(unread_of(get(k, VIEW_POLL, "ann").body), customer);
        if (!from_store)
            kit_restart(k, 16 * MB);
    }
}

static void test_who_has_read(void)
{
    struct kit *k = ann_with_chat();
    check_unread(k, 0, 0);
    say(k, "c1", "user", "one");
    int64_t two = say(k, "c1", "user", "two");
    check_unread(k, 2, 0);
    say(k, "c1", "assistant", "I am no agent: who counts has read nothing");
    check_unread(k, 2, 1);
    say_via(k, "c1", "agent", "I am a widget");
    check_unread(k, 2, 2);
    say(k, "c1", "supervisor", "I am neither");
    check_unread(k, 2, 3);
    kit_read(k, "c1", SIDE_AGENTS, two - 1);
    check_unread(k, 1, 3);
    say(k, "c1", "agent", "an answer is a look at what is before it");
    check_unread(k, 0, 4);
    int64_t last = say(k, "c1", "user", "so is mine");
    check_unread(k, 1, 0);
    kit_read(k, "c1", SIDE_AGENTS, last);
    check_unread(k, 0, 0);
    kit_free(k);
}

/* Which messages are read: for dashboards only the customer's can be unread; the customer sees that of both. */
static void test_read_flags(void)
{
    struct kit *k = ann_with_chat();
    int64_t one = say(k, "c1", "user", "one");
    int64_t two = say(k, "c1", "assistant", "two");
    say(k, "c1", "user", "three");
    say(k, "c1", "assistant", "four");
    const struct scope self = {SCOPE_CUSTOMER, SLICE_LIT("ann")};
    struct view_query own = {.view = VIEW_CUSTOMER, .ident = SLICE_LIT("ann"), .viewer = self};
    struct view_query page = {.view = VIEW_HISTORY, .ident = SLICE_LIT("c1")}, own_page = page;
    own_page.viewer = self;
    for (int step = 0; step < 3; step++) {
        size_t agents = step == 0 ? 2 : 1;              /* one, three; then three */
        size_t customer = agents + (step == 2 ? 1 : 1); /* four; what is before his own "three" he has read */
        CU_ASSERT_EQUAL(unreads(get(k, VIEW_REFETCH, NULL).body), agents);
        CU_ASSERT_EQUAL(reads(get(k, VIEW_REFETCH, NULL).body), 4 - agents);
        CU_ASSERT_EQUAL(unreads(get(k, VIEW_CUSTOMER, "ann").body), agents);
        CU_ASSERT_EQUAL(unreads(ask(k, &page).body), agents);
        CU_ASSERT_EQUAL(unreads(get(k, VIEW_POLL, "ann").body), customer);
        CU_ASSERT_EQUAL(unreads(ask(k, &own).body), customer);
        CU_ASSERT_EQUAL(unreads(ask(k, &own_page).body), customer);
        kit_read(k, "c1", SIDE_AGENTS, one);
        kit_read(k, "c1", SIDE_CUSTOMER, two);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_REFETCH, NULL).body,
                                  "\"one\",\"timestamp\":\"2026-11-24T21:56:00.588002Z\",\"read\":true }"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_REFETCH, NULL).body,
                                  "\"three\",\"timestamp\":\"2026-11-24T21:56:00.588004Z\",\"read\":false}"));
    kit_free(k);
}

/* A mark never goes back: not by an older one, not by a load that has an older one, not by leaving memory in between. */
static void test_only_forwards(void)
{
    struct kit *k = ann_with_chat();
    int64_t rev[5];
    for (int i = 0; i < 5; i++)
        rev[i] = say(k, "c1", "user", "x");
    kit_read(k, "c1", SIDE_AGENTS, rev[3]);
    check_unread(k, 1, 0);
    struct answer before = get(k, VIEW_CUSTOMER, "ann");
    kit_read(k, "c1", SIDE_AGENTS, rev[1]);
    struct answer after = get(k, VIEW_CUSTOMER, "ann");
    CHECK_TEXT(after.body, before.body);
    CHECK_TEXT(after.etag, before.etag);
    kit_tell_read(k, "c1", SIDE_AGENTS, rev[4]); /* the store does not have it yet */
    CU_ASSERT_EQUAL(unread_of(get(k, VIEW_CUSTOMER, "ann").body), 0);
    cache_lock(k->cache);
    customer_unload(k->cache, index_customer(k->cache, SLICE_LIT("ann"), index_hash(SLICE_LIT("ann"))));
    cache_unlock(k->cache);
    struct answer loaded = get(k, VIEW_CUSTOMER, "ann");
    CU_ASSERT_TRUE(loaded.built);
    CU_ASSERT_EQUAL(unread_of(loaded.body), 0);
    CU_ASSERT_EQUAL(unreads(loaded.body), 0);
    kit_free(k);
}

static void mark_meanwhile(struct kit *k)
{
    kit_tell_read(k, "c1", SIDE_AGENTS, k->customers[0]->chats[0]->messages[1].rev);
    say(k, "c1", "user", "three");
}

/* The load has what the store had when it began. */
static void test_marked_during_a_load(void)
{
    static const enum kit_moment moments[] = {KIT_BEFORE, KIT_BETWEEN};
    for (int i = 0; i < 2; i++) {
        struct kit *k = ann_with_chat();
        say(k, "c1", "user", "one");
        say(k, "c1", "user", "two");
        kit_restart(k, 16 * MB);
        k->moment = moments[i];
        k->hook = mark_meanwhile;
        struct answer a = get(k, VIEW_CUSTOMER, "ann");
        a = get(k, VIEW_CUSTOMER, "ann");
        CU_ASSERT_FALSE(a.built);
        CU_ASSERT_EQUAL(unread_of(a.body), 1);
        CU_ASSERT_EQUAL(unreads(a.body), 1);
        CU_ASSERT_EQUAL(reads(a.body), 2);
        kit_free(k);
    }
}

/* What legacy messages say of themselves holds for everybody; the others have marks by their place. */
static void test_legacy(void)
{
    struct kit *k = ann_with_chat();
    for (int i = 0; i < 4; i++)
        add_legacy(k, "c1", i == 3 ? "agent" : "user", "old");
    kit_chat(k, "c1")->messages[0].read = kit_chat(k, "c1")->messages[3].read = true;
    kit_restart(k, 16 * MB);
    struct answer a = get(k, VIEW_CUSTOMER, "ann");
    CU_ASSERT_EQUAL(unread_of(a.body), 0); /* an agent answered */
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"read_up_to\":{\"user\":\"msg_1795560960_2_"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"agent\":\"msg_1795560960_3_"));
    kit_chat(k, "c1")->messages[3].role[0] = 'A';
    kit_restart(k, 16 * MB);
    say(k, "c1", "user", "new");
    a = get(k, VIEW_CUSTOMER, "ann");
    CU_ASSERT_EQUAL(unread_of(a.body), 3);
    CU_ASSERT_EQUAL(unreads(a.body), 3);
    kit_read(k, "c1", SIDE_AGENTS, 2);
    a = get(k, VIEW_CUSTOMER, "ann");
    CU_ASSERT_EQUAL(unread_of(a.body), 2);
    CU_ASSERT_EQUAL(unreads(a.body), 2);
    CU_ASSERT_EQUAL(unreads(get(k, VIEW_POLL, "ann").body), 2); /* the "Agent"'s is read for everybody */
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"agent\":\"msg_1795560960_1_"));
    kit_free(k);
}

/* A mark is a new version of whoever shows it, and leaves the order of activity as it is. */
static void test_etag_and_order(void)
{
    struct kit *k = ann_with_chat();
    int64_t rev = say(k, "c1", "user", "x");
    open_chat(k, "bob", "c2");
    static const struct {
        enum view view;
        const char *ident;
    } views[] = {
        {VIEW_REFETCH, NULL}, {VIEW_CUSTOMER, "ann"}, {VIEW_POLL, "ann"}, {VIEW_CHAT, "c1"}, {VIEW_CHATS, NULL}};
    struct answer before[5], bob = get(k, VIEW_CUSTOMER, "bob");
    for (int i = 0; i < 5; i++)
        before[i] = get(k, views[i].view, views[i].ident);
    kit_read(k, "c1", SIDE_AGENTS, rev);
    for (int i = 0; i < 5; i++) {
        struct answer a = get(k, views[i].view, views[i].ident);
        CU_ASSERT_STRING_NOT_EQUAL(a.etag, before[i].etag);
        CU_ASSERT_STRING_NOT_EQUAL(a.body, before[i].body);
        CHECK_TEXT(get(k, views[i].view, views[i].ident).etag, a.etag);
    }
    CHECK_TEXT(get(k, VIEW_CUSTOMER, "bob").etag, bob.etag);
    const char *list = get(k, VIEW_REFETCH, NULL).body;
    CU_ASSERT_TRUE(strstr(list, "\"_id\":\"bob\"") < strstr(list, "\"_id\":\"ann\""));
    kit_free(k);
}

static struct slice id_of(int64_t rev, char room[static MESSAGE_ID_MAX])
{
    return slice_of(room, message_id(rev, tag, room));
}

static enum mark_answer mark(struct kit *k, const struct scope *s, struct slice id, int64_t *out)
{
    return cache_mark(k->cache, SLICE_LIT("c1"), s, SIDE_AGENTS, id, out);
}

static void test_ids(void)
{
    const struct scope all = {0}, ann = {SCOPE_CUSTOMER, SLICE_LIT("ann")}, bob = {SCOPE_CUSTOMER, SLICE_LIT("bob")},
                       owner = {SCOPE_OWNER, SLICE_LIT("owner-1")};
    struct kit *k = ann_with_chat();
    open_chat(k, "bob", "c2");
    int64_t one = say(k, "c1", "user", "one"), other = say(k, "c2", "user", "x"), got = 0;
    char room[MESSAGE_ID_MAX];
    CU_ASSERT_EQUAL(mark(k, &all, id_of(one, room), &got), MARK_FURTHER);
    CU_ASSERT_EQUAL(got, one);
    CU_ASSERT_EQUAL(mark(k, &ann, id_of(one, room), &got), MARK_FURTHER);
    CU_ASSERT_EQUAL(mark(k, &bob, id_of(one, room), &got), MARK_NO_CHAT);
    CU_ASSERT_EQUAL(mark(k, &owner, id_of(one, room), &got), MARK_NO_CHAT);
    CU_ASSERT_EQUAL(cache_mark(k->cache, SLICE_LIT("nope"), &all, SIDE_AGENTS, id_of(one, room), &got), MARK_NO_CHAT);
    /* In memory it is known which messages there are… */
    CU_ASSERT_EQUAL(mark(k, &all, id_of(other, room), &got), MARK_NO_MESSAGE);
    CU_ASSERT_EQUAL(mark(k, &all, SLICE_LIT("msg_1795560960_0"), &got), MARK_NO_MESSAGE);
    CU_ASSERT_EQUAL(mark(k, &all, SLICE_LIT("x"), &got), MARK_NO_MESSAGE);
    struct slice id = id_of(one, room);
    for (size_t i = 0; i < id.len; i++)
        room[i] = (char)toupper((unsigned char)room[i]);
    CU_ASSERT_EQUAL(mark(k, &all, id, &got), MARK_NO_MESSAGE); /* others are told it as it is said */
    (void)id_of(one, room);
    room[OID_LEN / 2] ^= 1; /* another store's */
    CU_ASSERT_EQUAL(mark(k, &all, slice_of(room, OID_LEN), &got), MARK_NO_MESSAGE);
    kit_read(k, "c1", SIDE_AGENTS, one);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(one, room), &got), MARK_OLD);
    /* …and else, that nothing of the future has been given to anybody. */
    cache_lock(k->cache);
    customer_unload(k->cache, index_customer(k->cache, SLICE_LIT("ann"), index_hash(SLICE_LIT("ann"))));
    cache_unlock(k->cache);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(one, room), &got), MARK_OLD);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(other, room), &got), MARK_FURTHER);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(k->rev + 100, room), &got), MARK_NO_MESSAGE);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(INT64_C(1) << 51, room), &got), MARK_NO_MESSAGE);
    kit_free(k);
}

/* A word into a chat that is not in memory makes the chat known, but not how far it is read: it is loaded before that is said. */
static void test_marks_not_known(void)
{
    const struct scope all = {0};
    struct kit *k = ann_with_chat();
    char room[MESSAGE_ID_MAX];
    int64_t one = say(k, "c1", "user", "one"), two = say(k, "c1", "user", "two"), got = 0;
    kit_read(k, "c1", SIDE_AGENTS, two);
    kit_restart(k, 16 * MB);
    int64_t three = say(k, "c1", "user", "three");
    CU_ASSERT_EQUAL(mark(k, &all, id_of(one, room), &got), MARK_NO_CHAT);
    CU_ASSERT_TRUE(get(k, VIEW_HISTORY, "c1").built);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(one, room), &got), MARK_OLD);
    CU_ASSERT_EQUAL(mark(k, &all, id_of(three, room), &got), MARK_FURTHER);
    kit_free(k);
}

/* First and last messages, read from the store: by its row's mark, by memory's, or because the last is an agent's. */
static void test_overview(void)
{
    struct kit *k = ann_with_chat();
    int64_t rev = say(k, "c1", "user", "one");
    say(k, "c1", "user", "two");
    CU_ASSERT_EQUAL(unreads(get(k, VIEW_OVERVIEW, NULL).body), 2);
    kit_tell_read(k, "c1", SIDE_AGENTS, rev);
    CU_ASSERT_EQUAL(unreads(get(k, VIEW_OVERVIEW, NULL).body), 1);
    kit_read(k, "c1", SIDE_AGENTS, rev);
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(unreads(get(k, VIEW_OVERVIEW, NULL).body), 1);
    say(k, "c1", "agent", "three");
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(unreads(get(k, VIEW_OVERVIEW, NULL).body), 0);
    kit_free(k);
}

const CU_TestInfo marks_tests[] = {
    {"who has read what", test_who_has_read},
    {"each message for each side", test_read_flags},
    {"only forwards", test_only_forwards},
    {"read during a load", test_marked_during_a_load},
    {"legacy messages", test_legacy},
    {"a mark is a new version, and no activity", test_etag_and_order},
    {"which messages there are", test_ids},
    {"how far it is read is not known", test_marks_not_known},
    {"overview", test_overview},
    CU_TEST_INFO_NULL,
};
