/* descriptors.h: room for a descriptor to each connection. Private to app/.
 * Thread:  main, before others start. */
#pragma once
#include <stdint.h>

/* What cannot be had is logged; past it the acceptor refuses connections. */
void descriptors_make_room(int64_t connections);
