/* conformance.h: what every store must do: one table of cases, each on an empty database that the factory gives.
 * A program that runs them calls conformance_use() first: main.c for SQLite, test_mongo_main.c for MongoDB. */
#pragma once
#include "store_rig.h"

void conformance_use(const struct store_factory *factory);
extern const CU_TestInfo conformance_tests[];
