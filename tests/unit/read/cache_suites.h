#pragma once
#include "cache_kit.h"

extern const CU_TestInfo compose_tests[];
extern const CU_TestInfo event_tests[];
extern const CU_TestInfo follow_tests[];
extern const CU_TestInfo cache_tests[];
extern const CU_TestInfo cache_load_tests[];
extern const CU_TestInfo cache_thread_tests[];
extern const CU_TestInfo view_tests[];
extern const CU_TestInfo view_since_tests[];
extern const CU_TestInfo view_owner_tests[];
extern const CU_TestInfo cursor_tests[];
extern const CU_TestInfo marks_tests[];
extern const CU_TestInfo marks_since_tests[];
extern const CU_TestInfo chat_row_tests[];
extern const CU_TestInfo compressor_tests[];
extern const CU_TestInfo reader_tests[];
