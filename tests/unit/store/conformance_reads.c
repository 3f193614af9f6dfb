#include "chat/customer.h"
#include "conformance_cases.h"

/* ---- reads ---- */

void case_load_of_unknown(struct rig *r)
{
    (void)rig_chat(r, "ann");
    CU_ASSERT_PTR_NULL(rig_load(r, "bob"));
    CU_ASSERT_PTR_NULL(rig_load(r, ""));
    CU_ASSERT_PTR_NULL(rig_load(r, "64b7f0c2aa01bb02cc03dd04"));
    CU_ASSERT_PTR_NULL(rig_load(r, "' OR '1'='1"));
    CU_ASSERT_PTR_NULL(rig_load(r, "{\"$ne\":null}"));
}

static enum err refuse_message(void *arg, const struct message *m)
{
    (void)m;
    return ++*(int *)arg == 2 ? ERR_TOO_LARGE : OK;
}

static enum err accept_customer(void *arg, const struct customer *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err accept_chat(void *arg, const struct chat *c)
{
    (void)arg, (void)c;
    return OK;
}

void case_load_ends_with_the_sink(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    int seen = 0;
    struct load_sink sink = {.customer = accept_customer, .chat = accept_chat, .message = refuse_message, .arg = &seen};
    CU_ASSERT_EQUAL(r->store->vtable->load_customer(r->reader, SLICE_LIT("ann"), &sink), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(seen, 2);
    CU_ASSERT_PTR_NOT_NULL(rig_load(r, "ann")); /* the reader is as good as before */
}

void case_recent_customers(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob");
    (void)rig_chat(r, "cleo");
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "cleo bob ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "ann cleo bob");
    CU_ASSERT_EQUAL(rig_say(r, b, "agent", "x"), OK); /* an agent's message counts too */
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "bob ann cleo");
    EXPECT_TEXT(rig_recent(r, "", 1, 1), "ann");
    EXPECT_TEXT(rig_recent(r, "", 2, 5), "cleo");
    EXPECT_TEXT(rig_recent(r, "", 3, 5), "");
    EXPECT_TEXT(rig_recent(r, "", 0, 0), "");
    struct customer given = {.email = SLICE_LIT("user_cleo@widget.local"), .owner = SLICE_LIT("boss")};
    struct op *own_c = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER);
    given.email = SLICE_LIT("user_ann@widget.local");
    struct op *own_a = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER);
    CU_ASSERT_EQUAL(RIG_APPLY(r, own_c, own_a), OK);
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "ann cleo bob");
    EXPECT_TEXT(rig_recent(r, "boss", 0, 10), "ann cleo");
    CU_ASSERT_EQUAL(rig_say(r, b, "user", "x"), OK);
    CU_ASSERT_EQUAL(rig_say(r, rig_chat(r, "cleo"), "user", "x"), OK);
    EXPECT_TEXT(rig_recent(r, "boss", 0, 10), "cleo ann");
    EXPECT_TEXT(rig_recent(r, "boss", 1, 10), "ann");
    EXPECT_TEXT(rig_recent(r, "nobody", 0, 10), "");
    if (rig_reopen(r))
        EXPECT_TEXT(rig_recent(r, "", 0, 10), "cleo bob ann");
}

/* Rows carry what the listing was ordered by. */
void case_recent_rows_are_up_to_date(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    struct customer *customers;
    size_t count;
    CU_ASSERT_EQUAL(
        r->store->vtable->recent_customers(r->reader, (struct slice){0}, 0, 10, &r->arena, &customers, &count), OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(customers[0].activity_us, r->rev);
    CU_ASSERT_TRUE(customers[0].rev <=
                   r->rev); /* the row's own where row and chats are read one after the other (store.h) */
    CU_ASSERT_EQUAL(customers[0].chat_count, 1);
}

void case_changed_customers(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    int64_t after_ann = r->rev;
    (void)rig_chat(r, "bob");
    (void)rig_chat(r, "cleo");
    EXPECT_TEXT(rig_changed(r, 0, 10), "ann bob cleo");
    EXPECT_TEXT(rig_changed(r, after_ann, 10), "bob cleo");
    EXPECT_TEXT(rig_changed(r, after_ann, 1), "bob");
    EXPECT_TEXT(rig_changed(r, r->rev, 10), "");
    int64_t before = r->rev;
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    EXPECT_TEXT(rig_changed(r, before, 10), "ann");
    EXPECT_TEXT(rig_changed(r, after_ann, 10), "bob cleo ann");
    EXPECT_TEXT(rig_changed(r, r->rev, 10), "");
    struct customer given = {.email = SLICE_LIT("user_bob@widget.local"), .vibe = SLICE_LIT("x")};
    struct op *op = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_VIBE);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    EXPECT_TEXT(rig_changed(r, before, 10), "ann bob");
    if (rig_reopen(r))
        EXPECT_TEXT(rig_changed(r, before, 10), "ann bob");
}

void case_chats_by_activity(struct rig *r)
{
    EXPECT_TEXT(rig_chats(r, "", 0, 10), "0:");
    const char *a = rig_chat(r, "ann");
    const char *b = rig_chat(r, "bob");
    (void)rig_chat(r, "cleo");
    EXPECT_TEXT(rig_chats(r, "", 0, 10), "3: cleo bob ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    EXPECT_TEXT(rig_chats(r, "", 0, 10), "3: ann cleo bob");
    EXPECT_TEXT(rig_chats(r, "", 1, 1), "3: cleo");
    EXPECT_TEXT(rig_chats(r, "", 3, 1), "3:");
    (void)rig_chat(r, "bob");
    EXPECT_TEXT(rig_chats(r, "user_bob@widget.local", 0, 10), "2: bob bob");
    EXPECT_TEXT(rig_chats(r, "user_bob@widget.local", 1, 10), "2: bob");
    EXPECT_TEXT(rig_chats(r, "nobody@x.io", 0, 10), "0:");
    CU_ASSERT_EQUAL(rig_say(r, b, "user", "x"), OK);
    struct chat_ref *chats;
    size_t count;
    int64_t total;
    CU_ASSERT_EQUAL(r->store->vtable->list_chats(r->reader, SLICE_LIT("user_bob@widget.local"), 0, 1, &r->arena, &chats,
                                                 &count, &total),
                    OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    EXPECT_SLICE(chats[0].chat_id, b); /* the older of the two was written last */
    if (rig_reopen(r))
        EXPECT_TEXT(rig_chats(r, "", 0, 10), "4: bob bob ann cleo");
}

void case_overview_shows_the_first(struct rig *r)
{
    const char *a = NULL;
    char id[16];
    for (int i = 0; i < 103; i++) {
        snprintf(id, sizeof(id), "u%03d", i);
        const char *chat = rig_chat(r, arena_dup(&r->arena, slice_cstr(id)));
        a = a ? a : chat;
    }
    const char *texts[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(rig_say(r, a, i == 1 ? "agent" : "user", texts[i]), OK);
    struct overview o;
    CU_ASSERT_EQUAL(r->store->vtable->overview(r->reader, &r->arena, &o), OK);
    CU_ASSERT_EQUAL_FATAL(o.customer_count, 100);
    CU_ASSERT_EQUAL_FATAL(o.chat_count, 100);
    CU_ASSERT(o.database_name.len > 0);
    EXPECT_SLICE(o.customers[0].id, "u000");
    EXPECT_SLICE(o.customers[99].id, "u099");
    const struct overview_chat *c = &o.chats[0];
    EXPECT_SLICE(c->chat.chat_id, a);
    EXPECT_SLICE(c->chat.customer_id, "u000");
    CU_ASSERT(c->row_id.len > 0);
    CU_ASSERT_EQUAL(c->messages, 3);
    CU_ASSERT_EQUAL(c->chat.total_messages, 3);
    CU_ASSERT(c->has_first && c->has_last);
    EXPECT_SLICE(c->first.text, "first");
    EXPECT_SLICE(c->last.text, "third");
    EXPECT_SLICE(c->last.role, "user");
    CU_ASSERT_FALSE(o.chats[1].has_first || o.chats[1].has_last);
    CU_ASSERT_EQUAL(o.chats[1].messages, 0);
}
