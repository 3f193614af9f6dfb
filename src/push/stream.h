/* stream.h: the frames that all plain subscribers of one channel get, as one growing run of bytes: who stands at a
 * position gets everything after it in one send. Whole frames only, so every position handed out is a frame's start.
 * Private to src/push.
 * Thread:  the hub's.
 * Owns:    its bytes.
 * Fails:   stream_append ERR_NOMEM, nothing appended. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

struct stream_segment;
struct stream {
    struct stream_segment *oldest, *newest;
    uint64_t end;      /* position after the last byte */
    size_t held_bytes; /* still kept */
};

void stream_fini(struct stream *s); /* accepts a zeroed stream */
NODISCARD enum err stream_append(struct stream *s, struct slice frames);
/* Bytes from pos (< end) that lie together; usually all, else up to the end of a segment. */
struct slice stream_from(const struct stream *s, uint64_t pos);
/* Nobody stands before pos any more. */
void stream_forget(struct stream *s, uint64_t pos);
