#include "base/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#define POOL_ALIGN      ((size_t)16)
#define POOL_SLAB_BYTES ((size_t)65536)

struct pool_slab {
    struct pool_slab *next;
    alignas(16) char data[];
};

/* What a free object holds: it is at least POOL_ALIGN bytes, so a pointer fits. */
struct free_object {
    struct free_object *next;
};

void pool_init(struct pool *p, size_t object_bytes, size_t max_objects)
{
    must(object_bytes > 0 && object_bytes < SIZE_MAX / 4);
    *p = (struct pool){
        .object_bytes = (object_bytes + POOL_ALIGN - 1) & ~(POOL_ALIGN - 1),
        .max_objects = max_objects,
    };
}

void pool_fini(struct pool *p)
{
    while (p->slabs) {
        struct pool_slab *next = p->slabs->next;
        free(p->slabs);
        p->slabs = next;
    }
    *p = (struct pool){0};
}

static void check_thread(struct pool *p)
{
    if (p->made == 0)
        THREAD_OWN(p->owner);
    THREAD_ASSERT(p->owner);
}

static size_t slab_objects(const struct pool *p)
{
    size_t n = POOL_SLAB_BYTES / p->object_bytes;
    if (n == 0)
        n = 1;
    if (p->max_objects > 0 && n > p->max_objects - p->made)
        n = p->max_objects - p->made;
    return n;
}

static void add_slab(struct pool *p)
{
    size_t n = slab_objects(p);
    if (n == 0)
        return;
    struct pool_slab *slab = malloc(sizeof(*slab) + n * p->object_bytes);
    if (!slab)
        return;
    slab->next = p->slabs;
    p->slabs = slab;
    for (size_t i = n; i-- > 0;) { /* backwards, so that objects are given out in address order */
        struct free_object *object = (void *)(slab->data + i * p->object_bytes);
        object->next = p->free_list;
        p->free_list = object;
    }
    p->made += n;
}

void *pool_get(struct pool *p)
{
    check_thread(p);
    if (!p->free_list)
        add_slab(p);
    struct free_object *object = p->free_list;
    if (!object)
        return NULL;
    p->free_list = object->next;
    p->live++;
    return object;
}

void pool_put(struct pool *p, void *object)
{
    check_thread(p);
    must(p->live > 0);
    struct free_object *freed = object;
    freed->next = p->free_list;
    p->free_list = freed;
    p->live--;
}
