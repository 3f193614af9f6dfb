/* blob.h: immutable bytes shared by reference: a response body, an encoded WebSocket frame.
 * Thread:  hold and drop from any thread (atomic count); the bytes do not change once a second holder has them.
 * Owns:    every holder has one reference; the last drop frees.
 * Fails:   NULL when there is no memory. */
#pragma once
#include "base/buf.h"
#include "base/quota.h"
#include "base/slab.h"
#include <stdatomic.h>

struct blob {
    atomic_uint refs;
    atomic_uint pins;              /* clients that are slow to take it: see blob_pin() */
    uint32_t len;                  /* bytes in data; a body is at most 4 GiB - 1 */
    struct slab *memory;           /* where it came from; NULL: malloc */
    _Atomic(struct blob *) packed; /* see blob_packed() */
    char data[];
};
_Static_assert(offsetof(struct blob, data) == sizeof(struct blob), "a buffer that begins with one becomes one");

/* One reference, the caller's. memory: a slab that outlives the blob; NULL: malloc. Where bytes.ptr is NULL the caller fills
 * data before anybody else gets the blob. */
struct blob *blob_copy(struct slab *memory, struct slice bytes);
struct blob *blob_hold(struct blob *b); /* returns b */
void blob_drop(struct blob *b);         /* accepts NULL */

/* The same bytes in another form, which goes with it. NULL: not made yet; empty: there is none that is smaller. Set once, by one
 * thread, which gives its reference. */
static inline struct blob *blob_packed(const struct blob *b)
{
    /* Acquire: who sees it reads its bytes. */
    return atomic_load_explicit(&b->packed, memory_order_acquire);
}
void blob_set_packed(struct blob *b, struct blob *packed);

/* Counts the bytes against the quota as long as anyone has them pinned, however many do. False: no room, not pinned.
 * All pins of one blob name the same quota. */
bool blob_pin(struct blob *b, struct quota *q);
void blob_pin_force(struct blob *b, struct quota *q); /* past the quota too */
void blob_unpin(struct blob *b, struct quota *q);

/* Counted already: one more pin costs nothing. A look at a moment ago. */
static inline bool blob_is_pinned(const struct blob *b)
{
    return atomic_load_explicit(&b->pins, memory_order_relaxed) > 0;
}

static inline struct slice blob_slice(const struct blob *b)
{
    return (struct slice){.ptr = b->data, .len = b->len};
}
