/* The MongoDB store against a server: tests/support/with-mongo.sh starts one where $SAKURAD_TEST_MONGO_URI is not set. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include <stdio.h>

int main(void)
{
    if (!kit_available()) {
        fprintf(stderr, "SAKURAD_TEST_MONGO_URI is not set: run by tests/support/with-mongo.sh\n");
        return 2;
    }
    if (!kit_owns_server())
        fprintf(stderr, "the server is not ours (SAKURAD_TEST_MONGO_OWN): tests of failures are left out\n");
    return suite_run((struct suite[]){
        {"mongo legacy", mongo_legacy_tests},
        {"mongo faults", mongo_fault_tests},
        {"mongo index", mongo_index_tests},
        {"mongo lists", mongo_list_tests},
        {0},
    });
}
