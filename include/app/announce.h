/* announce.h: what became durable → notices to the broadcasters.
 * Thread:  announce() on the writer's, as its on_durable hook; the rest from server.c, around the writer's life.
 * Owns:    the writer's publisher.
 * Why the writer and not the worker that answers: one hop less on the way to the subscriber, one wake-up of a
 *          broadcaster per batch instead of one per worker, and one producer, so that notices leave in commit order. */
#pragma once
#include "base/err.h"
#include "push/broadcaster.h"
#include "push/publisher.h"
#include "write/op.h"

struct announcer {
    struct publisher *publisher;
    struct broadcaster *const *broadcasters;
    unsigned count;
};

void announce(void *announcer, struct op *const *ops, size_t count);
/* While the store was away requests were refused, and a message whose answer was lost may have been stored without a
 * notice. Dashboards poll nothing: they are told to look again. */
void announce_recovery(void *announcer);
