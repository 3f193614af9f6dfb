#include "load_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const OP_NAMES[OP_COUNT] = {"setup",     "request",   "send",   "poll",     "refetch",
                                        "preflight", "notify",    "verify", "delivery", "last",
                                        "open",      "fdatasync", "signal", "customer", "state"};
const char *const FAIL_NAMES[FAIL_COUNT] = {"connect", "closed", "timeout", "protocol",
                                            "status",  "stale",  "missed",  "unsent"};

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("sakurad-bench: ", stderr);
    vfprintf(stderr, fmt, args);
    fputs("\n", stderr);
    va_end(args);
    exit(1);
}

void *must_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p)
        die("out of memory");
    return p;
}

uint32_t worker_random(struct worker *w, uint32_t below)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 7;
    w->rng ^= w->rng << 17;
    return (uint32_t)(((w->rng >> 32) * below) >> 32);
}

unsigned worker_share(const struct worker *w, unsigned n)
{
    return n / w->load->threads + (w->index < n % w->load->threads);
}

unsigned worker_first(const struct worker *w, unsigned n)
{
    unsigned extra = n % w->load->threads;
    return n / w->load->threads * w->index + (w->index < extra ? w->index : extra);
}

struct op_stats *worker_stats(struct worker *w, enum op op)
{
    if (!w->stats[op])
        w->stats[op] = must_alloc(1, sizeof(struct op_stats));
    return w->stats[op];
}

static void bump(atomic_uint_fast64_t *live)
{
    atomic_store_explicit(live, atomic_load_explicit(live, memory_order_relaxed) + 1, memory_order_relaxed);
}

void worker_done(struct worker *w, enum op op, int64_t due_ns, uint64_t bytes)
{
    struct op_stats *s = worker_stats(w, op);
    const struct load *l = w->load;
    if (w->now_ns >= l->run_ns && w->now_ns < l->end_ns) {
        s->done++;
        s->bytes += bytes;
        if (op == l->mode->primary)
            bump(&w->live_done);
    }
    if (due_ns >= l->run_ns && due_ns < l->end_ns)
        hist_add(&s->latency, w->now_ns - due_ns);
}

void worker_failed(struct worker *w, enum op op, enum failure why)
{
    worker_stats(w, op)->failed[why]++; /* in the warm-up too: an error is never hidden */
    bump(&w->live_failed);
}

void worker_wake(struct worker *w)
{
    uint64_t one = 1;
    if (write(w->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
        die("eventfd: %s", strerror(errno));
}
