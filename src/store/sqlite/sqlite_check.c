/* What a start would refuse of a file, found out without opening the database or making anything. While a server has it open
 * its newest header may still be in the -wal: the file then has an older one, which is ours as well. */
#include "sqlite_schema.h"
#include "sqlite_store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_LEN     100
#define AT_VERSION     60
#define AT_APPLICATION 68

static enum err refuse(struct buf *why, const char *path, const char *what)
{
    buf_printf(why, "%s: %s", path, what);
    return ERR_INVALID;
}

static enum err check_header(const char *path, struct buf *why)
{
    unsigned char h[HEADER_LEN] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, h, sizeof(h)) : -1;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return refuse(why, path, strerror(error));
    if (n == 0)
        return OK; /* made, and nothing written to it yet */
    if (n < HEADER_LEN || memcmp(h, "SQLite format 3", 16) != 0)
        return refuse(why, path, "is not a SQLite database");
    uint32_t application = big_endian(h + AT_APPLICATION), version = big_endian(h + AT_VERSION);
    if (application != APPLICATION_ID && (application != 0 || version != 0))
        return refuse(why, path, "it is the database of another program");
    if (version > (uint32_t)sqlite_schema.version)
        return refuse(why, path, "a newer sakurad wrote it");
    return OK;
}

/* The log and its index are made beside the file. */
static enum err check_folder(const char *path, struct buf *why)
{
    char copy[PATH_TEXT_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    const char *folder = dirname(copy);
    if (access(folder, W_OK | X_OK) == 0)
        return OK;
    buf_printf(why, "%s: files cannot be made in its folder: %s", path, strerror(errno));
    return ERR_INVALID;
}

enum err sqlite_check_file(struct slice path, struct buf *why)
{
    char name[PATH_TEXT_MAX];
    struct stat st;
    (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
    bool there = stat(name, &st) == 0;
    if (!there && errno != ENOENT)
        return refuse(why, name, strerror(errno));
    if (there && !S_ISREG(st.st_mode))
        return refuse(why, name, "is not a regular file");
    if (there && access(name, R_OK | W_OK) != 0)
        return refuse(why, name, strerror(errno));
    enum err err = there ? check_header(name, why) : OK;
    return err == OK ? check_folder(name, why) : err;
}
