/* server.h: who owns every thread; the order in which they start and stop.
 * Thread:  main.
 * Start:   store → cache (warm) → writer, readers → broadcasters → workers → acceptor: each finds what it calls running.
 * Stop:    along the data's way: acceptor (no new connections) → workers (requests in hand finish, their notices go out)
 *          → readers, writer (what is still queued becomes durable; past the workers' deadline nobody waits for it)
 *          → broadcasters (rings drained, close frames 1001) → store.
 * Fails: server_start() with a sentence for stderr; nothing is left running. */
#pragma once
#include "base/config.h"

struct server;

NODISCARD enum err server_start(const struct config *config, struct server **out, struct buf *why);
/* A second's look at every loop (one that has not turned is logged and counted) and at the store (when it has come back
 * after trouble, subscribers are told to refetch). */
void server_watch(struct server *s);
/* Everything within config->drain_timeout_ms; false: something was cut off. */
bool server_stop(struct server *s);
