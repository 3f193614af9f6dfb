#include "push/publisher.h"

#include "base/metrics.h"
#include "broadcaster_internal.h"

#include <stdlib.h>

#define RING_CAPACITY 4096

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

/* A broadcaster that nobody is connected to is neither written to nor woken. Whoever connects later is counted before
 * its first frame leaves, so before it can know that it has subscribed: what it is then owed comes after. */
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
