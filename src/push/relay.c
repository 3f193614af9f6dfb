#include "push/relay.h"

#include "base/metrics.h"
#include "broadcaster_internal.h"

#include <stdlib.h>

/* From one broadcaster to another. */
struct lane {
    struct broadcaster *to;
    struct ring *ring; /* struct blob *: each holds a reference */
    bool pushed;       /* since the last flush */
};

struct relay_port {
    unsigned count;
    struct lane lanes[];
};

struct relay {
    unsigned count;
    struct relay_port *ports[];
};

static void port_free(struct relay_port *p)
{
    for (unsigned i = 0; p && i < p->count; i++) {
        struct lane *lane = &p->lanes[i];
        struct blob *signal;
        while (lane->ring && ring_pop(lane->ring, &signal))
            blob_drop(signal);
        broadcaster_unlink(lane->to);
        ring_free(lane->ring);
    }
    free(p);
}

static struct relay_port *port_new(struct broadcaster *const *broadcasters, unsigned count, unsigned from)
{
    struct relay_port *p = calloc(1, sizeof(*p) + count * sizeof(struct lane));
    for (unsigned i = 0; p && i < count; i++) {
        if (i == from)
            continue;
        struct lane *lane = &p->lanes[p->count++];
        lane->to = broadcasters[i];
        lane->ring = ring_new(sizeof(struct blob *), RELAY_RING);
        if (!lane->ring || broadcaster_link_from(lane->to, lane->ring) != OK) {
            port_free(p);
            return NULL;
        }
    }
    return p;
}

struct relay *relay_new(struct broadcaster *const *broadcasters, unsigned count)
{
    struct relay *r = calloc(1, sizeof(*r) + count * sizeof(struct relay_port *));
    for (; r && r->count < count; r->count++) {
        struct relay_port *p = port_new(broadcasters, count, r->count);
        if (!p) {
            relay_free(r);
            return NULL;
        }
        r->ports[r->count] = p;
        broadcaster_link_to(broadcasters[r->count], p);
    }
    return r;
}

void relay_free(struct relay *r)
{
    for (unsigned i = 0; r && i < r->count; i++)
        port_free(r->ports[i]);
    free(r);
}

bool relay_leads_on(const struct relay_port *p)
{
    for (unsigned i = 0; p && i < p->count; i++)
        if (broadcaster_connections(p->lanes[i].to) > 0)
            return true;
    return false;
}

/* One without connections is neither written to nor woken, as publisher_push() has it. */
void relay_send(struct relay_port *p, struct blob *signal)
{
    for (unsigned i = 0; p && i < p->count; i++) {
        struct lane *lane = &p->lanes[i];
        if (broadcaster_connections(lane->to) == 0)
            continue;
        blob_hold(signal);
        lane->pushed = true;
        if (ring_push(lane->ring, &signal) == OK)
            continue;
        blob_drop(signal);
        metrics_add(M_SIGNAL_DROPPED, 1);
    }
}

void relay_flush(struct relay_port *p)
{
    for (unsigned i = 0; p && i < p->count; i++) {
        struct lane *lane = &p->lanes[i];
        if (lane->pushed)
            broadcaster_poke(lane->to);
        lane->pushed = false;
    }
}
