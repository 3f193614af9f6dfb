/* Room for SQLite's log, made in advance. A log that grows has a new length with every commit, and the filesystem writes
 * that to its own journal first: about 40 µs and a fifth of the CPU of a small commit (measured on ext4). SQLite writes
 * its log from the front again after each checkpoint and takes what lies behind the last good frame for nothing, so
 * zeros there are as good as an old log (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). */
#include "sqlite_store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536

/* Written, not fallocate'd: the first write into room that was only set aside changes the file's extents, again with a
 * turn in the journal. */
static bool fill(int fd, off_t from, off_t to)
{
    static const char zeros[PIECE_BYTES];
    while (from < to) {
        size_t len = to - from < PIECE_BYTES ? (size_t)(to - from) : PIECE_BYTES;
        ssize_t n = pwrite(fd, zeros, len, from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        from += n;
    }
    return fdatasync(fd) == 0;
}

void sqlite_make_log_room(const struct sqlite_store *s, int64_t bytes)
{
    char name[4096];
    struct stat st;
    snprintf(name, sizeof(name), "%s-wal", s->path);
    /* Closing it drops no lock of SQLite's: those are on the database and on its -shm file. */
    int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size >= bytes) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (!fill(fd, st.st_size, bytes)) {
        /* A full disk must keep what it has for messages. */
        if (ftruncate(fd, st.st_size) != 0)
            log_warn("store", "store=sqlite doing=\"room for the log\" error=\"%s\"", strerror(errno));
    }
    close(fd);
}
