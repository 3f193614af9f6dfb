/* What --help and --print-config write. */
#include "config_value.h"

#define HELP_WIDTH  100
#define HELP_INDENT 6

/* Breaks text into lines of HELP_WIDTH bytes, each indented. */
static void append_wrapped(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        size_t len = text.len;
        if (len > HELP_WIDTH - HELP_INDENT) {
            len = HELP_WIDTH - HELP_INDENT;
            while (len > 1 && text.ptr[len] != ' ')
                len--;
            if (len <= 1)
                len = strcspn(text.ptr, " "); /* a word longer than the line stays whole */
        }
        buf_printf(out, "%*s%.*s\n", HELP_INDENT, "", (int)len, text.ptr);
        text.ptr += len;
        text.len -= len;
        while (text.len > 0 && text.ptr[0] == ' ') {
            text.ptr++;
            text.len--;
        }
    }
}

static void append_default(struct buf *text, const struct option_row *row)
{
    const char *unit = row->unit ? row->unit : "";
    const char *space = row->unit ? " " : "";
    if (row->type == OPTION_CHOICE) {
        buf_append_lit(text, " One of");
        for (int i = 0; row->choices[i]; i++)
            buf_printf(text, "%s %s", i == 0 ? "" : ",", row->choices[i]);
        buf_append_char(text, '.');
    }
    if (row->computed)
        buf_printf(text, " Default: %s.", row->computed_text);
    else if (row->fallback)
        buf_printf(text, " Default: %s%s%s.", row->fallback, space, unit);
    if (row->type == OPTION_INT)
        buf_printf(text, " Range: %lld to %lld%s%s.", (long long)row->min, (long long)row->max, space, unit);
}

static void append_option(struct buf *out, const struct option_row *row)
{
    struct buf text = {0};
    if (row->letter)
        buf_printf(out, "  -%c,", row->letter);
    buf_printf(out, row->letter ? " --%s%s%s\n" : "  --%s%s%s\n", row->flag, row->placeholder ? " " : "",
               row->placeholder ? row->placeholder : "");
    buf_append_slice(&text, slice_cstr(row->help));
    append_default(&text, row);
    if (option_settable(row)) {
        char env[OPTION_ENV_LEN];
        option_env_name(row, env);
        buf_printf(&text, " Environment: %s.", env);
    }
    append_wrapped(out, slice_cstr(buf_cstr(&text)));
    buf_fini(&text);
}

void config_help(struct buf *out)
{
    buf_append_lit(out,
                   "Usage: sakurad [--OPTION VALUE | --OPTION=VALUE]...\n"
                   "A chat server: messages are saved durably, dashboards are notified by WebSocket.\n"
                   "Flags win over the environment, the environment over the file of --config.\n"
                   "Lists in the environment are separated by commas. Times take a unit (500ms, 10s, 2m, 1h, 7d),\n"
                   "sizes too (512K, 64M, 1G; 1K is 1024).\n");
    for (unsigned i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (i == 0 || strcmp(row->group, row[-1].group) != 0)
            buf_printf(out, "\n%s:\n", row->group);
        append_option(out, row);
    }
}

static void print_list(const struct config_list *list, struct buf *out)
{
    for (unsigned i = 0; i < list->count; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ",", list->items[i]);
}

static void print_value(const struct config *c, const struct option_row *row, struct buf *out)
{
    const char *field = (const char *)c + row->offset;
    int choice;
    int64_t number;
    const char *text;
    switch (row->type) {
    case OPTION_ACTION:
        break;
    case OPTION_BOOL:
        buf_append_slice(out, *(const bool *)field ? SLICE_LIT("true") : SLICE_LIT("false"));
        break;
    case OPTION_INT:
        memcpy(&number, field, sizeof(number));
        buf_append_i64(out, number);
        break;
    case OPTION_CHOICE:
        memcpy(&choice, field, sizeof(choice));
        buf_append_slice(out, slice_cstr(row->choices[choice]));
        break;
    case OPTION_TEXT:
        memcpy(&text, field, sizeof(text));
        if (text && row->uri)
            store_mask_uri(text, out);
        else
            buf_append_slice(out, slice_cstr(text));
        break;
    case OPTION_LIST:
        print_list((const void *)field, out);
        break;
    }
}

/* A comment, for what is not the default: the whole can be given to --config again. */
static void print_origin(const struct config *c, unsigned row, struct buf *out)
{
    char env[OPTION_ENV_LEN];
    switch (c->origin[row].from) {
    case CONFIG_FROM_DEFAULT:
        break;
    case CONFIG_FROM_FLAG:
        buf_printf(out, "# by --%s:\n", option_rows[row].flag);
        break;
    case CONFIG_FROM_ENVIRONMENT:
        option_env_name(&option_rows[row], env);
        buf_printf(out, "# by %s of the environment:\n", env);
        break;
    case CONFIG_FROM_FILE:
        buf_printf(out, "# by %s:%u:\n", c->config_file, c->origin[row].line);
        break;
    }
}

void config_print(const struct config *c, struct buf *out)
{
    for (unsigned i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (!option_settable(row))
            continue;
        print_origin(c, i, out);
        buf_printf(out, "%s = ", row->flag);
        print_value(c, row, out);
        buf_append_char(out, '\n');
    }
}
