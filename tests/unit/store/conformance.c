#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>

static const struct store_factory *factory;

void conformance_use(const struct store_factory *used)
{
    factory = used;
}

#define EXPECT_TEXT(actual, expected)                                                                                  \
    do {                                                                                                               \
        const char *got = (actual);                                                                                    \
        CU_ASSERT_PTR_NOT_NULL(got);                                                                                   \
        if (got && strcmp(got, (expected)) != 0)                                                                       \
            fprintf(stderr, "\n%s:%d got:\n%s\nexpected:\n%s\n", __FILE__, __LINE__, got, (expected));                 \
        CU_ASSERT(got &&strcmp(got, (expected)) == 0);                                                                 \
    } while (0)
#define EXPECT_SLICE(actual, text) CU_ASSERT(slice_eq((actual), slice_cstr(text)))

/* ---- POST /api/users/chats/create ---- */

static void create_by_email(struct rig *r)
{
    struct op *op = rig_create(r, NULL, "ann@x.io", NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    CU_ASSERT_EQUAL(op->result, OK);
    char id[OID_LEN + 1] = "", name[32], expected[200];
    oid_format(&op->create.new_user, id);
    snprintf(name, sizeof(name), "User %.8s", id);
    EXPECT_SLICE(op->create.user.id, id);
    EXPECT_SLICE(op->create.user.name, name);
    EXPECT_SLICE(op->create.user.category, "agent-inbox");
    EXPECT_SLICE(op->create.user.status, "active");
    CU_ASSERT_EQUAL(op->create.before.id.len, 0);
    CU_ASSERT_EQUAL(op->create.user.chat_count, 1);
    EXPECT_SLICE(op->create.chat.status, "open");
    EXPECT_SLICE(op->create.chat.user_id, id);
    snprintf(expected, sizeof(expected), "%s %s ann@x.io chats=1 @0\n chat open total=0 flags=0 @0@0\n", id, name);
    EXPECT_TEXT(rig_load(r, id), expected);
    EXPECT_TEXT(rig_load(r, "ann@x.io"), expected);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "1 1 0 0 0 0 1 0 1 1 0 0 0 0");
}

static void create_by_unknown_id(struct rig *r)
{
    static const struct {
        const char *given, *email, *name, *id, *stored_email, *stored_name;
    } rows[] = {
        {"visitor-77", NULL, NULL, "visitor-77", "user_visitor-77@widget.local", "User visitor-"},
        {"ab", NULL, "Bea", "ab", "user_ab@widget.local", "Bea"},
        {"äöüäöüäöü", "c@x.io", NULL, "äöüäöüäöü", "c@x.io", "User äöüä"},
        {"64B7F0C2AA01BB02CC03DD04", NULL, NULL, "64b7f0c2aa01bb02cc03dd04",
         "user_64b7f0c2aa01bb02cc03dd04@widget.local", "User 64b7f0c2"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct op *op = rig_create(r, rows[i].given, rows[i].email, rows[i].name);
        CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
        CU_ASSERT_EQUAL(op->result, OK);
        EXPECT_SLICE(op->create.user.id, rows[i].id);
        struct user u;
        CU_ASSERT(rig_user(r, USER_BY_ID, rows[i].given, &u));
        EXPECT_SLICE(u.id, rows[i].id);
        EXPECT_SLICE(u.email, rows[i].stored_email);
        EXPECT_SLICE(u.name, rows[i].stored_name);
        CU_ASSERT_PTR_NOT_NULL(rig_load(r, rows[i].given));
    }
    CU_ASSERT_EQUAL(rig_totals(r).users, 4);
}

static void create_for_known(struct rig *r)
{
    static const struct {
        const char *id, *email, *name, *stored_email, *stored_name;
    } steps[] = {
        {"v1", NULL, NULL, "user_v1@widget.local", "User v1"},
        {"v1", "unknown@example.com", "Widget User", "user_v1@widget.local", "User v1"}, /* no better */
        {"v1", "ann@x.io", "Ann", "ann@x.io", "Ann"},
        {"v1", "other@x.io", "Other", "ann@x.io", "Ann"},   /* only defaults are replaced */
        {"", "ann@x.io", "Nobody", "ann@x.io", "Ann"},      /* by email */
        {"never-seen", "ann@x.io", NULL, "ann@x.io", "Ann"} /* an unknown id, a known email */
    };
    const int64_t count = sizeof(steps) / sizeof(steps[0]);
    for (int64_t i = 0; i < count; i++) {
        struct op *op = rig_create(r, steps[i].id, steps[i].email, steps[i].name);
        CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
        EXPECT_SLICE(op->create.user.id, "v1");
        EXPECT_SLICE(op->create.user.email, steps[i].stored_email);
        EXPECT_SLICE(op->create.user.name, steps[i].stored_name);
        CU_ASSERT_EQUAL(op->create.user.chat_count, i + 1);
        CU_ASSERT_EQUAL(op->create.before.id.len > 0, i > 0);
        CU_ASSERT_EQUAL(op->create.before.chat_count, i);
    }
    struct totals t = rig_totals(r);
    EXPECT_TEXT(rig_totals_text(r, &t), "1 6 0 0 0 0 1 0 6 6 0 0 0 0");
}

/* A second id that existing deployments gave; it is no customer's _id. */
static void create_by_second_id(struct rig *r)
{
    const struct store_vtable *v = r->store->vtable;
    struct user u = {.id = SLICE_LIT("64b7f0c2aa01bb02cc03dd04"),
                     .email = SLICE_LIT("old@x.io"),
                     .name = SLICE_LIT("Old"),
                     .user_ref = SLICE_LIT("legacy-9"),
                     .created_us = RIG_T0,
                     .last_seen_us = RIG_T0,
                     .activity_us = RIG_T0,
                     .rev = RIG_T0};
    CU_ASSERT_EQUAL(v->begin(r->store), OK);
    CU_ASSERT_EQUAL(v->put_user(r->store, &u), OK);
    CU_ASSERT_EQUAL(v->commit(r->store), OK);
    r->rev = RIG_T0;
    struct op *op = rig_create(r, "legacy-9", "someone@else.io", "New");
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    EXPECT_SLICE(op->create.user.id, "64b7f0c2aa01bb02cc03dd04");
    EXPECT_SLICE(op->create.user.name, "Old");
    EXPECT_TEXT(rig_load(r, "legacy-9"),
                "64b7f0c2aa01bb02cc03dd04 Old old@x.io chats=1 @1\n chat open total=0 flags=0 @1@1\n");
}

/* ---- POST /api/users/data ---- */

static struct user full_user(void)
{
    return (struct user){
        .email = SLICE_LIT("ann@x.io"),
        .name = SLICE_LIT("Ann"),
        .timestamp = SLICE_LIT("2026-11-24T21:56:00Z"),
        .last_seen_us = RIG_T0 + 5000000,
        .total_visits = 3,
        .ip = SLICE_LIT("203.0.113.9"),
        .location = SLICE_LIT("{\"city\":\"Köln\"}"),
        .device = SLICE_LIT("{\"os\":\"Linux\"}"),
        .vibe = SLICE_LIT("happy"),
        .visit_duration = 12.5,
        .last_chat = SLICE_LIT("c-1"),
        .category = SLICE_LIT("human-chats"),
        .status = SLICE_LIT("escalated"),
        .owner = SLICE_LIT("boss-1"),
    };
}

static void expect_full(const struct user *u)
{
    struct user full = full_user();
    CU_ASSERT(slice_eq(u->email, full.email));
    CU_ASSERT(slice_eq(u->name, full.name));
    CU_ASSERT(slice_eq(u->timestamp, full.timestamp));
    CU_ASSERT(slice_eq(u->ip, full.ip));
    CU_ASSERT(slice_eq(u->location, full.location));
    CU_ASSERT(slice_eq(u->device, full.device));
    CU_ASSERT(slice_eq(u->vibe, full.vibe));
    CU_ASSERT(slice_eq(u->last_chat, full.last_chat));
    CU_ASSERT(slice_eq(u->category, full.category));
    CU_ASSERT(slice_eq(u->status, full.status));
    CU_ASSERT(slice_eq(u->owner, full.owner));
    CU_ASSERT_EQUAL(u->last_seen_us, full.last_seen_us);
    CU_ASSERT_EQUAL(u->total_visits, full.total_visits);
    CU_ASSERT_DOUBLE_EQUAL(u->visit_duration, full.visit_duration, 0);
}

static void put_new_user(struct rig *r)
{
    struct user full = full_user();
    struct op *op = rig_put(r, &full, ~0u), *bare = rig_put(r, &(struct user){0}, 0);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op, bare), OK);
    CU_ASSERT_EQUAL(op->result, OK);
    CU_ASSERT_EQUAL(op->put_user.before.id.len, 0);
    expect_full(&op->put_user.user);
    struct user u;
    CU_ASSERT(rig_user(r, USER_BY_EMAIL, "ann@x.io", &u));
    expect_full(&u);
    CU_ASSERT_EQUAL(u.created_us, op->put_user.now_us);
    CU_ASSERT_EQUAL(u.id.len, OID_LEN);
    CU_ASSERT(rig_user(r, USER_BY_EMAIL, "unknown@example.com", &u));
    EXPECT_SLICE(u.name, "Unknown User");
    EXPECT_SLICE(u.vibe, "neutral");
    CU_ASSERT_EQUAL(u.owner.len, 0);
    CU_ASSERT_EQUAL(u.total_visits, 1);
    CU_ASSERT_EQUAL(u.last_seen_us, bare->put_user.now_us);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "2 0 0 0 0 0 0 1 0 0 0 0 0 0");
}

/* What the body does not name stays. */
static void put_known_user(struct rig *r)
{
    struct user full = full_user();
    struct op *first = rig_put(r, &full, ~0u);
    CU_ASSERT_EQUAL(RIG_APPLY(r, first), OK);
    struct user some = {.email = SLICE_LIT("ann@x.io")};
    struct op *again = rig_put(r, &some, USER_EMAIL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, again), OK);
    expect_full(&again->put_user.user);
    expect_full(&again->put_user.before);
    CU_ASSERT_EQUAL(again->put_user.user.activity_us, again->put_user.now_us);
    some.total_visits = 9;
    some.vibe = SLICE_LIT("angry");
    some.owner = SLICE_LIT("boss-2");
    struct op *third = rig_put(r, &some, USER_EMAIL | USER_VISITS | USER_VIBE | USER_OWNER);
    CU_ASSERT_EQUAL(RIG_APPLY(r, third), OK);
    struct user u;
    CU_ASSERT(rig_user(r, USER_BY_EMAIL, "ann@x.io", &u));
    CU_ASSERT(slice_eq(u.id, first->put_user.user.id));
    CU_ASSERT_EQUAL(u.created_us, first->put_user.now_us);
    CU_ASSERT_EQUAL(u.total_visits, 9);
    EXPECT_SLICE(u.vibe, "angry");
    EXPECT_SLICE(u.owner, "boss-2");
    EXPECT_SLICE(u.name, "Ann");
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 0 0 0 0 0 0 0 0 0 0 0 0");
}

static void put_user_moves_inbox(struct rig *r)
{
    static const struct {
        const char *category, *status, *totals;
    } steps[] = {
        {"agent-inbox", "resolved", "1 2 0 0 0 0 1 0 2 0 2 0 0 0"},
        {"human-chats", "active", "1 2 0 0 0 0 1 0 2 0 0 2 0 0"},
        {"human-chats", "escalated", "1 2 0 0 0 0 1 0 2 0 0 0 2 0"},
        {"human-chats", "resolved", "1 2 0 0 0 0 1 0 2 0 0 0 0 2"},
        {"archive", "done", "1 2 0 0 0 0 1 0 2 0 0 0 0 0"},
        {"agent-inbox", "active", "1 2 0 0 0 0 1 0 2 2 0 0 0 0"},
    };
    struct op *one = rig_create(r, NULL, "ann@x.io", NULL), *two = rig_create(r, NULL, "ann@x.io", NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, one, two), OK); /* the second finds the customer that the first made */
    CU_ASSERT(slice_eq(one->create.user.id, two->create.user.id));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct user given = {.email = SLICE_LIT("ann@x.io"),
                             .category = slice_cstr(steps[i].category),
                             .status = slice_cstr(steps[i].status)};
        struct op *op = rig_put(r, &given, USER_EMAIL | USER_CATEGORY | USER_STATUS);
        CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
        struct totals t = rig_totals(r);
        EXPECT_TEXT(rig_totals_text(r, &t), steps[i].totals);
    }
}

/* ---- sends ---- */

static void sends_in_order(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob"); /* @0 @1 */
    struct op *ops[] = {rig_send(r, a, "user", "one", NULL), rig_send(r, b, "user", "uno", NULL),
                        rig_send(r, a, "agent", "two", NULL),
                        rig_send(r, a, "användare ✓", "tre \u2028 \"'\\ </script>", NULL)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 4), OK);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(ops[i]->result, OK);
    EXPECT_SLICE(ops[0]->send.link.user_id, "ann");
    CU_ASSERT(ops[0]->send.link.known);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 4 1 0 1 0 0 0 0 0 0 0 0");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "four"), OK);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @6\n"
                                    " chat open total=4 flags=1 @0@6\n"
                                    "  user one @2\n  agent two @4\n"
                                    "  användare ✓ tre \u2028 \"'\\ </script> @5\n  user four @6\n");
    EXPECT_TEXT(rig_load(r, "bob"), "bob User bob user_bob@widget.local chats=1 @3\n"
                                    " chat open total=1 flags=0 @1@3\n  user uno @3\n");
}

static void send_to_unknown_chat(struct rig *r)
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

static void batch_sees_itself(struct rig *r)
{
    struct op *create = rig_create(r, "ann", NULL, NULL); /* @0 */
    const char *chat = arena_dup(&r->arena, slice_of(create->create.chat_id, UUID_LEN));
    struct op *ops[] = {create,
                        rig_send(r, chat, "user", "hi", NULL),
                        rig_send(r, chat, "agent", "hello", NULL),
                        rig_ai(r, chat, false),
                        rig_send(r, chat, "assistant", "beep", NULL),
                        rig_send(r, chat, "agent", "again", NULL)};
    CU_ASSERT_EQUAL(rig_apply(r, ops, 6), OK);
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(ops[i]->result, OK);
    /* As the ops see it in their order: after the agent's first message, before the assistant's. */
    CU_ASSERT_EQUAL(ops[3]->set_ai.flags, CHAT_HAS_AGENT | CHAT_AI_DISABLED);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "1 1 4 1 1 1 1 0 1 1 0 0 0 0");
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @5\n"
                                    " chat open total=4 flags=7 @0@5\n"
                                    "  user hi @1\n  agent hello @2\n  assistant beep @4\n  agent again @5\n");
}

static void key_stores_once(struct rig *r)
{
    const char *a = rig_chat(r, "ann"), *b = rig_chat(r, "bob");
    struct op *first = rig_send(r, a, "agent", "pay 5", "k"), *twin = rig_send(r, a, "assistant", "pay 5", "k");
    int64_t rev = first->send.rev;
    CU_ASSERT_EQUAL(RIG_APPLY(r, first, twin), OK);
    CU_ASSERT_FALSE(first->send.duplicate);
    CU_ASSERT(twin->send.duplicate && twin->result == OK);
    CU_ASSERT_EQUAL(twin->send.rev, rev);
    CU_ASSERT_EQUAL(twin->send.timestamp_us, rev);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 1 1 0 1 0 0 0 0 0 0 0 0"); /* the twin counts nothing */
    struct op *later = rig_send(r, a, "agent", "other text", "k"), *other = rig_send(r, b, "agent", "pay 5", "k");
    struct op *longer = rig_send(r, a, "user", "kk", "kk");
    CU_ASSERT_EQUAL(RIG_APPLY(r, later, other, longer), OK);
    CU_ASSERT(later->send.duplicate && later->send.rev == rev);
    CU_ASSERT_FALSE(other->send.duplicate); /* a key belongs to its chat */
    CU_ASSERT_FALSE(longer->send.duplicate);
    CU_ASSERT_EQUAL(r->changed.messages, 2);
    if (!rig_reopen(r))
        return;
    struct op *restarted = rig_send(r, a, "agent", "pay 5", "k");
    CU_ASSERT_EQUAL(RIG_APPLY(r, restarted), OK);
    CU_ASSERT(restarted->send.duplicate && restarted->send.rev == rev && restarted->send.timestamp_us == rev);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @6\n"
                                    " chat open total=2 flags=1 @0@6\n  agent pay 5 @2\n  user kk @6\n");
    CU_ASSERT_EQUAL(rig_totals(r).messages, 3);
}

/* The answer to the first try was lost: the batch comes again with the same ids. */
static void same_ids_store_once(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    struct op *plain = rig_send(r, a, "user", "one", NULL), *keyed = rig_send(r, a, "user", "two", "k");
    CU_ASSERT_EQUAL(RIG_APPLY(r, plain, keyed), OK);
    int64_t rev = keyed->send.rev;
    CU_ASSERT_EQUAL(RIG_APPLY(r, plain, keyed), OK);
    CU_ASSERT_EQUAL(plain->result, OK);
    CU_ASSERT_EQUAL(keyed->result, OK);
    CU_ASSERT_EQUAL(keyed->send.rev, rev);
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "three"), OK);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @3\n chat open total=3 flags=0 @0@3\n"
                                    "  user one @1\n  user two @2\n  user three @3\n");
    CU_ASSERT_EQUAL(rig_totals(r).messages, 3);
}

static void long_history(struct rig *r)
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

static void big_text(struct rig *r)
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

static void ai_switch(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    (void)rig_chat(r, "bob");
    struct op *off = rig_ai(r, a, false), *none = rig_ai(r, "no-such-chat", true);
    CU_ASSERT_EQUAL(RIG_APPLY(r, off, none), OK);
    CU_ASSERT_EQUAL(off->result, OK);
    CU_ASSERT_EQUAL(off->set_ai.flags, CHAT_AI_DISABLED);
    CU_ASSERT_EQUAL(none->result, ERR_NOT_FOUND);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    struct chat chat;
    CU_ASSERT_EQUAL(r->store->vtable->chat_owner(r->reader, slice_cstr(a), &r->arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.flags, CHAT_AI_DISABLED);
    EXPECT_SLICE(chat.user_id, "ann");
    EXPECT_SLICE(chat.chat_id, a);
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "bob ann"); /* no activity of the customer's */
    CU_ASSERT_EQUAL(rig_say(r, a, "agent", "x"), OK);
    struct op *on = rig_ai(r, a, true);
    CU_ASSERT_EQUAL(RIG_APPLY(r, on), OK);
    CU_ASSERT_EQUAL(on->set_ai.flags, CHAT_HAS_AGENT);
    struct op *twice[] = {rig_ai(r, a, false), rig_ai(r, a, true), rig_ai(r, a, false)};
    CU_ASSERT_EQUAL(rig_apply(r, twice, 3), OK);
    if (!rig_reopen(r))
        return;
    CU_ASSERT_EQUAL(r->store->vtable->chat_owner(r->reader, slice_cstr(a), &r->arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.flags, CHAT_HAS_AGENT | CHAT_AI_DISABLED);
    CU_ASSERT_EQUAL(chat.total_messages, 1);
    CU_ASSERT_EQUAL(r->store->vtable->chat_owner(r->reader, SLICE_LIT("nope"), &r->arena, &chat), ERR_NOT_FOUND);
}

static void agent_counts_once(struct rig *r)
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

/* ---- reads ---- */

static void load_of_unknown(struct rig *r)
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

static enum err accept_user(void *arg, const struct user *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err accept_chat(void *arg, const struct chat *c)
{
    (void)arg, (void)c;
    return OK;
}

static void load_ends_with_the_sink(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    int seen = 0;
    struct load_sink sink = {.user = accept_user, .chat = accept_chat, .message = refuse_message, .arg = &seen};
    CU_ASSERT_EQUAL(r->store->vtable->load_user(r->reader, SLICE_LIT("ann"), &sink), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(seen, 2);
    CU_ASSERT_PTR_NOT_NULL(rig_load(r, "ann")); /* the reader is as good as before */
}

static void recent_customers(struct rig *r)
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
    struct user given = {.email = SLICE_LIT("user_cleo@widget.local"), .owner = SLICE_LIT("boss")};
    struct op *own_c = rig_put(r, &given, USER_EMAIL | USER_OWNER);
    given.email = SLICE_LIT("user_ann@widget.local");
    struct op *own_a = rig_put(r, &given, USER_EMAIL | USER_OWNER);
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
static void recent_rows_are_up_to_date(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "user", "x"), OK);
    struct user *users;
    size_t count;
    CU_ASSERT_EQUAL(r->store->vtable->recent_users(r->reader, (struct slice){0}, 0, 10, &r->arena, &users, &count), OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(users[0].activity_us, r->rev);
    CU_ASSERT_EQUAL(users[0].rev, r->rev);
    CU_ASSERT_EQUAL(users[0].chat_count, 1);
}

static void changed_customers(struct rig *r)
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
    struct user given = {.email = SLICE_LIT("user_bob@widget.local"), .vibe = SLICE_LIT("x")};
    struct op *op = rig_put(r, &given, USER_EMAIL | USER_VIBE);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    EXPECT_TEXT(rig_changed(r, before, 10), "ann bob");
    if (rig_reopen(r))
        EXPECT_TEXT(rig_changed(r, before, 10), "ann bob");
}

static void chats_by_activity(struct rig *r)
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

static void overview_shows_the_first(struct rig *r)
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
    CU_ASSERT_EQUAL_FATAL(o.user_count, 100);
    CU_ASSERT_EQUAL_FATAL(o.chat_count, 100);
    CU_ASSERT(o.database_name.len > 0);
    EXPECT_SLICE(o.users[0].id, "u000");
    EXPECT_SLICE(o.users[99].id, "u099");
    const struct overview_chat *c = &o.chats[0];
    EXPECT_SLICE(c->chat.chat_id, a);
    EXPECT_SLICE(c->chat.user_id, "u000");
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

/* ---- the store itself ---- */

static void empty_database(struct rig *r)
{
    struct totals t = rig_totals(r);
    EXPECT_TEXT(rig_totals_text(r, &t), "0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "");
    EXPECT_TEXT(rig_changed(r, 0, 10), "");
    CU_ASSERT_EQUAL(rig_apply(r, NULL, 0), OK);
    struct overview o;
    CU_ASSERT_EQUAL(r->store->vtable->overview(r->reader, &r->arena, &o), OK);
    CU_ASSERT_EQUAL(o.user_count + o.chat_count, 0);
    int64_t max_rev = -1;
    uint8_t tag[5];
    CU_ASSERT_EQUAL(r->store->vtable->identity(r->store, &max_rev, tag), OK);
    CU_ASSERT_EQUAL(max_rev, 0);
    struct store_health health;
    r->store->vtable->health(r->store, &health);
    CU_ASSERT(health.ok);
    CU_ASSERT_STRING_EQUAL(health.kind, r->store->vtable->kind);
    CU_ASSERT_STRING_EQUAL(health.detail, "");
    CU_ASSERT_FALSE(store_early_answers(r->store));
}

static void survives_reopening(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "agent", "x"), OK);
    struct user given = {.email = SLICE_LIT("user_ann@widget.local"), .owner = SLICE_LIT("boss")};
    struct op *own = rig_put(r, &given, USER_EMAIL | USER_OWNER);
    CU_ASSERT_EQUAL(RIG_APPLY(r, own), OK);
    int64_t max_rev, max_rev_after;
    uint8_t tag[5], tag_after[5];
    struct totals before = rig_totals(r), after;
    if (!rig_reopen(r))
        return;
    CU_ASSERT_EQUAL(r->store->vtable->identity(r->store, &max_rev, tag), OK);
    CU_ASSERT(max_rev >= r->rev);
    CU_ASSERT_EQUAL(r->store->vtable->totals(r->store, &after), OK);
    CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(after)), 0);
    EXPECT_TEXT(rig_totals_text(r, &after), "1 1 1 1 0 1 1 1 1 1 0 0 0 0");
    struct op *off = rig_ai(r, a, false); /* a change that no listing shows has a rev too */
    CU_ASSERT_EQUAL(RIG_APPLY(r, off), OK);
    if (!rig_reopen(r))
        return;
    CU_ASSERT_EQUAL(r->store->vtable->identity(r->store, &max_rev_after, tag_after), OK);
    CU_ASSERT(max_rev_after >= r->rev);
    CU_ASSERT_EQUAL(memcmp(tag, tag_after, sizeof(tag)), 0);
    r->store->vtable->maintain(r->store, 0, true);
    r->store->vtable->maintain(r->store, INT64_C(1) << 50, false);
    r->store->vtable->maintain(r->store, INT64_C(1) << 51, true);
    EXPECT_TEXT(rig_load(r, "ann"), "ann User ann user_ann@widget.local chats=1 @2\n"
                                    " chat open total=1 flags=5 @0@1\n  agent x @1\n");
}

/* ---- the table ---- */

static void run(void (*test)(struct rig *r))
{
    struct rig r;
    if (!rig_open(&r, factory))
        return;
    test(&r);
    rig_close(&r);
}

#define CASES(X)                                                                                                       \
    X(empty_database)                                                                                                  \
    X(survives_reopening)                                                                                              \
    X(create_by_email)                                                                                                 \
    X(create_by_unknown_id)                                                                                            \
    X(create_for_known)                                                                                                \
    X(create_by_second_id)                                                                                             \
    X(put_new_user)                                                                                                    \
    X(put_known_user)                                                                                                  \
    X(put_user_moves_inbox)                                                                                            \
    X(sends_in_order)                                                                                                  \
    X(send_to_unknown_chat)                                                                                            \
    X(batch_sees_itself)                                                                                               \
    X(key_stores_once)                                                                                                 \
    X(same_ids_store_once)                                                                                             \
    X(long_history)                                                                                                    \
    X(big_text)                                                                                                        \
    X(ai_switch)                                                                                                       \
    X(agent_counts_once)                                                                                               \
    X(load_of_unknown)                                                                                                 \
    X(load_ends_with_the_sink)                                                                                         \
    X(recent_customers)                                                                                                \
    X(recent_rows_are_up_to_date)                                                                                      \
    X(changed_customers)                                                                                               \
    X(chats_by_activity)                                                                                               \
    X(overview_shows_the_first)

#define CASE_FUNCTION(name)                                                                                            \
    static void run_##name(void)                                                                                       \
    {                                                                                                                  \
        run(name);                                                                                                     \
    }
CASES(CASE_FUNCTION)

#define CASE_ROW(name) {#name, run_##name},
const CU_TestInfo conformance_tests[] = {CASES(CASE_ROW) CU_TEST_INFO_NULL};
