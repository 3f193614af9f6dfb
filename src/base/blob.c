#include "base/blob.h"

#include "base/err.h"

#include <stdlib.h>

struct blob *blob_copy(struct slab *memory, struct slice bytes)
{
    if (bytes.len > UINT32_MAX)
        return NULL;
    size_t size = sizeof(struct blob) + bytes.len;
    struct blob *b = memory ? slab_get(memory, size) : malloc(size);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    atomic_init(&b->pins, 0);
    atomic_init(&b->packed, NULL);
    b->memory = memory;
    b->len = (uint32_t)bytes.len;
    if (bytes.ptr)
        memcpy(b->data, bytes.ptr, bytes.len);
    return b;
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
    blob_drop(blob_packed(b));
    if (b->memory)
        slab_put(b->memory, b, sizeof(*b) + b->len);
    else
        free(b);
}

void blob_set_packed(struct blob *b, struct blob *packed)
{
    must(!blob_packed(b));
    atomic_store_explicit(&b->packed, packed, memory_order_release);
}

/* The counts need no order: whoever pins holds a reference, and the bytes are counted, not read. */
bool blob_pin(struct blob *b, struct quota *q)
{
    if (atomic_fetch_add_explicit(&b->pins, 1, memory_order_relaxed) > 0 || quota_take(q, b->len))
        return true;
    /* Who pinned between these two steps believes the bytes to be counted. So they are, past the quota if need be, and the
     * last unpin gives them back. */
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
