/* Variables that look like ours and are none: a name with a slip in it would be passed over without a word. */
#include "config_table.h"

#define PREFIX   "SAKURAD_"
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

static bool is_option(const struct option_row *row)
{
    return row->type != OPTION_ACTION && !row->flag_only;
}

/* The nearest name, where it is near at all: less than half of it is different. False: it is one of ours. */
static bool nearest(struct slice name, char out[static OPTION_ENV_LEN])
{
    const size_t own = sizeof(PREFIX) - 1;
    size_t best = (name.len - own) / 2 + 1;
    out[0] = '\0';
    for (unsigned i = 0; i < option_count; i++) {
        char env[OPTION_ENV_LEN];
        option_env_name(&option_rows[i], env);
        if (!is_option(&option_rows[i]))
            continue;
        size_t away = distance(name, slice_cstr(env));
        if (away == 0)
            return false;
        if (away < best) {
            best = away;
            memcpy(out, env, sizeof(env));
        }
    }
    return true;
}

void config_unknown_env(char **envp, struct buf *out)
{
    for (char **e = envp; e && *e; e++) {
        struct slice name = slice_of(*e, strcspn(*e, "="));
        char near[OPTION_ENV_LEN];
        if (!slice_starts(name, SLICE_LIT(PREFIX)) || !nearest(name, near))
            continue;
        for (size_t i = 0; i < name.len && i < NAME_LEN; i++)
            buf_append_char(out, name.ptr[i] > ' ' && name.ptr[i] < 0x7f ? name.ptr[i] : '?');
        buf_append_lit(out, " (environment) is no option of this version");
        if (near[0])
            buf_printf(out, "; did you mean %s?", near);
        buf_append_char(out, '\n');
    }
}
