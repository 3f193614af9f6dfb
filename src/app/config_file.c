/* --config FILE: `name = value` or `name value` a line, with the flags' names; # begins a comment. It is read once, at
 * the start. Its names must all be right, whatever flags and the environment override. */
#include "config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 262144
#define BLANKS         " \t\r"
#define NAME_SHOWN_MAX 80

struct place {
    const char *file;
    unsigned line;
    struct buf *message;
};

static enum err refuse_file(const char *file, const char *what, struct buf *message)
{
    buf_printf(message, "--config %s: %s", file, what);
    return ERR_INVALID;
}

/* Whoever can write the file says what the service does: everybody is one too many. */
static const char *unfit(const struct stat *st)
{
    return !S_ISREG(st->st_mode)          ? "is not a regular file"
           : st->st_mode & S_IWOTH        ? "can be written by everybody; chmod o-w it"
           : st->st_size > FILE_BYTES_MAX ? "is larger than 256 KiB"
                                          : NULL;
}

static enum err read_whole(const char *file, struct buf *out, struct buf *message)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse_file(file, strerror(errno), message);
    const char *wrong = fstat(fd, &st) == 0 ? unfit(&st) : strerror(errno);
    buf_reserve(out, FILE_BYTES_MAX + 1);
    ssize_t got = 1;
    while (!wrong && got > 0 && buf_ok(out) && out->len <= FILE_BYTES_MAX) {
        got = read(fd, out->ptr + out->len, FILE_BYTES_MAX + 1 - out->len);
        if (got < 0)
            wrong = strerror(errno);
        else
            out->len += (size_t)got;
    }
    close(fd);
    if (!wrong && out->len > FILE_BYTES_MAX)
        wrong = "is larger than 256 KiB";
    if (!wrong && out->len && memchr(out->ptr, '\0', out->len))
        wrong = "is not text";
    return wrong ? refuse_file(file, wrong, message) : buf_ok(out) ? OK : ERR_NOMEM;
}

/* A # begins a comment at the line's start and after a blank: within a word it is the value's. */
static struct slice without_comment(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
            line.len = i;
    return slice_trim(line, BLANKS);
}

static void split(struct slice line, struct slice *name, struct slice *value)
{
    size_t len = 0;
    while (len < line.len && !strchr("=" BLANKS, line.ptr[len]))
        len++;
    *name = slice_of(line.ptr, len);
    *value = slice_trim(slice_of(line.ptr + len, line.len - len), BLANKS);
    if (value->len > 0 && value->ptr[0] == '=')
        *value = slice_trim(slice_of(value->ptr + 1, value->len - 1), BLANKS);
}

static enum err not_settable(const struct place *at, struct slice name, const struct option_row *row)
{
    const struct option_row *near = row ? NULL : option_near(name, true);
    buf_printf(at->message, "%s:%u: ", at->file, at->line);
    option_show(name, NAME_SHOWN_MAX, at->message);
    if (row)
        buf_append_lit(at->message, " goes with the command line only");
    else if (near)
        buf_printf(at->message, " is not an option; did you mean %s?", near->flag);
    else
        buf_append_lit(at->message, " is not an option; see sakurad --help");
    return ERR_INVALID;
}

static enum err set_from_line(struct config *c, const struct place *at, const struct option_row *row, const char *value)
{
    struct config_origin *origin = &c->origin[row - option_rows];
    struct buf name = {0};
    buf_printf(&name, "%s:%u: %s", at->file, at->line, row->flag);
    struct source from = {.row = row, .name = buf_cstr(&name), .message = at->message};
    enum err e;
    if (origin->from == CONFIG_FROM_FILE && row->type != OPTION_LIST) {
        buf_printf(at->message, "%s is given twice, first in line %u; give it once", from.name, origin->line);
        e = ERR_INVALID;
    } else {
        *origin = (struct config_origin){.from = CONFIG_FROM_FILE, .line = at->line};
        e = option_set(c, &from, value, true);
    }
    buf_fini(&name);
    return e;
}

/* An option that takes true or false may stand alone, as its flag does. An empty value counts as not set. */
static enum err take_line(struct config *c, const bool *seen, const struct place *at, struct slice line)
{
    struct slice name, value;
    split(line, &name, &value);
    const struct option_row *row = option_find(name);
    if (!row || !option_settable(row))
        return not_settable(at, name, row);
    bool alone = name.len == line.len && row->type == OPTION_BOOL;
    if (seen[row - option_rows] || (value.len == 0 && !alone))
        return OK;
    char *text = alone ? strdup("true") : strndup(value.ptr, value.len);
    if (!text)
        return ERR_NOMEM;
    enum err e = set_from_line(c, at, row, text);
    free(text);
    return e;
}

enum err config_read_file(struct config *c, const bool *seen, struct buf *message)
{
    struct buf text = {0};
    struct place at = {.file = c->config_file, .message = message};
    enum err e = read_whole(c->config_file, &text, message);
    struct slice lines = buf_slice(&text), line;
    while (e == OK && slice_take(&lines, '\n', &line)) {
        at.line++;
        line = without_comment(line);
        if (line.len > 0)
            e = take_line(c, seen, &at, line);
    }
    buf_fini(&text);
    return e;
}
