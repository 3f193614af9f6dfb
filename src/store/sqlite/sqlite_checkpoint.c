/* How the log goes back into the database:
 *   1. Commits add frames to the log (checkpointer_committed). When it is long, or the server is quiet, the writer asks.
 *   2. The thread makes passes (move_log). Each copies what the log held when the pass began, while the writer adds more;
 *      so each has less to do than the one before.
 *   3. When little is left (READY), the writer moves the rest before its next batch (checkpointer_yields, _finish). No
 *      commit can come between, so nothing is left in the log, and SQLite begins it anew with the next commit.
 * Failures:
 *   a reader holds an old snapshot   no pass can move what is newer than that; the passes end, the log grows, and
 *                                    sqlite_log_size.c warns. It is tried again with each ask.
 *   a pass fails                     it is logged; the next ask after another commit tries again, on a new connection
 *                                    where the old one is lost.
 *   the log grows faster than it is copied   at `most` frames the writer makes a pass itself, however long that takes. */
#include "sqlite_checkpoint.h"

#include "base/log.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#define PASSES_MOST    4
#define REST_FRAMES    256 /* a rest this small is left to the writer */
#define CKPT_CACHE_KIB 64  /* a checkpoint copies pages by itself, not through the cache */

/* Whose turn it is. IDLE → ASKED (writer) → PASSES (thread) → READY or, where its passes failed, IDLE. From READY, and from
 * IDLE or ASKED where the log is too long, → FINISHING (writer) → IDLE. */
enum turn { IDLE, ASKED, PASSES, READY, FINISHING };

struct checkpointer {
    struct db_options options;
    struct sqlite_conn conn; /* the thread's, once it runs */
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t wake;
    int64_t frames; /* in the log after the last commit */
    bool unmoved;   /* some of them are known to be moved by no pass yet, so that the log cannot begin anew now */
    enum turn turn;
    bool stop;
};

bool checkpoint_safe_by_itself(int version)
{
    return version >= 3051003 || (version >= 3050007 && version < 3051000) || (version >= 3044006 && version < 3045000);
}

/* frames: how many the pass found in the log when it began; moved: how many of them are in the database now. A log that is
 * longer than the pass found it has got a commit meanwhile. Where a commit has begun it anew meanwhile it looks shorter:
 * then, and after a failure, nothing counts as unmoved until the next commit says so, which only delays the next pass. */
static void note_pass(struct checkpointer *c, int rc, int64_t frames, int64_t moved)
{
    c->unmoved = rc == SQLITE_OK && (moved < frames || c->frames > frames);
}

static int run_pass(struct sqlite_conn *conn, int *frames, int *moved)
{
    int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, frames, moved);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY) /* busy: another program makes a pass */
        (void)db_failed(conn, "checkpoint");
    return rc;
}

static bool ready_to_pass(struct checkpointer *c)
{
    return (c->conn.db && !c->conn.lost) || db_open(&c->conn, CONN_CHECKPOINT, &c->options, NULL) == OK;
}

/* With the lock, which it gives back during each pass. */
static enum turn move_log(struct checkpointer *c)
{
    bool done = false;
    for (int pass = 0; pass < PASSES_MOST && c->unmoved; pass++) {
        int frames = 0, moved = 0;
        pthread_mutex_unlock(&c->lock);
        int rc = run_pass(&c->conn, &frames, &moved);
        pthread_mutex_lock(&c->lock);
        note_pass(c, rc, frames, moved);
        done = rc == SQLITE_OK || rc == SQLITE_BUSY;
        if (moved < frames || c->frames - moved < REST_FRAMES) /* a reader is in the way; or enough is done */
            break;
    }
    return done ? READY : IDLE;
}

static void *checkpoint_main(void *arg)
{
    struct checkpointer *c = arg;
    log_thread_name("checkpoint");
    metrics_thread_init();
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (c->turn != ASKED && !c->stop)
            pthread_cond_wait(&c->wake, &c->lock);
        if (c->stop)
            break;
        pthread_mutex_unlock(&c->lock);
        bool able = ready_to_pass(c);
        pthread_mutex_lock(&c->lock);
        if (c->turn != ASKED) /* the writer did not wait */
            continue;
        c->turn = PASSES;
        c->turn = able ? move_log(c) : IDLE;
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void free_checkpointer(struct checkpointer *c)
{
    db_close(&c->conn);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

enum err checkpointer_start(const struct db_options *options, struct checkpointer **out)
{
    struct checkpointer *c = calloc(1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    c->options = *options;
    c->options.cache_kib = CKPT_CACHE_KIB;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    (void)ready_to_pass(c); /* opens the connection while all is well; where it fails the next ask tries again */
    if (pthread_create(&c->thread, NULL, checkpoint_main, c) != 0) {
        free_checkpointer(c);
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
    free_checkpointer(c);
}

void checkpointer_committed(struct checkpointer *c, int64_t frames)
{
    pthread_mutex_lock(&c->lock);
    c->frames = frames;
    c->unmoved = true;
    pthread_mutex_unlock(&c->lock);
}

void checkpointer_ask(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->unmoved && c->turn == IDLE) {
        c->turn = ASKED;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
}

bool checkpointer_busy(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    bool busy = c->turn == ASKED || c->turn == PASSES;
    pthread_mutex_unlock(&c->lock);
    return busy;
}

bool checkpointer_yields(struct checkpointer *c, int64_t most)
{
    pthread_mutex_lock(&c->lock);
    bool yields = c->turn == READY || (c->turn != PASSES && c->frames >= most);
    if (yields)
        c->turn = FINISHING;
    pthread_mutex_unlock(&c->lock);
    return yields;
}

void checkpointer_finish(struct checkpointer *c, struct sqlite_conn *conn)
{
    int frames = 0, moved = 0;
    int rc = run_pass(conn, &frames, &moved);
    pthread_mutex_lock(&c->lock);
    note_pass(c, rc, frames, moved);
    c->turn = IDLE;
    pthread_mutex_unlock(&c->lock);
}
