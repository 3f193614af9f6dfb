/* pool.h: fixed-size objects with one owning thread, kept for reuse so that steady state never calls malloc.
 * Thread:  the owner only (THREAD_ASSERT in debug builds, from the first pool_get on).
 * Owns:    every object, in slabs; pool_fini() frees all, given back or not.
 * Fails:   pool_get() returns NULL at max_objects or without memory. */
#pragma once
#include "base/err.h"
#include <stddef.h>

struct pool_slab;
struct pool {
    size_t object_bytes;
    size_t max_objects; /* 0 = no limit */
    size_t live;        /* given out now */
    size_t made;        /* ever carved from slabs */
    void *free_list;
    struct pool_slab *slabs;
    thread_mark owner;
};

void pool_init(struct pool *p, size_t object_bytes, size_t max_objects);
void pool_fini(struct pool *p);
void *pool_get(struct pool *p); /* contents undefined */
void pool_put(struct pool *p, void *object);
