#include "api/rate_limit.h"

#include "base/err.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>

#define WAYS       8 /* places that a client may stand in */
#define SHARDS     64
#define CLIENT_MAX 160 /* bytes of a client's name: a principal's kind and id */
#define SECOND_US  INT64_C(1000000)

/* One client's bucket. Level is in millionths of an event: a rate of 1 per second adds 1 per microsecond. */
struct bucket {
    uint64_t client; /* keyed hash; 0: free */
    int64_t level;
    int64_t seen_us;
};

struct set {
    struct bucket ways[WAYS];
};

struct rate_limiter {
    int64_t per_second[RATE_KINDS];
    size_t mask; /* sets - 1 */
    pthread_mutex_t locks[SHARDS];
    struct set sets[];
};

static size_t set_count(size_t clients)
{
    size_t sets = 1;
    while (sets * WAYS < clients)
        sets *= 2;
    return sets;
}

size_t rate_limiter_bytes(size_t clients)
{
    return sizeof(struct rate_limiter) + set_count(clients) * sizeof(struct set);
}

struct rate_limiter *rate_limiter_new(const int64_t per_second[static RATE_KINDS], size_t clients)
{
    struct rate_limiter *l = calloc(1, rate_limiter_bytes(clients));
    if (!l)
        return NULL;
    memcpy(l->per_second, per_second, sizeof(l->per_second));
    l->per_second[RATE_NONE] = 0;
    l->mask = set_count(clients) - 1;
    for (unsigned i = 0; i < SHARDS; i++)
        pthread_mutex_init(&l->locks[i], NULL);
    return l;
}

void rate_limiter_free(struct rate_limiter *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&l->locks[i]);
    free(l);
}

bool rate_limits(const struct rate_limiter *l, enum rate_kind kind)
{
    return l && l->per_second[kind] > 0;
}

/* The kind is part of the name: sends and creations of one client fill two buckets. */
static uint64_t client_hash(enum rate_kind kind, struct slice client)
{
    char name[CLIENT_MAX + 1];
    must(client.len <= CLIENT_MAX);
    name[0] = (char)kind;
    if (client.len > 0)
        memcpy(name + 1, client.ptr, client.len);
    uint64_t hash = hash_bytes(name, client.len + 1);
    return hash ? hash : 1;
}

/* The client's own bucket, else a free one, else the one unseen for longest, made new and full. */
static struct bucket *find(struct set *set, uint64_t client, int64_t burst, int64_t now_us)
{
    struct bucket *oldest = &set->ways[0];
    for (unsigned i = 0; i < WAYS; i++) {
        struct bucket *b = &set->ways[i];
        if (b->client == client)
            return b;
        if (oldest->client != 0 && (b->client == 0 || b->seen_us < oldest->seen_us))
            oldest = b;
    }
    *oldest = (struct bucket){.client = client, .level = burst, .seen_us = now_us};
    return oldest;
}

static bool take(struct bucket *b, int64_t rate, int64_t burst, int64_t now_us, int *wait_s)
{
    int64_t passed_us = now_us - b->seen_us;
    if (passed_us > 0) {
        b->seen_us = now_us;
        b->level = passed_us >= RATE_BURST_SECONDS * SECOND_US ? burst : b->level + passed_us * rate;
        b->level = b->level > burst ? burst : b->level;
    }
    if (b->level >= SECOND_US) {
        b->level -= SECOND_US;
        return true;
    }
    int64_t missing_us = (SECOND_US - b->level + rate - 1) / rate;
    *wait_s = (int)((missing_us + SECOND_US - 1) / SECOND_US);
    return false;
}

bool rate_take(struct rate_limiter *l, enum rate_kind kind, struct slice client, int64_t now_us, int *wait_s)
{
    if (!rate_limits(l, kind))
        return true;
    int64_t rate = l->per_second[kind], burst = rate * RATE_BURST_SECONDS * SECOND_US;
    uint64_t hash = client_hash(kind, client);
    size_t at = (size_t)(hash >> 16) & l->mask;
    pthread_mutex_t *lock = &l->locks[at % SHARDS];
    pthread_mutex_lock(lock);
    bool taken = take(find(&l->sets[at], hash, burst, now_us), rate, burst, now_us, wait_s);
    pthread_mutex_unlock(lock);
    return taken;
}
