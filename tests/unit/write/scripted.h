/* scripted.h: a store that does what a test says, a writer on it, and a worker's side of that writer.
 * Thread:  the test's is the only worker; the store's functions run on the writer's. What a test says and what the store
 *          has seen stand under one lock.
 * What a message's text begins with is how the store takes it:
 *          "poison"  the whole try is refused, and nobody is named      → ERR_REFUSED
 *          "odd"     the same, in words that it does not know           → ERR_FAILED
 *          "half"    named, but everything has to be taken back for it  → ERR_REFUSED
 *          "taken"   named, and the others go on                        → ERR_CONFLICT
 *          all else  stored, once for a rev and once for a client key. */
#pragma once
#include "base/map.h"
#include "suite.h"
#include "write/producer.h"
#include "write/writer.h"
#include "writes.h"

#include <pthread.h>

#define SCRIPT_MOST 4096

struct script_row {
    char text[24], key[24];
    int64_t rev;
};

struct scripted {
    struct store base; /* first */
    struct store_vtable table;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct writer *writer;
    struct cache *cache;
    struct producer producer;               /* the worker's side */
    struct mailbox_node *back, **back_tail; /* came back, not yet asked for */
    /* what the test says */
    int fail;          /* so many tries fail; -1: until it says else */
    int unclear;       /* so many tries store all of it, and fail */
    bool held;         /* tries wait at their beginning */
    bool unwell;       /* what health() says */
    int prepare_fails; /* so many calls of prepare() fail */
    /* what the store has seen */
    struct script_row rows[SCRIPT_MOST]; /* stored, in order */
    size_t stored, staged;               /* of them; of this try behind them */
    int tries, waiting;                  /* waiting: for the test to let go */
    int tried_while_open;                /* though the writer said that it takes nothing */
    int resolved;                        /* messages of whose chat it was asked */
    int recovered, unheard;              /* calls of the hooks; duplicates whose notice is due */
};

#define SCRIPT_PREPARED_REV (INT64_MAX / 2) /* the newest that a store which was away at start has */

struct script_options {
    int64_t write_timeout_ms;
    int64_t batch_max;
    bool away_at_start;
};
void script_open(struct scripted *s, const struct script_options *options);
void script_close(struct scripted *s); /* stops the writer; every op must be back */
void script_free(struct scripted *s);  /* the same where the writer is stopped already */

/* Sets one of the fields above under the lock. */
#define SCRIPT(s, statement)                                                                                           \
    do {                                                                                                               \
        pthread_mutex_lock(&(s)->lock);                                                                                \
        statement;                                                                                                     \
        pthread_cond_broadcast(&(s)->changed);                                                                         \
        pthread_mutex_unlock(&(s)->lock);                                                                              \
    } while (0)
/* Waits for a condition of them. Half a minute without it fails the test: nothing here takes that long. */
#define SCRIPT_UNTIL(s, condition)                                                                                     \
    do {                                                                                                               \
        pthread_mutex_lock(&(s)->lock);                                                                                \
        while (!(condition) && script_wait(s))                                                                         \
            ;                                                                                                          \
        CU_ASSERT(condition);                                                                                          \
        pthread_mutex_unlock(&(s)->lock);                                                                              \
    } while (0)
bool script_wait(struct scripted *s); /* with the lock; false: too long */

/* An op as the worker makes it; deadline_ms 0: none. */
struct op *script_send(struct scripted *s, const char *text, const char *key, int64_t deadline_ms);
void script_submit(struct scripted *s, struct op *op); /* must be taken */
/* The next op that comes back; NULL after half a minute. */
struct op *script_next(struct scripted *s);
/* Its result, and the op is given back to the pool. */
enum err script_result(struct scripted *s, struct op **op);
/* The texts stored, in order, each with a blank before. */
const char *script_stored(struct scripted *s, char *out, size_t size);
