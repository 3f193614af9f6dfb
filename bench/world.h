/* world.h: the customers and chats that a run works on, made through the server's own API, in parallel.
 * Thread:  world_make from main, before the run; read only afterwards.
 * Owns:    the chat ids, until world_fini().
 * Chat i belongs to customer i % customers. */
#pragma once
#include "load.h"

/* Fills in what the options leave open, then makes or loads (--ids) it all. */
void world_make(struct load *l, unsigned customers, unsigned chats, unsigned history);
void world_fini(struct world *w);
size_t world_email(const struct world *w, uint32_t customer, char out[static 64]);
