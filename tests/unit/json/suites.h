#pragma once
#include "suite.h"

extern const CU_TestInfo json_table_tests[];
extern const CU_TestInfo json_in_tests[];
extern const CU_TestInfo json_out_tests[];
