/* server.h: who owns every thread; the order in which they start and stop.
 * Thread:  main.
 * Start:   broadcasters made (the writer pushes to them) → store → cache (warm) → writer, readers → broadcasters, workers
 *          run → acceptor: each finds what it calls there.
 * Stop:    along the data's way: acceptor (no new connections) → workers (requests in hand finish) → readers, writer (what
 *          is still queued becomes durable, and its notices go out) → broadcasters (rings drained, close frames 1001)
 *          → store.
 * Fails:   server_start() with a sentence for stderr; nothing is left running. */
#pragma once
#include "app/config.h"

struct inherited;
struct server;

/* sockets: those that were passed to us take the place of the addresses that the config has for them. */
NODISCARD enum err server_start(const struct config *config, const struct inherited *sockets, struct server **out,
                                struct buf *why);
/* A second's look at every loop: one that has not turned is logged and counted. False: there is one. */
bool server_watch(struct server *s);
/* What it listens on, for people; valid until the server stops. */
const char *server_status(const struct server *s);
/* SIGHUP: keys and origins are read from their files again; where that fails the old ones stay, and the log says why. */
void server_reload(struct server *s);
/* Everything within config->drain_timeout_ms; false: something was cut off. */
bool server_stop(struct server *s);
