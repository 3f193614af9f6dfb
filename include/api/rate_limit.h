/* rate_limit.h: token buckets for what one client may do over time.
 * Thread:  any. The table is cut into shards, each with a lock that is held for one look at 8 entries.
 * Owns:    its table, of a fixed size: a new client takes the place of the one unseen for longest among 8. Which
 *          clients share those 8 places depends on this process's secret, so nobody can choose whom to push out.
 * Fails:   rate_limiter_new() NULL: no memory.
 * The clock is the caller's, so that tests can turn it; one that goes backwards gives nothing and takes nothing. */
#pragma once
#include "base/buf.h"

enum rate_kind { RATE_NONE, RATE_SEND, RATE_CREATE, RATE_CONNECT, RATE_SIGNAL, RATE_KINDS };

#define RATE_BURST_SECONDS 10 /* a bucket holds what flows into it in this time */
#define RATE_CLIENTS_MAX   65536

struct rate_limiter;

/* per_second[kind]: 0 = no limit. clients: at most so many are remembered, rounded up to a power of two. */
struct rate_limiter *rate_limiter_new(const int64_t per_second[static RATE_KINDS], size_t clients);
void rate_limiter_free(struct rate_limiter *l);                      /* accepts NULL */
bool rate_limits(const struct rate_limiter *l, enum rate_kind kind); /* false: no limit, l NULL too */
/* One event of the client. False: too many; *wait_s is when the next one will be let through, at least 1. */
bool rate_take(struct rate_limiter *l, enum rate_kind kind, struct slice client, int64_t now_us, int *wait_s);
size_t rate_limiter_bytes(size_t clients); /* what a limiter costs: for the memory budget */
