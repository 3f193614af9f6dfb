/* listener.h: listening sockets from "ADDR:PORT".
 * Thread:  main, before threads start.
 * Owns:    nothing: the descriptor is the caller's.
 * Fails:   ERR_INVALID: not an address; ERR_IO: the kernel refuses (why has the sentence). */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "net/address.h"

/* IPv4:port, [IPv6]:port, :port for every address (one socket for both families); port 0: any free one. Non-blocking, close-on-exec, SO_REUSEADDR. */
NODISCARD enum err listener_open(struct slice address, int *fd, struct buf *why);
/* One that somebody else has bound, made as ours are; ERR_IO. */
NODISCARD enum err listener_adopt(int fd);
/* Is it an address of this machine? The port may be taken, by the server that is running: that is not looked at. */
NODISCARD enum err listener_check(struct slice address, struct buf *why);
/* The bound address of a socket as text, with the port that the kernel chose. */
void listener_address(int fd, char out[static ADDRESS_TEXT_MAX]);
bool listener_is_loopback(struct slice address); /* nobody from another machine can reach it */
