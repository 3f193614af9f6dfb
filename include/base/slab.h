/* slab.h: memory for what comes and goes in any order for as long as the server runs. Objects of one size class share a
 * page, so what one leaves the next of its class takes, and a page that is empty serves any class (Bonwick, "The Slab
 * Allocator", USENIX 1994). Thus the footprint stays near what is in use, and it is known: malloc tells neither.
 * Thread:  any; a lock of its own, held for a few instructions, and for a system call where the kernel gives memory or
 *          gets it back.
 * Owns:    its pages. slab_fini() gives them back, and ends the process if an object is still out.
 * Sizes:   1 to SLAB_OBJECT_MAX bytes from pages, aligned to 16; more comes from malloc and is counted too.
 * Fails:   slab_get() returns NULL when there is no memory, or at the limit. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define SLAB_OBJECT_MAX ((size_t)4096)
#define SLAB_CLASSES    24

struct slab_page;
struct slab_region;

struct slab {
    pthread_mutex_t lock;
    /* lists of pages; a full one is in none */
    struct slab_page *partial[SLAB_CLASSES]; /* with room */
    struct slab_page *spare;                 /* empty, their memory kept */
    struct slab_page *bare;                  /* empty, their memory given back */
    size_t spare_count;
    size_t limit; /* of the footprint; set while no other thread is there */
    struct slab_region *regions;
    /* any thread; each by itself is exact */
    atomic_size_t used;      /* bytes of objects that are out, each as slab_size() says */
    atomic_size_t footprint; /* bytes of pages with memory, and of large objects */
};

void slab_init(struct slab *s, size_t limit); /* 0: no limit */
void slab_fini(struct slab *s);

void *slab_get(struct slab *s, size_t bytes);              /* contents undefined */
void *slab_zget(struct slab *s, size_t bytes);             /* zeroed */
void slab_put(struct slab *s, void *object, size_t bytes); /* bytes as they were asked for; accepts NULL */
size_t slab_size(size_t bytes); /* what an object of that size takes: bytes, rounded up to its class */

/* Bytes that are held and serve nobody: how far the footprint is from what is in use. */
static inline size_t slab_idle(const struct slab *s)
{
    size_t footprint = atomic_load_explicit(&s->footprint, memory_order_relaxed);
    size_t used = atomic_load_explicit(&s->used, memory_order_relaxed);
    return footprint > used ? footprint - used : 0;
}
