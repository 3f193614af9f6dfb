/* write_suites.h: what each test_*.c of unit_write gives to main.c. */
#pragma once
#include "store_rig.h"

extern const CU_TestInfo kind_tests[];
extern const CU_TestInfo batch_tests[];
extern const CU_TestInfo op_tests[];
extern const CU_TestInfo writer_tests[];
