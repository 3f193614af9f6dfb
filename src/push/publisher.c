#include "push/publisher.h"

#include "base/metrics.h"
#include "broadcaster_internal.h"
#include "handoff/ring.h"

#include <stdlib.h>

struct outlet {
    struct broadcaster *broadcaster;
    struct ring *ring;
    bool pushed; /* since the last flush */
};

struct publisher {
    unsigned count;
    struct outlet outlets[];
};

struct publisher *publisher_new(struct broadcaster *const *broadcasters, unsigned count, size_t ring_capacity)
{
    struct publisher *p = calloc(1, sizeof(*p) + count * sizeof(struct outlet));
    if (!p)
        return NULL;
    for (; p->count < count; p->count++) {
        struct outlet *o = &p->outlets[p->count];
        o->broadcaster = broadcasters[p->count];
        o->ring = ring_new(sizeof(struct notice), ring_capacity ? ring_capacity : RING_CAPACITY);
        if (!o->ring || broadcaster_attach(o->broadcaster, o->ring) != OK) {
            ring_free(o->ring);
            publisher_free(p);
            return NULL;
        }
    }
    return p;
}

void publisher_free(struct publisher *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->count; i++) {
        broadcaster_detach(p->outlets[i].broadcaster, p->outlets[i].ring);
        ring_free(p->outlets[i].ring);
    }
    free(p);
}

/* A broadcaster without connections is neither written to nor woken. Nobody misses a notice by that: a connection is
 * counted (broadcaster_adopt) before its subscribe is read, so a notice that finds none is of a change that could be
 * read before that; and who subscribes is told to look at what there is, unless its cursor shows that it has. */
void publisher_push(struct publisher *p, const struct notice *n)
{
    metrics_add(M_NOTICE_RAISED, 1);
    for (unsigned i = 0; i < p->count; i++) {
        struct outlet *o = &p->outlets[i];
        if (broadcaster_connections(o->broadcaster) == 0)
            continue;
        o->pushed = true;
        if (ring_push(o->ring, n) != OK) /* flagged in the ring: the broadcaster sends a hint instead */
            metrics_add(M_NOTICE_OVERFLOW, 1);
    }
}

void publisher_flush(struct publisher *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct outlet *o = &p->outlets[i];
        if (o->pushed)
            broadcaster_poke(o->broadcaster);
        o->pushed = false;
    }
}
