/* Whose a chat is, whether it is open, how far it is read, and what agents change of a customer. */
#include "chat/customer.h"
#include "conformance_cases.h"

static enum err apply(struct rig *r, struct op *op)
{
    enum err err = RIG_APPLY(r, op);
    return err == OK ? op->result : err;
}

static struct op *expecting(struct op *op, int64_t rev)
{
    change_chat_of(op)->expected_rev = rev;
    return op;
}

void case_chat_is_given_and_closed(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob"); /* @0 @1 */
    EXPECT_TEXT(rig_row(r, a), "open flags=0 rev=@0");
    CU_ASSERT_EQUAL(rig_say(r, a, "agent", "x"), OK); /* @2 */
    EXPECT_TEXT(rig_row(r, a), "open flags=1 rev=@0");
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "ann bob");
    CU_ASSERT_EQUAL(apply(r, rig_assign(r, b, "böb")), OK); /* @3 */
    EXPECT_TEXT(rig_row(r, b), "open flags=0 rev=@3 to=böb");
    EXPECT_TEXT(rig_row(r, a), "open flags=1 rev=@0");
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "bob ann"); /* as any other change */
    EXPECT_TEXT(rig_changed(r, RIG_T0 + 2000, 10), "bob");
    struct op *close = rig_close_chat(r, a, true); /* @4 */
    CU_ASSERT_EQUAL(apply(r, close), OK);
    CU_ASSERT_TRUE(change_chat_of(close)->changed);
    EXPECT_SLICE(change_chat_of(close)->chat.status, "closed");
    EXPECT_SLICE(change_chat_of(close)->link.customer_id, "ann");
    EXPECT_TEXT(rig_row(r, a), "closed flags=9 rev=@4");
    CU_ASSERT_EQUAL(apply(r, rig_ai(r, a, false)), OK); /* @5 */
    EXPECT_TEXT(rig_row(r, a), "closed flags=13 rev=@5");
    struct op *same = rig_close_chat(r, a, true); /* @6 */
    CU_ASSERT_EQUAL(apply(r, same), OK);
    CU_ASSERT_FALSE(change_chat_of(same)->changed);
    EXPECT_TEXT(rig_row(r, a), "closed flags=13 rev=@5");
    CU_ASSERT_EQUAL(apply(r, rig_assign(r, "no-such-chat", "x")), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(apply(r, rig_assign(r, b, "")), OK); /* @8 */
    if (!rig_reopen(r))
        return;
    EXPECT_TEXT(rig_row(r, a), "closed flags=13 rev=@5");
    EXPECT_TEXT(rig_row(r, b), "open flags=0 rev=@8");
    CU_ASSERT_EQUAL(apply(r, rig_close_chat(r, a, false)), OK); /* @9 */
    EXPECT_TEXT(rig_row(r, a), "open flags=5 rev=@9");
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @9\n"
                                    " chat open total=1 flags=5 @0@2\n  agent x @2\n");
    struct totals t = rig_totals(r);
    EXPECT_TEXT(rig_totals_text(r, &t), "2 2 1 1 0 1 2 0 2 2 0 0 0 0"); /* nothing counts by it */
}

/* Two agents take one chat at once: in one batch, and in two. */
void case_faster_one_wins(struct rig *r)
{
    const char *a = rig_chat(r, "ann"); /* @0 */
    struct op *ops[] = {expecting(rig_assign(r, a, "ann"), RIG_T0), expecting(rig_assign(r, a, "bob"), RIG_T0)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 2), OK);
    CU_ASSERT_EQUAL(ops[0]->result, OK);
    CU_ASSERT_EQUAL(ops[1]->result, ERR_CHANGED);
    EXPECT_TEXT(rig_row(r, a), "open flags=0 rev=@1 to=ann");
    CU_ASSERT_EQUAL(apply(r, expecting(rig_assign(r, a, "bob"), RIG_T0)), ERR_CHANGED);
    CU_ASSERT_EQUAL(apply(r, expecting(rig_assign(r, a, "ann"), RIG_T0)),
                    ERR_CHANGED);                                                     /* also where it is so already */
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);                                  /* which changes no row */
    CU_ASSERT_EQUAL(apply(r, expecting(rig_assign(r, a, "bob"), RIG_T0 + 1000)), OK); /* @6 */
    EXPECT_TEXT(rig_row(r, a), "open flags=0 rev=@6 to=bob");
}

void case_customers_word_opens(struct rig *r)
{
    const char *a = rig_chat(r, "ann"); /* @0 */
    struct op *keyed = rig_send(r, a, "user", "before", "k");
    CU_ASSERT_EQUAL(apply(r, keyed), OK); /* @1 */
    CU_ASSERT_FALSE(send_of(keyed)->message.reopened);
    CU_ASSERT_EQUAL(apply(r, rig_close_chat(r, a, true)), OK); /* @2 */
    struct op *still[] = {rig_send(r, a, "agent", "bye", NULL), rig_send(r, a, "user", "before", "k")};
    CU_ASSERT_EQUAL(rig_apply(r, still, 2), OK); /* @3 @4 */
    CU_ASSERT_FALSE(send_of(still[0])->message.reopened);
    CU_ASSERT_TRUE(send_of(still[1])->message.duplicate);
    CU_ASSERT_FALSE(send_of(still[1])->message.reopened);
    EXPECT_TEXT(rig_row(r, a), "closed flags=9 rev=@2");
    struct op *ops[] = {rig_send(r, a, "assistant", "x", NULL), rig_send(r, a, "user", "wait", NULL),
                        rig_send(r, a, "user", "one more thing", NULL)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 3), OK); /* @5 @6 @7 */
    CU_ASSERT_FALSE(send_of(ops[0])->message.reopened);
    CU_ASSERT_TRUE(send_of(ops[1])->message.reopened);
    CU_ASSERT_FALSE(send_of(ops[2])->message.reopened);
    EXPECT_TEXT(rig_row(r, a), "open flags=3 rev=@6");
    if (rig_reopen(r))
        EXPECT_TEXT(rig_row(r, a), "open flags=3 rev=@6");
}

/* A change has its place among the messages of its batch, as if each had come alone. */
void case_changes_among_messages(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob"), *c = rig_chat(r, "cid");      /* @0 @1 @2 */
    CU_ASSERT_EQUAL(RIG_APPLY(r, rig_close_chat(r, b, true), rig_close_chat(r, c, true)), OK); /* @3 @4 */
    struct op *ops[] = {
        rig_close_chat(r, a, true),                      /* @5 */
        rig_send(r, a, "user", "a1", NULL),              /* @6 opens it */
        rig_send(r, b, "user", "b1", NULL),              /* @7 opens it */
        expecting(rig_assign(r, b, "x"), RIG_T0 + 3000), /* @8 is too late */
        expecting(rig_assign(r, b, "y"), RIG_T0 + 7000), /* @9 has seen it */
        rig_send(r, c, "agent", "c1", NULL),             /* @10 */
        rig_close_chat(r, b, true),                      /* @11 */
        rig_ai(r, c, false),                             /* @12 */
        rig_send(r, b, "agent", "b2", NULL),             /* @13 */
        rig_send(r, b, "agent", "b3", NULL),             /* @14 */
    };
    CU_ASSERT_EQUAL(rig_apply(r, ops, 10), OK);
    for (size_t i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(ops[i]->result, i == 3 ? ERR_CHANGED : OK);
    CU_ASSERT_TRUE(send_of(ops[1])->message.reopened);
    CU_ASSERT_TRUE(send_of(ops[2])->message.reopened);
    EXPECT_TEXT(rig_row(r, a), "open flags=0 rev=@6");
    EXPECT_TEXT(rig_row(r, b), "closed flags=9 rev=@11 to=y");
    EXPECT_TEXT(rig_row(r, c), "closed flags=13 rev=@12");
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 5 2 0 2 0 0 0 0 0 0 0 0");
    EXPECT_TEXT(rig_load(r, "bob"), "bob User bob user_bob@widget.local chats=1 @14\n"
                                    " chat closed total=3 flags=9 @1@14 to=y\n"
                                    "  user b1 @7\n  agent b2 @13\n  agent b3 @14\n");
}

/* The answer to the first try was lost: who won then has won, and who did not has not. */
void case_changes_come_again(struct rig *r)
{
    const char *a = rig_chat(r, "ann"); /* @0 */
    struct op *ops[] = {
        expecting(rig_close_chat(r, a, true), RIG_T0),     /* @1 */
        rig_send(r, a, "user", "no", NULL),                /* @2 opens it */
        expecting(rig_assign(r, a, "bob"), RIG_T0),        /* @3 is too late */
        expecting(rig_assign(r, a, "cid"), RIG_T0 + 2000), /* @4 is not */
    };
    for (int tries = 0; tries < 2; tries++) {
        CU_ASSERT_EQUAL(rig_apply(r, ops, 4), OK);
        CU_ASSERT_EQUAL(ops[0]->result, OK);
        CU_ASSERT_EQUAL(ops[1]->result, OK);
        CU_ASSERT_EQUAL(ops[2]->result, ERR_CHANGED);
        CU_ASSERT_EQUAL(ops[3]->result, OK);
        CU_ASSERT_TRUE(change_chat_of(ops[0])->changed);
        CU_ASSERT_TRUE(send_of(ops[1])->message.reopened);
        CU_ASSERT_TRUE(change_chat_of(ops[3])->changed);
        EXPECT_TEXT(rig_row(r, a), "open flags=0 rev=@4 to=cid");
    }
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @4\n"
                                    " chat open total=1 flags=0 @0@2 to=cid\n  user no @2\n");
}

/* The same, of a chat whose AI agent was switched before it: that is no newer than what came after it. */
void case_switch_comes_again(struct rig *r)
{
    const char *a = rig_chat(r, "ann"); /* @0 */
    struct op *ops[] = {
        rig_ai(r, a, false),                                  /* @1 */
        expecting(rig_close_chat(r, a, true), RIG_T0 + 1000), /* @2 */
        rig_ai(r, a, true),                                   /* @3 */
        rig_assign(r, a, "bob"),                              /* @4 */
    };
    for (int tries = 0; tries < 2; tries++) {
        CU_ASSERT_EQUAL(rig_apply(r, ops, 4), OK);
        for (size_t i = 0; i < 4; i++)
            CU_ASSERT_EQUAL(ops[i]->result, OK);
        CU_ASSERT_TRUE(change_chat_of(ops[1])->changed);
        CU_ASSERT_TRUE(change_chat_of(ops[3])->changed);
        EXPECT_TEXT(rig_row(r, a), "closed flags=8 rev=@4 to=bob");
    }
}

void case_agents_sign(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    struct op *signed_one = rig_send(r, a, "agent", "one", NULL), *plain = rig_send(r, a, "agent", "two", NULL);
    send_of(signed_one)->message.agent_id = SLICE_LIT("bob");
    send_of(signed_one)->message.agent_name = SLICE_LIT("Böb");
    CU_ASSERT_EQUAL(RIG_APPLY(r, signed_one, plain), OK);
    if (!rig_reopen(r))
        return;
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @2\n"
                                    " chat open total=2 flags=1 @0@2\n"
                                    "  agent one @1 by Böb (bob)\n  agent two @2\n");
    struct overview o;
    CU_ASSERT_EQUAL(r->store->vtable->overview(r->reader, &r->arena, &o), OK);
    CU_ASSERT_EQUAL_FATAL(o.chat_count, 1);
    EXPECT_SLICE(o.chats[0].first.agent_name, "Böb");
    CU_ASSERT_EQUAL(o.chats[0].last.agent_name.len, 0);
}

void case_marks_go_forwards(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob"); /* @0 @1 */
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "one"), OK);           /* @2 */
    CU_ASSERT_EQUAL(rig_say(r, a, "agent", "two"), OK);          /* @3 */
    CU_ASSERT_EQUAL(apply(r, rig_mark(r, a, SIDE_AGENTS, RIG_T0 + 2000)), OK);
    EXPECT_TEXT(rig_row(r, a), "open flags=1 rev=@0 agents=@2");
    struct op *ops[] = {rig_mark(r, a, SIDE_CUSTOMER, RIG_T0 + 3000), rig_mark(r, a, SIDE_AGENTS, RIG_T0 + 1000),
                        rig_mark(r, a, SIDE_CUSTOMER, RIG_T0 + 2000), rig_mark(r, "no-such-chat", SIDE_AGENTS, 5),
                        rig_send(r, b, "user", "uno", NULL) /* @9 */};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 5), OK);
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(ops[i]->result, i == 3 ? ERR_NOT_FOUND : OK);
    EXPECT_SLICE(mark_read_of(ops[0])->link.customer_id, "ann");
    EXPECT_TEXT(rig_row(r, a), "open flags=1 rev=@0 agents=@2 customer=@3");
    EXPECT_TEXT(rig_row(r, b), "open flags=0 rev=@1");
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "bob ann"); /* no activity */
    if (!rig_reopen(r))
        return;
    EXPECT_TEXT(rig_row(r, a), "open flags=1 rev=@0 agents=@2 customer=@3");
    CU_ASSERT_EQUAL(
        RIG_APPLY(r, rig_mark(r, a, SIDE_AGENTS, RIG_T0 + 1000), rig_mark(r, b, SIDE_AGENTS, RIG_T0 + 9000)), OK);
    EXPECT_TEXT(rig_row(r, a), "open flags=1 rev=@0 agents=@2 customer=@3");
    CU_ASSERT_EQUAL(apply(r, rig_close_chat(r, b, true)), OK); /* @12 */
    EXPECT_TEXT(rig_row(r, b), "closed flags=8 rev=@12 agents=@9");
    if (rig_reopen(r))
        EXPECT_TEXT(rig_row(r, b), "closed flags=8 rev=@12 agents=@9");
    struct overview o;
    CU_ASSERT_EQUAL(r->store->vtable->overview(r->reader, &r->arena, &o), OK);
    CU_ASSERT_EQUAL_FATAL(o.chat_count, 2);
    CU_ASSERT_EQUAL(o.chats[0].chat.agents_read, RIG_T0 + 2000);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @3\n"
                                    " chat open total=2 flags=1 @0@3 agents=@2 customer=@3\n"
                                    "  user one @2\n  agent two @3\n");
}

void case_customer_is_changed(struct rig *r)
{
    const struct customer given = {.email = SLICE_LIT("Ann@x.io"), .owner = SLICE_LIT("boss")};
    struct op *put = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER); /* @0 */
    CU_ASSERT_EQUAL(apply(r, put), OK);
    const char *id = arena_dup(&r->arena, put_customer_of(put)->customer.id);
    (void)rig_chat(r, id);    /* @1 */
    (void)rig_chat(r, "bob"); /* @2 */
    struct customer before, u;
    CU_ASSERT_TRUE_FATAL(rig_customer(r, CUSTOMER_BY_ID, id, &before));
    struct op *change = rig_change_customer(r, "ann@X.io"); /* @3 */
    change_customer_of(change)->set = CUSTOMER_CATEGORY | CUSTOMER_STATUS;
    change_customer_of(change)->category = SLICE_LIT("human-chats");
    change_customer_of(change)->status = SLICE_LIT("escalated");
    CU_ASSERT_EQUAL(apply(r, change), OK);
    EXPECT_SLICE(change_customer_of(change)->before.category, "agent-inbox");
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 0 0 0 0 0 0 0 -1 0 0 1 0");
    CU_ASSERT_TRUE_FATAL(rig_customer(r, CUSTOMER_BY_ID, id, &u));
    EXPECT_SLICE(u.category, "human-chats");
    EXPECT_SLICE(u.status, "escalated");
    EXPECT_SLICE(u.email, "Ann@x.io");
    EXPECT_SLICE(u.owner, "boss");
    CU_ASSERT(slice_eq(u.name, before.name));
    CU_ASSERT_EQUAL(u.last_seen_us, before.last_seen_us);
    CU_ASSERT_EQUAL(u.total_visits, before.total_visits);
    CU_ASSERT_EQUAL(u.activity_us, RIG_T0 + 3000);
    CU_ASSERT_EQUAL(u.rev, RIG_T0 + 3000);
    EXPECT_TEXT(rig_changed(r, RIG_T0 + 2000, 10), id);
    struct op *name = rig_change_customer(r, "bob"), *none = rig_change_customer(r, "nobody");
    change_customer_of(name)->set = change_customer_of(none)->set = CUSTOMER_NAME;
    change_customer_of(name)->name = change_customer_of(none)->name = SLICE_LIT("Böb");
    CU_ASSERT_EQUAL(RIG_APPLY(r, name, none), OK);
    CU_ASSERT_EQUAL(name->result, OK);
    CU_ASSERT_EQUAL(none->result, ERR_NOT_FOUND);
    struct op *same = rig_change_customer(r, id); /* @6 */
    change_customer_of(same)->set = CUSTOMER_STATUS;
    change_customer_of(same)->status = SLICE_LIT("escalated");
    CU_ASSERT_EQUAL(apply(r, same), OK);
    CU_ASSERT_FALSE(change_customer_of(same)->changed);
    EXPECT_SLICE(change_customer_of(same)->customer.id, id);
    CU_ASSERT_TRUE_FATAL(rig_customer(r, CUSTOMER_BY_ID, id, &u));
    CU_ASSERT_EQUAL(u.rev, RIG_T0 + 3000);
    if (!rig_reopen(r))
        return;
    CU_ASSERT_TRUE_FATAL(rig_customer(r, CUSTOMER_BY_ID, "bob", &u));
    EXPECT_SLICE(u.name, "Böb");
    struct totals t = rig_totals(r);
    EXPECT_TEXT(rig_totals_text(r, &t), "2 2 0 0 0 0 2 1 2 1 0 0 1 0");
}
