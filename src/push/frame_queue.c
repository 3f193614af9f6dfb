#include "frame_queue.h"

#include <stdlib.h>

#define SEGMENT_BYTES 65536

struct frame_segment {
    struct frame_segment *next;
    uint64_t base; /* position of bytes[0] */
    size_t len, cap;
    char bytes[];
};

static void drop_oldest(struct frame_queue *q)
{
    struct frame_segment *old = q->oldest;
    q->oldest = old->next;
    q->held_bytes -= old->len;
    if (!q->oldest)
        q->newest = NULL;
    free(old);
}

void frame_queue_fini(struct frame_queue *q)
{
    while (q->oldest)
        drop_oldest(q);
    *q = (struct frame_queue){0};
}

static struct frame_segment *add_segment(struct frame_queue *q, size_t bytes)
{
    size_t cap = bytes > SEGMENT_BYTES ? bytes : SEGMENT_BYTES;
    struct frame_segment *g = malloc(sizeof(*g) + cap);
    if (!g)
        return NULL;
    *g = (struct frame_segment){.base = q->end, .cap = cap};
    if (q->newest)
        q->newest->next = g;
    else
        q->oldest = g;
    q->newest = g;
    return g;
}

enum err frame_queue_append(struct frame_queue *q, struct slice frames)
{
    struct frame_segment *g = q->newest;
    if (!g || g->cap - g->len < frames.len)
        g = add_segment(q, frames.len);
    if (!g)
        return ERR_NOMEM;
    memcpy(g->bytes + g->len, frames.ptr, frames.len);
    g->len += frames.len;
    q->end += frames.len;
    q->held_bytes += frames.len;
    return OK;
}

struct slice frame_queue_from(const struct frame_queue *q, uint64_t pos)
{
    must(q->oldest && pos >= q->oldest->base && pos < q->end);
    const struct frame_segment *g = pos >= q->newest->base ? q->newest : q->oldest;
    while (pos >= g->base + g->len)
        g = g->next;
    size_t at = (size_t)(pos - g->base);
    return slice_of(g->bytes + at, g->len - at);
}

void frame_queue_forget(struct frame_queue *q, uint64_t pos)
{
    while (q->oldest && q->oldest != q->newest && q->oldest->base + q->oldest->len <= pos)
        drop_oldest(q);
    struct frame_segment *g = q->newest;
    if (g && pos == q->end) { /* all was given out: the last segment is used again from its start */
        q->held_bytes -= g->len;
        g->base = q->end;
        g->len = 0;
    }
}
