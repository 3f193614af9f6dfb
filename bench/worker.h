/* worker.h: one thread of load: its connections' lists, what it counts, its share of the world; and what every file
 * needs (time, memory, the end of the program).
 * Thread:  the worker's own, but for worker_wake().
 * Owns:    its descriptors and counters; load.c makes it, runs it and merges what it counted after the join. */
#pragma once
#include "hist.h"
#include "response.h"

#include <pthread.h>
#include <stdatomic.h>

enum op {
    OP_SETUP,
    OP_REQUEST,
    OP_SEND,
    OP_POLL,
    OP_REFETCH,
    OP_PREFLIGHT,
    OP_NOTIFY,
    OP_VERIFY,
    OP_DELIVERY,
    OP_LAST,
    OP_OPEN,
    OP_DISK,
    OP_SIGNAL,
    OP_CUSTOMER,
    OP_STATE,
    OP_COUNT
};
extern const char *const OP_NAMES[OP_COUNT];

enum failure {
    FAIL_CONNECT,
    FAIL_CLOSED,
    FAIL_TIMEOUT,
    FAIL_PROTOCOL,
    FAIL_STATUS,
    FAIL_STALE,  /* notify --verify: the frame came before the message could be read */
    FAIL_MISSED, /* a notification that did not reach every subscriber */
    FAIL_UNSENT, /* open loop: due, but no connection was free until the end */
    FAIL_COUNT
};
extern const char *const FAIL_NAMES[FAIL_COUNT];

#define STATUS_MAX  600
#define READ_BYTES  (256u << 10)
#define NEVER_NS    (INT64_MAX / 4) /* room to add to it */
#define SECOND_NS   INT64_C(1000000000)
#define ETAG_STRIDE (RESPONSE_ETAG_MAX + 1)

struct op_stats {
    uint64_t done; /* finished within the run */
    uint64_t bytes;
    uint64_t failed[FAIL_COUNT];
    struct hist latency; /* of what was due within the run */
};

struct conn;
struct load;
struct worker {
    struct load *load;
    unsigned index;
    pthread_t thread;
    int epoll_fd;
    int wake_fd; /* other workers wake this one: mode->turn() looks why */
    int64_t now_ns;
    char *in;  /* READ_BYTES: where reads go */
    char *out; /* where requests are built */
    size_t out_cap;
    struct conn *conns; /* all of this worker's, by next_conn */
    struct conn *lost;  /* to be opened again */
    unsigned opening;   /* not ready yet */
    unsigned in_flight;
    bool going; /* the start signal has come */
    int64_t next_reopen_ns, next_timeouts_ns;
    uint64_t rng;
    uint64_t reconnects;
    struct op_stats *stats[OP_COUNT]; /* made at the first use */
    uint64_t status[STATUS_MAX];
    atomic_uint_fast64_t live_done, live_failed; /* written here, read by the progress line: relaxed */
    void *own;                                   /* the mode's */
};

int64_t now_ns(void);
void *must_alloc(size_t count, size_t size); /* zeroed; ends the program when there is no memory */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void worker_wake(struct worker *w); /* any thread */
uint32_t worker_random(struct worker *w, uint32_t below);
struct op_stats *worker_stats(struct worker *w, enum op op);
/* An operation that was due at due_ns is done now. */
void worker_done(struct worker *w, enum op op, int64_t due_ns, uint64_t bytes);
void worker_failed(struct worker *w, enum op op, enum failure why);
/* This worker's part of n, the rest spread over the first ones. */
unsigned worker_share(const struct worker *w, unsigned n);
unsigned worker_first(const struct worker *w, unsigned n); /* index of the first of that part */
