/* broadcaster.h: a thread that owns WebSocket connections and sends each notice to those that asked for it.
 * Thread:  runs its own, named broadcast-<index>. broadcaster_adopt(), broadcaster_connections() and the loop's
 *          counters from any thread; the rest from server.c.
 * Order:   broadcaster_new, publisher_new…, relay_new, broadcaster_start, …, broadcaster_stop of all (every producer has
 *          stopped pushing), publisher_free…, relay_free, broadcaster_free (the writer has stopped).
 * Owns:    its connections' descriptors from broadcaster_adopt() on.
 * Blocks:  broadcaster_adopt() never; the thread in epoll_wait only; broadcaster_stop() until the thread has ended.
 * Fails:   broadcaster_new ERR_NOMEM, ERR_IO; broadcaster_start ERR_NOMEM. Later failures close the one connection that
 *          they touch.
 * Metrics: M_NOTICE_DELIVERED, M_NOTICE_COALESCED, M_WS_*, G_WS_*, H_DURABLE_NOTIFIED, H_NOTIFIED_WRITTEN. */
#pragma once
#include "base/err.h"
#include "net/loop.h"
#include "push/ws_conn.h"
#include "push/ws_handover.h"

#define BROADCAST_BATCH 256  /* notices taken from the rings in one turn */
#define BROADCAST_OPS   1024 /* of its connections, on their way to the writer */

struct broadcaster;

struct broadcaster_options {
    unsigned index;
    struct ws_options ws;
    /* Asked of each connection's principal as it comes and at BROADCASTER_RECHECK, on the broadcaster's thread; false:
     * the connection is closed. NULL: all are good. */
    bool (*still_good)(void *arg, const struct ws_principal *who);
    void *still_good_arg;
    bool produces; /* its connections have things to store: they get a producer (ws_options) */
};

enum broadcaster_order {
    BROADCASTER_REFETCH = 1, /* notices may be missing: tell every subscriber to refetch, and the counts */
    BROADCASTER_DISMISS = 2, /* close the connections that are open (1001): they are served elsewhere from now on */
    BROADCASTER_RECHECK = 4  /* rights may have gone: close those that are no longer good (1008) */
};

NODISCARD enum err broadcaster_new(struct broadcaster **out, const struct broadcaster_options *options);
NODISCARD enum err broadcaster_start(struct broadcaster *b);
/* Delivers what the rings hold, closes every connection with 1001, waits for the close replies but no longer than
 * deadline_mono_us (clock_mono_us), then joins the thread. Nothing when it was not started. */
void broadcaster_stop(struct broadcaster *b, int64_t deadline_mono_us);
/* The first half of broadcaster_stop(): asks, does not wait. Several broadcasters drain side by side when each is
 * asked first. */
void broadcaster_ask_stop(struct broadcaster *b, int64_t deadline_mono_us);
void broadcaster_free(struct broadcaster *b); /* accepts NULL; stopped */

/* Gives h and its descriptor away. Any thread. Which broadcaster is the caller's choice. Once connections are being
 * closed at the stop, h's is closed at once. */
void broadcaster_adopt(struct broadcaster *b, struct ws_handover *h);
void broadcaster_ask(struct broadcaster *b, enum broadcaster_order what); /* any thread; done in its next turn */
/* Connections adopted and not yet closed. Any thread. */
unsigned broadcaster_connections(const struct broadcaster *b);
/* For the watchdog: loop_turns() and loop_busy_us() of it. */
const struct loop *broadcaster_loop(const struct broadcaster *b);
