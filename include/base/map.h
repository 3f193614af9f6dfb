/* map.h: open-addressing hash table from a byte key to a pointer, hashed with a per-process secret (SipHash-like
 * keyed hash) so that hostile keys cannot be made to collide.
 * Thread:  none of its own: the owner or the owner's lock.
 * Owns:    its table. Keys are NOT copied: map_put() keeps the slice, which must live as long as the entry
 *          (keys are usually fields of the value).
 * Fails:   map_put() ERR_NOMEM; the table is then unchanged. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

struct map_entry;
struct map {
    struct map_entry *table;
    size_t count;
    size_t cap; /* power of two or 0 */
    size_t tombs;
};

void map_init(struct map *m);
void map_fini(struct map *m);
void *map_get(const struct map *m, struct slice key);                     /* NULL when absent */
NODISCARD enum err map_put(struct map *m, struct slice key, void *value); /* replaces key and value */
void *map_remove(struct map *m, struct slice key);                        /* the removed value or NULL */
/* Iterates in no order: start with *pos = 0; NULL at the end. No put while iterating; remove of the
 * entry just returned is allowed. */
void *map_next(const struct map *m, size_t *pos);
uint64_t hash_bytes(const void *ptr, size_t len); /* the keyed hash itself: SipHash-1-3 under this process's secret */
uint64_t siphash13(const void *ptr, size_t len, uint64_t k0, uint64_t k1); /* with a key of the caller's */
