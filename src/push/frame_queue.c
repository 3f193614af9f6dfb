#include "frame_queue.h"

#include <stdlib.h>

#define SEGMENT_BYTES 65536

struct frame_segment {
    struct frame_segment *next;
    uint64_t base; /* position of bytes[0] */
    size_t len, cap;
    char bytes[];
};

static void drop_oldest(struct frame_queue *s)
{
    struct frame_segment *old = s->oldest;
    s->oldest = old->next;
    s->held_bytes -= old->len;
    if (!s->oldest)
        s->newest = NULL;
    free(old);
}

void frame_queue_fini(struct frame_queue *s)
{
    while (s->oldest)
        drop_oldest(s);
    *s = (struct frame_queue){0};
}

static struct frame_segment *add_segment(struct frame_queue *s, size_t bytes)
{
    size_t cap = bytes > SEGMENT_BYTES ? bytes : SEGMENT_BYTES;
    struct frame_segment *g = malloc(sizeof(*g) + cap);
    if (!g)
        return NULL;
    *g = (struct frame_segment){.base = s->end, .cap = cap};
    if (s->newest)
        s->newest->next = g;
    else
        s->oldest = g;
    s->newest = g;
    return g;
}

enum err frame_queue_append(struct frame_queue *s, struct slice frames)
{
    struct frame_segment *g = s->newest;
    if (!g || g->cap - g->len < frames.len)
        g = add_segment(s, frames.len);
    if (!g)
        return ERR_NOMEM;
    memcpy(g->bytes + g->len, frames.ptr, frames.len);
    g->len += frames.len;
    s->end += frames.len;
    s->held_bytes += frames.len;
    return OK;
}

struct slice frame_queue_from(const struct frame_queue *s, uint64_t pos)
{
    must(s->oldest && pos >= s->oldest->base && pos < s->end);
    const struct frame_segment *g = pos >= s->newest->base ? s->newest : s->oldest;
    while (pos >= g->base + g->len)
        g = g->next;
    size_t at = (size_t)(pos - g->base);
    return slice_of(g->bytes + at, g->len - at);
}

void frame_queue_forget(struct frame_queue *s, uint64_t pos)
{
    while (s->oldest && s->oldest != s->newest && s->oldest->base + s->oldest->len <= pos)
        drop_oldest(s);
    struct frame_segment *g = s->newest;
    if (g && pos == s->end) { /* all were given out: write from the start again */
        s->held_bytes -= g->len;
        g->base = s->end;
        g->len = 0;
    }
}
