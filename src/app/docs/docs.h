/* docs.h: what is said of the options outside --help, printed from their table by a program of the build (cmake/docs.cmake).
 * Thread:  main; no other. */
#pragma once
#include "config_value.h"

void docs_man(struct buf *out);        /* sakurad(8), in man(7)'s macros */
void docs_page(struct buf *out);       /* docs/configuration.md */
void docs_completion(struct buf *out); /* for bash */

static inline bool docs_begins_group(const struct option_row *row)
{
    return row == option_rows || strcmp(row->group, row[-1].group) != 0;
}

/* "10000 ms", "one per core"; false: it has none. */
static inline bool docs_default(const struct option_row *row, struct buf *out)
{
    if (row->computed)
        buf_append_slice(out, slice_cstr(row->computed_text));
    else if (row->fallback)
        buf_printf(out, "%s%s%s", row->fallback, row->unit ? " " : "", row->unit ? row->unit : "");
    return row->computed || row->fallback;
}
