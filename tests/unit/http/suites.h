#pragma once
#include "suite.h"

extern const CU_TestInfo parse_table_tests[];
extern const CU_TestInfo parse_tests[];
extern const CU_TestInfo request_tests[];
extern const CU_TestInfo body_tests[];
extern const CU_TestInfo reply_tests[];
extern const CU_TestInfo router_tests[];
extern const CU_TestInfo cors_tests[];
extern const CU_TestInfo origin_tests[];
