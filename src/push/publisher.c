#include "push/publisher.h"

#include "base/metrics.h"
#include "broadcaster_internal.h"

#include <stdlib.h>

#define RING_CAPACITY 4096

struct outlet {
    struct broadcaster *broadcaster;
    struct ring *ring;
};

struct publisher {
    bool pushed; /* since the last flush */
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

void publisher_push(struct publisher *p, const struct notice *n)
{
    metrics_add(M_NOTICE_RAISED, 1);
    p->pushed = true;
    for (unsigned i = 0; i < p->count; i++)
        if (ring_push(p->outlets[i].ring, n) != OK) /* flagged in the ring: the broadcaster sends a hint instead */
            metrics_add(M_NOTICE_OVERFLOW, 1);
}

void publisher_flush(struct publisher *p)
{
    if (!p->pushed)
        return;
    p->pushed = false;
    for (unsigned i = 0; i < p->count; i++)
        broadcaster_poke(p->outlets[i].broadcaster);
}
