#pragma once
#include "suite.h"

extern const CU_TestInfo loop_tests[], timer_tests[], share_tests[];
