/* fault_run.h: one run of the SQLite store over a disk with faults: 200 sends in batches, two clean restarts, two kills (one
 * while a batch is under way), upkeep, and at the end a power cut. The writer's part is played as write/writer.c has it.
 * Thread:  the test's. */
#pragma once
#include "fault_vfs.h"

enum { SENDS = 200 };

struct fault_run {
    struct fault_plan plan;
    enum fault_kept kept; /* where the plan cuts the power */
    bool alone;           /* the writer's connection is the only one */
    int64_t calls;        /* out: how many the plan counted */
};

/* NULL: all that was acknowledged is there. Else what was broken first. */
const char *fault_run(struct fault_run *run);
