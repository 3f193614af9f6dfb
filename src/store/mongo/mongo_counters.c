/* What stored messages add to their chats' documents (total_messages, last_activity, rev, flags), written behind.
 * Why: in MongoDB an update costs several inserts, and a busy chat's counters may be added up before they are written:
 *   so a batch is one insert, and a thread brings the chats up to date about once a second, each chat once.
 * Happy path: mongo_counters_add() after a batch's insert → the table → the thread takes the table whole → guarded
 *   updates ({last_rev < the first message added}), CHATS_AT_ONCE a command, so that inserts pass between them.
 * Whoever reads chats from the database calls mongo_counters_settle() first and sees every batch before it.
 * Failure: what was taken stays taken and is tried again before anything newer; where the guard does not match (a
 *   repeat, another node, a chat of the old layout) mongo_recount.c counts what is there. A crash loses the table:
 *   mongo_counters_room() sees to it that no message older than MONGO_BEHIND_US before the newest is ever in it, and
 *   mongo_recover_tail() looks that far back at the next start. */
#include "mongo_store.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"

#include <errno.h>
#include <stdlib.h>

#define EVERY_US       1000000
#define CHATS_AT_ONCE  32
#define CHATS_MOST     8192   /* past it the writer writes them itself before it goes on */
#define WAIT_WRITER_US 500000 /* for a write under way on another thread */
#define WAIT_READER_US 10000000

struct pending {
    struct mongo_touched chat; /* ids in the table's arena */
    struct slice user_id;
};

struct table {
    struct arena a;
    struct map by_chat; /* → struct pending */
    int64_t first_rev;  /* the oldest message in it; 0: empty */
};

struct mongo_counters {
    struct mongo_store *store;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* filled, a write ended, stopping */
    /* under the lock; but for a chat's `added` in taken, which is whose who set writing */
    struct table tables[2], *fresh, *taken;
    bool writing; /* without the lock */
    bool stopping;
};

static void table_clear(struct table *t)
{
    map_fini(&t->by_chat);
    map_init(&t->by_chat);
    arena_reset(&t->a);
    t->first_rev = 0;
}

/* --- filling it: the writer --- */

static enum err reserve(struct table *t, const struct mongo_added *m)
{
    if (map_get(&t->by_chat, m->chat_id))
        return OK;
    struct pending *p = arena_zalloc(&t->a, sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    p->chat.chat_id = arena_slice(&t->a, m->chat_id);
    p->user_id = arena_slice(&t->a, m->user_id);
    if (!p->chat.chat_id.ptr || (m->user_id.len > 0 && !p->user_id.ptr))
        return ERR_NOMEM;
    return map_put(&t->by_chat, p->chat.chat_id, p);
}

static void add(struct table *t, const struct mongo_added *m)
{
    struct pending *p = map_get(&t->by_chat, m->chat_id);
    must(p); /* reserved */
    struct mongo_touched *c = &p->chat;
    c->first_rev = c->added == 0 || m->rev < c->first_rev ? m->rev : c->first_rev;
    c->rev = m->rev > c->rev ? m->rev : c->rev;
    c->timestamp_us = m->timestamp_us > c->timestamp_us ? m->timestamp_us : c->timestamp_us;
    c->flags |= m->flags;
    c->added++;
    t->first_rev = t->first_rev == 0 || m->rev < t->first_rev ? m->rev : t->first_rev;
}

enum err mongo_counters_add(struct mongo_store *s, const struct mongo_added *messages, size_t count)
{
    struct mongo_counters *c = s->counters;
    enum err e = OK;
    pthread_mutex_lock(&c->lock);
    bool was_empty = c->fresh->first_rev == 0;
    for (size_t i = 0; e == OK && i < count; i++)
        e = reserve(c->fresh, &messages[i]);
    for (size_t i = 0; e == OK && i < count; i++) /* all or nothing: a failed batch comes again */
        add(c->fresh, &messages[i]);
    if (was_empty && c->fresh->first_rev != 0)
        pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- writing it --- */

static void add_update(mongoc_bulk_operation_t *bulk, const struct mongo_touched *t)
{
    bson_t filter = BSON_INITIALIZER, change = BSON_INITIALIZER;
    bson_t part;
    put_text(&filter, "chat_id", t->chat_id);
    BCON_APPEND(&filter, "last_rev", "{", "$lt", BCON_INT64(t->first_rev), "}");
    BCON_APPEND(&change, "$inc", "{", "total_messages", BCON_INT64(t->added), "}");
    bson_append_document_begin(&change, "$max", -1, &part);
    BSON_APPEND_INT64(&part, "rev", t->rev);
    BSON_APPEND_INT64(&part, "last_rev", t->rev);
    put_time(&part, "last_activity", t->timestamp_us);
    bson_append_document_end(&change, &part);
    bson_append_document_begin(&change, "$set", -1, &part);
    put_time(&part, "updated_at", t->timestamp_us);
    if (t->flags & CHAT_HAS_AGENT)
        BSON_APPEND_BOOL(&part, "has_agent", true);
    if (t->flags & CHAT_HAS_ASSISTANT)
        BSON_APPEND_BOOL(&part, "has_assistant", true);
    bson_append_document_end(&change, &part);
    bson_error_t error;
    must(mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &change, NULL, &error)); /* built right above */
    bson_destroy(&filter);
    bson_destroy(&change);
}

/* *settled: every chat was found below the guard and moved. */
static enum err update_command(struct mongo_store *s, const struct mongo_conn *conn, const struct mongo_touched *chats,
                               size_t count, bool *settled)
{
    bson_error_t error;
    bson_t reply;
    bson_iter_t it;
    bson_t opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(conn->chats, &opts);
    bson_destroy(&opts);
    for (size_t i = 0; i < count; i++)
        add_update(bulk, &chats[i]);
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0;
    *settled = ok && bson_iter_init_find(&it, &reply, "nMatched") && bson_integer(&it) == (int64_t)count;
    enum err e = OK;
    if (!ok && !mongo_only_documents(&reply, &error)) /* a document's own refusal: mongo_recount() sets it right */
        e = mongo_failed(s, conn, "updating chats", &error);
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    metrics_add(M_STORE_WRITE_CHAT, count);
    return e;
}

static enum err write_some(struct mongo_counters *c, const struct mongo_conn *conn, const struct mongo_touched *chats,
                           size_t count)
{
    bool settled = true;
    enum err e = update_command(c->store, conn, chats, count, &settled);
    if (e != OK || settled)
        return e;
    struct arena a;
    arena_init(&a, 0);
    e = mongo_recount(c->store, conn, chats, count, &a);
    arena_fini(&a);
    return e;
}

/* What is written leaves the table, so that a failure repeats only the rest. */
static enum err write_taken(struct mongo_counters *c, const struct mongo_conn *conn)
{
    struct mongo_touched chats[CHATS_AT_ONCE];
    struct pending *from[CHATS_AT_ONCE], *p;
    enum err e = OK;
    size_t pos = 0, n = 0;
    do {
        p = map_next(&c->taken->by_chat, &pos);
        if (p && p->chat.added > 0) {
            from[n] = p;
            chats[n++] = p->chat;
        }
        if (n == CHATS_AT_ONCE || (!p && n > 0)) {
            e = write_some(c, conn, chats, n);
            for (size_t i = 0; e == OK && i < n; i++)
                from[i]->chat.added = 0;
            n = 0;
        }
    } while (e == OK && p);
    return e;
}

static struct timespec until_us(int64_t us)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + us % 1000000 * 1000;
    t.tv_sec += us / 1000000 + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

/* With the lock, which is given up meanwhile. ERR_STORE: somebody else is writing for longer than wait_us. */
static enum err begin_writing(struct mongo_counters *c, int64_t wait_us)
{
    struct timespec until = until_us(wait_us);
    int rc = 0;
    while (c->writing && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    if (c->writing)
        return ERR_STORE;
    c->writing = true;
    return OK;
}

/* With the lock, which is given up meanwhile: what a failed write left, then what came since. */
static enum err write_all(struct mongo_counters *c, const struct mongo_conn *conn, int64_t wait_us)
{
    enum err e = begin_writing(c, wait_us);
    if (e != OK)
        return e;
    for (bool last = false; e == OK && !last;) {
        if (c->taken->first_rev == 0) {
            struct table *empty = c->taken;
            c->taken = c->fresh;
            c->fresh = empty;
            last = true;
        }
        pthread_mutex_unlock(&c->lock);
        e = write_taken(c, conn);
        pthread_mutex_lock(&c->lock);
        if (e == OK)
            table_clear(c->taken);
    }
    c->writing = false;
    pthread_cond_broadcast(&c->changed);
    return e;
}

static bool is_empty(const struct mongo_counters *c)
{
    return c->fresh->first_rev == 0 && c->taken->first_rev == 0;
}

static int64_t patience(const struct mongo_conn *conn)
{
    return conn->kind == MONGO_WRITER ? WAIT_WRITER_US : WAIT_READER_US;
}

enum err mongo_counters_settle(struct mongo_store *s, const struct mongo_conn *conn)
{
    struct mongo_counters *c = s->counters;
    pthread_mutex_lock(&c->lock);
    enum err e = is_empty(c) ? OK : write_all(c, conn, patience(conn));
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err mongo_counters_settle_chat(struct mongo_store *s, const struct mongo_conn *conn, struct slice chat_id)
{
    struct mongo_counters *c = s->counters;
    pthread_mutex_lock(&c->lock);
    bool there = map_get(&c->fresh->by_chat, chat_id) || map_get(&c->taken->by_chat, chat_id);
    enum err e = there ? write_all(c, conn, patience(conn)) : OK;
    pthread_mutex_unlock(&c->lock);
    return e;
}

static bool has_user(const struct table *t, struct slice user_id)
{
    size_t pos = 0;
    const struct pending *p;
    while ((p = map_next(&t->by_chat, &pos)))
        if (slice_eq(p->user_id, user_id))
            return true;
    return false;
}

enum err mongo_counters_settle_user(struct mongo_store *s, const struct mongo_conn *conn, struct slice user_id)
{
    struct mongo_counters *c = s->counters;
    pthread_mutex_lock(&c->lock);
    bool there = has_user(c->fresh, user_id) || has_user(c->taken, user_id);
    enum err e = there ? write_all(c, conn, patience(conn)) : OK;
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err mongo_counters_room(struct mongo_store *s, int64_t rev)
{
    struct mongo_counters *c = s->counters;
    pthread_mutex_lock(&c->lock);
    int64_t first = c->taken->first_rev != 0 ? c->taken->first_rev : c->fresh->first_rev;
    bool behind = first != 0 && rev - first > MONGO_BEHIND_US;
    bool full = c->fresh->by_chat.count >= CHATS_MOST;
    enum err e = behind || full ? write_all(c, &s->writer, WAIT_WRITER_US) : OK;
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- the thread --- */

static bool pause_until_due(struct mongo_counters *c)
{
    while (!c->stopping && is_empty(c))
        pthread_cond_wait(&c->changed, &c->lock);
    struct timespec until = until_us(EVERY_US);
    int rc = 0;
    while (!c->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    return !c->stopping;
}

static void *counters_main(void *arg)
{
    struct mongo_counters *c = arg;
    struct mongo_store *s = c->store;
    struct mongo_conn conn;
    log_thread_name("mongo-counters");
    /* A reader to health(): while batches are stored, the store is well. */
    enum err e = mongo_conn_open(&conn, &s->uris, MONGO_READER, s->writer_pool);
    if (e != OK)
        log_warn("counters are written by whoever reads them", "error=\"%s\"", err_text(e));
    pthread_mutex_lock(&c->lock);
    while (e == OK && pause_until_due(c))
        (void)write_all(c, &conn, WAIT_READER_US); /* logged; what is left comes first the next time */
    pthread_mutex_unlock(&c->lock);
    mongo_conn_close(&conn);
    return NULL;
}

enum err mongo_counters_start(struct mongo_store *s)
{
    struct mongo_counters *c = calloc(1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    c->store = s;
    c->fresh = &c->tables[0];
    c->taken = &c->tables[1];
    for (int i = 0; i < 2; i++) {
        arena_init(&c->tables[i].a, 0);
        map_init(&c->tables[i].by_chat);
    }
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->counters = c;
    c->running = pthread_create(&c->thread, NULL, counters_main, c) == 0;
    return c->running ? OK : ERR_NOMEM;
}

void mongo_counters_stop(struct mongo_store *s)
{
    struct mongo_counters *c = s->counters;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (c->running)
        pthread_join(c->thread, NULL);
    if (mongo_counters_settle(s, &s->writer) != OK)
        log_warn("counters not written", "the next start counts them");
    for (int i = 0; i < 2; i++) {
        map_fini(&c->tables[i].by_chat);
        arena_fini(&c->tables[i].a);
    }
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
    s->counters = NULL;
}
