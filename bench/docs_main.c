/* sakurad-bench-docs man FILE: sakurad-bench(1) from the table of options. Not installed. */
#include "option_table.h"

#include <string.h>

static void put(FILE *to, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '-' || *c == '\\')
            fputs(*c == '-' ? "\\-" : "\\e", to);
        else if (*c == '\'')
            fputs("\\(aq", to);
        else
            fputc(*c, to);
    }
}

static void put_modes(FILE *to)
{
    for (const struct mode_row *m = mode_rows; m->names; m++) {
        fputs(m->help ? ".TP\n.B " : ".SS ", to);
        put(to, m->names);
        fputc('\n', to);
        if (m->help)
            put(to, m->help);
        fputs(m->help ? "\n" : "", to);
    }
}

static void put_option(FILE *to, const struct option_row *row)
{
    fputs(".TP\n\\fB\\-\\-", to);
    put(to, row->name);
    fputs("\\fR", to);
    if (row->value) {
        fputs(" \\fI", to);
        put(to, row->value);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    put(to, row->help);
    fputc('\n', to);
}

static void put_page(FILE *to)
{
    fputs(".TH SAKURAD\\-BENCH 1 \"\" \"sakurad " SAKURAD_VERSION "\" \"User Commands\"\n.nh\n.ad l\n"
          ".SH NAME\nsakurad\\-bench \\- load generator for sakurad and servers like it\n"
          ".SH SYNOPSIS\n.B sakurad\\-bench\n.I MODE\n.RI [ OPTION ]...\n"
          ".SH DESCRIPTION\nMakes HTTP requests and WebSockets at a rate or as fast as they are answered, and reports\n"
          "rates, percentiles of the latency, errors, and what the server used of the machine meanwhile.\n.SH MODES\n",
          to);
    put_modes(to);
    fputs(".SH OPTIONS\n", to);
    for (unsigned i = 0; i < option_count; i++) {
        if (i == 0 || strcmp(option_rows[i].group, option_rows[i - 1].group) != 0) {
            fputs(".SS ", to);
            put(to, option_rows[i].group);
            fputc('\n', to);
        }
        put_option(to, &option_rows[i]);
    }
    fputs(
        ".SH EXIT STATUS\n0 after a run, also one with errors, which are in the report; 1 where it could not be made;\n"
        "2 for a wrong option.\n.SH SEE ALSO\n.BR sakurad (8)\n",
        to);
}

int main(int argc, char **argv)
{
    FILE *to = argc == 3 && strcmp(argv[1], "man") == 0 ? fopen(argv[2], "we") : NULL;
    if (!to) {
        fputs("usage: sakurad-bench-docs man FILE\n", stderr);
        return 1;
    }
    put_page(to);
    return ferror(to) | fclose(to) ? 1 : 0;
}
