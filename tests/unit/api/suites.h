#pragma once
#include "suite.h"

extern const CU_TestInfo auth_tests[], routes_tests[], budget_tests[], scope_tests[], token_cache_tests[],
    rate_limit_tests[], problem_tests[], rights_tests[];
