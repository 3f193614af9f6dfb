/* option_table.h: the options of sakurad-bench, one row each: what --help and sakurad-bench(1) are printed from.
 * Thread:  constant data. */
#pragma once
#include "options.h"

#include <stddef.h>
#include <stdio.h>

#define OPTION_ROWS_MAX 64

enum option_kind { OPTION_UNSIGNED, OPTION_REAL, OPTION_TEXT, OPTION_FLAG, OPTION_LIST, OPTION_SPECIAL };

struct option_row {
    const char *group;
    const char *name;
    const char *value; /* what --help writes for it; NULL: it takes none */
    enum option_kind kind;
    size_t offset, count_offset; /* in struct options; of a list, and of how many it has */
    double min, max;
    const char *help;
};

struct mode_row {
    const char *names;
    const char *help;
};

extern const struct option_row option_rows[];
extern const unsigned option_count;
extern const struct mode_row mode_rows[]; /* a row without help begins a group; ends with {0} */

void options_help(FILE *to);
