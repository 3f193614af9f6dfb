/* sqlite_watch.h: are the files that the server writes still the ones that a start would find? Once a second each of them
 * is looked up by its name: the database, its log (-wal) and the log's index (-shm).
 * Thread:  the writer's; at open and close main's. sqlite_watch_same_file() any: what it compares never changes.
 * Owns:    a descriptor of the -wal (closing one drops no lock of SQLite's: those are on the database and the -shm).
 * Blocks:  on the disk; a rescue also for the checkpoint pass that is under way, and up to CONN_BUSY_MS for readers.
 * Where they are not: begin() fails from then on, so nothing is acknowledged; health says why, and a line in the log.
 *          sqlite_watch.c tells what becomes of the files. */
#pragma once
#include "base/buf.h"

#include <sys/types.h>

struct sqlite_store;

struct file_mark { /* ino 0: not known yet */
    dev_t dev;
    ino_t ino;
};

struct sqlite_watch {
    struct file_mark file;       /* set with the lock, then read-only */
    struct file_mark log, index; /* the -wal and the -shm that are open */
    int log_fd;                  /* -1: none */
    off_t log_bytes;             /* the -wal's length at the last look */
    const char *wrong;           /* a sentence; NULL: all is as it should be */
    bool cut;                    /* wrong for good: bytes are gone */
    bool safe;                   /* rescued: the database has all that was acknowledged */
};

/* The writer's connection was opened: the -wal and -shm that it uses are the ones to watch. */
void sqlite_watch_opened(struct sqlite_store *s);
/* Before the writer's connection is replaced. False: its names lead to other files now, so it must stay: a new one would
 * open those. */
bool sqlite_watch_before_reopen(struct sqlite_store *s, struct buf *why);
/* The look, and what follows from it. */
void sqlite_watch_look(struct sqlite_store *s);
/* Is the file at the path the one that is locked? For a reader that is about to open it. */
bool sqlite_watch_same_file(const struct sqlite_store *s);
void sqlite_watch_end(struct sqlite_store *s);
