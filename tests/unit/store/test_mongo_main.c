/* The MongoDB store against a server: tests/support/with-mongo.sh starts one where $SAKURAD_TEST_MONGO_URI is not set. */
#include "cache_walk.h"
#include "conformance.h"
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALKS      3
#define WALK_STEPS 100

static const struct store_factory *factory;

/* One database for all cases, dropped between them. */
static void wipe(void *arg)
{
    struct kit *k = arg;
    bson_error_t error;
    if (!mongoc_database_drop(k->database, &error))
        fprintf(stderr, "wipe: %s\n", error.message);
}

static enum err open_empty(void *arg, struct store **out)
{
    struct kit *k = arg;
    k->principals = true;
    enum err e = kit_open_store(k, NULL, KIT_PATIENT_MS, out);
    k->principals = false;
    return e;
}

static void memory_and_store_answer_alike(void)
{
    const char *steps = getenv("SAKURAD_TEST_STEPS"); /* tools/soak walks further */
    int walks = steps ? (atoi(steps) + WALK_STEPS - 1) / WALK_STEPS : WALKS;
    walk_all(factory, walks, WALK_STEPS);
}

static const CU_TestInfo walk_tests[] = {
    {"memory and store answer alike", memory_and_store_answer_alike},
    CU_TEST_INFO_NULL,
};

static bool named(const char *name, char **names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* unit_mongo: every suite. unit_mongo NAME…: these. unit_mongo --but NAME…: the others, so that a new one is never left out. */
int main(int argc, char **argv)
{
    if (!kit_available()) {
        fprintf(stderr, "SAKURAD_TEST_MONGO_URI is not set: run by tests/support/with-mongo.sh\n");
        return 2;
    }
    if (!kit_owns_server())
        fprintf(stderr, "the server is not ours (SAKURAD_TEST_MONGO_OWN): tests of failures are left out\n");
    struct kit k;
    kit_init(&k);
    factory = &(struct store_factory){.name = "mongodb", .wipe = wipe, .open = open_empty, .arg = &k};
    conformance_use(factory);
    const struct suite all[] = {
        {"conformance", conformance_tests}, {"legacy", mongo_legacy_tests}, {"faults", mongo_fault_tests},
        {"index", mongo_index_tests},       {"lists", mongo_list_tests},    {"migrate", mongo_migrate_tests},
        {"refused", mongo_refused_tests},   {"lease", mongo_lease_tests},   {"walk", walk_tests},
        {"chats", mongo_chat_tests},
    };
    struct suite wanted[sizeof(all) / sizeof(all[0]) + 1] = {0};
    bool but = argc > 1 && strcmp(argv[1], "--but") == 0;
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (argc == 1 || named(all[i].name, argv + 1) != but)
            wanted[count++] = all[i];
    int result = suite_run(wanted);
    kit_fini(&k);
    return result;
}
