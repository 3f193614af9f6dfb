/* relay.h: what the connections of one broadcaster say to those of the others: a ring from each to each other one, of
 * references to bytes that are encoded once.
 * Thread:  relay_new and relay_free from server.c, before the broadcasters start and after they have stopped; a port's
 *          functions from the thread of its broadcaster.
 * Owns:    the rings and what is left in them. A signal on its way is held once for each ring that it is in.
 * Blocks:  never. A full ring drops the signal (M_SIGNAL_DROPPED): it is true for seconds, so nobody is told to look.
 * Wake-up: relay_flush(), once per turn, wakes each of the others at most once, and only one that sleeps. */
#pragma once
#include "base/blob.h"

#define RELAY_RING 255 /* signals on their way from one broadcaster to another */

struct broadcaster;
struct relay;
struct relay_port; /* one broadcaster's end of it */

struct relay *relay_new(struct broadcaster *const *broadcasters, unsigned count); /* NULL: no memory */
void relay_free(struct relay *r);                                                 /* accepts NULL */

/* A NULL port leads nowhere. */
bool relay_leads_on(const struct relay_port *p); /* is there another one with connections? */
void relay_send(struct relay_port *p, struct blob *signal);
void relay_flush(struct relay_port *p);
