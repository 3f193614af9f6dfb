/* sqlite_checkpoint.h: moves the log (WAL) of the database back into its file without making the writer wait.
 * Thread:  its own ("checkpoint"), with its own connection; ask and ready from the writer; start and stop from main.
 * Why:     a checkpoint of a full log takes as long as hundreds of commits. Here most of it happens beside the
 *          writer; the writer does the small rest between two batches, after which SQLite begins the log anew, so
 *          the file stays bounded under constant load.
 * Owns:    its connection. The asking db_options must outlive it.
 * Blocks:  its thread on the disk; ask and ready never.
 * Fails:   a failed pass is logged and tried again with the next ask. */
#pragma once
#include "sqlite_conn.h"

struct checkpointer;

NODISCARD enum err checkpointer_start(const struct db_options *options, struct checkpointer **out);
void checkpointer_stop(struct checkpointer *c); /* accepts NULL; frees */
void checkpointer_ask(struct checkpointer *c);  /* nothing while a pass runs */
/* True once after a pass: the writer may now finish cheaply on its own connection. */
bool checkpointer_ready(struct checkpointer *c);
