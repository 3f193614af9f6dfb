/* load.h: one run of load: threads, their connections, what they count, and the phases warm-up, run, drain.
 * Thread:  load_run() from main; each worker runs its own epoll loop; a connection never leaves its worker.
 * Owns:    the load owns its workers, a worker its connections' descriptors and its counters (merged after the join).
 * Phases:  connect everything, then all start together; what begins before run_ns is warm-up and not counted; from
 *          end_ns on nothing new begins, and what is under way may finish until --timeout.
 * Time:    nanoseconds of CLOCK_MONOTONIC. A worker reads it after each wait and after each read. */
#pragma once
#include "hist.h"
#include "options.h"
#include "procstat.h"
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

struct mode {
    const char *name;
    enum op primary;                     /* what the server's cost is divided by */
    void (*prepare)(struct load *l);     /* on main, before the threads; may be NULL */
    void (*start)(struct worker *w);     /* makes and opens connections */
    void (*go)(struct worker *w);        /* the run begins */
    int64_t (*turn)(struct worker *w);   /* after each batch of events; returns when it wants the next turn */
    bool (*finished)(struct worker *w);  /* ends the run before its time; may be NULL */
    bool (*pending)(struct worker *w);   /* in the drain: something is still awaited; may be NULL */
    void (*end)(struct worker *w);       /* on the worker, after the drain; may be NULL */
    void (*stop)(struct worker *w);      /* on main, after the report: frees w->own */
    void (*report)(struct load *l);      /* lines of its own after the table; may be NULL */
    void (*report_json)(struct load *l); /* members of its own, each begun by a comma; may be NULL */
    void (*release)(struct load *l);     /* frees what prepare made; may be NULL */
};

struct world {
    unsigned customers, chats;
    char (*chat_ids)[37];
    char mark[16]; /* part of the names, so that runs do not share customers */
};

struct load {
    const struct options *options;
    const struct mode *mode;
    struct world world;
    struct worker *workers;
    unsigned threads;
    int64_t run_ns, end_ns; /* set between the two barriers */
    pthread_barrier_t barrier;
    bool quiet; /* setup: no progress, no usage */
    struct usage server_start, server_run, server_end, self_run, self_end;
    double run_s;
    struct op_stats *total[OP_COUNT];
    uint64_t status[STATUS_MAX];
    uint64_t reconnects;
    void *shared; /* the mode's */
};

int64_t now_ns(void);
void *must_alloc(size_t count, size_t size); /* zeroed; ends the program when there is no memory */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Runs the mode with load->threads threads; totals are in the load afterwards. */
void load_run(struct load *l);
void load_fini(struct load *l);
struct usage load_server_usage(const struct load *l);
void worker_wake(struct worker *w); /* any thread */

uint32_t worker_random(struct worker *w, uint32_t below);
struct op_stats *worker_stats(struct worker *w, enum op op);
/* An operation that was due at due_ns is done now. */
void worker_done(struct worker *w, enum op op, int64_t due_ns, uint64_t bytes);
void worker_failed(struct worker *w, enum op op, enum failure why, int64_t due_ns);
/* This worker's part of n, the rest spread over the first ones. */
unsigned worker_share(const struct worker *w, unsigned n);
unsigned worker_first(const struct worker *w, unsigned n); /* index of the first of that part */

static inline bool worker_ending(const struct worker *w)
{
    return w->now_ns >= w->load->end_ns;
}
