/* One process at a time (docs/architecture.md, invariant 11): two stores on one database stand for two servers, documents written by hand for those of other
 * machines. Times are the stores' own, short ones, where a test would have to wait for them. */
#include "store/mongo/mongo_lease_doc.h"
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_US INT64_C(60000000)

static const struct mongo_lease_times usual = {.good_us = 10000000, .margin_us = 3000000, .renew_us = 3000000};

static struct store *open_one(struct kit *k, const struct mongo_lease_times *times, bool shared)
{
    struct store *s = NULL;
    CU_ASSERT_EQUAL_FATAL(kit_open_store(k, NULL, KIT_PATIENT_MS, &s), OK);
    mongo_of(s)->lease_options.times = *times;
    mongo_of(s)->lease_options.shared = shared;
    return s;
}

static enum err claim(struct store *s, char *words, size_t size)
{
    struct buf why = {0};
    enum err e = s->vtable->claim(s, &why);
    if (words)
        (void)snprintf(words, size, "%s", buf_cstr(&why));
    buf_fini(&why);
    return e;
}

static bool may_write(struct store *s)
{
    bool may = s->vtable->begin(s) == OK;
    if (may)
        s->vtable->rollback(s);
    return may;
}

static struct store_health health_of(struct store *s)
{
    struct store_health health;
    s->vtable->health(s, &health);
    return health;
}

#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        int64_t by_us = clock_mono_us() + WAIT_US;                                                                     \
        while (!(condition) && clock_mono_us() < by_us)                                                                \
            usleep(2000);                                                                                              \
        CU_ASSERT_TRUE(condition);                                                                                     \
    } while (0)

static void the_second_is_refused_by_name(void)
{
    struct kit k;
    char words[400], pid[32];
    kit_init(&k);
    struct store *a = open_one(&k, &usual, false), *b = open_one(&k, &usual, false);
    CU_ASSERT_EQUAL(claim(a, NULL, 0), OK);
    CU_ASSERT_EQUAL(claim(b, words, sizeof(words)), ERR_CONFLICT);
    snprintf(pid, sizeof(pid), "pid %d, since 20", (int)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(words, pid));
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "--store-shared"));
    CU_ASSERT(may_write(a) && !may_write(b));
    CU_ASSERT_STRING_EQUAL(health_of(b).reason, "in_use");
    CU_ASSERT_FALSE(health_of(b).ok || health_of(b).closed);
    CU_ASSERT_TRUE(health_of(a).ok);
    a->vtable->close(a); /* gives it back: who has waited has it soon */
    UNTIL(claim(b, NULL, 0) == OK);
    CU_ASSERT_TRUE(may_write(b));
    b->vtable->close(b);
    kit_fini(&k);
}

/* The older one's batches and counters are written before the newer one begins; then it writes nothing more. */
static void a_rolling_change_hands_over(void)
{
    struct kit k;
    struct mongo_lease_times quick = usual;
    struct kit_send op, *list[] = {&op};
    kit_init(&k);
    quick.renew_us = 50000;
    struct store *a = k.store = open_one(&k, &quick, false), *b = open_one(&k, &usual, true);
    CU_ASSERT_EQUAL(claim(a, NULL, 0), OK);
    kit_chat(&k, "u", "c");
    kit_send_init(&op, "c", "user", "hi", NULL, 1764021360000000);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    arena_fini(&op.arena);
    k.store = NULL; /* nothing settles the counters but the handing over */
    CU_ASSERT_EQUAL(claim(b, NULL, 0), OK);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c\"}", "total_messages"), 1);
    CU_ASSERT(may_write(b) && !may_write(a));
    CU_ASSERT_TRUE(health_of(a).closed);
    CU_ASSERT_STRING_EQUAL(health_of(a).reason, "superseded");
    CU_ASSERT_EQUAL(claim(a, NULL, 0), ERR_CONFLICT);
    a->vtable->close(a);
    CU_ASSERT_TRUE(may_write(b));
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_LEASES, "{\"holder\":{\"$ne\":\"\"}}"), 1);
    b->vtable->close(b);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_LEASES, "{\"holder\":\"\"}"), 1);
    kit_fini(&k);
}

static void put_lease(struct kit *k, const struct process_name *p, int64_t lease_ms)
{
    char json[512];
    snprintf(json, sizeof(json),
             "{\"_id\":\"sakurad\",\"holder\":\"them\",\"heir\":\"\",\"turn\":{\"$numberLong\":\"7\"},\"host\":\"far\","
             "\"pid\":%lld,\"boot\":\"%s\",\"pid_ns\":\"%s\",\"started\":{\"$numberLong\":\"%lld\"},\"lease_ms\":%lld}",
             (long long)p->pid, p->boot, p->pid_ns, (long long)p->started, (long long)lease_ms);
    kit_put(k, MONGO_LEASES, json);
}

/* A start after SIGKILL does not wait. */
static void of_a_process_that_has_ended_it_is_taken_at_once(void)
{
    struct kit k;
    struct process_name gone;
    kit_init(&k);
    process_self(&gone);
    gone.started++;
    put_lease(&k, &gone, 120000);
    struct store *s = open_one(&k, &usual, false);
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL(claim(s, NULL, 0), OK);
    CU_ASSERT(clock_mono_us() - begun_us < 60000000); /* and not two minutes */
    s->vtable->close(s);
    kit_fini(&k);
}

static void of_another_machine_that_stands_still_it_is_waited_for(void)
{
    struct kit k;
    struct process_name other = {.boot = "another", .pid = 1, .started = 1};
    kit_init(&k);
    put_lease(&k, &other, 1000);
    struct store *s = open_one(&k, &usual, false);
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL(claim(s, NULL, 0), OK);
    CU_ASSERT(clock_mono_us() - begun_us >= 1000000);
    s->vtable->close(s);
    kit_fini(&k);
}

static void *count_up(void *arg)
{
    struct kit *k = arg;
    bson_error_t error;
    mongoc_client_t *client = mongoc_client_new(k->uri);
    mongoc_collection_t *leases = mongoc_client_get_collection(client, k->name, MONGO_LEASES);
    bson_t *all = BCON_NEW("_id", "sakurad"), *change = BCON_NEW("$inc", "{", "turn", BCON_INT64(1), "}");
    for (int i = 0; i < 20; i++) {
        usleep(50000);
        must(mongoc_collection_update_one(leases, all, change, NULL, NULL, &error));
    }
    bson_destroy(all);
    bson_destroy(change);
    mongoc_collection_destroy(leases);
    mongoc_client_destroy(client);
    return NULL;
}

static void of_another_machine_that_counts_on_it_is_refused(void)
{
    struct kit k;
    struct process_name other = {.boot = "another", .pid = 1, .started = 1};
    char words[400];
    pthread_t thread;
    kit_init(&k);
    put_lease(&k, &other, 120000);
    struct store *s = open_one(&k, &usual, false);
    must(pthread_create(&thread, NULL, count_up, &k) == 0);
    CU_ASSERT_EQUAL(claim(s, words, sizeof(words)), ERR_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "host far, pid 1"));
    must(pthread_join(thread, NULL) == 0);
    s->vtable->close(s);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_LEASES, "{\"holder\":\"them\"}"), 1); /* not given back by who had it not */
    kit_fini(&k);
}

/* Nobody else has come: what is in memory is still all there is. */
static void without_renewals_nothing_is_written_until_one_succeeds(void)
{
    struct kit k;
    const struct mongo_lease_times quick = {.good_us = 300000, .margin_us = 1000000, .renew_us = 50000};
    kit_init(&k);
    struct store *s = open_one(&k, &quick, false);
    CU_ASSERT_EQUAL(claim(s, NULL, 0), OK);
    UNTIL(may_write(s));
    kit_break(&k, -1, "\"update\"", "\"errorCode\":13");
    UNTIL(!may_write(s));
    CU_ASSERT_FALSE(health_of(s).ok || health_of(s).closed);
    kit_heal(&k);
    UNTIL(may_write(s));
    s->vtable->maintain(s, clock_mono_us() + WAIT_US,
                        true); /* as the writer does: a failure is over when a ping says so */
    CU_ASSERT_TRUE(health_of(s).ok);
    s->vtable->close(s);
    kit_fini(&k);
}

/* As SIGSTOP, or a network that was away: it finds the other's name when it comes back. */
static void who_was_away_too_long_finds_itself_replaced(void)
{
    struct kit k;
    const struct mongo_lease_times slow = {.good_us = 200000, .margin_us = 0, .renew_us = 1500000};
    kit_init(&k);
    struct store *a = open_one(&k, &slow, false), *b = open_one(&k, &usual, true);
    CU_ASSERT_EQUAL(claim(a, NULL, 0), OK);
    CU_ASSERT_EQUAL(claim(b, NULL, 0), OK);
    CU_ASSERT(may_write(b) && !may_write(a));
    UNTIL(health_of(a).closed);
    CU_ASSERT(may_write(b) && !may_write(a));
    a->vtable->close(a);
    CU_ASSERT_TRUE(may_write(b));
    b->vtable->close(b);
    kit_fini(&k);
}

static void change(struct kit *k, bson_t *what)
{
    bson_error_t error;
    mongoc_collection_t *leases = mongoc_client_get_collection(k->client, k->name, MONGO_LEASES);
    bson_t *all = BCON_NEW("_id", "sakurad");
    must(mongoc_collection_update_one(leases, all, what, NULL, NULL, &error));
    bson_destroy(all);
    bson_destroy(what);
    mongoc_collection_destroy(leases);
}

static void a_document_that_was_removed_is_made_again(void)
{
    struct kit k;
    struct mongo_lease_times quick = usual;
    kit_init(&k);
    quick.renew_us = 50000;
    struct store *s = open_one(&k, &quick, false);
    CU_ASSERT_EQUAL(claim(s, NULL, 0), OK);
    CU_ASSERT_EQUAL(kit_remove(&k, MONGO_LEASES, "{}"), 1);
    UNTIL(kit_count(&k, MONGO_LEASES, "{\"holder\":{\"$ne\":\"\"}}") == 1);
    CU_ASSERT_TRUE(may_write(s));
    /* Given back, though not by this one: somebody has been here. */
    change(&k, BCON_NEW("$set", "{", "holder", BCON_UTF8(""), "}"));
    UNTIL(health_of(s).closed);
    CU_ASSERT_FALSE(may_write(s));
    s->vtable->close(s);
    kit_fini(&k);
}

const CU_TestInfo mongo_lease_tests[] = {
    {"the second is refused by name", the_second_is_refused_by_name},
    {"a rolling change hands over", a_rolling_change_hands_over},
    {"of a process that has ended it is taken at once", of_a_process_that_has_ended_it_is_taken_at_once},
    {"of another machine that stands still it is waited for", of_another_machine_that_stands_still_it_is_waited_for},
    {"of another machine that counts on it is refused", of_another_machine_that_counts_on_it_is_refused},
    {"without renewals nothing is written until one succeeds", without_renewals_nothing_is_written_until_one_succeeds},
    {"who was away too long finds itself replaced", who_was_away_too_long_finds_itself_replaced},
    {"a document that was removed is made again", a_document_that_was_removed_is_made_again},
    CU_TEST_INFO_NULL,
};
