/* fault_vfs.h: SQLite's way to the disk with faults in it. A VFS that wraps the default one and takes its place, so that the
 * code under test is the product's own. Every call that changes, syncs, sizes, opens, deletes or locks a file has a number;
 * a plan says from which number on how many of them go wrong, and how.
 * Power: what was written and not synced is lost at a cut, as is what a sync failed for, even where a later one succeeds
 * (a kernel drops such pages' dirty mark). Images of what is on disk are kept for files opened after fault_install().
 * Thread:  any may call SQLite; the functions below from the test's, while no other is inside SQLite unless said.
 * Owns:    the images, until fault_forget(). */
#pragma once
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_REFUSE, /* nothing of it is done; a part of the log's index that is there already can be had */
    FAULT_TEAR,   /* half of a write is done, all of what has no halves; a lock is held by somebody else */
};

enum fault_op {
    FAULT_OPEN = 1,
    FAULT_DELETE = 2,
    FAULT_WRITE = 4,
    FAULT_TRUNCATE = 8,
    FAULT_SYNC = 16,
    FAULT_SHM = 32,
    FAULT_LOCK = 64,
    FAULT_READ = 128,
    FAULT_PASS = 256, /* watched only: a checkpoint has just read how long the log is */
    FAULT_CHANGES = FAULT_OPEN | FAULT_DELETE | FAULT_WRITE | FAULT_TRUNCATE | FAULT_SYNC | FAULT_SHM | FAULT_LOCK,
};

struct fault_plan {
    enum fault_kind kind;
    unsigned ops;    /* which are counted, of enum fault_op */
    int64_t at;      /* the first that goes wrong, from 1 */
    int64_t calls;   /* how many do, one after the other */
    bool power_cut;  /* instead: at that call the power goes */
    const char *end; /* of the file's name: others are not counted; NULL: all are */
};

void fault_install(void);                       /* once, before the first connection */
void fault_plan(const struct fault_plan *plan); /* any time; the count begins anew */
int64_t fault_count(void);                      /* calls since then */
bool fault_power_is_off(void);
/* Called before each call of any kind, without a lock, on the thread that calls; NULL: none. */
void fault_watch(void (*before)(enum fault_op op, const char *name));

enum fault_kept { FAULT_KEEP_ALL, FAULT_KEEP_SYNCED, FAULT_KEEP_SOME };

void fault_power_off(void); /* from here on every call fails: what runs now is dead and does not know it */
/* Once all connections are closed. KEEP_ALL: the process was killed, the machine lives; else the power was cut, and of
 * the pages not on disk yet none, or every other one, made it. */
void fault_power_on(enum fault_kept kept);
void fault_forget(void); /* other files come now */
