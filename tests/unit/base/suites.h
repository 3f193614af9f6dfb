/* suites.h: what each test_*.c of this program gives to main.c. */
#pragma once
#include "suite.h"

extern const CU_TestInfo blob_tests[];
extern const CU_TestInfo buf_tests[];
extern const CU_TestInfo clock_tests[];
extern const CU_TestInfo err_tests[];
extern const CU_TestInfo id_tests[];
extern const CU_TestInfo log_tests[];
extern const CU_TestInfo map_tests[];
extern const CU_TestInfo memory_tests[];
extern const CU_TestInfo metrics_tests[];
