/* What a WebSocket may hear of, where no chat has to be looked for: every topic, every kind of caller. */
#include "api/rights.h"

#include "api/api.h"
#include "read/cache.h"
#include "suites.h"

#include <stdio.h>

enum caller { NOBODY, WIDGET, BOUND, DASHBOARD, CALLERS };

static const struct ws_principal callers[CALLERS] = {
    [WIDGET] = {.role = PRINCIPAL_WIDGET, .id = {"ann", 3}},
    [BOUND] = {.role = PRINCIPAL_DASHBOARD, .agent = true, .id = {"o1", 2}},
    [DASHBOARD] = {.role = PRINCIPAL_DASHBOARD, .agent = true},
};

static const struct ws_principal *caller(enum caller who)
{
    return who == NOBODY ? NULL : &callers[who];
}

static void test_topics(void)
{
    static const enum hub_right wanted[HUB_TOPICS][CALLERS] = {
        [HUB_CHAT_UPDATES] = {HUB_DENIED, HUB_DENIED, HUB_FILTERED, HUB_ALLOWED},
        [HUB_CHAT_EVENTS] = {HUB_DENIED, HUB_DENIED, HUB_FILTERED, HUB_ALLOWED},
        [HUB_UNREAD_COUNTS] = {HUB_DENIED, HUB_DENIED, HUB_DENIED, HUB_ALLOWED},
        [HUB_PRESENCE] = {HUB_DENIED, HUB_DENIED, HUB_FILTERED, HUB_ALLOWED},
        [HUB_WEBSITE_STATUS] = {HUB_DENIED, HUB_ALLOWED, HUB_ALLOWED, HUB_ALLOWED},
    };
    struct api api = {0};
    for (unsigned topic = 0; topic < HUB_TOPICS; topic++)
        for (enum caller who = NOBODY; who < CALLERS; who++) {
            enum hub_right right = rights_may_subscribe(&api, caller(who), (enum hub_topic)topic, slice_of(NULL, 0));
            if (right != wanted[topic][who])
                printf("  topic %u as %d: %d\n", topic, who, right);
            CU_ASSERT_EQUAL(right, wanted[topic][who]);
        }
}

/* A customer is told of by its id: a widget sees itself, and an owner's dashboard those of whom memory knows the owner. */
static void test_customers(void)
{
    struct api api = {.cache = cache_new(&(struct cache_options){.max_bytes = 1 << 20, .enabled = true})};
    CU_ASSERT_EQUAL(rights_may_see_customer(&api, caller(NOBODY), SLICE_LIT("ann")), HUB_HIDDEN);
    CU_ASSERT_EQUAL(rights_may_see_customer(&api, caller(WIDGET), SLICE_LIT("ann")), HUB_VISIBLE);
    CU_ASSERT_EQUAL(rights_may_see_customer(&api, caller(WIDGET), SLICE_LIT("bob")), HUB_HIDDEN);
    CU_ASSERT_EQUAL(rights_may_see_customer(&api, caller(DASHBOARD), SLICE_LIT("ann")), HUB_VISIBLE);
    CU_ASSERT_EQUAL(rights_may_see_customer(&api, caller(BOUND), SLICE_LIT("ann")), HUB_UNSURE);
    cache_free(api.cache);
}

/* A signal is worth no look into the store. To a widget what it may not is the same, whether it is there or not. */
static void test_signals(void)
{
    struct api api = {.cache = cache_new(&(struct cache_options){.max_bytes = 1 << 20, .enabled = true})};
    CU_ASSERT_EQUAL(rights_may_signal(&api, caller(WIDGET), SLICE_LIT("c")), HUB_SIGNAL_DENIED);
    for (enum caller who = NOBODY; who < CALLERS; who++)
        if (who != WIDGET)
            CU_ASSERT_EQUAL(rights_may_signal(&api, caller(who), SLICE_LIT("c")), HUB_SIGNAL_NO_CHAT);
    api.auth_on = true;
    CU_ASSERT_EQUAL(rights_may_signal(&api, caller(NOBODY), SLICE_LIT("c")), HUB_SIGNAL_DENIED);
    cache_free(api.cache);
}

const CU_TestInfo rights_tests[] = {
    {"topics", test_topics},
    {"customers", test_customers},
    {"signals", test_signals},
    CU_TEST_INFO_NULL,
};
