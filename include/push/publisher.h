/* publisher.h: one per producing thread (the writer; a bus between nodes): a ring to every broadcaster.
 * Thread:  publisher_new and publisher_free from server.c, before the broadcasters start and after they have stopped;
 *          publisher_push and publisher_flush from the one producing thread.
 * Owns:    its rings (the broadcasters read them).
 * Blocks:  never. A full ring loses no information: it is flagged, and that broadcaster tells all its subscribers to
 *          refetch (M_NOTICE_OVERFLOW counts them).
 * Wake-up: publisher_flush(), once per turn of the producer's loop, wakes each broadcaster at most once, and only one
 *          that sleeps. A push without a flush is delivered whenever the broadcaster next turns. */
#pragma once
#include "base/err.h"
#include "push/notice.h"

struct publisher;
struct broadcaster;

/* ring_capacity: notices per ring, rounded up to a power of two; 0: RING_CAPACITY. NULL: no memory. */
struct publisher *publisher_new(struct broadcaster *const *broadcasters, unsigned count, size_t ring_capacity);
void publisher_free(struct publisher *p); /* accepts NULL */
void publisher_push(struct publisher *p, const struct notice *n);
void publisher_flush(struct publisher *p);
