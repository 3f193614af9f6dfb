/* suites.h: what each test_*.c of unit_store gives to main.c. */
#pragma once
#include "store_rig.h"

extern const CU_TestInfo bson_row_tests[];
extern const CU_TestInfo check_tests[];
extern const CU_TestInfo lease_rule_tests[];
extern const CU_TestInfo sqlite_tests[];
extern const CU_TestInfo sqlite_fault_tests[];
extern const CU_TestInfo sqlite_plan_tests[];
extern const CU_TestInfo sqlite_search_tests[];
extern const CU_TestInfo sqlite_watch_tests[];
extern const CU_TestInfo sqlite_rule_tests[];
