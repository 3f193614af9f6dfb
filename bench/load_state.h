/* load_state.h: what the threads of one run of load share: its options, its mode, when it begins and ends, and its totals.
 * Thread:  main sets it; workers read it between the two barriers, and main adds up what they counted after the join. */
#pragma once
#include "options.h"
#include "procstat.h"
#include "worker.h"

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

static inline bool worker_ending(const struct worker *w)
{
    return w->now_ns >= w->load->end_ns;
}
