#include "app/origins.h"

#include "http/origin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 1024

/* One that is listed already is no fault: a file may repeat what a flag says. */
static enum err add(struct origin_list *list, const char *origin, struct buf *why)
{
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->items[i], origin) == 0)
            return OK;
    if (list->count == ORIGINS_MAX) {
        buf_printf(why, "--cors-origin: more than %d origins", ORIGINS_MAX);
        return ERR_INVALID;
    }
    list->items[list->count] = strdup(origin);
    return list->items[list->count] && ++list->count ? OK : ERR_NOMEM;
}

static enum err add_line(struct origin_list *list, char *line, const char *file, unsigned number, struct buf *why)
{
    struct buf tidy = {0};
    line[strcspn(line, "#\r\n")] = '\0';
    struct slice text = slice_trim(slice_cstr(line), " \t");
    if (text.len == 0)
        return OK;
    line[(size_t)(text.ptr - line) + text.len] = '\0';
    const char *wrong = origin_check(text.ptr);
    if (wrong) {
        buf_printf(why, "--cors-origin @%s, line %u: '%.80s' %s", file, number, text.ptr, wrong);
        return ERR_INVALID;
    }
    origin_tidy(text.ptr, &tidy);
    enum err e = buf_ok(&tidy) ? add(list, buf_cstr(&tidy), why) : ERR_NOMEM;
    buf_fini(&tidy);
    return e;
}

static enum err add_file(struct origin_list *list, const char *file, struct buf *why)
{
    char line[LINE_BYTES];
    enum err e = OK;
    FILE *f = fopen(file, "re");
    errno = f ? 0 : errno;
    for (unsigned number = 1; f && e == OK && fgets(line, sizeof(line), f); number++)
        e = strlen(line) + 1 < sizeof(line) ? add_line(list, line, file, number, why) : ERR_TOO_LARGE;
    if (!f || ferror(f) || e == ERR_TOO_LARGE) {
        buf_printf(why, "--cors-origin @%s: %s", file, e == ERR_TOO_LARGE ? "a line is too long" : strerror(errno));
        e = ERR_INVALID;
    }
    if (f)
        fclose(f);
    return e;
}

enum err origins_read(const struct config_list *given, struct origin_list *out, struct buf *why)
{
    enum err e = OK;
    *out = (struct origin_list){0};
    for (unsigned i = 0; e == OK && i < given->count; i++)
        e = given->items[i][0] == '@' ? add_file(out, given->items[i] + 1, why) : add(out, given->items[i], why);
    if (e != OK)
        origins_free(out);
    return e;
}

void origins_free(struct origin_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct origin_list){0};
}
