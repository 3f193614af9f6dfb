/* announce.h: events → notices to the broadcasters, and the metrics that count events.
 * Thread:  announce() as a sink (chat/event.h) on the thread of its source, one announcer for each: its publisher has one
 *          producer. count_events() on any.
 * Owns:    the source's publisher.
 * Why the writer's events and not the worker that answers: one hop less on the way to the subscriber, one wake-up of a
 *          broadcaster per batch instead of one per worker, and one producer, so that notices leave in commit order. */
#pragma once
#include "base/err.h"
#include "chat/event.h"
#include "push/broadcaster.h"
#include "push/publisher.h"

struct announcer {
    struct publisher *publisher;
    struct broadcaster *const *broadcasters;
    unsigned count;
};

void announce(void *announcer, const struct event *events, size_t count);
void count_events(void *arg, const struct event *events, size_t count);
