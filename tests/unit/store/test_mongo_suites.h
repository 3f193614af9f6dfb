/* test_mongo_suites.h: what test_mongo_main.c runs. */
#pragma once
#include <CUnit/CUnit.h>

extern const CU_TestInfo mongo_legacy_tests[];
extern const CU_TestInfo mongo_chat_tests[];
extern const CU_TestInfo mongo_fault_tests[];
extern const CU_TestInfo mongo_index_tests[];
extern const CU_TestInfo mongo_lease_tests[];
extern const CU_TestInfo mongo_list_tests[];
extern const CU_TestInfo mongo_migrate_tests[];
extern const CU_TestInfo mongo_refused_tests[];
