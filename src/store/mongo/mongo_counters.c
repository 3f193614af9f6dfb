/* total_messages, last_activity, rev and flags of chats, and how far their sides have read.
 * Why: in MongoDB an update costs several inserts, and a busy chat's counters may be added up before they are written:
 *   so a batch is one insert, and a thread brings the chats up to date every EVERY_US, each chat once.
 * Happy path:
 *   1. The writer adds each message of a batch, once it is inserted, to the table `fresh`; and marks, as they come.
 *   2. The thread takes the table whole (`taken`; the other one becomes `fresh`).
 *   3. It writes it as guarded updates ({last_rev < the first message added}), SHARE chats a command, so that inserts
 *      pass between them, and clears it. Marks are updates of their own: another guard is theirs.
 *   Whoever reads chats from the database has the thread write at once, and waits for a write that began after the call
 *   (mongo_counters_settle). The writer waits for it only where too much is behind (mongo_counters_room).
 * Failure:
 *   The database is away: `taken` stays as it is, but for the chats that are done, and is tried again before anything
 *     newer.
 *   The guard does not match (a repeat, another node, a chat of the old layout), or a message's fate is in doubt:
 *     mongo_recount.c counts what is there.
 *   A chat cannot be counted though the database answers: given up after TRIES, alone.
 *   A crash loses both tables: mongo_counters_room() sees to it that no message older than MONGO_BEHIND_US before the
 *     newest is ever in them, and mongo_recover_tail() looks that far back at the next start. Marks of the last EVERY_US
 *     are lost: messages are shown as unread that were read. */
#include "mongo_counters.h"

#include "base/clock.h"
#include "base/log.h"
#include "mongo_marks.h"
#include "mongo_query.h"
#include "mongo_table.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EVERY_US       2000000
#define SHARE          32
#define SHARE_MOST     MONGO_RECOUNT_MOST /* where many wait */
#define CHATS_SOON     1024
#define CHATS_MOST     65536 /* the table's bound */
#define WAIT_WRITER_US 500000
#define WAIT_READER_US 10000000
#define STOP_US        5000000
#define TRIES          5

struct mongo_counters {
    struct mongo_conn conn; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;  /* the thread waits: filled, soon, stopping */
    pthread_cond_t written; /* the others wait: a write ended */
    /* under the lock; of taken the thread alone changes `done` and `tries`, without it */
    struct table tables[2], *fresh, *taken;
    uint64_t begun, ended; /* writes of the thread, counted */
    enum err result;       /* of the last that ended */
    bool soon;             /* do not wait for EVERY_US */
    bool stopping;
    atomic_int_least64_t stop_by_us; /* 0: goes on */
};

static bool is_empty(const struct mongo_counters *c)
{
    return table_is_empty(c->fresh) && table_is_empty(c->taken);
}

/* --- filling it: the writer --- */

enum err mongo_counters_add(struct mongo_counters *c, struct mongo_added *messages, size_t count)
{
    bool room = true;
    pthread_mutex_lock(&c->lock);
    bool was_empty = table_is_empty(c->fresh);
    for (size_t i = 0; room && i < count; i++)
        room = (messages[i].slot = table_get(c->fresh, messages[i].chat_id)) != NULL;
    for (size_t i = 0; room && i < count; i++) { /* all or nothing: a failed batch comes again */
        const struct mongo_added *m = &messages[i];
        table_add(c->fresh, m->slot, m->rev, m->timestamp_us, m->flags, false);
    }
    if (was_empty)
        pthread_cond_signal(&c->wanted);
    pthread_mutex_unlock(&c->lock);
    return room ? OK : ERR_NOMEM;
}

void mongo_counters_doubt(struct mongo_counters *c, const struct mongo_added *m)
{
    pthread_mutex_lock(&c->lock);
    struct pending *p = table_get(c->fresh, m->chat_id);
    if (p) { /* without memory the chat's counter may stay too low */
        table_add(c->fresh, p, m->rev, m->timestamp_us, m->flags, true);
        if (m->opens_rev > p->chat.opens_rev)
            p->chat.opens_rev = m->opens_rev;
        pthread_cond_signal(&c->wanted);
    }
    pthread_mutex_unlock(&c->lock);
}

struct mongo_behind mongo_counters_behind(struct mongo_counters *c, struct slice chat_id)
{
    struct mongo_behind sum = {0};
    pthread_mutex_lock(&c->lock);
    const struct table *tables[] = {c->taken, c->fresh};
    for (unsigned i = 0; i < 2; i++) {
        const struct pending *p = map_get(&tables[i]->by_chat, chat_id);
        if (!p)
            continue;
        sum.flags |= p->chat.flags;
        for (unsigned side = 0; side < 2; side++)
            if (p->chat.marks[side] > sum.marks[side])
                sum.marks[side] = p->chat.marks[side];
    }
    pthread_mutex_unlock(&c->lock);
    return sum;
}

enum err mongo_chat_now(const struct mongo_conn *conn, struct mongo_counters *c, struct slice chat_id, struct arena *a,
                        struct chat *out)
{
    struct mongo_behind behind = mongo_counters_behind(c, chat_id); /* first: it may be in the row by then */
    enum err e = mongo_chat(conn, chat_id, a, out);
    if (e != OK)
        return e;
    out->flags |= behind.flags;
    if (behind.marks[SIDE_AGENTS] > out->agents_read)
        out->agents_read = behind.marks[SIDE_AGENTS];
    if (behind.marks[SIDE_CUSTOMER] > out->customer_read)
        out->customer_read = behind.marks[SIDE_CUSTOMER];
    return OK;
}

/* --- writing it: the thread --- */

/* Up to SHARE_MOST of the table's chats, for one command. */
struct share {
    struct mongo_touched chats[SHARE_MOST];
    struct pending *from[SHARE_MOST];
    size_t count;
    enum part part;
};

/* Counting these chats together failed. Each is counted alone, so that one that cannot be counted does not keep the
 * others back. While the database is away nothing is given up. */
static enum err recount_each(struct mongo_counters *c, struct share *s)
{
    bson_error_t error;
    enum err all = OK;
    for (size_t i = 0; i < s->count; i++) {
        struct pending *p = s->from[i];
        p->done = mongo_recount(&c->conn, &s->chats[i], 1) == OK;
        if (p->done)
            continue;
        if (!mongo_ping(&c->conn, &error))
            return ERR_STORE;
        p->done = ++p->tries >= TRIES;
        if (p->done)
            log_warn("a chat cannot be counted", "chat=%.*s", SLICE_ARG(p->chat.chat_id));
        else
            all = ERR_STORE;
    }
    return all;
}

static enum err write_share(struct mongo_counters *c, struct share *s)
{
    bool settled = s->part == PART_MARKS;
    enum err e = OK;
    if (s->part == PART_MARKS)
        e = mongo_write_marks(&c->conn, s->chats, s->count);
    else if (s->part == PART_ADDED)
        e = mongo_add_counts(&c->conn, s->chats, s->count, &settled);
    if (e == OK && !settled && mongo_recount(&c->conn, s->chats, s->count) != OK)
        e = recount_each(c, s);
    for (size_t i = 0; e == OK && i < s->count; i++)
        *(s->part == PART_MARKS ? &s->from[i]->marked : &s->from[i]->done) = true;
    s->count = 0;
    return e;
}

static bool out_of_time(const struct mongo_counters *c)
{
    int64_t by = atomic_load_explicit(&c->stop_by_us, memory_order_relaxed);
    return by != 0 && clock_mono_us() > by;
}

/* Writes that part of every chat that has it. Each is noted once it is written, so that a failure repeats only the rest. */
static enum err write_part(struct mongo_counters *c, struct share *s, enum part part)
{
    size_t most = c->taken->by_chat.count > CHATS_SOON ? SHARE_MOST : SHARE;
    size_t pos = 0;
    struct pending *p;
    enum err e = OK;
    s->count = 0;
    s->part = part;
    do {
        p = map_next(&c->taken->by_chat, &pos);
        if (p && pending_is_due(p, part)) {
            s->from[s->count] = p;
            s->chats[s->count++] = p->chat;
        }
        if (s->count == most || (!p && s->count > 0))
            e = out_of_time(c) ? ERR_STORE : write_share(c, s);
    } while (e == OK && p);
    return e;
}

static enum err write_taken(struct mongo_counters *c)
{
    struct share s;
    enum err e = OK;
    for (enum part part = PART_MARKS; e == OK && part <= PART_COUNTED; part++)
        e = write_part(c, &s, part);
    return e;
}

/* Writes what a failed write left, then what has come since. Called with the lock, which is released while the database
 * works. */
static void write_all(struct mongo_counters *c)
{
    enum err e = OK;
    c->begun++;
    c->soon = false;
    for (bool last = false; e == OK && !last;) {
        if (table_is_empty(c->taken)) {
            struct table *empty = c->taken;
            c->taken = c->fresh;
            c->fresh = empty;
            last = true;
        }
        pthread_mutex_unlock(&c->lock);
        e = write_taken(c);
        pthread_mutex_lock(&c->lock);
        if (e == OK)
            table_clear(c->taken);
    }
    c->result = e;
    c->ended = c->begun;
    pthread_cond_broadcast(&c->written);
}

/* Waits until there is something to write and EVERY_US are over, or somebody cannot wait that long. After a failure
 * there is always a pause. */
static void wait_until_due(struct mongo_counters *c)
{
    while (!c->stopping && !c->soon && is_empty(c))
        pthread_cond_wait(&c->wanted, &c->lock);
    bool failed = !table_is_empty(c->taken);
    struct timespec until = clock_mono_after(failed ? EVERY_US / 8 : EVERY_US);
    int rc = 0;
    while (!c->stopping && (failed || !c->soon) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->wanted, &c->lock, &until);
}

static void *counters_main(void *arg)
{
    struct mongo_counters *c = arg;
    log_thread_name("mongo-counters");
    pthread_mutex_lock(&c->lock);
    do {
        wait_until_due(c);
        if (c->soon || !is_empty(c)) /* who waits for a write gets one, even of nothing */
            write_all(c);            /* a failure is logged; what is left comes first the next time */
    } while (!c->stopping);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* --- waiting for it --- */

/* Waits for the end of a write that begins after this call. Called with the lock, which is released meanwhile.
 * ERR_STORE: that write failed, or took longer than wait_us. */
static enum err wait_written(struct mongo_counters *c, int64_t wait_us)
{
    uint64_t mine = c->begun + 1;
    struct timespec until = clock_mono_after(wait_us);
    int rc = 0;
    while (c->ended < mine && rc != ETIMEDOUT) {
        c->soon = true; /* in each turn: the write under way has cleared it */
        pthread_cond_signal(&c->wanted);
        rc = pthread_cond_timedwait(&c->written, &c->lock, &until);
    }
    return c->ended >= mine ? c->result : ERR_STORE;
}

enum err mongo_counters_settle(struct mongo_counters *c)
{
    pthread_mutex_lock(&c->lock);
    enum err e = is_empty(c) ? OK : wait_written(c, WAIT_READER_US);
    pthread_mutex_unlock(&c->lock);
    return e;
}

void mongo_counters_settle_or_not(struct mongo_counters *c)
{
    if (mongo_counters_settle(c) != OK)
        log_warn("chats are listed as they are", "the newest messages may not be counted");
}

/* Called with the lock, which is released while this waits. */
static enum err make_room(struct mongo_counters *c, bool behind)
{
    size_t chats = c->fresh->by_chat.count;
    if (behind || chats >= CHATS_MOST)
        return wait_written(c, WAIT_WRITER_US);
    if (chats >= CHATS_SOON && !c->soon) {
        c->soon = true;
        pthread_cond_signal(&c->wanted);
    }
    return OK;
}

enum err mongo_counters_room(struct mongo_counters *c, int64_t rev)
{
    pthread_mutex_lock(&c->lock);
    int64_t first = c->taken->first_rev != 0 ? c->taken->first_rev : c->fresh->first_rev;
    enum err e = make_room(c, first != 0 && rev - first > MONGO_BEHIND_US);
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err mongo_counters_mark(struct mongo_counters *c, struct slice chat_id, enum chat_side side, int64_t mark)
{
    pthread_mutex_lock(&c->lock);
    enum err e = make_room(c, false);
    bool was_empty = table_is_empty(c->fresh);
    struct pending *p = e == OK ? table_get(c->fresh, chat_id) : NULL;
    if (p && mark > p->chat.marks[side])
        p->chat.marks[side] = mark;
    if (p && was_empty)
        pthread_cond_signal(&c->wanted);
    pthread_mutex_unlock(&c->lock);
    return e == OK && !p ? ERR_NOMEM : e;
}

/* --- life --- */

static void counters_free(struct mongo_counters *c)
{
    for (int i = 0; i < 2; i++)
        table_fini(&c->tables[i]);
    mongo_conn_close(&c->conn);
    pthread_cond_destroy(&c->wanted);
    pthread_cond_destroy(&c->written);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

enum err mongo_counters_start(struct mongo_counters **out, const struct mongo_uris *uris, mongoc_client_pool_t *pool)
{
    struct mongo_counters *c = calloc(1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    /* MONGO_READER: what fails here is no matter of health, as long as batches are stored. */
    enum err e = mongo_conn_open(&c->conn, uris, MONGO_READER, pool);
    c->fresh = &c->tables[0];
    c->taken = &c->tables[1];
    for (int i = 0; i < 2; i++)
        table_init(&c->tables[i]);
    pthread_mutex_init(&c->lock, NULL);
    clock_cond_init(&c->wanted);
    clock_cond_init(&c->written);
    if (e == OK)
        e = pthread_create(&c->thread, NULL, counters_main, c) == 0 ? OK : ERR_NOMEM;
    if (e == OK)
        *out = c;
    else
        counters_free(c);
    return e;
}

void mongo_counters_stop(struct mongo_counters *c)
{
    if (!c)
        return;
    atomic_store_explicit(&c->stop_by_us, clock_mono_us() + STOP_US, memory_order_relaxed);
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wanted);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    if (!is_empty(c))
        log_warn("counters not written", "the next start counts them; what was marked as read meanwhile is lost");
    counters_free(c);
}
