/* arena.h: bump memory that dies all at once: one request's slices, one query's rows.
 * Thread:  one owner at a time; travels with the object it is embedded in.
 * Owns:    its blocks, until arena_fini(). arena_reset() keeps the first block for reuse.
 * Fails:   NULL when there is no memory or the arena's limit is reached. */
#pragma once
#include "base/buf.h"

struct arena_block;
struct arena {
    struct arena_block *head;
    size_t used;      /* bytes used in head */
    size_t total;     /* bytes in all blocks */
    size_t max_bytes; /* in all blocks; 0: no limit */
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a); /* accepts a zeroed arena */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc)); /* 16-byte aligned, not zeroed */
void *arena_zalloc(struct arena *a, size_t size) __attribute__((malloc));
char *arena_dup(struct arena *a, struct slice s);          /* NUL-terminated copy */
struct slice arena_slice(struct arena *a, struct slice s); /* copy; ptr NULL when there is no memory */
/* A list with room for one more item of `size` bytes: the list itself, or a copy of twice its length; NULL without memory. */
void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t size);
