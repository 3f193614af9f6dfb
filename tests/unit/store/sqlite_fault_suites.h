/* sqlite_fault_suites.h: what each test_*.c of unit_sqlite_faults gives to main_sqlite_faults.c. */
#pragma once
#include "store_rig.h"

extern const CU_TestInfo sqlite_recovery_tests[];
extern const CU_TestInfo sqlite_marks_tests[];
extern const CU_TestInfo sqlite_restart_tests[];
extern const CU_TestInfo sqlite_every_call_tests[];
