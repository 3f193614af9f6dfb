/* Flags are read first, then the environment for what no flag gave, then the file, then the defaults: each option is set
 * from one source, and what a flag overrides need not be right. */
#include "config_value.h"

#include <stdio.h>
#include <stdlib.h>

#define WORD_SHOWN_MAX 80 /* bytes of a word that is no option */

/* A word that is no option: perhaps a mistyped one, or a store's URI in the wrong place. */
static enum err not_an_option(const char *arg, struct buf *message)
{
    struct buf masked = {0};
    bool dashes = strncmp(arg, "--", 2) == 0 && arg[2] != '\0';
    store_mask_uri(arg, &masked);
    struct slice text = buf_slice(&masked);
    const char *sign = dashes && text.len ? memchr(text.ptr, '=', text.len) : NULL;
    if (sign)
        text.len = (size_t)(sign - text.ptr);
    if (!dashes)
        buf_append_char(message, '\'');
    option_show(text, WORD_SHOWN_MAX, message);
    const struct option_row *near = dashes ? option_near(slice_of(text.ptr + 2, text.len - 2), false) : NULL;
    if (near)
        buf_printf(message, " is not an option; did you mean --%s?", near->flag);
    else
        buf_append_slice(message, dashes ? SLICE_LIT(" is not an option; see --help")
                                         : SLICE_LIT("' is not an option; options begin with --, see --help"));
    buf_fini(&masked);
    return ERR_INVALID;
}

static const struct option_row *by_letter(char letter)
{
    for (unsigned i = 0; i < option_count; i++)
        if (option_rows[i].letter == letter)
            return &option_rows[i];
    return NULL;
}

static bool takes_next(const struct option_row *row)
{
    return row->type != OPTION_ACTION && row->type != OPTION_BOOL;
}

/* Reads argv[*at] and, where the value stands apart, argv[*at + 1]. */
static enum err read_flag(struct config *c, int argc, char **argv, int *at, bool *seen, struct buf *message)
{
    const char *arg = argv[*at];
    const struct option_row *letter = arg[0] == '-' && arg[1] && !arg[2] ? by_letter(arg[1]) : NULL;
    if (letter) {
        c->action = (enum config_action)letter->min;
        return OK;
    }
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0')
        return not_an_option(arg, message);
    size_t len = strcspn(arg + 2, "=");
    const struct option_row *row = option_find(slice_of(arg + 2, len));
    if (!row)
        return not_an_option(arg, message);
    char name[OPTION_ENV_LEN];
    snprintf(name, sizeof(name), "--%s", row->flag);
    struct source from = {.row = row, .name = name, .message = message};
    const char *value = arg[2 + len] == '=' ? arg + 2 + len + 1 : NULL;
    if (value && row->type == OPTION_ACTION)
        return option_refuse(&from, value, "is not expected; this option takes no value");
    if (!value && takes_next(row)) {
        if (*at + 1 >= argc) {
            buf_printf(message, "%s needs a value: %s", name, row->help);
            return ERR_INVALID;
        }
        value = argv[++*at];
    }
    seen[row - option_rows] = true;
    c->origin[row - option_rows] = (struct config_origin){.from = CONFIG_FROM_FLAG};
    return option_set(c, &from, value ? value : "true", false);
}

static const char *find_env(char **envp, const char *name)
{
    size_t len = strlen(name);
    for (char **e = envp; e && *e; e++)
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            return *e + len + 1;
    return NULL;
}

/* An empty variable counts as not set, as is usual in files of variables. */
static enum err read_env(struct config *c, const struct option_row *row, char **envp, bool *found, struct buf *message)
{
    char name[OPTION_ENV_LEN], shown[OPTION_ENV_LEN + 16];
    option_env_name(row, name);
    const char *value = option_settable(row) ? find_env(envp, name) : NULL;
    *found = value && value[0];
    if (!*found)
        return OK;
    snprintf(shown, sizeof(shown), "%s (environment)", name);
    c->origin[row - option_rows] = (struct config_origin){.from = CONFIG_FROM_ENVIRONMENT};
    struct source from = {.row = row, .name = shown, .message = message};
    return option_set(c, &from, value, true);
}

static enum err set_default(struct config *c, const struct option_row *row, struct buf *message)
{
    if (row->computed) {
        int64_t value = row->computed();
        memcpy(option_field(c, row), &value, sizeof(value));
        return OK;
    }
    if (!row->fallback) /* an option that is off unless given */
        return OK;
    struct source from = {.row = row, .name = row->flag, .message = message};
    return option_set(c, &from, row->fallback, true);
}

/* Options that mean something beside others only: whoever gives one alone expects what would not happen. */
static enum err check_company(const struct config *c, struct buf *message)
{
    bool dashboard = c->issue_token && slice_starts(slice_cstr(c->issue_token), SLICE_LIT("dashboard"));
    if (c->dry_run && c->action == CONFIG_RUN)
        buf_append_lit(message, "--dry-run goes with --migrate only");
    else if (c->subject && !dashboard)
        buf_append_lit(message, "--subject goes with --issue-token dashboard only");
    else if (c->name && !c->subject)
        buf_append_lit(message, "--name goes with --subject only");
    else
        return OK;
    return ERR_INVALID;
}

/* The environment, the file, the defaults: each for what nothing before it gave. */
static enum err fill_in(struct config *c, char **envp, bool *seen, struct buf *message)
{
    enum err err = OK;
    for (unsigned i = 0; i < option_count && err == OK; i++)
        if (!seen[i])
            err = read_env(c, &option_rows[i], envp, &seen[i], message);
    if (err == OK && c->config_file)
        err = config_read_file(c, seen, message);
    return err;
}

static enum err set_defaults(struct config *c, struct buf *message)
{
    enum err err = OK;
    for (unsigned i = 0; i < option_count && err == OK; i++)
        if (c->origin[i].from == CONFIG_FROM_DEFAULT && option_rows[i].type != OPTION_ACTION)
            err = set_default(c, &option_rows[i], message);
    return err;
}

enum err config_parse(struct config *c, int argc, char **argv, char **envp, struct buf *message)
{
    bool seen[CONFIG_OPTIONS_MAX] = {false};
    enum err err = OK;
    must(option_count <= CONFIG_OPTIONS_MAX);
    *c = (struct config){.action = CONFIG_RUN};
    for (int i = 1; i < argc && err == OK; i++) {
        err = read_flag(c, argc, argv, &i, seen, message);
        if (c->action == CONFIG_HELP || c->action == CONFIG_VERSION)
            break; /* these answer whatever else is wrong */
    }
    if (err == OK && c->action != CONFIG_HELP && c->action != CONFIG_VERSION)
        err = fill_in(c, envp, seen, message);
    if (err == OK)
        err = set_defaults(c, message);
    if (err == OK)
        err = check_company(c, message);
    c->store.owners_matter = c->auth_key.count > 0;
    if (err == ERR_NOMEM)
        buf_append_lit(message, "no memory for the options");
    if (err != OK)
        config_fini(c);
    return err;
}

enum log_format config_log_format(int argc, char **argv, char **envp)
{
    static const char flag[] = "--log-format";
    const char *value = find_env(envp, "SAKURAD_LOG_FORMAT");
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], flag, sizeof(flag) - 1) != 0)
            continue;
        const char *rest = argv[i] + sizeof(flag) - 1;
        value = rest[0] == '=' ? rest + 1 : rest[0] == '\0' ? argv[i + 1] : value;
    }
    return value && strcmp(value, "json") == 0 ? LOG_JSON : LOG_TEXT;
}

void config_fini(struct config *c)
{
    for (unsigned i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->type == OPTION_TEXT) {
            char **text = option_field(c, row);
            free(*text);
        } else if (row->type == OPTION_LIST) {
            struct config_list *list = option_field(c, row);
            for (unsigned k = 0; k < list->count; k++)
                free(list->items[k]);
        }
    }
    *c = (struct config){0};
}
