/* fault_run.h: one run of the SQLite store over a disk with faults: 200 sends in batches, two clean restarts, two kills (one
 * while a batch is under way), upkeep, and at the end a power cut. The writer's part is played as store/writer.c has it.
 * Thread:  the test's. */
#pragma once
#include "fault_vfs.h"

enum { SENDS = 200 };

/* NULL: all that was acknowledged is there. Else what was broken first. calls: how many the plan counted. */
const char *fault_run(const struct fault_plan *plan, enum fault_kept kept, int64_t *calls);
