/* The readers: a few threads on one bounded queue. The queue has a lock, held for a pop or a push only: reads are
 * the rare path (a warm chat never comes here), so a lock-free queue for many consumers would buy nothing. */
#include "read/reader.h"

#include "reader_queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "read/resolve.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void drop_answer(struct op *op)
{
    blob_drop(query_of(op)->answer.body);
    query_of(op)->answer.body = NULL;
}

const struct op_kind query_kind = {.bytes = sizeof(struct query), .drop = drop_answer};

struct reader_thread {
    struct readers *pool;
    unsigned index;
    pthread_t thread;
    struct store_reader *reader; /* for life; NULL while the store is away */
};

struct readers {
    struct store *store;
    struct cache *cache;
    pthread_mutex_t lock; /* guards the three below */
    pthread_cond_t filled;
    struct reader_queue queue;
    bool stopping;
    unsigned started;
    unsigned count;
    struct reader_thread threads[];
};

/* NULL: stopping, and what is left is another's who searches and comes back for it. */
static struct query *next_query(struct readers *r)
{
    struct query *q;
    pthread_mutex_lock(&r->lock);
    while (!(q = reader_queue_take(&r->queue)) && !r->stopping)
        pthread_cond_wait(&r->filled, &r->lock);
    pthread_mutex_unlock(&r->lock);
    return q;
}

static void finish(struct readers *r, struct query *q, enum err result)
{
    pthread_mutex_lock(&r->lock);
    reader_queue_done(&r->queue, q->asked.view);
    pthread_mutex_unlock(&r->lock);
    op_finish(&q->op, result);
}

static enum err answer(struct reader_thread *t, struct op *op)
{
    struct readers *r = t->pool;
    struct query *q = query_of(op);
    if (!cache_is_open(r->cache))
        return ERR_STORE; /* the store has not been there yet: nothing is known of it */
    if (!t->reader) {
        enum err e = r->store->vtable->reader_open(r->store, &t->reader);
        if (e != OK)
            return e;
    }
    enum err e = scope_resolve(t->reader, r->cache, &q->asked, &op->arena);
    if (e == ERR_NOT_FOUND)
        q->answer.result = VIEW_NOT_FOUND; /* the route has its own words for it */
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    view_build(t->reader, r->cache, &q->asked, &op->arena, &q->answer);
    return q->answer.result == VIEW_FAILED ? q->answer.error : OK;
}

static void close_reader(struct reader_thread *t)
{
    if (t->reader)
        t->pool->store->vtable->reader_close(t->reader);
}

static void *reader_main(void *arg)
{
    struct reader_thread *t = arg;
    char name[16];
    snprintf(name, sizeof(name), "reader-%u", t->index);
    log_thread_name(name);
    metrics_thread_init();
    for (struct query *q; (q = next_query(t->pool));) {
        metrics_gauge(G_READER_QUEUE, -1);
        int64_t before = clock_mono_us();
        bool late = q->op.deadline_us && before > q->op.deadline_us;
        enum err e = late ? ERR_TIMEOUT : answer(t, &q->op);
        metrics_observe(H_READ, (uint64_t)(clock_mono_us() - before));
        finish(t->pool, q, e);
    }
    close_reader(t);
    return NULL;
}

enum err readers_start(struct store *store, struct cache *cache, int64_t count, int64_t queue_max, struct readers **out)
{
    struct readers *r = calloc(1, sizeof(*r) + (size_t)count * sizeof(r->threads[0]));
    if (!r)
        return ERR_NOMEM;
    r->store = store;
    r->cache = cache;
    r->count = (unsigned)count;
    reader_queue_init(&r->queue, r->count, queue_max);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->filled, NULL);
    for (unsigned i = 0; i < r->count; i++) {
        r->threads[i] = (struct reader_thread){.pool = r, .index = i};
        /* Now, and not at the first read, which may come when a disk that was well at start no longer is. */
        if (cache_is_open(cache) && store->vtable->reader_open(store, &r->threads[i].reader) != OK)
            r->threads[i].reader = NULL;
        if (pthread_create(&r->threads[i].thread, NULL, reader_main, &r->threads[i]) != 0) {
            close_reader(&r->threads[i]);
            readers_stop(r);
            readers_free(r);
            return ERR_NOMEM;
        }
        r->started++;
    }
    *out = r;
    return OK;
}

enum err readers_submit(struct readers *r, struct op *op)
{
    must(!op->in_flight);
    pthread_mutex_lock(&r->lock);
    bool full = !reader_queue_put(&r->queue, query_of(op));
    if (!full) {
        op->in_flight = true;
        pthread_cond_signal(&r->filled);
    }
    pthread_mutex_unlock(&r->lock);
    metrics_gauge(G_READER_QUEUE, full ? 0 : 1);
    if (full)
        metrics_add(M_QUEUE_FULL_READER, 1);
    return full ? ERR_BUSY : OK;
}

void readers_stop(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->filled);
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < r->started; i++)
        pthread_join(r->threads[i].thread, NULL);
    r->started = 0;
}

void readers_free(struct readers *r)
{
    if (!r)
        return;
    pthread_cond_destroy(&r->filled);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
