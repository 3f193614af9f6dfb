/* Variables that look like ours and are none: a name with a slip in it would be passed over without a word. */
#include "config_value.h"

#define PREFIX   "SAKURAD_"
#define NAME_LEN 80 /* bytes of a name that are shown */

/* SAKURAD_CACHE_MB as a flag: cache-mb. False: it is too long for one, or has letters that no variable of ours has. */
static bool flag_of(struct slice name, char out[static OPTION_ENV_LEN], struct slice *flag)
{
    const size_t own = sizeof(PREFIX) - 1;
    if (name.len - own >= OPTION_ENV_LEN)
        return false;
    for (size_t i = own; i < name.len; i++) {
        char c = name.ptr[i];
        if (c >= 'a' && c <= 'z')
            return false;
        out[i - own] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '_' ? '-' : c;
    }
    *flag = slice_of(out, name.len - own);
    return true;
}

/* Reports the variable, with the option that is nearest to it, where there is one. */
static void unknown(struct slice name, const struct option_row *near, struct buf *out)
{
    option_show(name, NAME_LEN, out);
    buf_append_lit(out, " (environment) is no option of this version");
    if (near) {
        char env[OPTION_ENV_LEN];
        option_env_name(near, env);
        buf_printf(out, "; did you mean %s?", env);
    }
    buf_append_char(out, '\n');
}

void config_unknown_env(char **envp, struct buf *out)
{
    for (char **e = envp; e && *e; e++) {
        struct slice name = slice_of(*e, strcspn(*e, "=")), flag;
        char room[OPTION_ENV_LEN];
        if (!slice_starts(name, SLICE_LIT(PREFIX)))
            continue;
        bool plain = flag_of(name, room, &flag);
        const struct option_row *row = plain ? option_find(flag) : NULL;
        if (!row || !option_settable(row))
            unknown(name, plain && !row ? option_near(flag, true) : NULL, out);
    }
}
