/* The MongoDB store against a server: tests/support/with-mongo.sh starts one where $SAKURAD_TEST_MONGO_URI is not set. */
#include "conformance.h"
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include <stdio.h>
#include <string.h>

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
    return kit_open_store(arg, NULL, KIT_PATIENT_MS, out);
}

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
    conformance_use(&(struct store_factory){.name = "mongodb", .wipe = wipe, .open = open_empty, .arg = &k});
    struct suite all[] = {
        {"conformance of mongodb", conformance_tests},
        {"mongo legacy", mongo_legacy_tests},
        {"mongo faults", mongo_fault_tests},
        {"mongo index", mongo_index_tests},
        {"mongo lists", mongo_list_tests},
        {"mongo migrate", mongo_migrate_tests},
        {0},
    };
    struct suite one[2] = {0}; /* an argument: only that suite */
    for (size_t i = 0; argc > 1 && all[i].name; i++)
        if (strcmp(all[i].name, argv[1]) == 0)
            one[0] = all[i];
    int result = suite_run(argc > 1 ? one : all);
    kit_fini(&k);
    return result;
}
