/* Which option somebody meant who made a slip in its name. */
#include "config_value.h"

#define NAME_LEN 80 /* longer ones are compared by their beginning */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, left out, exchanged, or swapped with the next one, to make one of the other. */
static size_t distance(struct slice a, struct slice b)
{
    size_t rows[3][NAME_LEN + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    a.len = least(a.len, NAME_LEN);
    b.len = least(b.len, NAME_LEN);
    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = a.ptr[i - 1] == b.ptr[j - 1];
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

/* Near: less than half of it is different. */
const struct option_row *option_near(struct slice name, bool settable)
{
    const struct option_row *nearest = NULL;
    size_t best = least(name.len, NAME_LEN) / 2 + 1;
    for (unsigned i = 0; i < option_count; i++) {
        if (settable && !option_settable(&option_rows[i]))
            continue;
        size_t away = distance(name, slice_cstr(option_rows[i].flag));
        if (away < best) {
            best = away;
            nearest = &option_rows[i];
        }
    }
    return nearest;
}
