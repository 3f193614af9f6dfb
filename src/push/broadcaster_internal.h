/* broadcaster_internal.h: what publishers and the relay need of a broadcaster. Private to src/push. */
#pragma once
#include "handoff/ring.h"
#include "push/broadcaster.h"

struct relay_port;

#define BROADCASTER_RINGS_MAX 256 /* producing threads */

/* Before broadcaster_start(). The ring stays the publisher's. ERR_BUSY: too many producers. */
NODISCARD enum err broadcaster_attach(struct broadcaster *b, struct ring *ring);
void broadcaster_detach(struct broadcaster *b, struct ring *ring); /* not started, or stopped */
/* The same for what other broadcasters' connections say (struct blob *), and where what its own say goes. */
NODISCARD enum err broadcaster_link_from(struct broadcaster *b, struct ring *ring);
void broadcaster_link_to(struct broadcaster *b, struct relay_port *port);
void broadcaster_unlink(struct broadcaster *b); /* from all of it; not started, or stopped */
void broadcaster_poke(struct broadcaster *b);   /* any thread: there are notices in a ring */
