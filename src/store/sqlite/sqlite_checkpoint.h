/* sqlite_checkpoint.h: moves the log (WAL) of the database back into its file without making the writer wait.
 * Thread:  its own ("checkpoint"), with its own connection; start and stop from main, the rest from the writer.
 * Why:     moving a full log takes as long as hundreds of commits. Here most of it happens beside the writer, and the log
 *          stays bounded under constant load.
 * Turns:   SQLite before 3.51.3 (3.50.7, 3.44.6) loses pages where a commit begins the log anew after a pass has read how
 *          long the log is and before it copies (https://sqlite.org/wal.html#walresetbug). A log begins anew only when all
 *          of it is moved, and only passes move; so one pass at a time, and none begins unless a commit is known to have
 *          added what no pass has moved: until that pass is done, the log cannot begin anew. The thread and the writer
 *          take turns by that, under one lock; nobody waits for the other.
 * Owns:    its connection. The path in db_options must outlive it.
 * Blocks:  its thread on the disk; the writer's calls never.
 * Fails:   a failed pass is logged and tried again with the next ask. */
#pragma once
#include "sqlite_conn.h"

struct checkpointer;

/* Is that version (sqlite3_libversion_number) without the defect? Else only the turns prevent it, and another program that
 * writes or checkpoints the file does not keep to them. */
bool checkpoint_safe_by_itself(int version);
NODISCARD enum err checkpointer_start(const struct db_options *options, struct checkpointer **out);
void checkpointer_stop(struct checkpointer *c); /* accepts NULL; frees */
/* A commit has written: the log has that many frames now. */
void checkpointer_committed(struct checkpointer *c, int64_t frames);
void checkpointer_ask(struct checkpointer *c);  /* nothing while a pass runs, or where there is nothing to move */
bool checkpointer_busy(struct checkpointer *c); /* asked, or a pass runs */
/* True: the writer's turn, and checkpointer_finish() must follow, which makes a pass on the writer's own connection. Either
 * most of the log is moved, or it has `most` frames and nobody moves them. */
bool checkpointer_yields(struct checkpointer *c, int64_t most);
void checkpointer_finish(struct checkpointer *c, struct sqlite_conn *conn);
