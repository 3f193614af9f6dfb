/* total_messages, last_activity, rev and flags of chats.
 * Why: in MongoDB an update costs several inserts, and a busy chat's counters may be added up before they are written:
 *   so a batch is one insert, and a thread brings the chats up to date every EVERY_US, each chat once.
 * Happy path:
 *   1. The writer adds each message of a batch, once it is inserted, to the table `fresh`.
 *   2. The thread takes the table whole (`taken`; the other one becomes `fresh`).
 *   3. It writes it as guarded updates ({last_rev < the first message added}), SHARE chats a command, so that inserts
 *      pass between them, and clears it.
 *   Whoever reads chats from the database has the thread write at once, and waits for a write that began after the call
 *   (mongo_counters_settle). The writer waits for it only where too much is behind (mongo_counters_room).
 * Failure:
 *   The database is away: `taken` stays as it is, but for the chats that are done, and is tried again before anything
 *     newer.
 *   The guard does not match (a repeat, another node, a chat of the old layout), or a message's fate is in doubt:
 *     mongo_recount.c counts what is there.
 *   A chat cannot be counted though the database answers: given up after TRIES, alone.
 *   A crash loses both tables: mongo_counters_room() sees to it that no message older than MONGO_BEHIND_US before the
 *     newest is ever in them, and mongo_recover_tail() looks that far back at the next start. */
#include "mongo_counters.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "mongo_recount.h"

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

struct pending {
    struct mongo_touched chat; /* its id in the table's arena */
    bool doubt;                /* count, do not add */
    bool done;                 /* written; the thread's */
    uint8_t tries;             /* alone, and failed; the thread's */
};

struct table {
    struct arena a;
    struct map by_chat; /* → struct pending */
    int64_t first_rev;  /* the oldest message in it; 0: empty */
};

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

static void table_clear(struct table *t)
{
    map_fini(&t->by_chat);
    map_init(&t->by_chat);
    arena_reset(&t->a);
    t->first_rev = 0;
}

/* --- filling it: the writer --- */

static struct pending *reserve(struct table *t, struct slice chat_id)
{
    struct pending *p = map_get(&t->by_chat, chat_id);
    if (p)
        return p;
    p = arena_zalloc(&t->a, sizeof(*p));
    struct slice id = arena_slice(&t->a, chat_id);
    if (!p || !id.ptr || map_put(&t->by_chat, id, p) != OK)
        return NULL;
    p->chat.chat_id = id;
    return p;
}

static void add(struct table *t, struct pending *p, const struct mongo_added *m)
{
    struct mongo_touched *c = &p->chat;
    /* A batch that failed after this comes again. Its messages are not added twice: a chat's revs ascend. */
    bool counted = c->added > 0 && m->rev <= c->rev;
    c->first_rev = c->first_rev == 0 || m->rev < c->first_rev ? m->rev : c->first_rev;
    c->rev = m->rev > c->rev ? m->rev : c->rev;
    c->timestamp_us = m->timestamp_us > c->timestamp_us ? m->timestamp_us : c->timestamp_us;
    c->flags |= m->flags;
    c->added += counted ? 0 : 1;
    t->first_rev = t->first_rev == 0 || m->rev < t->first_rev ? m->rev : t->first_rev;
}

enum err mongo_counters_add(struct mongo_counters *c, struct mongo_added *messages, size_t count)
{
    bool room = true;
    pthread_mutex_lock(&c->lock);
    bool was_empty = c->fresh->first_rev == 0;
    for (size_t i = 0; room && i < count; i++)
        room = (messages[i].slot = reserve(c->fresh, messages[i].chat_id)) != NULL;
    for (size_t i = 0; room && i < count; i++) /* all or nothing: a failed batch comes again */
        add(c->fresh, messages[i].slot, &messages[i]);
    if (was_empty && c->fresh->first_rev != 0)
        pthread_cond_signal(&c->wanted);
    pthread_mutex_unlock(&c->lock);
    return room ? OK : ERR_NOMEM;
}

void mongo_counters_doubt(struct mongo_counters *c, const struct mongo_added *message)
{
    pthread_mutex_lock(&c->lock);
    struct pending *p = reserve(c->fresh, message->chat_id);
    if (p) { /* without memory the chat's counter may stay too low */
        p->doubt = true;
        int64_t added = p->chat.added;
        add(c->fresh, p, message);
        p->chat.added = added; /* the message may come again, and be added */
        pthread_cond_signal(&c->wanted);
    }
    pthread_mutex_unlock(&c->lock);
}

static uint8_t flags_in(const struct table *t, struct slice chat_id)
{
    const struct pending *p = map_get(&t->by_chat, chat_id);
    return p ? p->chat.flags : 0;
}

uint8_t mongo_counters_flags(struct mongo_counters *c, struct slice chat_id)
{
    pthread_mutex_lock(&c->lock);
    uint8_t flags = flags_in(c->fresh, chat_id) | flags_in(c->taken, chat_id);
    pthread_mutex_unlock(&c->lock);
    return flags;
}

/* --- writing it: the thread --- */

/* Up to SHARE_MOST of the table's chats, for one command. */
struct share {
    struct mongo_touched chats[SHARE_MOST];
    struct pending *from[SHARE_MOST];
    size_t count;
    bool doubt;
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
    bool settled = !s->doubt;
    enum err e = OK;
    if (!s->doubt)
        e = mongo_add_counts(&c->conn, s->chats, s->count, &settled);
    if (e == OK && !settled && mongo_recount(&c->conn, s->chats, s->count) != OK)
        e = recount_each(c, s);
    for (size_t i = 0; e == OK && i < s->count; i++)
        s->from[i]->done = true;
    s->count = 0;
    return e;
}

static bool out_of_time(const struct mongo_counters *c)
{
    int64_t by = atomic_load_explicit(&c->stop_by_us, memory_order_relaxed);
    return by != 0 && clock_mono_us() > by;
}

/* Writes the chats that are counted (doubt) or those whose messages are added. Each is marked once it is written, so
 * that a failure repeats only the rest. */
static enum err write_kind(struct mongo_counters *c, struct share *s, bool doubt)
{
    size_t most = c->taken->by_chat.count > CHATS_SOON ? SHARE_MOST : SHARE;
    size_t pos = 0;
    struct pending *p;
    enum err e = OK;
    s->count = 0;
    s->doubt = doubt;
    do {
        p = map_next(&c->taken->by_chat, &pos);
        if (p && !p->done && p->doubt == doubt && p->chat.first_rev != 0) {
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
    enum err e = write_kind(c, &s, false);
    return e == OK ? write_kind(c, &s, true) : e;
}

/* Writes what a failed write left, then what has come since. Called with the lock, which is released while the database
 * works. */
static void write_all(struct mongo_counters *c)
{
    enum err e = OK;
    c->begun++;
    c->soon = false;
    for (bool last = false; e == OK && !last;) {
        if (c->taken->first_rev == 0) {
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

static bool is_empty(const struct mongo_counters *c)
{
    return c->fresh->first_rev == 0 && c->taken->first_rev == 0;
}

/* Waits until there is something to write and EVERY_US are over, or somebody cannot wait that long. After a failure
 * there is always a pause. */
static void wait_until_due(struct mongo_counters *c)
{
    while (!c->stopping && !c->soon && is_empty(c))
        pthread_cond_wait(&c->wanted, &c->lock);
    bool failed = c->taken->first_rev != 0;
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

enum err mongo_counters_room(struct mongo_counters *c, int64_t rev)
{
    enum err e = OK;
    pthread_mutex_lock(&c->lock);
    int64_t first = c->taken->first_rev != 0 ? c->taken->first_rev : c->fresh->first_rev;
    bool behind = first != 0 && rev - first > MONGO_BEHIND_US;
    size_t chats = c->fresh->by_chat.count;
    if (behind || chats >= CHATS_MOST) {
        e = wait_written(c, WAIT_WRITER_US);
    } else if (chats >= CHATS_SOON && !c->soon) {
        c->soon = true;
        pthread_cond_signal(&c->wanted);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- life --- */

static void counters_free(struct mongo_counters *c)
{
    for (int i = 0; i < 2; i++) {
        map_fini(&c->tables[i].by_chat);
        arena_fini(&c->tables[i].a);
    }
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
    for (int i = 0; i < 2; i++) {
        arena_init(&c->tables[i].a, 0);
        map_init(&c->tables[i].by_chat);
    }
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
        log_warn("counters not written", "the next start counts them");
    counters_free(c);
}
