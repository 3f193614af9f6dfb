/* micro.h: a table of microbenchmarks. run(n) does the operation n times; it keeps its results out of the compiler's
 * reach by adding something of them to micro_sink. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct micro {
    const char *name;
    void (*run)(uint64_t n);
};

extern volatile uint64_t micro_sink;
extern const struct micro micro_text[], micro_handoff[]; /* each ends with a zeroed row */
void micro_measure(const struct micro *m);               /* prints its line */
