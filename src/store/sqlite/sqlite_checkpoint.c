#include "sqlite_checkpoint.h"

#include "base/log.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#define PASSES_MOST    4
#define REST_FRAMES    256 /* a rest this small is left to the writer */
#define CKPT_CACHE_KIB 64  /* a checkpoint copies pages by itself, not through the cache */

struct checkpointer {
    const struct db_options *options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t wake;
    bool asked, running, ready, stop;
};

/* Each pass moves what was in the log at its start; what the writer added meanwhile is less each time. */
static bool move_log(struct sqlite_conn *conn)
{
    int before = 0;
    for (int pass = 0; pass < PASSES_MOST; pass++) {
        int frames = 0, moved = 0;
        int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
        if (rc == SQLITE_BUSY) /* the writer does it itself */
            return true;
        if (rc != SQLITE_OK) {
            (void)db_failed(conn, "checkpoint");
            return false;
        }
        if (pass > 0 && frames - before < REST_FRAMES)
            break;
        before = frames;
    }
    return true;
}

static bool run_pass(const struct db_options *options, struct sqlite_conn *conn)
{
    struct db_options small = *options;
    small.cache_kib = CKPT_CACHE_KIB;
    if (conn->lost)
        db_close(conn);
    if (!conn->db && db_open(conn, CONN_CHECKPOINT, &small, NULL) != OK)
        return false;
    return move_log(conn);
}

static void *checkpoint_main(void *arg)
{
    struct checkpointer *c = arg;
    struct sqlite_conn conn = {0};
    log_thread_name("checkpoint");
    metrics_thread_init();
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (!c->asked && !c->stop)
            pthread_cond_wait(&c->wake, &c->lock);
        if (c->stop)
            break;
        c->asked = false;
        c->running = true;
        pthread_mutex_unlock(&c->lock);
        bool done = run_pass(c->options, &conn);
        pthread_mutex_lock(&c->lock);
        c->running = false;
        c->ready = done;
    }
    pthread_mutex_unlock(&c->lock);
    db_close(&conn);
    return NULL;
}

enum err checkpointer_start(const struct db_options *options, struct checkpointer **out)
{
    struct checkpointer *c = calloc(1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    c->options = options;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    if (pthread_create(&c->thread, NULL, checkpoint_main, c) != 0) {
        pthread_cond_destroy(&c->wake);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return ERR_NOMEM;
    }
    *out = c;
    return OK;
}

void checkpointer_stop(struct checkpointer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void checkpointer_ask(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    if (!c->running && !c->ready && !c->asked) {
        c->asked = true;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
}

bool checkpointer_ready(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    bool ready = c->ready;
    c->ready = false;
    pthread_mutex_unlock(&c->lock);
    return ready;
}
