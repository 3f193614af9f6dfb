#include "conformance_cases.h"

#include "chat/customer.h"
#include "chat/email.h"
#include "store/ident.h"

/* ---- POST /api/users/chats/create ---- */

void case_create_by_email(struct rig *r)
{
    struct op *op = rig_create(r, NULL, "ann@x.io", NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    CU_ASSERT_EQUAL(op->result, OK);
    char id[OID_LEN + 1] = "", name[32], expected[200];
    oid_format(&create_chat_of(op)->new_customer, id);
    snprintf(name, sizeof(name), "User %.8s", id);
    EXPECT_SLICE(create_chat_of(op)->customer.id, id);
    EXPECT_SLICE(create_chat_of(op)->customer.name, name);
    EXPECT_SLICE(create_chat_of(op)->customer.category, "agent-inbox");
    EXPECT_SLICE(create_chat_of(op)->customer.status, "active");
    CU_ASSERT_EQUAL(create_chat_of(op)->before.id.len, 0);
    CU_ASSERT_EQUAL(create_chat_of(op)->customer.chat_count, 1);
    EXPECT_SLICE(create_chat_of(op)->chat.status, "open");
    EXPECT_SLICE(create_chat_of(op)->chat.customer_id, id);
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
        EXPECT_SLICE(create_chat_of(op)->customer.id, rows[i].id);
        struct customer u;
        CU_ASSERT(rig_customer(r, CUSTOMER_BY_ID, rows[i].given, &u));
        EXPECT_SLICE(u.id, rows[i].id);
        EXPECT_SLICE(u.email, rows[i].stored_email);
        EXPECT_SLICE(u.name, rows[i].stored_name);
        CU_ASSERT_PTR_NOT_NULL(rig_load(r, rows[i].given));
    }
    CU_ASSERT_EQUAL(rig_totals(r).customers, 4);
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
        EXPECT_SLICE(create_chat_of(op)->customer.id, "v1");
        EXPECT_SLICE(create_chat_of(op)->customer.email, steps[i].stored_email);
        EXPECT_SLICE(create_chat_of(op)->customer.name, steps[i].stored_name);
        CU_ASSERT_EQUAL(create_chat_of(op)->customer.chat_count, i + 1);
        CU_ASSERT_EQUAL(create_chat_of(op)->before.id.len > 0, i > 0);
        CU_ASSERT_EQUAL(create_chat_of(op)->before.chat_count, i);
    }
    struct totals t = rig_totals(r);
    EXPECT_TEXT(rig_totals_text(r, &t), "1 6 0 0 0 0 1 0 6 6 0 0 0 0");
}

/* A second id that existing deployments gave; it is no customer's _id. */
void case_create_by_second_id(struct rig *r)
{
    const struct store_vtable *v = r->store->vtable;
    struct customer u = {.id = SLICE_LIT("64b7f0c2aa01bb02cc03dd04"),
                         .email = SLICE_LIT("old@x.io"),
                         .name = SLICE_LIT("Old"),
                         .reference = SLICE_LIT("legacy-9"),
                         .created_us = RIG_T0,
                         .last_seen_us = RIG_T0,
                         .activity_us = RIG_T0,
                         .rev = RIG_T0};
    CU_ASSERT_EQUAL(v->begin(r->store), OK);
    CU_ASSERT_EQUAL(v->put_customer(r->store, &u), OK);
    CU_ASSERT_EQUAL(v->commit(r->store), OK);
    r->rev = RIG_T0;
    struct op *op = rig_create(r, "legacy-9", "someone@else.io", "New");
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    EXPECT_SLICE(create_chat_of(op)->customer.id, "64b7f0c2aa01bb02cc03dd04");
    EXPECT_SLICE(create_chat_of(op)->customer.name, "Old");
    EXPECT_TEXT(rig_load(r, "legacy-9"),
                "64b7f0c2aa01bb02cc03dd04 Old old@x.io chats=1 @1\n chat open total=0 flags=0 @1@1\n");
}

/* ---- whom a text means ---- */

static struct op *created(struct rig *r, const char *customer_id, const char *email)
{
    struct op *op = rig_create(r, customer_id, email, NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    return op;
}

/* The customer that the reader and the writer find by a text; both the same, or NULL. */
static const char *meant(struct rig *r, const char *ident)
{
    struct customer u;
    enum err err = ident_read(r->reader, slice_cstr(ident), &r->arena, &u);
    CU_ASSERT(err == OK || err == ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(rig_load(r, ident) != NULL, err == OK);
    if (err != OK)
        return NULL;
    const char *id = arena_dup(&r->arena, u.id);
    const char *loaded = rig_load(r, ident);
    CU_ASSERT(loaded && strncmp(loaded, id, strlen(id)) == 0);
    return id;
}

/* A row as another program, or an older server, may have left it. */
static void put_row(struct rig *r, const char *id, const char *ref, const char *email)
{
    const struct store_vtable *v = r->store->vtable;
    r->rev += 1000;
    struct customer u = {.id = slice_cstr(id),
                         .email = slice_cstr(email),
                         .reference = slice_cstr(ref),
                         .name = slice_cstr(id),
                         .created_us = r->rev,
                         .last_seen_us = r->rev,
                         .activity_us = r->rev,
                         .rev = r->rev};
    CU_ASSERT_EQUAL(v->begin(r->store), OK);
    CU_ASSERT_EQUAL(v->put_customer(r->store, &u), OK);
    CU_ASSERT_EQUAL(v->commit(r->store), OK);
}

/* An attacker's address that is a customer's id was taken; with that customer out of memory its widget then got the
 * attacker's chats. And the other way round: an id that is somebody's address. */
void case_an_address_is_nobody_elses_id(struct rig *r)
{
    put_row(r, "64b7f0c2aa01bb02cc03dd04", "ref-9", "old@x.io");
    put_row(r, "boss@x.io", "", "user_boss@x.io@widget.local");
    static const char *const taken[] = {"64b7f0c2aa01bb02cc03dd04", "64B7F0C2AA01BB02CC03DD04", "ref-9", "boss@x.io"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        CU_ASSERT_EQUAL(created(r, NULL, taken[i])->result, ERR_EXISTS);
        CU_ASSERT_EQUAL(created(r, "eve", taken[i])->result, ERR_EXISTS);
        struct customer given = {.email = slice_cstr(taken[i])};
        struct op *op = rig_put(r, &given, CUSTOMER_EMAIL);
        CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
        CU_ASSERT_EQUAL(op->result, ERR_EXISTS);
    }
    EXPECT_TEXT(rig_recent(r, "", 0, 9), "boss@x.io 64b7f0c2aa01bb02cc03dd04");
    EXPECT_SLICE(create_chat_of(created(r, "boss@x.io", "boss@x.io"))->customer.id, "boss@x.io"); /* its own */
    EXPECT_SLICE(create_chat_of(created(r, NULL, "BOSS@x.io"))->customer.id, "boss@x.io");
    CU_ASSERT_EQUAL(created(r, "mia", "mia@x.io")->result, OK);
    EXPECT_SLICE(create_chat_of(created(r, "mia@x.io", NULL))->customer.id, "mia"); /* one order everywhere */
    EXPECT_SLICE(create_chat_of(created(r, "user_mia@widget.local", NULL))->customer.id, "user_mia@widget.local");
    EXPECT_TEXT(meant(r, "Mia@x.io"), "mia");
}

void case_default_addresses_are_nobodys(struct rig *r)
{
    static const char *const nobody[] = {"unknown@example.com", "Unknown@Example.com ", "guest@widget.local",
                                         " GUEST@widget.local"};
    struct customer given = {.email = SLICE_LIT("guest@widget.local"), .name = SLICE_LIT("Reported")};
    struct op *guest = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_NAME), *bare = rig_put(r, &(struct customer){0}, 0);
    CU_ASSERT_EQUAL(RIG_APPLY(r, guest, bare), OK);
    for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        const char *one = arena_dup(&r->arena, create_chat_of(created(r, NULL, nobody[i]))->customer.id);
        const char *two = arena_dup(&r->arena, create_chat_of(created(r, NULL, nobody[i]))->customer.id);
        char made[64];
        CU_ASSERT_STRING_NOT_EQUAL(one, two);
        CU_ASSERT_PTR_NULL(meant(r, nobody[i]));
        snprintf(made, sizeof(made), "user_%s@widget.local", one); /* what it has for want of another */
        EXPECT_TEXT(meant(r, made), one);
        EXPECT_SLICE(create_chat_of(created(r, two, "two@x.io"))->customer.id,
                     two); /* the address decides only where the id does not */
        snprintf(made, sizeof(made), "user_%s@widget.local", two);
        CU_ASSERT_EQUAL(meant(r, made) == NULL, true);
    }
    struct op *again = rig_put(r, &given, CUSTOMER_EMAIL), *more = rig_put(r, &(struct customer){0}, 0);
    CU_ASSERT_EQUAL(RIG_APPLY(r, again, more), OK);
    CU_ASSERT(slice_eq(put_customer_of(again)->customer.id,
                       put_customer_of(guest)->customer.id)); /* reports go together as ever */
    CU_ASSERT(slice_eq(put_customer_of(more)->customer.id, put_customer_of(bare)->customer.id));
    CU_ASSERT_EQUAL(put_customer_of(more)->customer.chat_count, 0); /* and no chat is ever that customer's */
}

void case_addresses_differ_in_more_than_case(struct rig *r)
{
    static const char *const spellings[] = {"Ann@X.io", "ann@x.io", " ANN@X.IO ", "\tann@x.io"};
    struct op *first = created(r, NULL, "Ann@X.io");
    const char *id = arena_dup(&r->arena, create_chat_of(first)->customer.id);
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        struct customer given = {.email = slice_cstr(spellings[i]), .vibe = SLICE_LIT("x")};
        struct op *put = rig_put(r, &given, CUSTOMER_VIBE);
        put_customer_of(put)->given.email = given.email;
        CU_ASSERT_EQUAL(RIG_APPLY(r, put), OK);
        CU_ASSERT(slice_eq(put_customer_of(put)->customer.id, slice_cstr(id)));
        EXPECT_SLICE(create_chat_of(created(r, NULL, spellings[i]))->customer.id, id);
        EXPECT_SLICE(create_chat_of(created(r, spellings[i], NULL))->customer.id, id);
        EXPECT_TEXT(meant(r, spellings[i]), id);
    }
    struct customer u;
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_ID, id, &u));
    EXPECT_SLICE(u.email, "Ann@X.io"); /* as given */
    CU_ASSERT_EQUAL(rig_totals(r).customers, 1);
    CU_ASSERT_EQUAL(strncmp(rig_chats(r, "aNN@x.io", 0, 100), "9: ", 3), 0);
    struct customer given = {.email = SLICE_LIT("ANN@x.io")}; /* a report names it anew */
    struct op *put = rig_put(r, &given, CUSTOMER_EMAIL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, put), OK);
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_EMAIL, "ann@x.io", &u));
    EXPECT_SLICE(u.email, "ANN@x.io");
    CU_ASSERT_EQUAL(created(r, NULL, "ann@x.io.")->result, OK);
    CU_ASSERT_EQUAL(rig_totals(r).customers, 2);
}

/* Both forms stand in a database of before: each is found by its own, any other by the first. */
void case_two_spellings_are_there(struct rig *r)
{
    put_row(r, "000000000000000000000001", "", "Ann@x.io");
    put_row(r, "000000000000000000000002", "", "ann@x.io");
    put_row(r, "000000000000000000000003", "", " ann@x.io");
    put_row(r, "000000000000000000000004", "", "no sign");
    EXPECT_TEXT(meant(r, "Ann@x.io"), "000000000000000000000001");
    EXPECT_TEXT(meant(r, "ann@x.io"), "000000000000000000000002");
    EXPECT_TEXT(meant(r, " ann@x.io"), "000000000000000000000003");
    EXPECT_TEXT(meant(r, "ANN@x.io"), "000000000000000000000001");
    EXPECT_TEXT(meant(r, "no sign"), "000000000000000000000004");
    EXPECT_TEXT(meant(r, "NO SIGN"), "000000000000000000000004");
    EXPECT_SLICE(create_chat_of(created(r, NULL, "ann@x.io"))->customer.id, "000000000000000000000002");
    EXPECT_SLICE(create_chat_of(created(r, NULL, "ANN@X.io"))->customer.id, "000000000000000000000001");
    EXPECT_TEXT(rig_chats(r, "Ann@X.io", 0, 9), "2: 000000000000000000000001 000000000000000000000002");
}

/* ---- POST /api/users/data ---- */

static struct customer full_customer(void)
{
    return (struct customer){
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

static void expect_full(const struct customer *u)
{
    struct customer full = full_customer();
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

void case_put_new_customer(struct rig *r)
{
    struct customer full = full_customer();
    struct op *op = rig_put(r, &full, ~0u), *bare = rig_put(r, &(struct customer){0}, 0);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op, bare), OK);
    CU_ASSERT_EQUAL(op->result, OK);
    CU_ASSERT_EQUAL(put_customer_of(op)->before.id.len, 0);
    expect_full(&put_customer_of(op)->customer);
    struct customer u;
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_EMAIL, "ann@x.io", &u));
    expect_full(&u);
    CU_ASSERT_EQUAL(u.created_us, op->now_us);
    CU_ASSERT_EQUAL(u.id.len, OID_LEN);
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_EMAIL, "unknown@example.com", &u));
    EXPECT_SLICE(u.name, "Unknown User");
    EXPECT_SLICE(u.vibe, "neutral");
    CU_ASSERT_EQUAL(u.owner.len, 0);
    CU_ASSERT_EQUAL(u.total_visits, 1);
    CU_ASSERT_EQUAL(u.last_seen_us, bare->now_us);
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "2 0 0 0 0 0 0 1 0 0 0 0 0 0");
}

/* What the body does not name stays. */
void case_put_known_customer(struct rig *r)
{
    struct customer full = full_customer();
    struct op *first = rig_put(r, &full, ~0u);
    CU_ASSERT_EQUAL(RIG_APPLY(r, first), OK);
    struct customer some = {.email = SLICE_LIT("ann@x.io")};
    struct op *again = rig_put(r, &some, CUSTOMER_EMAIL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, again), OK);
    expect_full(&put_customer_of(again)->customer);
    expect_full(&put_customer_of(again)->before);
    CU_ASSERT_EQUAL(put_customer_of(again)->customer.activity_us, again->now_us);
    some.total_visits = 9;
    some.vibe = SLICE_LIT("angry");
    some.owner = SLICE_LIT("boss-2");
    struct op *third = rig_put(r, &some, CUSTOMER_EMAIL | CUSTOMER_VISITS | CUSTOMER_VIBE | CUSTOMER_OWNER);
    CU_ASSERT_EQUAL(RIG_APPLY(r, third), OK);
    struct customer u;
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_EMAIL, "ann@x.io", &u));
    CU_ASSERT(slice_eq(u.id, put_customer_of(first)->customer.id));
    CU_ASSERT_EQUAL(u.created_us, first->now_us);
    CU_ASSERT_EQUAL(u.total_visits, 9);
    EXPECT_SLICE(u.vibe, "angry");
    EXPECT_SLICE(u.owner, "boss-2");
    EXPECT_SLICE(u.name, "Ann");
    EXPECT_TEXT(rig_totals_text(r, &r->changed), "0 0 0 0 0 0 0 0 0 0 0 0 0 0");
}

void case_put_customer_moves_inbox(struct rig *r)
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
    CU_ASSERT(slice_eq(create_chat_of(one)->customer.id, create_chat_of(two)->customer.id));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct customer given = {.email = SLICE_LIT("ann@x.io"),
                                 .category = slice_cstr(steps[i].category),
                                 .status = slice_cstr(steps[i].status)};
        struct op *op = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_CATEGORY | CUSTOMER_STATUS);
        CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
        struct totals t = rig_totals(r);
        EXPECT_TEXT(rig_totals_text(r, &t), steps[i].totals);
    }
}

/* What visitors say without proof is kept as that, and nobody is found by it. */
void case_claims_and_widgets_words(struct rig *r)
{
    struct op *op = rig_create(r, NULL, "ann@x.io", "Ann");
    op->scope.kind = SCOPE_NOBODY;
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    struct slice id = create_chat_of(op)->customer.id;
    char chat[UUID_LEN + 1] = {0}, key[64];
    memcpy(chat, create_chat_of(op)->chat_id, UUID_LEN);
    snprintf(key, sizeof(key), "%.*s", SLICE_ARG(id));
    struct op *said = rig_send(r, chat, "assistant", "x", NULL), *other = rig_send(r, chat, "assistant", "y", NULL);
    send_of(said)->message.via_widget = true;
    CU_ASSERT_EQUAL(RIG_APPLY(r, said, other), OK);
    if (!rig_reopen(r))
        return;
    struct customer u;
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_ID, key, &u));
    EXPECT_SLICE(u.claimed_email, "ann@x.io");
    CU_ASSERT(email_is_default(u.email));
    CU_ASSERT_FALSE(rig_customer(r, CUSTOMER_BY_EMAIL, "ann@x.io", &u));
    CU_ASSERT_PTR_NULL(rig_load(r, "ann@x.io"));
    const char *text = rig_load(r, key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  assistant x @1 via widget\n  assistant y @2\n"));
    /* a proof makes it the customer's own, and takes the claim away for good */
    CU_ASSERT_EQUAL(RIG_APPLY(r, rig_create(r, key, "ann@x.io", NULL)), OK);
    CU_ASSERT(rig_customer(r, CUSTOMER_BY_EMAIL, "ann@x.io", &u));
    CU_ASSERT(slice_eq(u.id, slice_cstr(key)));
    CU_ASSERT_EQUAL(u.claimed_email.len, 0);
}
