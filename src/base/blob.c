#include "base/blob.h"

#include "base/err.h"

#include <stdlib.h>

static struct blob *new_in(struct slab *memory, size_t len)
{
    if (len > UINT32_MAX)
        return NULL;
    struct blob *b = memory ? slab_get(memory, sizeof(*b) + len) : malloc(sizeof(*b) + len);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    atomic_init(&b->pins, 0);
    b->memory = memory;
    b->len = (uint32_t)len;
    return b;
}

struct blob *blob_new(size_t len)
{
    return new_in(NULL, len);
}

struct blob *blob_copy_in(struct slab *memory, struct slice bytes)
{
    struct blob *b = new_in(memory, bytes.len);
    if (b && bytes.len > 0)
        memcpy(b->data, bytes.ptr, bytes.len);
    return b;
}

struct blob *blob_copy(struct slice bytes)
{
    return blob_copy_in(NULL, bytes);
}

struct blob *blob_hold(struct blob *b)
{
    /* Relaxed: the caller has a reference already, so nothing has to be made visible by taking another. */
    unsigned before = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    must(before > 0 && before < UINT32_MAX);
    return b;
}

void blob_drop(struct blob *b)
{
    if (!b)
        return;
    /* Release: our reads of the bytes come before the free. Acquire (it matters for the last holder only): the
     * free comes after the reads of all the others. */
    unsigned before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    if (b->memory)
        slab_put(b->memory, b, sizeof(*b) + b->len);
    else
        free(b);
}

/* The counts need no order: whoever pins holds a reference, and the bytes are counted, not read. */
bool blob_pin(struct blob *b, struct quota *q)
{
    if (atomic_fetch_add_explicit(&b->pins, 1, memory_order_relaxed) > 0 || quota_take(q, b->len))
        return true;
    /* Somebody who pinned meanwhile took us for the one who counted: then it stays counted, and theirs to give back. */
    if (atomic_fetch_sub_explicit(&b->pins, 1, memory_order_relaxed) > 1)
        quota_force(q, b->len);
    return false;
}

void blob_pin_force(struct blob *b, struct quota *q)
{
    if (atomic_fetch_add_explicit(&b->pins, 1, memory_order_relaxed) == 0)
        quota_force(q, b->len);
}

void blob_unpin(struct blob *b, struct quota *q)
{
    unsigned before = atomic_fetch_sub_explicit(&b->pins, 1, memory_order_relaxed);
    must(before > 0);
    if (before == 1)
        quota_give(q, b->len);
}
