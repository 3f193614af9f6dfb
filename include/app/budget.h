/* budget.h: how much memory the options allow in all: every bound multiplied out, worst case, as --print-config shows.
 * Thread:  any; no state.
 * The rows are what can be held at once. What they leave out is said in docs/reliability.md: the allocator's overhead,
 * the program itself, and the store library's own memory. */
#pragma once
#include "app/config.h"

#define BUDGET_ROWS_MAX 32

struct budget_row {
    const char *what;
    const char *from; /* the options that bound it, and how */
    int64_t bytes;
};

struct budget {
    struct budget_row rows[BUDGET_ROWS_MAX];
    unsigned count;
    int64_t total_bytes; /* INT64_MAX: past counting */
};

void budget_compute(const struct config *c, struct budget *out);
/* Comment lines ("# …") for --print-config. */
void budget_print(const struct config *c, struct buf *out);
