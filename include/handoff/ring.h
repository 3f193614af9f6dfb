/* ring.h: bounded lock-free ring of fixed-size records, one producer thread to one consumer thread.
 * Thread:  ring_push from the one producer; ring_pop from the one consumer; others never.
 * Owns:    its records, copied in and out by value.
 * Full:    ring_push returns ERR_BUSY and sets the overflow flag; nothing is lost silently: the consumer
 *          reads and clears the flag with ring_overflowed().
 * Wake-up: the ring itself wakes nobody: the producer calls mailbox_poke() of the consumer after a batch of pushes
 *          (a system call only when the consumer sleeps). After ERR_BUSY, too: the flag is news.
 * Built on Concurrency Kit's ck_ring (single producer, single consumer), its indices on separate cache lines. */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct ring; /* heap, cache-line aligned */

#define RING_CAPACITY 4096 /* of those between the server's threads */

/* Holds at least `capacity` records (a power of two ≥ 4, less the one that ck_ring keeps free). NULL: no memory. */
struct ring *ring_new(size_t record_bytes, size_t capacity);
size_t ring_bytes(size_t record_bytes, size_t capacity); /* what it takes: for the memory budget */
void ring_free(struct ring *r);
NODISCARD enum err ring_push(struct ring *r, const void *record);
bool ring_pop(struct ring *r, void *record);
bool ring_overflowed(struct ring *r);    /* consumer: true once after each overflow */
size_t ring_depth(const struct ring *r); /* any thread; a guess */
