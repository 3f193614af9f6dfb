/* writer.h: turns queued ops into durable writes, in the order in which each producer queued them.
 * Thread:  runs its own ("writer"); writer_submit() from any producer; start and stop from server.c.
 * Owns:    every op from a submit that returned OK until it is posted to op->reply_to.
 * Blocks:  submit never; the thread itself on the store only.
 * Order:   durable → events to every sink, memory first → completions: whoever sees an answer can already read the message.
 * Fails:   ERR_BUSY when --queue ops wait, ERR_STORE while the circuit is open (the store was away longer than
 *          --write-timeout): nothing taken. A failed batch is tried again with the same ids until each op's
 *          deadline, then that op finishes with ERR_TIMEOUT. An op that the store can never do finishes alone, with
 *          ERR_REFUSED, ERR_CONFLICT, ERR_TOO_LARGE or ERR_FAILED.
 * Metrics: G_WRITER_QUEUE, H_BATCH_OPS, H_COMMIT, M_STORE_RETRY, M_STORE_REFUSED, M_QUEUE_FULL_WRITER. */
#pragma once
#include "chat/event.h"
#include "store/store.h"
#include "write/kind.h"

struct writer;

struct writer_options {
    struct store *store;
    /* What memory knows of a chat, so that the store need not be asked; false: nothing. NULL: it is always asked. */
    bool (*link)(void *arg, struct slice chat_id, struct arena *a, struct chat_link *out);
    void *link_arg;
    int64_t queue_max;
    int64_t batch_max;
    int64_t write_timeout_ms;
    int64_t retry_most_ms; /* the longest wait before a store that is away is asked again; 0: half a second */
    int64_t max_rev;       /* the store's highest rev at start */
    /* Set where the store was away at start: asked on the writer's thread, again and again, until it says OK and gives
     * max_rev. Until then the circuit is open. */
    enum err (*prepare)(void *arg, int64_t *max_rev);
    void *prepare_arg;
    struct event_sinks sinks; /* told on the writer's thread */
};

/* The most events that one batch raises: its counts, and each op's. */
#define WRITER_EVENTS(batch_max) (1 + WRITE_EVENTS_MAX * (batch_max))

NODISCARD enum err writer_start(const struct writer_options *options, struct writer **out);
NODISCARD enum err writer_submit(struct writer *w, struct op *op);
bool writer_available(const struct writer *w); /* false while the circuit is open; any thread */
/* Finishes what is queued (each within its deadline), then ends the thread. What is submitted after the call is
 * not begun: it stays where its producer's pool finds it. */
void writer_stop(struct writer *w);
void writer_free(struct writer *w);
