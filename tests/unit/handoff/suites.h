/* suites.h: what each test_*.c of this program gives to main.c. */
#pragma once
#include "suite.h"

extern const CU_TestInfo mailbox_tests[];
extern const CU_TestInfo ring_tests[];
