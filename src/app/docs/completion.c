/* Completion for bash: flags, words to choose from, files and users where a value is one. */
#include "docs.h"

static bool takes_file(const struct option_row *row)
{
    return row->placeholder && strcmp(row->placeholder, "FILE") == 0;
}

static void put_case(const struct option_row *row, struct buf *out)
{
    if (row->type == OPTION_CHOICE) {
        buf_printf(out, "    --%s) COMPREPLY=($(compgen -W '", row->flag);
        for (int i = 0; row->choices[i]; i++)
            buf_printf(out, "%s%s", i == 0 ? "" : " ", row->choices[i]);
        buf_append_lit(out, "' -- \"$word\")); return ;;\n");
    } else if (takes_file(row)) {
        buf_printf(out, "    --%s) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", row->flag);
    } else if (strcmp(row->flag, "user") == 0) {
        buf_append_lit(out, "    --user) COMPREPLY=($(compgen -u -- \"$word\")); return ;;\n");
    } else if (row->type != OPTION_ACTION && row->type != OPTION_BOOL) {
        buf_printf(out, "    --%s) return ;;\n", row->flag);
    }
}

void docs_completion(struct buf *out)
{
    buf_append_lit(out, "# bash completion for sakurad, generated from its table of options\n"
                        "_sakurad() {\n"
                        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                        "    COMPREPLY=()\n"
                        "    # bash takes --name=value as three words\n"
                        "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                        "    [[ $word == = ]] && before=${COMP_WORDS[COMP_CWORD - 1]} word=\n"
                        "    case $before in\n");
    for (unsigned i = 0; i < option_count; i++)
        put_case(&option_rows[i], out);
    buf_append_lit(out, "    esac\n    COMPREPLY=($(compgen -W '");
    for (unsigned i = 0; i < option_count; i++)
        buf_printf(out, "%s--%s", i == 0 ? "" : " ", option_rows[i].flag);
    buf_append_lit(out, "' -- \"$word\"))\n}\ncomplete -o default -F _sakurad sakurad\n");
}
