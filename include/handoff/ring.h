/* ring.h: bounded lock-free ring of fixed-size records, one producer thread to one consumer thread.
 * Thread:  ring_push from the one producer; ring_pop from the one consumer; others never.
 * Owns:    its records, copied in and out by value.
 * Full:    ring_push returns ERR_BUSY and sets the overflow flag; nothing is lost silently: the consumer
 *          reads and clears the flag with ring_overflowed().
 * Wake-up: the ring itself wakes nobody: the producer pokes the consumer's mailbox or eventfd after a batch of
 *          pushes (ring_consumer_sleeps() says whether it must).
 * Built on Concurrency Kit's ck_ring (ck_ring_enqueue_spsc), its indices on separate cache lines. */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct ring; /* heap, cache-line aligned */

struct ring *ring_new(size_t record_bytes, size_t capacity); /* capacity: rounded up to a power of two ≥ 4 */
void ring_free(struct ring *r);
NODISCARD enum err ring_push(struct ring *r, const void *record);
bool ring_pop(struct ring *r, void *record);
bool ring_overflowed(struct ring *r);    /* consumer: true once after each overflow */
size_t ring_depth(const struct ring *r); /* any thread; a guess */
