/* One server for one database, by whatever name it is opened: the lock (flock) is on the file itself, so a symbolic link, a
 * hard link or another mount of its folder meets it too, and no file beside it can be deleted to get round it. Closing any
 * descriptor of the database drops SQLite's own locks in this process (POSIX says so): this one is opened before SQLite
 * opens the file and closed after SQLite has closed it. The lock goes with the process, however it ends.
 * PATH-lock is locked too, for two reasons: earlier versions lock nothing else; and when the file is moved away under a
 * running server, and another one put in its place, a second server must not begin there. */
#include "sqlite_store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PID_TEXT_MAX 32

/* The process that holds the lock. False: the kernel does not say (no /proc, or it is in another container). */
static bool ask_kernel(int fd, char pid[static PID_TEXT_MAX])
{
    struct stat st;
    FILE *locks = fopen("/proc/locks", "re");
    if (!locks)
        return false;
    bool found = false;
    char line[256];
    while (!found && fstat(fd, &st) == 0 && fgets(line, sizeof(line), locks)) {
        long holder;
        unsigned major_id, minor_id;
        unsigned long long inode;
        found = sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%llu", &holder, &major_id, &minor_id, &inode) == 4 &&
                inode == st.st_ino && makedev(major_id, minor_id) == st.st_dev && holder > 0;
        if (found)
            snprintf(pid, PID_TEXT_MAX, "%ld", holder);
    }
    fclose(locks);
    return found;
}

/* What its holder wrote into PATH-lock. */
static void read_note(const struct sqlite_store *s, char pid[static PID_TEXT_MAX])
{
    char name[PATH_TEXT_MAX];
    snprintf(name, sizeof(name), "%s-lock", s->path);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? pread(fd, pid, PID_TEXT_MAX - 1, 0) : 0;
    if (fd >= 0)
        close(fd);
    pid[len > 0 ? len : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    if (!pid[0])
        snprintf(pid, PID_TEXT_MAX, "unknown");
}

static enum err lock(const struct sqlite_store *s, int fd, struct buf *why)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    if (errno != EWOULDBLOCK) {
        buf_printf(why, "%s: cannot be locked: %s", s->path, strerror(errno));
        return ERR_IO;
    }
    char pid[PID_TEXT_MAX];
    if (!ask_kernel(fd, pid))
        read_note(s, pid);
    buf_printf(why, "%s is in use by another server (process %s)", s->path, pid);
    return ERR_CONFLICT;
}

static enum err failed(const char *name, struct buf *why)
{
    buf_printf(why, "%s: %s", name, strerror(errno));
    return ERR_IO;
}

static void sync_folder(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof(copy), "%s", path);
    int dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    (void)fsync(dir); /* some filesystems cannot; SQLite ignores that too */
    close(dir);
}

/* Readable by its owner alone: SQLite gives the files beside it the same mode. */
static enum err open_file(struct sqlite_store *s, struct buf *why)
{
    struct stat st;
    s->file_fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (s->file_fd >= 0)
        sync_folder(s->path);
    else if (errno == EEXIST && stat(s->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        buf_printf(why, "%s is not a regular file", s->path);
        return ERR_IO;
    } else if (errno == EEXIST)
        s->file_fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->file_fd < 0 || fstat(s->file_fd, &st) != 0)
        return failed(s->path, why);
    s->watch.file = (struct file_mark){.dev = st.st_dev, .ino = st.st_ino};
    if (st.st_nlink > 1)
        log_warn("the database has other names",
                 "path=\"%s\" names=%llu warning=\"its log is found by the name it was "
                 "opened by only: always start with the same one\"",
                 s->path, (unsigned long long)st.st_nlink);
    return OK;
}

static enum err open_lock_file(struct sqlite_store *s, struct buf *why)
{
    char name[PATH_TEXT_MAX];
    snprintf(name, sizeof(name), "%s-lock", s->path);
    s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return s->lock_fd < 0 ? failed(name, why) : OK;
}

enum err sqlite_lock(struct sqlite_store *s, struct buf *why)
{
    enum err err = open_file(s, why);
    if (err == OK)
        err = lock(s, s->file_fd, why);
    if (err == OK)
        err = open_lock_file(s, why);
    if (err == OK)
        err = lock(s, s->lock_fd, why);
    if (err != OK)
        return err;
    char pid[PID_TEXT_MAX];
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, (size_t)len, 0) != len) /* only people read it */
        log_warn("lock file", "path=\"%s-lock\" error=\"%s\"", s->path, strerror(errno));
    return OK;
}

void sqlite_unlock(struct sqlite_store *s)
{
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    if (s->file_fd >= 0)
        close(s->file_fd);
}
