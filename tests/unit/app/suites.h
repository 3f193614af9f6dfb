#pragma once
#include "suite.h"

extern const CU_TestInfo session_tests[], listener_tests[];
