/* Room for SQLite's log, made in advance. A log that grows has a new length with every commit, and the filesystem writes
 * that to its own journal first: about 40 µs and a fifth of the CPU of a small commit (measured on ext4), until the log has
 * been as long as it gets. SQLite writes its log from the front again after each checkpoint and takes what lies behind the
 * last good frame for nothing, so zeros there are as good as an old log
 * (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). */
#include "sqlite_store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536

/* Zeros are written, since the first write into room that is only allocated changes the file's extents, and that goes to
 * the journal as well. */
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

/* Asked first: on a nearly full disk nobody else may find it full, not even for a moment. */
static bool may_take(int fd, off_t from, off_t to)
{
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, from, to - from) == 0 || errno == EOPNOTSUPP;
}

/* The database is locked for writing: nobody adds to the log. */
static void extend(const char *name, off_t bytes)
{
    struct stat st;
    /* Closing it drops no lock of SQLite's: those are on the database and on its -shm file. */
    int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < bytes &&
        !(may_take(fd, st.st_size, bytes) && fill(fd, st.st_size, bytes)) && ftruncate(fd, st.st_size) != 0)
        log_warn("store", "store=sqlite doing=\"room for the log\" error=\"%s\"", strerror(errno));
    close(fd);
}

void sqlite_make_log_room(struct sqlite_store *s, int64_t bytes)
{
    const char *name = sqlite3_filename_wal(sqlite3_db_filename(s->conn.db, "main"));
    if (!s->options.durable || !name || sqlite3_exec(s->conn.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return;
    extend(name, bytes);
    (void)sqlite3_exec(s->conn.db, "ROLLBACK", NULL, NULL, NULL);
}
