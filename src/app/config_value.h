/* config_value.h: from words to an option's value. Private to app/config*.c.
 * Thread:  main, before threads start.
 * Fails:   ERR_INVALID with the sentence in source.message; ERR_NOMEM without. */
#pragma once
#include "config_table.h"

/* Where a value comes from, to be named in an error. */
struct source {
    const struct option_row *row;
    const char *name; /* "--cache-mb", "SAKURAD_CACHE_MB (environment)" or "FILE:3: cache-mb" */
    struct buf *message;
};

/* list_text: items of a list are separated by commas; else the value is one item. */
NODISCARD enum err option_set(struct config *c, const struct source *from, const char *value, bool list_text);
/* "--cache-mb: '0' <what>" */
NODISCARD enum err option_refuse(const struct source *from, const char *value, const char *what);
/* As much of it as fits a line of a terminal, on one line. */
void option_show(struct slice text, size_t most, struct buf *out);

/* config_number.c: "75000", "75s", "64M": see there. */
enum number { NUMBER_GOOD, NUMBER_NONE, NUMBER_FAR, NUMBER_PART };
enum number option_number(const struct option_row *row, const char *text, int64_t *out);
const char *option_units(const struct option_row *row); /* ", or with a unit: …"; "" where it takes none */

/* config_near.c: the option that is meant by a name with a slip in it; NULL: none is near.
 * settable: only those that the environment and files have. */
const struct option_row *option_near(struct slice name, bool settable);

/* config_file.c: values of --config for those options that nothing said. seen: what flags and the environment gave. */
NODISCARD enum err config_read_file(struct config *c, const bool *seen, struct buf *message);

static inline bool option_settable(const struct option_row *row)
{
    return row->type != OPTION_ACTION && !row->flag_only;
}
