/* cache_fill.h: a customer read whole from the store, and its way into the cache.
 * Thread:  readers (and main at start).
 * Happy path: the customer's entry is LOADING while the store is asked, so that the writer's appends are recorded in it; then
 *          both are merged by rev under the lock. Without an entry there is nothing to record in: what was loaded is
 *          kept only if the writer appended nothing meanwhile. If it did, there is an entry now, and the second load
 *          goes the first way.
 * Failures: the store's; NOT_FOUND. What cannot be merged in FILL_TRIES loads is answered, and not kept. */
#pragma once
#include "cache_int.h"
#include "cache_snap.h"

#define FILL_TRIES 3

struct fill_chat {
    struct history *history;
    int64_t key;
    int64_t rev; /* the row's */
    uint8_t flags;
};

struct fill {
    struct slab *memory; /* the cache's, for what may be kept */
    struct arena arena;  /* row's strings */
    struct customer row;
    bool has_row;
    struct content *content;
    struct blob *opening;
    uint32_t poll_at;
    struct fill_chat *chats;
    size_t count, cap;
    struct buf scratch;
};

void fill_init(struct fill *f, struct slab *memory);
void fill_fini(struct fill *f);
NODISCARD enum err fill_load(struct fill *f, struct store_reader *reader, struct slice ident);
void fill_customer(const struct fill *f, struct snap_customer *out);
int64_t fill_newest(const struct fill *f); /* the highest rev in it */

/* cache_acquire.c */

/* Fills a slot of the snap with the customer of this id: from memory, else from the store, and then keeps it. */
NODISCARD enum err cache_acquire(struct cache *c, struct store_reader *reader, struct slice ident, struct told told,
                                 struct snap *s, size_t slot);
void snap_customer_of(const struct customer_entry *u, struct snap_customer *out); /* [lock] LOADED only; borrows */
