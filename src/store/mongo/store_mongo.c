/* The store on MongoDB: its life, and what a batch is.
 * A batch:
 *   1. begin looks whether this process may write: it holds the lease (mongo_lease.c). Each command looks again.
 *   2. Customers and chats are found and upserted, one command each (mongo_write.c).
 *   3. The chats that are not known yet are looked up by one find, and all messages go in by one insert
 *      (mongo_insert.c).
 *   4. commit. Like begin it is bookkeeping: each command is durable by itself (write concern majority and journal).
 *   The chats' counters follow within some seconds (mongo_counters.c); whoever reads them makes them follow first.
 * Failure: a call that fails, or whose answer is lost, gives ERR_STORE, and the writer runs the whole batch again. That
 *   is safe, since every id was made before the first try: a duplicate _id is a message that an earlier try stored.
 *   What the database will not do for one op, whenever it is asked, is that op's own failure (mongo_error.c).
 * At start the database may be away: the driver's monitors keep looking for it, and health() says so. */
#include "legacy/mongo_adopt.h"
#include "mongo_check.h"
#include "mongo_counters.h"
#include "mongo_driver.h"
#include "mongo_error.h"
#include "mongo_store.h"

#include "base/log.h"

#include <stdlib.h>

#define PING_EVERY_US    500000
#define PING_HOPELESS_US 2000000

static enum err mongo_claim(struct store *st, struct buf *why)
{
    struct mongo_store *s = mongo_of(st);
    bool first = !s->lease;
    enum err e = first ? mongo_lease_start(&s->lease, &s->lease_options) : OK;
    return e == OK ? mongo_lease_claim(s->lease, first, why) : e;
}

static enum err mongo_begin(struct store *st)
{
    struct mongo_store *s = mongo_of(st);
    if (!mongo_lease_enter(s->lease))
        return ERR_STORE;
    arena_reset(&s->scratch);
    bson_destroy(s->last_customer);
    s->last_customer = NULL;
    s->writer.in_batch = true;
    return OK;
}

/* What was written stays: a batch that comes again finds it. */
static void mongo_rollback(struct store *st)
{
    struct mongo_store *s = mongo_of(st);
    s->writer.in_batch = false;
    mongo_lease_leave(s->lease);
}

static enum err mongo_commit(struct store *st)
{
    mongo_health_worked(&mongo_of(st)->health);
    mongo_rollback(st); /* all is durable already: the batch only ends */
    return OK;
}

static enum err mongo_add_totals(struct store *s, const struct totals *delta)
{
    (void)s;
    (void)delta;
    return OK; /* counted by query: mongo_totals() */
}

static void mongo_health(struct store *s, struct store_health *out)
{
    mongo_health_get(&mongo_of(s)->health, out);
    mongo_lease_health(mongo_of(s)->lease, out);
}

/* Reconnecting is the monitors' work. What they cannot see is a server that is there and refuses (no permission,
 * no space): after such a failure a ping tells whether it answers again. Never while it is away: that would block. */
static bool mongo_maintain(struct store *st, int64_t now_mono_us, bool idle)
{
    struct mongo_store *s = mongo_of(st);
    bson_error_t error;
    int64_t every_us = mongo_health_hopeless(&s->health) ? PING_HOPELESS_US : PING_EVERY_US;
    bool failing = atomic_load_explicit(&s->health.failing, memory_order_relaxed);
    bool reachable = atomic_load_explicit(&s->health.reachable, memory_order_relaxed);
    if (!idle || !failing || !reachable || now_mono_us - s->pinged_us < every_us)
        return false;
    s->pinged_us = now_mono_us;
    if (mongo_ping(&s->writer, &error))
        mongo_health_worked(&s->health);
    else
        (void)mongo_failed(&s->writer, "ping", &error);
    return false;
}

static enum err mongo_reader_open(struct store *st, struct store_reader **out)
{
    struct mongo_store *s = mongo_of(st);
    struct mongo_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    enum err e = mongo_conn_open(&r->conn, &s->uris, MONGO_READER, s->reader_pool);
    if (e != OK) {
        free(r);
        return e;
    }
    r->base = (struct store_reader){.vtable = st->vtable, .store = st};
    arena_init(&r->scratch, 0);
    *out = &r->base;
    return OK;
}

static void mongo_reader_close(struct store_reader *reader)
{
    struct mongo_reader *r = mongo_reader_of(reader);
    if (!r)
        return;
    mongo_conn_close(&r->conn);
    arena_fini(&r->scratch);
    free(r);
}

static void mongo_close(struct store *st)
{
    struct mongo_store *s = mongo_of(st);
    if (!s)
        return;
    struct mongo_closing writers = {0}, readers = {0};
    mongo_lease_stop(s->lease);
    mongo_counters_stop(s->counters);
    mongo_lease_free(s->lease); /* all is written */
    atomic_store_explicit(&s->health.closing, true, memory_order_relaxed);
    mongo_conn_close(&s->writer);
    mongo_closing_begin(&readers, s->reader_pool);
    mongo_closing_begin(&writers, s->writer_pool);
    bool indexer_ended = mongo_index_stop(&s->index);
    mongo_closing_end(&readers);
    mongo_closing_end(&writers);
    mongo_closing_end(&s->totals_closing);
    if (!indexer_ended) /* it still uses the URIs and this store: the process ends soon, let them be */
        return;
    mongo_uris_fini(&s->uris);
    mongo_health_fini(&s->health);
    mongo_index_fini(&s->index);
    bson_destroy(s->last_customer);
    arena_fini(&s->scratch);
    free(s);
}

static const struct store_vtable mongo_vtable = {
    .kind = "mongodb",
    .time_grain_us = 1000, /* BSON dates */
    .close = mongo_close,
    .health = mongo_health,
    .claim = mongo_claim,
    .begin = mongo_begin,
    .commit = mongo_commit,
    .rollback = mongo_rollback,
    .resolve_chats = mongo_resolve_chats,
    .insert_messages = mongo_insert_messages,
    .find_chat = mongo_find_chat,
    .find_customer = mongo_find_customer,
    .put_customer = mongo_put_customer,
    .insert_chat = mongo_insert_chat,
    .set_chat_flags = mongo_set_chat_flags,
    .put_chat = mongo_put_chat,
    .set_mark = mongo_set_mark,
    .add_totals = mongo_add_totals,
    .maintain = mongo_maintain,
    .identity = mongo_identity,
    .totals = mongo_totals,
    .reader_open = mongo_reader_open,
    .reader_close = mongo_reader_close,
    .read_customer = mongo_read_customer,
    .load_customer = mongo_load_customer,
    .recent_customers = mongo_recent_customers,
    .search_customers = mongo_search_customers,
    .read_chat = mongo_read_chat,
    .list_chats = mongo_list_chats,
    .overview = mongo_overview,
    .read_totals = mongo_read_totals,
    .changed_customers = mongo_changed_customers,
};

static enum err open_pools(struct mongo_store *s, struct buf *why)
{
    enum err e = mongo_pool_open(&s->uris, MONGO_WRITER, &s->writer_pool, why);
    if (e == OK)
        e = mongo_pool_open(&s->uris, MONGO_READER, &s->reader_pool, why);
    if (e != OK)
        return e;
    mongo_watch_pool(s->writer_pool, &s->health);
    mongo_watch_pool(s->reader_pool, NULL);
    return mongo_conn_open(&s->writer, &s->uris, MONGO_WRITER, s->writer_pool);
}

static enum err start(struct mongo_store *s, const struct store_settings *settings, const char *masked_uri,
                      struct buf *why)
{
    bson_error_t error;
    enum err e = mongo_uris_init(&s->uris, settings, &s->health, why);
    if (e == OK)
        e = mongo_check_uri(&s->uris, settings, why);
    if (e == OK)
        e = open_pools(s, why);
    if (e == OK && settings->required && !mongo_ping(&s->writer, &error)) { /* the operator wants to know now */
        buf_printf(why, "cannot reach the store %s: %s", masked_uri, error.message);
        return ERR_STORE;
    }
    if (e == OK)
        e = mongo_counters_start(&s->counters, &s->uris, s->reader_pool);
    if (e != OK)
        return e;
    s->lease_options = (struct mongo_lease_options){.uris = &s->uris,
                                                    .pool = s->writer_pool,
                                                    .counters = s->counters,
                                                    .times = mongo_lease_times(mongo_socket_timeout_ms(&s->uris)),
                                                    .shared = settings->shared};
    mongo_index_start(&s->index, &s->uris, mongo_adopt_chat_ids);
    return OK;
}

enum err store_mongo_open(const struct store_settings *settings, struct store **out, struct buf *why)
{
    *out = NULL;
    mongo_driver_init();
    struct mongo_store *s = calloc(1, sizeof(*s));
    struct buf masked = {0};
    if (!s)
        return ERR_NOMEM;
    s->base.vtable = &mongo_vtable;
    mongo_health_init(&s->health);
    arena_init(&s->scratch, 0);
    mongo_index_init(&s->index);
    random_bytes(s->own_tag, sizeof(s->own_tag));
    s->owners_matter = settings->owners_matter;
    memcpy(s->tag, s->own_tag, sizeof(s->tag));
    store_mask_uri(settings->uri, &masked);
    enum err e = start(s, settings, buf_cstr(&masked), why);
    if (e == OK) {
        log_info("store", "kind=mongodb uri=\"%s\" database=\"%s\"", buf_cstr(&masked), s->uris.database);
        *out = &s->base;
    } else {
        if (why->len == 0)
            buf_printf(why, "cannot open the store: %s", err_text(e));
        mongo_close(&s->base);
    }
    buf_fini(&masked);
    return e;
}
