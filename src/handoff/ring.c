/* ck_ring carries pointers; here the pointer in slot i always leads to record i and is written once, at the start.
 * The producer reserves a slot, copies the record in and commits; the consumer dequeues the pointer, then copies the
 * record out. That copy happens after the index has moved on, and is safe because ck_ring keeps one slot free: with
 * N slots and the consumer's index at c, the producer gets at most to slot c + N - 2, which is c - 2; the record being
 * copied is c - 1. The producer may enter c - 1 when the index is c + 1, and that store follows the copy. */
#include "handoff/ring.h"

#include "tsan.h"

#include <ck_md.h>
#include <ck_pr.h>
#include <ck_ring.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RING_SLOTS_MIN 4
#define RING_SLOTS_MAX ((size_t)1 << 30) /* ck's indices are unsigned int */

struct ring {
    struct ck_ring indices;                     /* atomic: consumer's and producer's, a cache line each */
    alignas(CK_MD_CACHELINE) unsigned overflow; /* atomic: the producer sets, the consumer clears */
    /* set before start, then read-only */
    alignas(CK_MD_CACHELINE) struct ck_ring_buffer *slots;
    char *records;
    size_t record_bytes;
};

static size_t slots_for(size_t capacity)
{
    size_t slots = RING_SLOTS_MIN;
    while (slots <= capacity)
        slots *= 2;
    return slots;
}

static size_t stride_for(size_t record_bytes)
{
    return (record_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

size_t ring_bytes(size_t record_bytes, size_t capacity)
{
    return sizeof(struct ring) + slots_for(capacity) * (sizeof(struct ck_ring_buffer) + stride_for(record_bytes));
}

struct ring *ring_new(size_t record_bytes, size_t capacity)
{
    must(record_bytes > 0 && capacity < RING_SLOTS_MAX);
    size_t slots = slots_for(capacity);
    size_t stride = stride_for(record_bytes);
    struct ring *r = aligned_alloc(alignof(struct ring), sizeof(*r));
    if (!r)
        return NULL;
    *r = (struct ring){.record_bytes = record_bytes};
    r->slots = calloc(slots, sizeof(*r->slots));
    r->records = calloc(slots, stride);
    if (!r->slots || !r->records) {
        ring_free(r);
        return NULL;
    }
    ck_ring_init(&r->indices, (unsigned)slots);
    for (size_t i = 0; i < slots; i++)
        r->slots[i].value = r->records + i * stride;
    return r;
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    free(r->slots);
    free(r->records);
    free(r);
}

enum err ring_push(struct ring *r, const void *record)
{
    /* ck reads the consumer's index relaxed; the copy below depends on it by the branch inside (a store cannot be
     * made visible ahead of the branch that allows it), so the consumer has left the slot. */
    struct ck_ring_buffer *slot = ck_ring_enqueue_reserve_spsc(&r->indices, r->slots);
    if (!slot) {
        HANDOFF_RELEASE(&r->overflow);
        /* Release: what the consumer will look at instead of the lost record is visible before the flag. */
        ck_pr_fence_release();
        ck_pr_store_uint(&r->overflow, 1);
        return ERR_BUSY;
    }
    HANDOFF_ACQUIRE(&r->indices.c_head);
    memcpy(slot->value, record, r->record_bytes);
    HANDOFF_RELEASE(&r->indices.p_tail);
    ck_ring_enqueue_commit_spsc(&r->indices); /* a store fence, then the index: the record is visible before it */
    return OK;
}

bool ring_pop(struct ring *r, void *record)
{
    void *from;
    if (!ck_ring_dequeue_spsc(&r->indices, r->slots, &from))
        return false;
    HANDOFF_ACQUIRE(&r->indices.p_tail);
    memcpy(record, from, r->record_bytes);
    HANDOFF_RELEASE(&r->indices.c_head);
    /* Release: the copy is done before the next pop moves the index and so gives this slot back. */
    ck_pr_fence_release();
    return true;
}

bool ring_overflowed(struct ring *r)
{
    if (ck_pr_load_uint(&r->overflow) == 0)
        return false;
    (void)ck_pr_fas_uint(&r->overflow, 0);
    /* Acquire: what the producer did before it set the flag is visible after this. */
    ck_pr_fence_acquire();
    HANDOFF_ACQUIRE(&r->overflow);
    return true;
}

size_t ring_depth(const struct ring *r)
{
    return ck_ring_size(&r->indices);
}
