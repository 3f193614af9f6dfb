#include "suite.h"

#include <stdio.h>

int suite_run(const struct suite *suites)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    for (const struct suite *s = suites; s->name; s++) {
        CU_pSuite added = CU_add_suite(s->name, NULL, NULL);
        for (const CU_TestInfo *t = s->tests; added && t->pName; t++)
            if (!CU_add_test(added, t->pName, t->pTestFunc))
                added = NULL;
        if (!added) {
            fprintf(stderr, "cannot register suite %s: %s\n", s->name, CU_get_error_msg());
            return 2;
        }
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned ran = CU_get_number_of_tests_run();
    unsigned failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
    CU_cleanup_registry();
    return ran > 0 && failed == 0 ? 0 : 1;
}
