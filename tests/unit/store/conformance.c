#include "conformance.h"

#include "chat/customer.h"
#include "conformance_cases.h"

void case_empty_database(struct rig *r)
{
    struct totals t = rig_totals(r);
    EXPECT_TEXT(rig_totals_text(r, &t), "0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    EXPECT_TEXT(rig_recent(r, "", 0, 10), "");
    EXPECT_TEXT(rig_changed(r, 0, 10), "");
    CU_ASSERT_EQUAL(rig_apply(r, NULL, 0), OK);
    struct overview o;
    CU_ASSERT_EQUAL(r->store->vtable->overview(r->reader, &r->arena, &o), OK);
    CU_ASSERT_EQUAL(o.customer_count + o.chat_count, 0);
    int64_t max_rev = -1;
    uint8_t tag[5];
    CU_ASSERT_EQUAL(r->store->vtable->identity(r->store, &max_rev, tag), OK);
    CU_ASSERT_EQUAL(max_rev, 0);
    struct store_health health;
    r->store->vtable->health(r->store, &health);
    CU_ASSERT(health.ok);
    CU_ASSERT_STRING_EQUAL(health.kind, r->store->vtable->kind);
    CU_ASSERT_STRING_EQUAL(health.detail, "");
}

void case_survives_reopening(struct rig *r)
{
    const char *a = rig_chat(r, "ann");
    CU_ASSERT_EQUAL(rig_say(r, a, "agent", "x"), OK);
    struct customer given = {.email = SLICE_LIT("user_ann@widget.local"), .owner = SLICE_LIT("boss")};
    struct op *own = rig_put(r, &given, CUSTOMER_EMAIL | CUSTOMER_OWNER);
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

static const struct store_factory *factory;

void conformance_use(const struct store_factory *used)
{
    factory = used;
}

static void run(void (*test)(struct rig *r))
{
    struct rig r;
    if (!rig_open(&r, factory))
        return;
    test(&r);
    rig_close(&r);
}

#define CASE_FUNCTION(name)                                                                                            \
    static void run_##name(void)                                                                                       \
    {                                                                                                                  \
        run(case_##name);                                                                                              \
    }
CONFORMANCE_CASES(CASE_FUNCTION)

#define CASE_ROW(name) {#name, run_##name},
const CU_TestInfo conformance_tests[] = {CONFORMANCE_CASES(CASE_ROW) CU_TEST_INFO_NULL};
