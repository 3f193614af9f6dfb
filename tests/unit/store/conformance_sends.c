/* What is sent: once, in order, and never another than it was (docs/architecture.md, invariants 2 and 7). */
#include "chat/customer.h"
#include "conformance_cases.h"

#include <stdlib.h>

/* ---- sends ---- */

void case_sends_in_order(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob"); /* @0 @1 */
    struct op *ops[] = {rig_send(r, a, "user", "one", NULL), rig_send(r, b, "user", "uno", NULL),
                        rig_send(r, a, "agent", "two", NULL),
                        rig_send(r, a, "användare ✓", "tre \u2028 \"'\\ </script>", NULL)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 4), OK);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(ops[i]->result, OK);
    EXPECT_SLICE(send_of(ops[0])->message.link.customer_id, "ann");
    CU_ASSERT(send_of(ops[0])->message.link.known);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 4 1 0 1 0 0 0 0 0 0 0 0");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "four"), OK);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @6\n"
                                    " chat open total=4 flags=1 @0@6\n"
                                    "  user one @2\n  agent two @4\n"
                                    "  användare ✓ tre \u2028 \"'\\ </script> @5\n  user four @6\n");
    EXPECT_TEXT(rig_load(r, "bob"), "bob User bob user_bob@widget.local chats=1 @3\n"
                                    " chat open total=1 flags=0 @1@3\n  user uno @3\n");
}

void case_send_to_unknown_chat(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    struct op *lost = rig_send(r, "00000000-0000-4000-8000-000000000000", "user", "x", NULL);
    struct op *odd = rig_send(r, "' OR 1=1 --", "user", "x", NULL);
    struct op *good = rig_send(r, a, "user", "y", NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, lost, odd, good), OK);
    CU_ASSERT_EQUAL(lost->result, ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(odd->result, ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(good->result, OK);
    CU_ASSERT_EQUAL(r->changed.messages, 1);
    CU_ASSERT_EQUAL(rig_totals(r).messages, 1);
}

/* Who may hear of it is decided from the row, also where memory has never seen the customer. */
void case_link_names_the_owner(struct rig *r)
{
    static const char *const emails[] = {"ann@x.io", "bob@x.io", "nil@x.io"};
    const char *chats[3];
    for (size_t i = 0; i < 3; i++) {
        struct op *create = rig_create(r, NULL, emails[i], NULL);
        chats[i] = arena_dup(&r->arena, slice_of(create_chat_of(create)->chat_id, UUID_LEN));
        CU_ASSERT_EQUAL(RIG_APPLY(r, create), OK);
    }
    const struct customer ann = {.email = SLICE_LIT("ann@x.io"), .owner = SLICE_LIT("acme")};
    const struct customer bob = {.email = SLICE_LIT("bob@x.io"), .owner = SLICE_LIT("beta")};
    CU_ASSERT_EQUAL(RIG_APPLY(r, rig_put(r, &ann, CUSTOMER_EMAIL | CUSTOMER_OWNER),
                              rig_put(r, &bob, CUSTOMER_EMAIL | CUSTOMER_OWNER)),
                    OK);
    struct op *ops[] = {rig_send(r, chats[0], "user", "x", NULL), rig_send(r, chats[1], "user", "x", NULL),
                        rig_send(r, chats[2], "user", "x", NULL), rig_send(r, chats[0], "user", "y", NULL),
                        rig_ai(r, chats[1], false)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 5), OK);
    static const char *const owners[] = {"acme", "beta", "", "acme", "beta"};
    for (size_t i = 0; i < 5; i++) {
        const struct chat_link *link = i < 4 ? &send_of(ops[i])->message.link : &set_ai_of(ops[i])->link;
        CU_ASSERT_EQUAL(ops[i]->result, OK);
        CU_ASSERT_TRUE(link->owner_known);
        EXPECT_SLICE(link->owner, owners[i]);
    }
}

void case_batch_sees_itself(struct rig *r)
{
    struct op *create = rig_create(r, "ann", NULL, NULL); /* @0 */
    const char *chat = arena_dup(&r->arena, slice_of(create_chat_of(create)->chat_id, UUID_LEN));
    struct op *ops[] = {create,
                        rig_send(r, chat, "user", "hi", NULL),
                        rig_send(r, chat, "agent", "hello", NULL),
                        rig_ai(r, chat, false),
                        rig_send(r, chat, "assistant", "beep", NULL),
                        rig_send(r, chat, "agent", "again", NULL)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 6), OK);
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(ops[i]->result, OK);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "1 1 4 1 1 1 1 0 1 1 0 0 0 0");
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @5\n"
                                    " chat open total=4 flags=7 @0@5\n"
                                    "  user hi @1\n  agent hello @2\n  assistant beep @4\n  agent again @5\n");
}

void case_key_stores_once(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob");
    struct op *first = rig_send(r, a, "agent", "pay 5", "k"), *twin = rig_send(r, a, "assistant", "pay 5", "k");
    int64_t rev = send_of(first)->message.rev;
    CU_ASSERT_EQUAL(RIG_APPLY(r, first, twin), OK);
    CU_ASSERT_FALSE(send_of(first)->message.duplicate);
    CU_ASSERT(send_of(twin)->message.duplicate && twin->result == OK);
    CU_ASSERT_EQUAL(send_of(twin)->message.rev, rev);
    CU_ASSERT_EQUAL(send_of(twin)->message.timestamp_us, rev);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 1 1 0 1 0 0 0 0 0 0 0 0"); /* the twin counts nothing */
    struct op *later = rig_send(r, a, "agent", "other text", "k"), *other = rig_send(r, b, "agent", "pay 5", "k");
    struct op *longer = rig_send(r, a, "user", "kk", "kk");
    CU_ASSERT_EQUAL(RIG_APPLY(r, later, other, longer), OK);
    CU_ASSERT(send_of(later)->message.duplicate && send_of(later)->message.rev == rev);
    CU_ASSERT_FALSE(send_of(other)->message.duplicate); /* a key belongs to its chat */
    CU_ASSERT_FALSE(send_of(longer)->message.duplicate);
    CU_ASSERT_EQUAL(r->changed.messages, 2);
    if (!rig_reopen(r))
        return;
    struct op *restarted = rig_send(r, a, "agent", "pay 5", "k");
    CU_ASSERT_EQUAL(RIG_APPLY(r, restarted), OK);
    CU_ASSERT(send_of(restarted)->message.duplicate && send_of(restarted)->message.rev == rev &&
              send_of(restarted)->message.timestamp_us == rev);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @6\n"
                                    " chat open total=2 flags=1 @0@6\n  agent pay 5 @2\n  user kk @6\n");
    CU_ASSERT_EQUAL(rig_totals(r).messages, 3);
}

/* The answer to the first try was lost: the batch comes again with the same ids. */
void case_same_ids_store_once(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    struct op *plain = rig_send(r, a, "user", "one", NULL), *keyed = rig_send(r, a, "user", "two", "k");
    CU_ASSERT_EQUAL(RIG_APPLY(r, plain, keyed), OK);
    int64_t rev = send_of(keyed)->message.rev;
    CU_ASSERT_EQUAL(RIG_APPLY(r, plain, keyed), OK);
    CU_ASSERT_EQUAL(plain->result, OK);
    CU_ASSERT_EQUAL(keyed->result, OK);
    CU_ASSERT_EQUAL(send_of(keyed)->message.rev, rev);
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "three"), OK);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @3\n chat open total=3 flags=0 @0@3\n"
                                    "  user one @1\n  user two @2\n  user three @3\n");
    CU_ASSERT_EQUAL(rig_totals(r).messages, 3);
}

void case_long_history(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "ann");
    struct op *ops[200];
    for (int round = 0; round < 15; round++) {
        for (int i = 0; i < 200; i++)
            ops[i] = rig_send(r, i % 4 ? a : b, "user", "x", NULL);
        CU_ASSERT_EQUAL(rig_apply(r, ops, 200), OK);
        for (int i = 0; i < 200; i++)
            op_put(r->pool, ops[i]);
        if (round == 7 && !rig_reopen(r))
            return;
    }
    struct buf expected = {0};
    buf_append_lit(&expected, "ann User ann user_ann@widget.local chats=2 @3001\n");
    for (int chat = 0; chat < 2; chat++) {
        buf_printf(&expected, " chat open total=%d flags=0 @%d@%d\n", chat ? 750 : 2250, chat, chat ? 2998 : 3001);
        for (int i = 0; i < 3000; i++)
            if ((i % 4 == 0) == (chat == 1))
                buf_printf(&expected, "  user x @%d\n", i + 2);
    }
    EXPECT_TEXT(rig_load(r, "ann"), buf_cstr(&expected));
    buf_fini(&expected);
}

void case_big_text(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    const size_t len = 1 << 20;
    char *text = malloc(len + 1);
    must(text != NULL);
    memset(text, 'x', len);
    text[0] = '<';
    text[len - 1] = '>';
    text[len] = '\0';
    CU_ASSERT_EQUAL(rig_say(r, a, "user", text), OK);
    const char *got = rig_load(r, "ann");
    CU_ASSERT_PTR_NOT_NULL(got);
    CU_ASSERT(got && strstr(got, text) != NULL);
    free(text);
}

/* ---- flags ---- */

void case_ai_switch(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    (void)rig_chat(r, "bob");
    struct op *off = rig_ai(r, a, false), *none = rig_ai(r, "no-such-chat", true);
    CU_ASSERT_EQUAL(RIG_APPLY(r, off, none), OK);
    CU_ASSERT_EQUAL(off->result, OK);
    CU_ASSERT_EQUAL(none->result, ERR_NOT_FOUND);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    struct chat chat;
    CU_ASSERT_EQUAL(r->store->vtable->read_chat(r->reader, slice_cstr(a), &r->arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.flags, CHAT_AI_DISABLED);
    EXPECT_SLICE(chat.customer_id, "ann");
    EXPECT_SLICE(chat.chat_id, a);
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "bob ann"); /* no activity of the customer's */
    CU_ASSERT_EQUAL(rig_say(r, a, "agent", "x"), OK);
    struct op *on = rig_ai(r, a, true);
    CU_ASSERT_EQUAL(RIG_APPLY(r, on), OK);
    CU_ASSERT_EQUAL(r->store->vtable->read_chat(r->reader, slice_cstr(a), &r->arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.flags, CHAT_HAS_AGENT);
    struct op *twice[] = {rig_ai(r, a, false), rig_ai(r, a, true), rig_ai(r, a, false)};
    CU_ASSERT_EQUAL(rig_apply(r, twice, 3), OK);
    if (!rig_reopen(r))
        return;
    CU_ASSERT_EQUAL(r->store->vtable->read_chat(r->reader, slice_cstr(a), &r->arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.flags, CHAT_HAS_AGENT | CHAT_AI_DISABLED);
    CU_ASSERT_EQUAL(chat.total_messages, 1);
    CU_ASSERT_EQUAL(r->store->vtable->read_chat(r->reader, SLICE_LIT("nope"), &r->arena, &chat), ERR_NOT_FOUND);
}

void case_agent_counts_once(struct rig *r)
{
    static const struct {
        const char *role, *totals; /* of chats with agent, assistant, either */
    } steps[] = {
        {"user", "0 0 0"},      {"agent", "1 0 1"}, {"agent", "1 0 1"},
        {"assistant", "1 1 1"}, {"user", "1 1 1"},  {"Agent", "1 1 1"},
    };
    const char *a = rig_chat(r, "ann");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CU_ASSERT_EQUAL(rig_say(r, a, steps[i].role, "x"), OK);
        struct totals t = rig_totals(r);
        char text[64];
        snprintf(text, sizeof(text), "%d %d %d", (int)t.chats_with_agent, (int)t.chats_with_assistant,
                 (int)t.chats_with_either);
        EXPECT_TEXT(text, steps[i].totals);
    }
    struct op *both[] = {rig_send(r, rig_chat(r, "bob"), "assistant", "x", NULL), rig_send(r, a, "agent", "x", NULL)};
    CU_ASSERT_EQUAL(rig_apply(r, both, 2), OK);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 2 0 1 1 0 0 0 0 0 0 0 0");
}
