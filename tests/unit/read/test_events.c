/* Events that no writer of this process raised: from a scripted source on a thread of its own. */
#include "cache_suites.h"

#define MB (1 << 20)

static void *tell(void *arg)
{
    const struct event_sinks *sinks = arg;
    const struct event *script = sinks->at[sinks->count - 1].arg;
    for (const struct event *e = script; e->kind != EVENT_KINDS; e++)
        events_tell(sinks, e, 1);
    return NULL;
}

static size_t heard;

static void hear(void *arg, const struct event *events, size_t count)
{
    (void)arg, (void)events;
    heard += count;
}

/* script: ends with a kind of EVENT_KINDS. Memory is told first, as by every source. */
static void play(struct kit *k, struct event *script)
{
    pthread_t thread;
    struct event_sinks sinks = {.at = {{cache_take, k->cache}, {hear, script}}, .count = 2};
    heard = 0;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, tell, &sinks), 0);
    pthread_join(thread, NULL);
}

static void message_from_elsewhere(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    say(k, "c1", "user", "here");
    struct answer ann = get(k, VIEW_POLL, "ann"), bob = get(k, VIEW_POLL, "bob"), all = get(k, VIEW_REFETCH, NULL);
    struct op *there = kit_send(k, "c1", "agent", "from another node");
    kit_commit(k, there);
    CHECK_TEXT(get(k, VIEW_POLL, "ann").etag, ann.etag); /* nobody has told yet */
    play(k,
         (struct event[]){
             {.kind = EVENT_ELSEWHERE, .rev = there->rev, .chat_id = SLICE_LIT("c1"), .customer_id = SLICE_LIT("ann")},
             {.kind = EVENT_KINDS}});
    CU_ASSERT_EQUAL(heard, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_POLL, "ann").body, "from another node"));
    CU_ASSERT_STRING_NOT_EQUAL(get(k, VIEW_REFETCH, NULL).etag, all.etag);
    CHECK_TEXT(get(k, VIEW_POLL, "bob").etag, bob.etag); /* not concerned */
    say(k, "c1", "user", "and here again");
    CU_ASSERT_EQUAL(count_of(get(k, VIEW_POLL, "ann").body, "\"role\""), 3);
    kit_free(k);
}

/* The address that a customer has now is not the one that memory knows. */
static void customer_from_elsewhere(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "ann@x.io").result, VIEW_OK);
    struct op *there = kit_create(k, "ann", "new@x.io", "Ann", "c9");
    kit_commit(k, there);
    play(k, (struct event[]){{.kind = EVENT_ELSEWHERE, .rev = there->rev, .customer_id = SLICE_LIT("ann")},
                             {.kind = EVENT_KINDS}});
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "new@x.io").result, VIEW_OK);
    CU_ASSERT_EQUAL(get(k, VIEW_POLL, "ann@x.io").result, VIEW_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(get(k, VIEW_REFETCH, NULL).body, "\"c9\""));
    kit_free(k);
}

/* A customer that this process has never heard of comes to the front of the list. */
static void stranger_from_elsewhere(void)
{
    struct kit *k = kit_new(16 * MB);
    open_chat(k, "ann", "c1");
    (void)get(k, VIEW_REFETCH, NULL);
    struct op *there = kit_create(k, "zoe", NULL, "Zoe", "c2");
    kit_commit(k, there);
    play(k,
         (struct event[]){
             {.kind = EVENT_ELSEWHERE, .rev = there->rev, .chat_id = SLICE_LIT("c2"), .customer_id = SLICE_LIT("zoe")},
             {.kind = EVENT_KINDS}});
    const char *body = get(k, VIEW_REFETCH, NULL).body;
    const char *ann = strstr(body, "\"c1\""), *zoe = strstr(body, "\"c2\"");
    CU_ASSERT(ann && zoe && zoe < ann);
    kit_free(k);
}

const CU_TestInfo event_tests[] = {
    {"a message from elsewhere is read", message_from_elsewhere},
    {"a customer changed elsewhere is asked for", customer_from_elsewhere},
    {"a customer from elsewhere is listed first", stranger_from_elsewhere},
    CU_TEST_INFO_NULL,
};
