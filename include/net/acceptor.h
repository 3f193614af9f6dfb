/* acceptor.h: accepts on every listening socket and gives each connection to a worker.
 * Thread:  runs its own ("acceptor"); start and free from server.c.
 * Owns:    the listening sockets from acceptor_start() on, and a connection until deliver() took it.
 * Blocks:  in poll only. Out of descriptors (EMFILE, ENFILE) it gives up its spare descriptor to accept, refuse
 *          and close one connection, so that the client hears at once, then waits a little: it never spins.
 * Fails:   refused connections are told why, closed and counted (M_CONN_REFUSED_*). */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "net/admission.h"

struct acceptor;

struct accepted {
    int fd;            /* non-blocking, close-on-exec; TCP_NODELAY as its listener */
    unsigned listener; /* index of the socket it came through */
    uint64_t ticket;
    struct sockaddr_storage peer;
};

enum acceptor_refusal {
    ACCEPTOR_FULL,    /* no room: the client may come again soon */
    ACCEPTOR_TOO_MANY /* this client has, or opens, too many */
};

struct acceptor_options {
    const int *listeners;
    unsigned listener_count;
    struct admission *admission;
    /* May one more connection of this peer come in now? False: it is refused, with this wait. May be NULL. */
    bool (*admit)(void *arg, const struct sockaddr *peer, int *wait_s);
    void *admit_arg;
    /* What a client hears that is not let in, appended; wait_s: when to come again, at least 1. NULL: nothing. */
    void (*refusal)(struct buf *out, enum acceptor_refusal why, int wait_s);
    /* On the acceptor's thread. ERR_BUSY: that worker's ring is full; the client is refused. */
    enum err (*deliver)(void *arg, const struct accepted *connection);
    /* After a run of deliveries: whoever got some is to be woken. May be NULL. */
    void (*flush)(void *arg);
    void *deliver_arg; /* of both */
};

NODISCARD enum err acceptor_start(const struct acceptor_options *options, struct acceptor **out);
void acceptor_free(struct acceptor *a); /* joins the thread, closes the listening sockets; accepts NULL */
