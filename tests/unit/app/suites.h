#pragma once
#include "suite.h"

extern const CU_TestInfo config_tests[], session_tests[], listener_tests[], announce_tests[];
