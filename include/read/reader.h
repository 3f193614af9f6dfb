/* reader.h: a small pool of threads for what the cache misses: loads, listings, reports, compositions.
 * Thread:  runs its own ("reader-N"), each with one store_reader for life; readers_submit() from any worker.
 * Owns:    every op from a submit that returned OK until it is posted to op->reply_to.
 * Blocks:  submit never; a reader on the store only.
 * Fails:   ERR_BUSY when --queue ops wait: nothing taken.
 * Metrics: G_READER_QUEUE, H_READ, M_QUEUE_FULL_READER. */
#pragma once
#include "read/cache.h"
#include "read/query.h"
#include "store/store.h"

struct readers;

NODISCARD enum err readers_start(struct store *store, struct cache *cache, int64_t count, int64_t queue_max,
                                 struct readers **out);
NODISCARD enum err readers_submit(struct readers *r, struct op *query);
void readers_stop(struct readers *r); /* finishes what is queued, then ends the threads */
void readers_free(struct readers *r);
