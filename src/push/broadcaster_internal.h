/* broadcaster_internal.h: what a publisher needs of a broadcaster. Private to src/push. */
#pragma once
#include "handoff/ring.h"
#include "push/broadcaster.h"

#define BROADCASTER_RINGS_MAX 256 /* producing threads */

/* Before broadcaster_start(). The ring stays the publisher's. ERR_BUSY: too many producers. */
NODISCARD enum err broadcaster_attach(struct broadcaster *b, struct ring *ring);
void broadcaster_detach(struct broadcaster *b, struct ring *ring); /* not started, or stopped */
void broadcaster_poke(struct broadcaster *b);                      /* any thread: there are notices in a ring */
