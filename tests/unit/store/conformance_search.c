/* Customers by words of their names and addresses, and by section. */
#include "conformance_cases.h"

#include "chat/customer.h"

/* Searches are answered alike before a store has its words in order and after: what it does at rest is done here. */
static void rest(struct rig *r)
{
    r->store->vtable->maintain(r->store, INT64_C(1) << 50, true);
}

static void add(struct rig *r, const char *id, const char *email, const char *name)
{
    struct op *op = rig_create(r, id, email, name);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    CU_ASSERT_EQUAL(op->result, OK);
}

struct expected {
    const char *words, *found;
};

/* Twice, with the store's upkeep between. */
static void expect(struct rig *r, const struct expected *rows, size_t count)
{
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++)
            EXPECT_TEXT(RIG_SEARCH(r, rows[i].words, "", "", ""), rows[i].found);
        rest(r);
    }
}
#define EXPECT_FOUND(r, ...)                                                                                           \
    expect((r), (struct expected[]){__VA_ARGS__}, sizeof((struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

void case_search_by_words(struct rig *r)
{
    add(r, "ann", "ann.smith@x.io", "Ann Smith");
    add(r, "bob", "bob_jones+shop@mail.x.io", "Bob Jones");
    add(r, "cleo", "cleo@smithy-and-sons.org", "Jean-Luc O'Brien");
    EXPECT_FOUND(r, {"ann", "1: ann"}, {"an", "2: cleo ann"}, {"smith", "2: cleo ann"}, {"smith@x", "1: ann"},
                 {"ann.smith@x.io", "1: ann"}, {"ann.smith@x.io.", "0: "}, {"x.io", "2: bob ann"},
                 {"@x.io", "2: bob ann"}, {"ann bob", "0: "}, {"smith ann", "1: ann"}, {"  j  b ", "2: cleo bob"},
                 {"jones shop mail", "1: bob"}, {"luc", "1: cleo"}, {"jean-l", "1: cleo"}, {"brien o'b", "1: cleo"},
                 {"mith", "0: "}, {"org", "1: cleo"}, {"nn", "0: "}, {"zz", "0: "}, {"ann ann an a", "1: ann"});
    if (rig_reopen(r))
        EXPECT_TEXT(RIG_SEARCH(r, "smith", "", "", ""), "2: cleo ann");
}

void case_search_compares_letters(struct rig *r)
{
    add(r, "a", "ANN@X.IO", "\xc3\x84nne M\xc3\x9cLLER");
    add(r, "b", "b@x.io", "\xce\x9f\xce\xb4\xcf\x85\xcf\x83\xcf\x83\xce\xb5\xcf\x8d\xcf\x82");
    add(r, "c", "c@x.io", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd \xe5\xb1\xb1\xe7\x94\xb0");
    EXPECT_FOUND(r, {"ann@x", "1: a"}, {"\xc3\xa4NN", "1: a"}, {"m\xc3\xbcll", "1: a"}, {"mull", "0: "},
                 {"\xce\xbf\xce\xb4\xcf\x85\xcf\x83\xcf\x83\xce\xb5\xcf\x8d\xcf\x83", "1: b"},
                 {"\xd0\xb8\xd0\x92", "1: c"}, {"\xe5\xb1\xb1", "1: c"}, {"\xe7\x94\xb0", "0: "});
}

void case_search_by_section_and_owner(struct rig *r)
{
    add(r, "ann", "ann@x.io", "Ann");
    add(r, "bob", "bob@x.io", "Bob");
    add(r, "cleo", "cleo@x.io", "Cleo");
    struct customer given = {.email = SLICE_LIT("bob@x.io"),
                             .category = SLICE_LIT("human-chats"),
                             .status = SLICE_LIT("escalated"),
                             .owner = SLICE_LIT("boss")};
    struct op *bob = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_CATEGORY | CUSTOMER_STATUS | CUSTOMER_OWNER);
    given = (struct customer){.email = SLICE_LIT("ann@x.io"), .owner = SLICE_LIT("boss")};
    struct op *ann = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER);
    CU_ASSERT_EQUAL(RIG_APPLY(r, bob, ann), OK);
    EXPECT_TEXT(RIG_SEARCH(r, "", "human-chats", "escalated", ""), "1: bob");
    EXPECT_TEXT(RIG_SEARCH(r, "", "agent-inbox", "active", ""), "2: ann cleo");
    EXPECT_TEXT(RIG_SEARCH(r, "", "agent-inbox", "", ""), "2: ann cleo");
    EXPECT_TEXT(RIG_SEARCH(r, "", "", "escalated", ""), "1: bob");
    EXPECT_TEXT(RIG_SEARCH(r, "", "human-chats", "active", ""), "0: ");
    EXPECT_TEXT(RIG_SEARCH(r, "", "no such", "", ""), "0: ");
    EXPECT_TEXT(RIG_SEARCH(r, "io", "agent-inbox", "active", "boss"), "1: ann");
    EXPECT_TEXT(RIG_SEARCH(r, "io", "", "", "boss"), "2: ann bob");
    EXPECT_TEXT(RIG_SEARCH(r, "cleo", "", "", "boss"), "0: ");
    EXPECT_TEXT(RIG_SEARCH(r, "ann", "human-chats", "", ""), "0: ");
    EXPECT_TEXT(RIG_SEARCH(r, "io", "", "", "nobody"), "0: ");
}

void case_search_in_order_of_activity(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob");
    (void)rig_chat(r, "cleo");
    static const char *const users[4] = {"user", "", "", ""};
    EXPECT_TEXT(rig_search(r, users, 0, 10), "3: cleo bob ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    EXPECT_TEXT(rig_search(r, users, 0, 10), "3: ann cleo bob");
    CU_ASSERT_EQUAL(rig_say(r, b, "agent", "x"), OK);
    EXPECT_TEXT(rig_search(r, users, 0, 1), "3: bob");
    EXPECT_TEXT(rig_search(r, users, 1, 1), "3: ann");
    EXPECT_TEXT(rig_search(r, users, 2, 5), "3: cleo");
    EXPECT_TEXT(rig_search(r, users, 3, 5), "3: ");
    EXPECT_TEXT(rig_search(r, users, INT32_MAX, 1000), "3: ");
    rest(r);
    rest(r);
    EXPECT_TEXT(rig_search(r, users, 0, 10), "3: bob ann cleo");
    if (rig_reopen(r))
        EXPECT_TEXT(rig_search(r, users, 0, 10), "3: bob ann cleo");
}

void case_search_follows_changes(struct rig *r)
{
    for (int round = 0; round < 2; round++) { /* its words are not in order yet, or are */
        char id[16], email[32];
        snprintf(id, sizeof(id), "v%d", round);
        snprintf(email, sizeof(email), "old%d@x.io", round);
        add(r, id, email, "Ann Old");
        if (round == 1)
            rest(r);
        struct op *op = rig_change_customer(r, id);
        change_customer_of(op)->name = SLICE_LIT("Bea Old");
        change_customer_of(op)->set = CUSTOMER_NAME;
        CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
        CU_ASSERT_EQUAL(op->result, OK);
        EXPECT_TEXT(RIG_SEARCH(r, "ann", "", "", ""), "0: ");
        EXPECT_TEXT(rig_search(r, (const char *const[4]){"bea"}, 0, 1), round ? "2: v1" : "1: v0");
        EXPECT_TEXT(rig_search(r, (const char *const[4]){email}, 0, 1), round ? "1: v1" : "1: v0");
        rest(r);
        EXPECT_TEXT(RIG_SEARCH(r, "ann", "", "", ""), "0: ");
        EXPECT_TEXT(rig_search(r, (const char *const[4]){"old bea"}, 0, 1), round ? "2: v1" : "1: v0");
    }
}

void case_search_takes_text_as_it_is(struct rig *r)
{
    add(r, "a", "a@x.io", "100% (sure)");
    add(r, "b", "b@x.io", "back\\slash \"quoted\" a*b");
    add(r, "c", "c@x.io", "^.*$ under_score");
    add(r, "d", "d@x.io", "*** \xf0\x9f\x98\x80");
    EXPECT_FOUND(r, {"%", "0: "}, {"100%", "1: a"}, {"1%", "0: "}, {"1_0", "0: "}, {"(sure", "1: a"}, {"sure)", "1: a"},
                 {"back\\", "1: b"}, {"\"quo", "1: b"}, {"a*", "1: b"}, {"a*b", "1: b"}, {"^.*$", "1: c"},
                 {".*", "0: "}, {"under_", "1: c"}, {"score", "1: c"}, {"***", "1: d"}, {"*", "1: d"},
                 {"\xf0\x9f\x98\x80", "1: d"}, {"' OR 1=1", "0: "}, {"{\"$gt\":\"\"}", "0: "}, {"$", "0: "});
    EXPECT_TEXT(RIG_SEARCH(r, "", "' OR ''='", "", ""), "0: ");
    EXPECT_TEXT(RIG_SEARCH(r, "", "$ne", "", ""), "0: ");
}
