#include "conformance_cases.h"

/* ---- POST /api/users/chats/create ---- */

void case_create_by_email(struct rig *r)
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

void case_create_by_unknown_id(struct rig *r)
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

void case_create_for_known(struct rig *r)
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
void case_create_by_second_id(struct rig *r)
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

void case_put_new_user(struct rig *r)
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
void case_put_known_user(struct rig *r)
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

void case_put_user_moves_inbox(struct rig *r)
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
