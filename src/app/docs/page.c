/* docs/configuration.md: a table for each group. */
#include "docs.h"

/* A bar would end the cell. */
static void put_cell(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            buf_append_char(out, '\\');
        buf_append_char(out, *c);
    }
}

static void put_default(const struct option_row *row, struct buf *out)
{
    struct buf text = {0};
    bool code = row->fallback && row->type != OPTION_INT;
    if (docs_default(row, &text))
        buf_printf(out, code ? "`%s`" : "%s", buf_cstr(&text));
    buf_fini(&text);
}

static void put_values(const struct option_row *row, struct buf *out)
{
    if (row->type == OPTION_INT)
        buf_printf(out, "%lld to %lld", (long long)row->min, (long long)row->max);
    if (row->type == OPTION_BOOL)
        buf_append_lit(out, "true, false");
    for (int i = 0; row->type == OPTION_CHOICE && row->choices[i]; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
}

static void put_option(const struct option_row *row, struct buf *out)
{
    char env[OPTION_ENV_LEN];
    option_env_name(row, env);
    buf_append_lit(out, "| ");
    if (row->letter)
        buf_printf(out, "`-%c`, ", row->letter);
    buf_printf(out, "`--%s%s%s`", row->flag, row->placeholder ? " " : "", row->placeholder ? row->placeholder : "");
    if (option_settable(row))
        buf_printf(out, "<br>`%s`", env);
    buf_append_lit(out, " | ");
    put_default(row, out);
    buf_append_lit(out, " | ");
    put_values(row, out);
    buf_append_lit(out, " | ");
    put_cell(out, row->help);
    buf_append_lit(out, " |\n");
}

void docs_page(struct buf *out)
{
    buf_append_lit(
        out,
        "# Configuration\n\n"
        "<!-- Generated from the table of options (src/app/config_table.c): tools/run --build-only, then\n"
        "cp build/release/docs/configuration.md docs/. A test compares them. -->\n\n"
        "Every option is a flag (`--workers 4` or `--workers=4`), a variable of the environment (`SAKURAD_WORKERS=4`)\n"
        "and, with `--config FILE`, a line of a file (`workers = 4`, or `workers 4`). Flags win over the environment, "
        "the\n"
        "environment over the file. A list takes several flags, several lines, or commas in a variable. An empty "
        "variable\n"
        "or value counts as not set. In the file a `#` at the beginning or after a blank begins a comment.\n\n"
        "Times are plain numbers in the option's own unit or take one: `500ms`, `10s`, `2m`, `1h`, `7d`. So do sizes:\n"
        "`512K`, `64M`, `1G` (also `KiB`, `MiB`, `GiB`; `1K` is 1024 bytes). A name with a slip in it is told the one "
        "that\n"
        "was meant; a file that everybody can write, or larger than 256 KiB, is refused. The file is read once, at "
        "the\n"
        "start: SIGHUP reads keys and origins again, and nothing else.\n\n"
        "`sakurad --check-config` finds what a start would refuse. `sakurad --print-config` prints what is in force "
        "and\n"
        "who said it, in the form of a file that `--config` reads. A wrong option ends with status 2.\n");
    for (unsigned i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (docs_begins_group(row))
            buf_printf(out, "\n## %s\n\n| option | default | values | what it does |\n| --- | --- | --- | --- |\n",
                       row->group);
        put_option(row, out);
    }
}
