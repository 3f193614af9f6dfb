/* sqlite_search.h: customers that a filter lets pass, as a set of their numbers.
 * Thread:  the reader's.
 * Owns:    nothing: a set is in the reader's scratch arena. */
#pragma once
#include "sqlite_store.h"

struct id_set {
    uint64_t *bits;
    size_t limbs; /* of 64 numbers each, from 0 */
};

static inline bool id_set_has(const struct id_set *set, int64_t id)
{
    return (size_t)id / 64 < set->limbs && (set->bits[id / 64] >> (id % 64) & 1) != 0;
}
int64_t id_set_count(const struct id_set *set);
bool id_set_next(const struct id_set *set, int64_t *id); /* the first one above *id, which begins at 0 */

/* In the snapshot that is open. */
NODISCARD enum err sqlite_select(struct sqlite_reader *r, const struct customer_filter *f, struct id_set *out);
