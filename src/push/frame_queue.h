/* frame_queue.h: the frames that all plain subscribers of one channel get, as one growing run of bytes. A position
 * counts bytes since the beginning; who stands at one gets everything after it in one send. Whole frames only are
 * appended, so every position given out is a frame's start. What all have had is forgotten.
 * Private to src/push.
 * Thread:  the hub's.
 * Owns:    its bytes.
 * Fails:   frame_queue_append() ERR_NOMEM, nothing appended. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

struct frame_segment;
struct frame_queue {
    struct frame_segment *oldest, *newest;
    uint64_t end;      /* position after the last byte */
    size_t held_bytes; /* still kept */
};

void frame_queue_fini(struct frame_queue *q); /* accepts a zeroed queue */
NODISCARD enum err frame_queue_append(struct frame_queue *q, struct slice frames);
/* Bytes from pos (< end) that lie together; usually all, else up to the end of a segment. */
struct slice frame_queue_from(const struct frame_queue *q, uint64_t pos);
/* Nobody stands before pos any more: frees the segments that end there or before. */
void frame_queue_forget(struct frame_queue *q, uint64_t pos);
