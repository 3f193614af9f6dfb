/* suite.h: a CUnit program in a table. Each tests/unit/<folder> program lists its suites:
 *     int main(void) { return suite_run((struct suite[]){{"buf", buf_tests}, {0}}); }
 * Runs all, prints each failed assertion, returns 0 only when at least one test ran and none failed. */
#pragma once
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct suite {
    const char *name;
    const CU_TestInfo *tests; /* ends with CU_TEST_INFO_NULL */
};

int suite_run(const struct suite *suites);
