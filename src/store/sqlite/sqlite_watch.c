/* Once a second (sqlite_watch_look):
 *   1. what_is_wrong()  looks the names up and compares them with the open files, and looks whether the open files still
 *                       begin as they must. Mostly nothing is wrong, and that is all.
 *   2. go_wrong()       once for each new finding: a line in the log, and the checkpoint thread is stopped. From now on
 *                       begin() fails, so nothing is acknowledged.
 *   3. rescue()         where the open files are whole, only not found under their names: what only the log holds is moved
 *                       into the database, by the descriptors that are open, and the log is emptied. So neither a kill,
 *                       nor a start that finds another log beside the file, loses or mixes anything. If it fails, the
 *                       next look tries again.
 *   4. come_back()      when the names lead to the open files again: the store goes on.
 * A file that was cut short or overwritten ("cut") has lost what was there. Nothing makes that good: to move such a log
 * would write holes into the database, and only a restart goes on. It reads what settle_cut_log() has left to it. */
#include "sqlite_store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of SQLite's file format (https://www.sqlite.org/fileformat2.html and walformat.html), which never changes. */
#define FILE_MAGIC        "SQLite format 3"
#define LOG_MAGIC         0x377f0683 /* and one less: how its checksums are computed */
#define LOG_HEADER        32
#define LOG_PAGE_BYTES_AT 8
#define LOG_SALTS_AT      16
#define FRAME_HEADER      24
#define FRAME_SALTS_AT    8
#define SALTS             8
#define INDEX_BACKFILL_AT 96 /* how many frames are in the database already; of this machine's byte order */

static bool same(const struct file_mark *mark, const struct stat *st)
{
    return mark->dev == st->st_dev && mark->ino == st->st_ino;
}

static const char *name_of_log(const struct sqlite_store *s)
{
    const char *file = s->conn.db ? sqlite3_db_filename(s->conn.db, "main") : NULL;
    return file && file[0] ? sqlite3_filename_wal(file) : NULL;
}

static bool name_of_index(const struct sqlite_store *s, char name[static PATH_TEXT_MAX])
{
    const char *file = s->conn.db ? sqlite3_db_filename(s->conn.db, "main") : NULL;
    return file && file[0] && snprintf(name, PATH_TEXT_MAX, "%s-shm", file) < PATH_TEXT_MAX;
}

/* Other errors of stat(), such as a failing disk's, say nothing about whether the file is there. */
static bool is_gone(void)
{
    return errno == ENOENT || errno == ENOTDIR;
}

/* True: the name leads to the file of the mark. An empty mark takes the file that it leads to. */
static bool still_there(const char *name, struct file_mark *mark)
{
    struct stat st;
    if (stat(name, &st) != 0)
        return mark->ino == 0 || !is_gone();
    if (mark->ino == 0)
        *mark = (struct file_mark){.dev = st.st_dev, .ino = st.st_ino};
    return same(mark, &st);
}

static void open_log(struct sqlite_store *s)
{
    struct sqlite_watch *w = &s->watch;
    const char *name = name_of_log(s);
    struct stat st;
    if (w->log_fd >= 0 || !name)
        return;
    w->log_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (w->log_fd < 0 || fstat(w->log_fd, &st) != 0)
        return;
    w->log = (struct file_mark){.dev = st.st_dev, .ino = st.st_ino};
    w->log_bytes = st.st_size;
}

static void forget_log(struct sqlite_watch *w)
{
    if (w->log_fd >= 0)
        close(w->log_fd);
    w->log_fd = -1;
    w->log = w->index = (struct file_mark){0};
    w->log_bytes = 0;
}

void sqlite_watch_opened(struct sqlite_store *s)
{
    char index[PATH_TEXT_MAX];
    forget_log(&s->watch);
    open_log(s);
    if (name_of_index(s, index))
        (void)still_there(index, &s->watch.index);
}

void sqlite_watch_end(struct sqlite_store *s)
{
    forget_log(&s->watch);
}

bool sqlite_watch_same_file(const struct sqlite_store *s)
{
    struct stat st;
    return stat(s->path, &st) == 0 ? same(&s->watch.file, &st) : !is_gone();
}

/* ---- what may be wrong ---- */

/* How many frames, from the front, belong to the log as its header says; -1: it cannot be read. */
static int64_t good_frames(const struct sqlite_store *s, int64_t most)
{
    unsigned char header[LOG_HEADER], frame[FRAME_HEADER];
    int fd = s->watch.log_fd;
    ssize_t n = pread(fd, header, sizeof(header), 0);
    if (n != sizeof(header) || (big_endian(header) | 1) != LOG_MAGIC)
        return n < 0 ? -1 : 0;
    int64_t page = big_endian(header + LOG_PAGE_BYTES_AT), count = 0;
    while (count < most && (n = pread(fd, frame, sizeof(frame), LOG_HEADER + count * (FRAME_HEADER + page))) > 0 &&
           n == sizeof(frame) && memcmp(frame + FRAME_SALTS_AT, header + LOG_SALTS_AT, SALTS) == 0)
        count++;
    return n < 0 ? -1 : count;
}

/* SQLite itself shortens its log only to LOG_FILE_LIMIT. The first frame is looked at only while the last commit is known to
 * be in the log: after a failed one nobody knows what is in it. */
static bool log_is_cut(struct sqlite_store *s)
{
    struct sqlite_watch *w = &s->watch;
    struct stat st;
    if (w->log_fd < 0 || fstat(w->log_fd, &st) != 0)
        return false;
    bool shorter = st.st_size < w->log_bytes && st.st_size < LOG_FILE_LIMIT;
    w->log_bytes = st.st_size;
    return shorter || (s->log_frames > 0 && !s->conn.failed && good_frames(s, 1) == 0);
}

static bool file_is_cut(const struct sqlite_store *s)
{
    char magic[sizeof(FILE_MAGIC)];
    ssize_t n = pread(s->file_fd, magic, sizeof(magic), 0);
    return n >= 0 && (n != sizeof(magic) || memcmp(magic, FILE_MAGIC, sizeof(magic)) != 0);
}

static const char *what_is_wrong(struct sqlite_store *s)
{
    struct sqlite_watch *w = &s->watch;
    char index[PATH_TEXT_MAX];
    if (w->cut)
        return w->wrong; /* for good */
    open_log(s);
    w->cut = true;
    if (file_is_cut(s))
        return "the database file was overwritten or cut short";
    if (log_is_cut(s))
        return "the database's -wal file was overwritten or cut short";
    w->cut = false;
    if (!sqlite_watch_same_file(s))
        return "the database file was moved, deleted or replaced";
    if (w->log_fd >= 0 && !still_there(name_of_log(s), &w->log))
        return "the database's -wal file was moved, deleted or replaced";
    if (name_of_index(s, index) && !still_there(index, &w->index))
        return "the database's -shm file was moved, deleted or replaced";
    return NULL;
}

/* ---- what is done about it ---- */

/* A log that is not ours, under the name of ours, would be read by the next start, and its pages put over newer ones. */
static void set_foreign_log_aside(struct sqlite_store *s)
{
    struct stat st;
    const char *name = name_of_log(s);
    char aside[PATH_TEXT_MAX];
    if (!sqlite_watch_same_file(s) || stat(name, &st) != 0 || same(&s->watch.log, &st) || st.st_size == 0 ||
        snprintf(aside, sizeof(aside), "%s.foreign-%llu", name, (unsigned long long)st.st_ino) >= PATH_TEXT_MAX)
        return;
    if (rename(name, aside) == 0)
        log_warn("a foreign log was set aside", "store=sqlite path=\"%s\" now=\"%s\"", name, aside);
    else
        log_error("a foreign log is beside the database",
                  "store=sqlite path=\"%s\" error=\"%s\" advice=\"move it away "
                  "before the next start\"",
                  name, strerror(errno));
}

/* Nobody else of this process makes a pass meanwhile: the checkpoint thread was stopped. */
static void rescue(struct sqlite_store *s)
{
    int rc = sqlite3_wal_checkpoint_v2(s->conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc != SQLITE_OK) {
        log_error("the open log could not be moved", "store=sqlite error=\"%s\" retrying=yes",
                  sqlite3_errmsg(s->conn.db));
        return;
    }
    s->watch.safe = true;
    s->watch.log_bytes = 0;
    s->log_frames = s->log_asked = 0;
    log_warn("the open log was moved into the database",
             "store=sqlite path=\"%s\" advice=\"put the files back or "
             "restart: nothing that was answered is missing\"",
             s->path);
    set_foreign_log_aside(s);
}

/* The next start reads the log up to its first bad frame, and puts those pages over the database's. Where a checkpoint has
 * already moved more frames than are intact, that would put old pages over newer ones: such a log is emptied, and the
 * next start has the database as that checkpoint left it. */
static void settle_cut_log(struct sqlite_store *s)
{
    uint32_t moved = 0;
    char index[PATH_TEXT_MAX];
    int fd = name_of_index(s, index) ? open(index, O_RDONLY | O_CLOEXEC) : -1;
    bool known = fd >= 0 && pread(fd, &moved, sizeof(moved), INDEX_BACKFILL_AT) == sizeof(moved);
    if (fd >= 0)
        close(fd);
    int64_t good = good_frames(s, s->log_frames);
    bool emptied =
        known && good <= moved && still_there(name_of_log(s), &s->watch.log) && truncate(name_of_log(s), 0) == 0;
    log_error("messages may be lost", "store=sqlite frames=%lld intact=%lld in_database=%u next_start=\"%s\"",
              (long long)s->log_frames, (long long)good, moved, emptied ? "the last checkpoint" : "what is intact");
}

static void go_wrong(struct sqlite_store *s)
{
    log_error("store failed", "store=sqlite path=\"%s\" error=\"%s\"", s->path, s->watch.wrong);
    checkpointer_stop(s->checkpointer);
    s->checkpointer = NULL;
    s->watch.safe = false;
    if (!s->watch.cut)
        return;
    (void)sqlite3_db_config(s->conn.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (s->log_frames > 0 && s->watch.log_fd >= 0 && !file_is_cut(s))
        settle_cut_log(s);
}

static void come_back(struct sqlite_store *s)
{
    if (checkpointer_start(&s->options, &s->checkpointer) != OK) {
        s->watch.wrong = "out of memory"; /* until the next look */
        return;
    }
    log_info("store files are back", "store=sqlite path=\"%s\"", s->path);
}

void sqlite_watch_look(struct sqlite_store *s)
{
    struct sqlite_watch *w = &s->watch;
    if (!s->conn.db)
        return;
    const char *was = w->wrong;
    bool was_cut = w->cut;
    w->wrong = what_is_wrong(s);
    if (w->wrong && (!was || w->cut != was_cut))
        go_wrong(s);
    if (w->wrong && !w->cut && !w->safe)
        rescue(s);
    if (!w->wrong && was)
        come_back(s);
    sqlite_note_health(s);
}

bool sqlite_watch_before_reopen(struct sqlite_store *s, struct buf *why)
{
    if (!s->conn.db || s->watch.file.ino == 0)
        return true;
    sqlite_watch_look(s);
    if (s->watch.wrong && why)
        buf_printf(why, "%s: %s", s->path, s->watch.wrong);
    return !s->watch.wrong;
}
