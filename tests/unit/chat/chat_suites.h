#pragma once
#include "suite.h"

extern const CU_TestInfo model_tests[];
extern const CU_TestInfo email_tests[];
extern const CU_TestInfo validate_tests[];
extern const CU_TestInfo words_tests[];
extern const CU_TestInfo render_tests[];
extern const CU_TestInfo render_message_tests[];
