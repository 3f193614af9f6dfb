#include "web/sources.h"

#include "web/type.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#ifdef SAKURAD_WEB_SOURCES
static const char folder[] = SAKURAD_WEB_SOURCES;
#else
static const char folder[] = "";
#endif

#define NAME_MAX_LEN 64

bool sources_served(void)
{
    return folder[0] != '\0';
}

/* Nothing that could lead elsewhere: no slash, and not "..". */
static bool is_plain_name(struct slice name)
{
    bool plain = name.len > 0 && name.len <= NAME_MAX_LEN && name.ptr[0] != '.';
    for (size_t i = 0; plain && i < name.len; i++) {
        char c = name.ptr[i], letter = (char)(c | 0x20);
        plain = (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }
    return plain;
}

/* One step down, which a symbolic link is not; -1: there is none. Takes `from`. */
static int step_into(int from, struct slice name, int flags)
{
    char text[NAME_MAX_LEN + 1];
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
    int fd = from < 0 ? -1 : openat(from, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
    if (from >= 0)
        close(from);
    return fd;
}

static enum err read_all(int fd, struct buf *out)
{
    char piece[16384];
    ssize_t n;
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_append(out, piece, (size_t)n);
    return n < 0 ? ERR_NOT_FOUND : buf_ok(out) ? OK : ERR_NOMEM;
}

enum err source_read(const struct slice *steps, unsigned count, struct buf *out)
{
    for (unsigned i = 0; i < count; i++)
        if (!is_plain_name(steps[i]))
            return ERR_NOT_FOUND;
    if (!sources_served() || count == 0 || !web_type(steps[count - 1]).ptr)
        return ERR_NOT_FOUND;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < count; i++)
        fd = step_into(fd, steps[i], i + 1 < count ? O_DIRECTORY : 0);
    if (fd < 0)
        return ERR_NOT_FOUND;
    enum err e = read_all(fd, out);
    close(fd);
    return e;
}
