/* sakurad-docs man|page|completion FILE */
#include "docs.h"

#include <stdio.h>

static bool write_file(const char *name, const struct buf *text)
{
    FILE *f = buf_ok(text) ? fopen(name, "we") : NULL;
    bool good = f && fwrite(text->ptr, 1, text->len, f) == text->len;
    return f && fclose(f) == 0 && good;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(struct buf *out);
    } forms[] = {{"man", docs_man}, {"page", docs_page}, {"completion", docs_completion}};
    struct buf text = {0};
    for (size_t i = 0; argc == 3 && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(argv[1], forms[i].name) == 0)
            forms[i].print(&text);
    bool good = text.len > 0 && write_file(argv[2], &text);
    buf_fini(&text);
    if (!good)
        fputs("usage: sakurad-docs man|page|completion FILE\n", stderr);
    return good ? 0 : 1;
}
