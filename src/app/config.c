/* Flags are read first, then the environment for what no flag gave, then the defaults: each option is set from one
 * source, and what a flag overrides need not be right. */
#include "config_table.h"

#include <stdio.h>
#include <stdlib.h>

#define OPTIONS_MAX    128
#define SHOWN_MAX      120 /* bytes of a bad value that an error repeats */
#define WORD_SHOWN_MAX 80  /* and of a word that is no option */

/* Where a value comes from, to be named in an error. */
struct source {
    const struct option_row *row;
    const char *name; /* "--cache-mb", or "SAKURAD_CACHE_MB (environment)" */
    struct buf *message;
};

/* As much of it as fits a line of a terminal, on one line. */
static void show_text(struct slice text, size_t most, struct buf *out)
{
    for (size_t i = 0; i < text.len && i < most; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_char(out, c < 0x20 || c == 0x7f ? '?' : text.ptr[i]);
    }
    if (text.len > most)
        buf_append_lit(out, "…");
}

static void show_value(const struct option_row *row, const char *value, struct buf *out)
{
    struct buf masked = {0};
    if (row->uri)
        store_mask_uri(value, &masked);
    else
        buf_append_slice(&masked, slice_cstr(value));
    buf_append_char(out, '\'');
    show_text(buf_slice(&masked), SHOWN_MAX, out);
    buf_append_char(out, '\'');
    buf_fini(&masked);
}

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
    show_text(text, WORD_SHOWN_MAX, message);
    buf_append_slice(message, dashes ? SLICE_LIT(" is not an option; see --help")
                                     : SLICE_LIT("' is not an option; options begin with --, see --help"));
    buf_fini(&masked);
    return ERR_INVALID;
}

/* "--cache-mb: '0' <what>" */
static enum err refuse(const struct source *from, const char *value, const char *what)
{
    buf_printf(from->message, "%s: ", from->name);
    show_value(from->row, value, from->message);
    buf_printf(from->message, " %s", what);
    return ERR_INVALID;
}

static enum err set_int(const struct source *from, int64_t *field, const char *value)
{
    const struct option_row *row = from->row;
    uint64_t number;
    bool digits = slice_to_u64(slice_cstr(value), &number);
    if (digits && number <= INT64_MAX && (int64_t)number >= row->min && (int64_t)number <= row->max) {
        *field = (int64_t)number;
        return OK;
    }
    bool all_digits = value[0] && value[strspn(value, "0123456789")] == '\0';
    char what[160];
    snprintf(what, sizeof(what), "%s; give %lld to %lld%s%s", all_digits ? "is out of range" : "is not a whole number",
             (long long)row->min, (long long)row->max, row->unit ? " " : "", row->unit ? row->unit : "");
    return refuse(from, value, what);
}

static enum err set_bool(const struct source *from, bool *field, const char *value)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq_nocase(slice_cstr(value), slice_cstr(words[i]))) {
            *field = i % 2 == 1;
            return OK;
        }
    return refuse(from, value, "is neither true nor false; give true or false");
}

static enum err set_choice(const struct source *from, void *field, const char *value)
{
    const char *const *choices = from->row->choices;
    struct buf what = {0};
    buf_append_lit(&what, "is not known; give ");
    for (int i = 0; choices[i]; i++) {
        if (strcmp(value, choices[i]) == 0) {
            memcpy(field, &i, sizeof(i)); /* our enums are ints */
            buf_fini(&what);
            return OK;
        }
        buf_printf(&what, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
    }
    enum err err = refuse(from, value, buf_cstr(&what));
    buf_fini(&what);
    return err;
}

static enum err check_text(const struct source *from, const char *value)
{
    const char *wrong = value[0] == '\0' ? "is empty; give a value" : NULL;
    if (!wrong && from->row->check)
        wrong = from->row->check(value);
    return wrong ? refuse(from, value, wrong) : OK;
}

static enum err set_text(const struct source *from, char **field, const char *value)
{
    enum err err = check_text(from, value);
    if (err != OK)
        return err;
    char *copy = strdup(value);
    if (!copy)
        return ERR_NOMEM;
    free(*field);
    *field = copy;
    return OK;
}

static bool any_free_port(const char *value)
{
    return slice_ends(slice_cstr(value), SLICE_LIT(":0"));
}

static char *tidied(const struct option_row *row, const char *value)
{
    struct buf tidy = {0};
    if (!row->tidy)
        return strdup(value);
    row->tidy(value, &tidy);
    char *copy = buf_ok(&tidy) ? strdup(buf_cstr(&tidy)) : NULL;
    buf_fini(&tidy);
    return copy;
}

static enum err add_item(const struct source *from, struct config_list *list, const char *given)
{
    enum err err = check_text(from, given);
    if (err != OK)
        return err;
    char *value = tidied(from->row, given);
    if (!value)
        return ERR_NOMEM;
    const char *wrong = list->count == CONFIG_LIST_MAX ? "is one too many; give at most 32" : NULL;
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->items[i], value) == 0 && !any_free_port(value))
            wrong = "is given twice; give each once";
    if (!wrong) {
        list->items[list->count++] = value;
        return OK;
    }
    free(value);
    return refuse(from, given, wrong);
}

/* Items separated by commas, with spaces around them allowed. */
static enum err add_items(const struct source *from, struct config_list *list, const char *value)
{
    enum err err = OK;
    for (const char *at = value; err == OK;) {
        size_t len = strcspn(at, ",");
        struct slice item = slice_trim(slice_of(at, len), " \t");
        char *copy = strndup(item.ptr, item.len);
        if (!copy)
            return ERR_NOMEM;
        err = add_item(from, list, copy);
        free(copy);
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    return err;
}

static enum err set_value(struct config *c, const struct source *from, const char *value, bool list_text)
{
    void *field = option_field(c, from->row);
    switch (from->row->type) {
    case OPTION_ACTION:
        c->action = (enum config_action)from->row->min;
        return OK;
    case OPTION_BOOL:
        return set_bool(from, field, value);
    case OPTION_INT:
        return set_int(from, field, value);
    case OPTION_CHOICE:
        return set_choice(from, field, value);
    case OPTION_TEXT:
        return set_text(from, field, value);
    case OPTION_LIST:
        return list_text ? add_items(from, field, value) : add_item(from, field, value);
    }
    must(false); /* the table holds a type that is not in the enum */
    return ERR_INVALID;
}

static const struct option_row *find_row(struct slice flag)
{
    for (unsigned i = 0; i < option_count; i++)
        if (slice_eq(flag, slice_cstr(option_rows[i].flag)))
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
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0')
        return not_an_option(arg, message);
    size_t len = strcspn(arg + 2, "=");
    const struct option_row *row = find_row(slice_of(arg + 2, len));
    if (!row)
        return not_an_option(arg, message);
    char name[OPTION_ENV_LEN];
    snprintf(name, sizeof(name), "--%s", row->flag);
    struct source from = {.row = row, .name = name, .message = message};
    const char *value = arg[2 + len] == '=' ? arg + 2 + len + 1 : NULL;
    if (value && row->type == OPTION_ACTION)
        return refuse(&from, value, "is not expected; this option takes no value");
    if (!value && takes_next(row)) {
        if (*at + 1 >= argc) {
            buf_printf(message, "%s needs a value: %s", name, row->help);
            return ERR_INVALID;
        }
        value = argv[++*at];
    }
    seen[row - option_rows] = true;
    return set_value(c, &from, value ? value : "true", false);
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
    const char *value = row->type == OPTION_ACTION || row->flag_only ? NULL : find_env(envp, name);
    *found = value && value[0];
    if (!*found)
        return OK;
    snprintf(shown, sizeof(shown), "%s (environment)", name);
    struct source from = {.row = row, .name = shown, .message = message};
    return set_value(c, &from, value, true);
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
    return set_value(c, &from, row->fallback, true);
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

enum err config_parse(struct config *c, int argc, char **argv, char **envp, struct buf *message)
{
    bool seen[OPTIONS_MAX] = {false};
    enum err err = OK;
    must(option_count <= OPTIONS_MAX);
    *c = (struct config){.action = CONFIG_RUN};
    for (int i = 1; i < argc && err == OK; i++) {
        err = read_flag(c, argc, argv, &i, seen, message);
        if (c->action == CONFIG_HELP || c->action == CONFIG_VERSION)
            break; /* these answer whatever else is wrong */
    }
    bool asked_only = c->action == CONFIG_HELP || c->action == CONFIG_VERSION;
    for (unsigned i = 0; i < option_count && err == OK; i++) {
        const struct option_row *row = &option_rows[i];
        bool found = seen[i];
        if (!found && !asked_only)
            err = read_env(c, row, envp, &found, message);
        if (!found && err == OK && row->type != OPTION_ACTION)
            err = set_default(c, row, message);
    }
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
