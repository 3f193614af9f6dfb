/* sakurad(8). A hyphen that people copy is \-; a line must not begin with a dot or a quote. */
#include "docs.h"

static void put(struct buf *out, const char *text)
{
    bool line_begins = out->len == 0 || out->ptr[out->len - 1] == '\n';
    for (const char *c = text; *c; c++) {
        if (line_begins && (*c == '.' || *c == '\''))
            buf_append_lit(out, "\\&");
        line_begins = *c == '\n';
        if (*c == ',' && c[1] && !strchr(" \n", c[1]))
            buf_append_lit(out, ",\\:"); /* a list may be broken here */
        else if (*c == '\\')
            buf_append_lit(out, "\\e");
        else if (*c == '-')
            buf_append_lit(out, "\\-");
        else
            buf_append_char(out, *c);
    }
}

static void put_values(const struct option_row *row, struct buf *out)
{
    struct buf text = {0};
    if (row->type == OPTION_CHOICE) {
        buf_append_lit(&text, "\nOne of");
        for (int i = 0; row->choices[i]; i++)
            buf_printf(&text, "%s %s", i == 0 ? "" : ",", row->choices[i]);
        buf_append_char(&text, '.');
    }
    buf_append_lit(&text, "\nDefault: ");
    if (docs_default(row, &text))
        buf_append_char(&text, '.');
    else
        text.len -= sizeof("\nDefault: ") - 1;
    if (row->type == OPTION_INT)
        buf_printf(&text, "\nRange: %lld to %lld%s%s.", (long long)row->min, (long long)row->max, row->unit ? " " : "",
                   row->unit ? row->unit : "");
    put(out, buf_cstr(&text));
    buf_fini(&text);
}

static void put_option(const struct option_row *row, struct buf *out)
{
    buf_append_lit(out, ".TP\n");
    if (row->letter)
        buf_printf(out, "\\fB\\-%c\\fR, ", row->letter);
    buf_append_lit(out, "\\fB\\-\\-");
    put(out, row->flag);
    buf_append_lit(out, "\\fR");
    if (row->placeholder)
        buf_printf(out, " \\fI%s\\fR", row->placeholder);
    buf_append_char(out, '\n');
    put(out, row->help);
    put_values(row, out);
    if (option_settable(row)) {
        char env[OPTION_ENV_LEN];
        option_env_name(row, env);
        buf_printf(out, "\nEnvironment: %s.", env);
    }
    buf_append_char(out, '\n');
}

static const char head[] =
    ".SH NAME\nsakurad \\- chat server that saves messages durably and notifies dashboards\n"
    ".SH SYNOPSIS\n.B sakurad\n.RI [ \\-\\-OPTION\\~VALUE \\||\\| \\-\\-OPTION=VALUE ]...\n"
    ".SH DESCRIPTION\nsakurad is a chat server for a website's visitors and the agents who answer them.\n"
    "A message is answered once it is on disk; whoever listens by WebSocket is told a moment later.\n"
    "It serves its own pages: the widget for the site, the agents\\(aq console, a page of live charts.\n.PP\n"
    "Flags win over the environment, the environment over the file of \\fB\\-\\-config\\fR.\n"
    "A list in the environment is separated by commas.\n"
    "Times are plain numbers in the option\\(aqs own unit or take one of ms, s, m, h and d, as in 10s;\n"
    "sizes take K, M or G (KiB, MiB, GiB): 1K is 1024 bytes.\n"
    ".SH OPTIONS\n";

static const char tail[] =
    ".SH CONFIGURATION FILE\nA line each: \\fINAME\\fR = \\fIVALUE\\fR, or \\fINAME VALUE\\fR, with the flags\\(aq "
    "names;\n"
    "a list takes several lines; # at the beginning or after a blank begins a comment.\n"
    "It is read once, at the start; it must be a regular file that not everybody can write, of 256 KiB at most.\n"
    "\\fB\\-\\-print\\-config\\fR writes one.\n"
    ".SH SIGNALS\n.TP\nSIGHUP\nReads keys and origins from their files again. Neither options nor the configuration "
    "file.\n"
    ".TP\nSIGTERM, SIGINT, SIGQUIT\nFinishes requests, tells WebSockets to come back, and ends; a second one ends it "
    "at once.\n"
    ".SH SYSTEMD\nIt says when it serves, reloads and stops (Type=notify), and while every loop turns (WatchdogSec=).\n"
    "Listening TCP sockets that are passed to it take the place of \\fB\\-\\-listen\\fR; those named\n"
    "\\fIadmin\\fR (FileDescriptorName=) the place of \\fB\\-\\-admin\\-listen\\fR.\n"
    ".SH EXIT STATUS\n.TP\n0\nIt was told to end and did so in time, or did what an option asked for.\n"
    ".TP\n1\nIt could not start or not end in time.\n.TP\n2\nThe configuration is wrong; nothing was started.\n"
    ".SH FILES\n.TP\n.I /etc/sakurad/sakurad.conf\nThe service\\(aqs configuration.\n"
    ".TP\n.I /var/lib/sakurad\nThe service\\(aqs data.\n"
    ".SH SEE ALSO\n.BR sakurad\\-bench (1),\n.BR systemd.socket (5)\n";

void docs_man(struct buf *out)
{
    buf_append_lit(out, ".TH SAKURAD 8 \"\" \"sakurad " SAKURAD_VERSION "\" \"System Administration\"\n"
                        ".nh\n.ad l\n"); /* names are not to be broken */
    buf_append_slice(out, slice_cstr(head));
    for (unsigned i = 0; i < option_count; i++) {
        if (docs_begins_group(&option_rows[i]))
            buf_printf(out, ".SS %s\n", option_rows[i].group);
        put_option(&option_rows[i], out);
    }
    buf_append_slice(out, slice_cstr(tail));
}
