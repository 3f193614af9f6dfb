/* Happy path:
 *   1. Read the document. Free, or its holder has ended: take it by compare-and-set; held.
 *   2. Every renew_us an update that counts `turn` up. From the moment before it was asked for, the lease is good for
 *      good_us, by this process's own clock.
 *   3. The writer asks before each batch and before each command (an atomic load and the clock).
 *   4. At the end: no renewal any more, then the counters are written, then the document says that nobody holds it.
 * Another one holds it: refused, if it lives (mongo_lease_rule.h says how that is seen). A process that is refused only
 *   after it began to serve, because the database came later, stays without the lease and waits for its turn.
 * A rolling change (--store-shared): the newcomer writes itself down as the heir. The holder sees that when it renews,
 *   lets its batch end, writes its counters, gives the lease back and never writes again: its memory is behind from
 *   then on. At no time are there two.
 * Failure:
 *   A renewal fails or its answer is lost: it counts for nothing; past good_us without one nothing is written until one
 *     succeeds.
 *   A holder finds another's name: it was away for longer than the whole time, and ends as one that handed it over.
 *   Somebody removed the document: while the lease is still good nobody else can have it, so it is made again; else it
 *     is lost. */
#include "mongo_lease.h"

#include "mongo_counters.h"
#include "mongo_health.h"
#include "mongo_lease_doc.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define GOOD_US       10000000
#define MARGIN_LEAST  1000000
#define RENEW_US      3000000
#define TRY_AGAIN_US  250000
#define STANDBY_US    1000000
#define HOPELESS_US   2000000 /* a wrong password */
#define CLAIM_WAIT_US 200000  /* of the writer, who asks again */
#define BATCH_POLL_US 2000

enum lease_state { LOOKING, AWAY, REFUSED, HELD, LOST };

struct mongo_lease {
    struct mongo_lease_options o; /* read-only */
    struct mongo_conn conn;
    struct lease_table table;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted; /* the thread sleeps */
    pthread_cond_t known;  /* claim waits */
    /* under the lock */
    enum lease_state state;
    char who[200]; /* REFUSED, LOST: the other, for people */
    bool stopping;
    /* the thread writes, the writer reads */
    atomic_int_least64_t good_until_us; /* 0: not at all */
    /* the writer writes, the thread reads */
    atomic_bool writing;
    /* the thread's own */
    bool told; /* the log, that it waits */
    struct lease_watch watch;
};

struct mongo_lease_times mongo_lease_times(int64_t socket_timeout_ms)
{
    int64_t margin_us = socket_timeout_ms * 1000;
    return (struct mongo_lease_times){
        .good_us = GOOD_US, .margin_us = margin_us > MARGIN_LEAST ? margin_us : MARGIN_LEAST, .renew_us = RENEW_US};
}

/* A clock that goes on while the machine sleeps: a lease runs out meanwhile. */
static int64_t boot_us(void)
{
    struct timespec ts;
    must(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- the writer --- */

/* Who takes the lease away sets good_until_us and then waits while `writing`; the writer sets `writing` and then looks
 * at good_until_us. Each side stores before it loads (seq_cst), so at least one of the two sees what the other has
 * stored. */
bool mongo_lease_enter(struct mongo_lease *l)
{
    if (!l)
        return true;
    atomic_store_explicit(&l->writing, true, memory_order_seq_cst);
    if (boot_us() < atomic_load_explicit(&l->good_until_us, memory_order_seq_cst))
        return true;
    mongo_lease_leave(l);
    return false;
}

void mongo_lease_leave(struct mongo_lease *l)
{
    if (l)
        atomic_store_explicit(&l->writing, false, memory_order_release);
}

bool mongo_lease_good(const struct mongo_lease *l)
{
    return !l || boot_us() < atomic_load_explicit(&l->good_until_us, memory_order_relaxed);
}

bool mongo_lease_refuses(bson_t *reply, bson_error_t *error)
{
    bson_init(reply);
    bson_set_error(error, MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_NOT_READY,
                   "the lease on the database is not renewed");
    return false;
}

/* --- the thread --- */

static void set_state(struct mongo_lease *l, enum lease_state state, const char *who)
{
    pthread_mutex_lock(&l->lock);
    l->state = state;
    (void)snprintf(l->who, sizeof(l->who), "%s", who);
    pthread_cond_broadcast(&l->known);
    pthread_mutex_unlock(&l->lock);
}

static int64_t held(struct mongo_lease *l, int64_t asked_us)
{
    atomic_store_explicit(&l->good_until_us, asked_us + l->o.times.good_us, memory_order_seq_cst);
    if (l->state != HELD) { /* which only this thread changes */
        log_info("lease taken", "database=\"%s\"", l->conn.database);
        set_state(l, HELD, "");
    }
    return l->o.times.renew_us;
}

/* Another writes from now on: what it takes in is not in this process's memory, so this one never may again. */
static int64_t lose(struct mongo_lease *l, const char *who)
{
    atomic_store_explicit(&l->good_until_us, 0, memory_order_seq_cst);
    set_state(l, LOST, who);
    log_error("lease lost", "answering=503 holder=\"%s\" advice=\"stop this server\"", who);
    return -1;
}

static int64_t bequeath(struct mongo_lease *l)
{
    log_warn("lease asked for", "why=\"another server was started with --store-shared\" answering=503");
    (void)lose(l, "handed over to a server that was started with --store-shared");
    while (atomic_load_explicit(&l->writing, memory_order_seq_cst))
        usleep(BATCH_POLL_US); /* a batch ends: its commands have timeouts */
    mongo_counters_settle_or_not(l->o.counters);
    (void)lease_give_back(&l->table); /* where that fails the heir waits for the lease to run out */
    return -1;
}

static int64_t renew(struct mongo_lease *l)
{
    struct lease_doc d;
    char who[sizeof(l->who)];
    bool failed;
    int64_t asked_us = boot_us();
    if (lease_renew(&l->table, &failed))
        return held(l, asked_us);
    if (failed || lease_read(&l->table, &d, who, sizeof(who)) != OK)
        return TRY_AGAIN_US;
    if (d.there && strcmp(d.holder, l->table.self) == 0)
        return d.heir[0] ? bequeath(l) : 0;
    /* Somebody has removed the document. While the lease is good nobody else can have taken it: so it is made again. */
    bool removed = !d.there && asked_us < atomic_load_explicit(&l->good_until_us, memory_order_relaxed);
    if (!removed)
        return lose(l, who);
    return lease_create(&l->table) ? held(l, asked_us) : TRY_AGAIN_US / 10;
}

static void tell_waiting(struct mongo_lease *l, const char *what, const char *who)
{
    if (!l->told)
        log_warn("waiting for the lease", "for=\"%s\" holder=\"%s\"", what, who);
    l->told = true;
}

static int64_t contend(struct mongo_lease *l)
{
    struct lease_doc d;
    char who[sizeof(l->who)];
    int64_t asked_us = boot_us();
    if (lease_read(&l->table, &d, who, sizeof(who)) != OK) {
        set_state(l, AWAY, "");
        return mongo_health_hopeless(l->conn.health) ? HOPELESS_US : TRY_AGAIN_US;
    }
    switch (lease_decide(&l->watch, &d, l->table.self, l->o.shared, boot_us())) {
    case LEASE_OURS: /* taken by a command whose answer was lost */
        return renew(l);
    case LEASE_TAKE:
        return (d.there ? lease_take(&l->table, &d) : lease_create(&l->table)) ? held(l, asked_us) : TRY_AGAIN_US / 10;
    case LEASE_ASK:
        tell_waiting(l, "it to be handed over", who);
        lease_ask(&l->table, &d);
        return TRY_AGAIN_US / 10;
    case LEASE_WAIT:
        tell_waiting(l, l->o.shared ? "it to be handed over" : "a sign of its holder's life, or its end", who);
        return TRY_AGAIN_US;
    case LEASE_REFUSE:
        set_state(l, REFUSED, who);
        break;
    }
    return STANDBY_US;
}

static int64_t step(struct mongo_lease *l)
{
    if (l->state == LOST)
        return -1;
    return l->state == HELD ? renew(l) : contend(l);
}

static void *lease_main(void *arg)
{
    struct mongo_lease *l = arg;
    log_thread_name("mongo-lease");
    pthread_mutex_lock(&l->lock);
    while (!l->stopping) {
        pthread_mutex_unlock(&l->lock);
        int64_t wait_us = step(l);
        pthread_mutex_lock(&l->lock);
        struct timespec until = clock_mono_after(wait_us);
        int rc = 0;
        while (!l->stopping && wait_us != 0 && rc != ETIMEDOUT)
            rc = wait_us < 0 ? pthread_cond_wait(&l->wanted, &l->lock)
                             : pthread_cond_timedwait(&l->wanted, &l->lock, &until);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* --- for others --- */

static void dispose(struct mongo_lease *l)
{
    if (l->table.documents)
        mongoc_collection_destroy(l->table.documents);
    mongo_conn_close(&l->conn);
    pthread_cond_destroy(&l->wanted);
    pthread_cond_destroy(&l->known);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

enum err mongo_lease_start(struct mongo_lease **out, const struct mongo_lease_options *o)
{
    struct mongo_lease *l = calloc(1, sizeof(*l));
    unsigned char id[LEASE_ID_LEN / 2];
    if (!l)
        return ERR_NOMEM;
    l->o = *o;
    l->table = (struct lease_table){.conn = &l->conn, .lease_us = o->times.good_us + o->times.margin_us};
    pthread_mutex_init(&l->lock, NULL);
    clock_cond_init(&l->wanted);
    clock_cond_init(&l->known);
    random_bytes(id, sizeof(id));
    put_hex(l->table.self, id, sizeof(id)); /* its last byte stays 0 */
    process_self(&l->table.process);
    /* MONGO_WRITER: what fails here is a matter of health, since it keeps the writer from its work. */
    enum err e = mongo_conn_open(&l->conn, o->uris, MONGO_WRITER, o->pool);
    if (e == OK) {
        l->table.documents = mongoc_client_get_collection(l->conn.client, l->conn.database, MONGO_LEASES);
        e = pthread_create(&l->thread, NULL, lease_main, l) == 0 ? OK : ERR_NOMEM;
    }
    if (e == OK)
        *out = l;
    else
        dispose(l);
    return e;
}

enum err mongo_lease_claim(struct mongo_lease *l, bool first, struct buf *why)
{
    enum err e;
    struct timespec until = clock_mono_after(CLAIM_WAIT_US);
    int rc = 0;
    pthread_mutex_lock(&l->lock);
    while (l->state == LOOKING && rc != ETIMEDOUT)
        rc = first ? pthread_cond_wait(&l->known, &l->lock) : pthread_cond_timedwait(&l->known, &l->lock, &until);
    if (l->state == REFUSED || l->state == LOST) {
        buf_printf(why,
                   "the database is served already (%s): one server for one database; stop that one first, or give "
                   "--store-shared to have it handed over",
                   l->who);
        e = ERR_CONFLICT;
    } else {
        e = l->state == HELD ? OK : ERR_STORE;
    }
    pthread_mutex_unlock(&l->lock);
    return e;
}

void mongo_lease_health(struct mongo_lease *l, struct store_health *out)
{
    if (mongo_lease_good(l))
        return;
    out->ok = false;
    pthread_mutex_lock(&l->lock); /* held for moments only */
    out->closed = l->state == LOST;
    if (l->state == LOST || l->state == REFUSED) {
        out->reason = l->state == LOST ? "superseded" : "in_use";
        (void)snprintf(out->detail, sizeof(out->detail), "served by another server: %s", l->who);
    } else if (!out->detail[0]) {
        (void)snprintf(out->detail, sizeof(out->detail), "the lease on the database is not renewed yet");
    }
    pthread_mutex_unlock(&l->lock);
}

void mongo_lease_stop(struct mongo_lease *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_signal(&l->wanted);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
}

void mongo_lease_free(struct mongo_lease *l)
{
    if (!l)
        return;
    bool there = atomic_load_explicit(&l->conn.health->reachable, memory_order_relaxed);
    if (l->state == HELD && there)
        (void)lease_give_back(&l->table);
    dispose(l);
}
