/* How large the log of the database is, for the metrics, and a warning where it cannot begin anew: a reader that holds an
 * old snapshot (a shell left open inside a transaction, a backup that stands still) makes SQLite add to it for ever. */
#include "sqlite_store.h"

#include "base/log.h"
#include "base/metrics.h"

#define FULL_FRAMES  8192 /* 32 MiB: twice what a checkpoint is asked for at; the file then grows past its room */
#define FULL_FOR_US  10000000
#define SAY_AGAIN_US 60000000

static void show(enum metric_gauge id, int64_t *shown, int64_t value)
{
    metrics_gauge(id, value - *shown);
    *shown = value;
}

void sqlite_log_size_note(struct sqlite_store *s, int64_t now_us)
{
    struct log_size *size = &s->log_size;
    show(G_STORE_LOG_BYTES, &size->bytes, (int64_t)s->watch.log_bytes);
    show(G_STORE_LOG_FRAMES, &size->frames, s->log_frames);
    if (s->log_frames < FULL_FRAMES) {
        size->full_since_us = size->said_us = 0;
        return;
    }
    if (size->full_since_us == 0) {
        size->full_since_us = now_us;
        size->full_frames = s->log_frames;
    }
    /* Without commits it has no reason to begin anew. */
    if (s->log_frames == size->full_frames || now_us - size->full_since_us < FULL_FOR_US ||
        (size->said_us && now_us - size->said_us < SAY_AGAIN_US))
        return;
    log_warn("the log cannot begin anew",
             "store=sqlite bytes=%lld frames=%lld for_s=%lld advice=\"look for a shell or a "
             "backup that holds a transaction open on the database\"",
             (long long)s->watch.log_bytes, (long long)s->log_frames,
             (long long)(now_us - size->full_since_us) / 1000000);
    size->said_us = now_us;
    size->full_frames = s->log_frames;
}

void sqlite_log_size_end(struct sqlite_store *s)
{
    show(G_STORE_LOG_BYTES, &s->log_size.bytes, 0);
    show(G_STORE_LOG_FRAMES, &s->log_size.frames, 0);
}
