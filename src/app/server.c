#include "server_int.h"

#include "descriptors.h"
#include "inherit.h"

#include "api/rights.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/listener.h"
#include "net/share.h"
#include "push/presence.h"
#include "read/cache.h"
#include "read/compressor.h"
#include "read/reader.h"
#include "store/store.h"
#include "web/assets.h"
#include "write/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WARM_CUSTOMERS  1000
#define CLOCKS_APART_US INT64_C(5000000) /* the most that we accept clocks of processes to differ */

static enum err say(struct buf *why, enum err e, const char *what)
{
    if (e != OK && why->len == 0)
        buf_printf(why, "cannot start %s: %s", what, err_text(e));
    return e;
}

/* ---- start, in order ---- */

static enum err open_list(struct server *s, const struct config_list *list, const int *passed, unsigned passed_count,
                          struct buf *why)
{
    for (unsigned i = 0; i < list->count; i++) {
        enum err e = OK;
        if (passed_count > 0)
            s->listeners[s->listener_count] = passed[i];
        else
            e = listener_open(slice_cstr(list->items[i]), &s->listeners[s->listener_count], why);
        if (e != OK)
            return e;
        s->listener_count++;
    }
    return OK;
}

/* In this order: access_guard() counts on it. */
static enum err open_listeners(struct server *s, const struct inherited *passed, struct buf *why)
{
    enum err e = open_list(s, &s->config->listen, passed->listen, passed->listen_count, why);
    if (e == OK)
        e = open_list(s, &s->config->admin_listen, passed->admin, passed->admin_count, why);
    if (passed->overrode)
        log_warn("addresses are not used", "reason=\"the service manager passed sockets\" see=%s", "sakurad.socket");
    return e;
}

/* Keys are read and sockets bound as root, if root it is; everything after that as --user. */
static enum err settle_access(struct server *s, struct buf *why)
{
    struct buf warnings = {0};
    enum err e = access_open(s->config, &s->access, &warnings, why);
    if (e == OK)
        server_log_warnings(&warnings);
    buf_fini(&warnings);
    if (e == OK && s->config->user)
        e = access_drop_root(s->config->user, why);
    if (e == OK)
        metrics_register(server_render_metrics, s);
    return e;
}

/* What must be known of a store before the first request: that it is ours, who it is, how much it holds, who was active last. */
static enum err meet_store(struct server *s, int64_t *max_rev, struct buf *why)
{
    const struct store_vtable *store = s->store->vtable;
    struct cache_options identity = {0};
    struct store_reader *reader = NULL;
    enum err e = store->claim ? store->claim(s->store, why) : OK;
    if (e == OK)
        e = store->identity(s->store, &identity.max_rev, identity.tag);
    if (e == OK)
        e = store->totals(s->store, &identity.totals);
    if (e == OK) /* again: totals() may have completed existing data, under revs of its own */
        e = store->identity(s->store, &identity.max_rev, identity.tag);
    if (e == OK)
        e = store->reader_open(s->store, &reader);
    if (e == OK) {
        cache_begin(s->cache, &identity);
        e = cache_warm(s->cache, reader, WARM_CUSTOMERS);
    }
    if (reader)
        store->reader_close(reader);
    if (e != OK)
        return e;
    memcpy(s->api.message_tag, identity.tag, sizeof(identity.tag));
    *max_rev = identity.max_rev;
    cache_open(s->cache);
    return OK;
}

/* On the writer's thread. */
static enum err meet_store_later(void *arg, int64_t *max_rev)
{
    struct buf why = {0}; /* health says it */
    enum err e = meet_store(arg, max_rev, &why);
    buf_fini(&why);
    return e;
}

static enum err start_store(struct server *s, struct buf *why)
{
    const struct config *c = s->config;
    enum err e = store_open(&c->store, &s->store, why);
    if (e != OK)
        return say(why, e, "the store");
    const struct cache_options options = {.max_bytes = (size_t)c->cache_mb << 20,
                                          .enabled = true,
                                          .later = true,
                                          .overlap_us = c->store.write_timeout_ms * 1000 + CLOCKS_APART_US};
    struct writer_options writer = {
        .store = s->store, .queue_max = c->queue, .batch_max = c->batch, .write_timeout_ms = c->store.write_timeout_ms};
    s->cache = cache_new(&options);
    writer.link = cache_link;
    writer.link_arg = s->cache;
    /* Memory first: who hears of something can read it. */
    writer.sinks = (struct event_sinks){.at = {{cache_take, s->cache}, {announce, &s->announcer}, {count_events, NULL}},
                                        .count = 3};
    e = s->cache ? meet_store(s, &writer.max_rev, why) : ERR_NOMEM;
    if (e == ERR_STORE && !c->store.required) {
        log_warn("store is away", "answering=503 retrying=%s", "yes");
        writer.prepare = meet_store_later;
        writer.prepare_arg = s;
        e = OK;
    }
    if (e == OK)
        e = writer_start(&writer, &s->writer);
    if (e == OK)
        e = readers_start(s->store, s->cache, c->store.readers, c->queue, &s->readers);
    if (e == OK)
        e = compressor_start(cache_packed_memory(s->cache), &s->compressor);
    return say(why, e, "the store");
}

static void current_counts(void *arg, int64_t counts[static NOTICE_COUNTS_LEN])
{
    _Static_assert(NOTICE_COUNTS_LEN == INBOX_COUNT, "a frame carries every inbox");
    cache_inbox_counts(arg, counts);
}

static void on_ws_closed(void *arg, uint64_t ticket)
{
    admission_leave(arg, ticket);
}

/* Made before the store's threads, which push to them; started after everything that they ask. */
static enum err make_broadcasters(struct server *s, struct buf *why)
{
    const struct config *c = s->config;
    s->hub.notify_interval_ms = c->notify_interval_ms;
    s->hub.signal_rate = c->rate_signals;
    s->hub.typing_preview = c->typing_preview;
    s->hub.counts = current_counts;
    s->hub.up_to_date = rights_up_to_date;
    s->hub.up_to_date_arg = &s->api;
    s->hub.may_signal = rights_may_signal;
    s->hub.mark_read = rights_mark_read;
    s->hub.mark_read_arg = s->hub.may_arg = &s->api;
    if (s->access.auth) {
        s->hub.may_subscribe = rights_may_subscribe;
        s->hub.may_see = rights_may_see;
        s->hub.may_see_customer = rights_may_see_customer;
        s->hub.owner_of = rights_owner_of;
    }
    s->hub.presence = presence_new(c->presence_grace_ms * 1000);
    if (!s->hub.presence)
        return say(why, ERR_NOMEM, "the broadcasters");
    for (int64_t i = 0; i < c->broadcasters; i++) {
        struct broadcaster_options options = {.index = (unsigned)i,
                                              .ws.ping_ms = c->ws_ping_ms,
                                              .ws.max_message = c->ws_max_message,
                                              .ws.backlog_bytes = c->ws_backlog,
                                              .ws.app = &hub_app,
                                              .ws.app_arg = &s->hub,
                                              .ws.on_closed = on_ws_closed,
                                              .ws.on_closed_arg = s->admission,
                                              .still_good = s->access.auth ? rights_still_good : NULL,
                                              .still_good_arg = &s->api,
                                              .produces = true};
        enum err e = broadcaster_new(&s->broadcasters[i], &options);
        if (e != OK)
            return say(why, e, "a broadcaster");
        s->broadcaster_count++;
    }
    s->announcer.broadcasters = s->broadcasters;
    s->announcer.count = s->broadcaster_count;
    s->announcer.publisher = publisher_new(s->broadcasters, s->broadcaster_count, 0);
    s->relay = relay_new(s->broadcasters, s->broadcaster_count);
    return say(why, s->announcer.publisher && s->relay ? OK : ERR_NOMEM, "the broadcasters");
}

static enum err start_broadcasters(struct server *s, struct buf *why)
{
    s->hub.counts_arg = s->cache;
    enum err e = OK;
    for (unsigned i = 0; e == OK && i < s->broadcaster_count; i++)
        e = broadcaster_start(s->broadcasters[i]);
    return say(why, e, "the broadcasters");
}

static enum err start_workers(struct server *s, struct buf *why)
{
    const struct config *c = s->config;
    s->api.write_timeout_ms = c->store.write_timeout_ms;
    s->api.token_ttl_s = c->token_ttl_s;
    s->api.shares = s->shares;
    s->api.assets = s->assets;
    s->api.store = s->store;
    s->api.cache = s->cache;
    s->api.writer = s->writer;
    s->api.readers = s->readers;
    s->api.compressor = s->compressor;
    s->api.broadcasters = s->broadcasters;
    s->api.broadcaster_count = s->broadcaster_count;
    s->api.started_mono_us = clock_mono_us();
    s->http = (struct http_settings){
        .limits = {.max_head = (size_t)c->max_head, .max_body = (size_t)c->max_body, .max_target = HTTP_TARGET_MAX},
        .head_ms = c->head_timeout_ms,
        .body_ms = c->body_timeout_ms,
        .idle_ms = c->idle_timeout_ms,
        .write_ms = c->response_timeout_ms,
        .answer_ms = c->store.write_timeout_ms + 500};
    enum err e = access_guard(&s->access, c, &s->api);
    if (e == OK)
        e = api_init(&s->api);
    for (int64_t i = 0; e == OK && i < c->workers; i++) {
        struct worker_options options = {.index = (unsigned)i,
                                         .api = &s->api,
                                         .admission = s->admission,
                                         .http = &s->http,
                                         .max_connections = (uint32_t)c->max_connections,
                                         .max_ops = c->queue};
        e = worker_new(&options, &s->workers[i]);
        s->worker_count += e == OK;
    }
    if (e == OK)
        e = start_broadcasters(s, why);
    for (; e == OK && s->workers_started < s->worker_count; s->workers_started++)
        e = worker_start(s->workers[s->workers_started]);
    return say(why, e, "the workers");
}

#define FLOOD_BEGINS 64    /* connections, each within … */
#define FLOOD_GAP_US 10000 /* … of the one before */
#define FAVOUR       8     /* connections that a worker may be ahead of the others in a flood */

/* To the worker with the fewest connections. In a flood the one that got the last gets more until it is FAVOUR ahead: it is
 * awake and takes several in one turn. Without, 10,000 opened WebSockets cost 8 to 15 % more. */
static enum err deliver(void *arg, const struct accepted *connection)
{
    struct server *s = arg;
    struct worker *best = s->workers[0];
    for (unsigned i = 1; i < s->worker_count; i++)
        if (worker_connections(s->workers[i]) < worker_connections(best))
            best = s->workers[i];
    int64_t now_us = clock_mono_us();
    s->flood = now_us - s->delivered_us < FLOOD_GAP_US ? s->flood + 1 : 0;
    s->delivered_us = now_us;
    if (s->flood < FLOOD_BEGINS || worker_connections(s->favoured) >= worker_connections(best) + FAVOUR)
        s->favoured = best;
    return worker_give(s->favoured, connection);
}

static void wake_workers(void *arg)
{
    struct server *s = arg;
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_flush(s->workers[i]);
}

/* On the acceptor's thread. A trusted proxy's connections are many clients': guard_connect() counts those. */
static bool admit(void *arg, const struct sockaddr *peer, int *wait_s)
{
    struct server *s = arg;
    struct address address = address_of(peer);
    for (unsigned i = 0; i < s->access.proxy_count; i++)
        if (network_has(&s->access.proxies[i], &address))
            return true;
    return rate_take(s->access.rates, RATE_CONNECT, address_client(&address), clock_mono_us(), wait_s);
}

static enum err start_acceptor(struct server *s, struct buf *why)
{
    struct acceptor_options options = {.listeners = s->listeners,
                                       .listener_count = s->listener_count,
                                       .admission = s->admission,
                                       .admit = rate_limits(s->access.rates, RATE_CONNECT) ? admit : NULL,
                                       .admit_arg = s,
                                       .refusal = api_refusal,
                                       .deliver = deliver,
                                       .flush = wake_workers,
                                       .deliver_arg = s};
    enum err e = acceptor_start(&options, &s->acceptor);
    if (e == OK)
        s->listener_count = 0; /* the acceptor's now */
    return say(why, e, "the acceptor");
}

/* A few lines that a person wants to see, and what to try. */
static void greet(struct server *s)
{
    const struct config *c = s->config;
    struct buf uri = {0};
    char first[ADDRESS_TEXT_MAX] = "";
    store_mask_uri(c->store.uri, &uri);
    log_info("sakurad", "version=%s pid=%d", SAKURAD_VERSION, (int)getpid());
    log_info("store", "uri=%s cache_mb=%lld batch=%lld queue=%lld", buf_cstr(&uri), (long long)c->cache_mb,
             (long long)c->batch, (long long)c->queue);
    log_info("threads", "workers=%lld readers=%lld broadcasters=%lld", (long long)c->workers,
             (long long)c->store.readers, (long long)c->broadcasters);
    for (unsigned i = 0; i < s->listener_count; i++) {
        char address[ADDRESS_TEXT_MAX];
        listener_address(s->listeners[i], address);
        if (i == 0) {
            memcpy(first, address, sizeof(first));
            snprintf(s->status, sizeof(s->status), "Serving on %s%s", address,
                     s->listener_count > 1 ? " and more" : "");
        }
        log_info(i < c->listen.count ? "listening" : "listening for operators", "address=%s", address);
    }
    if (s->api.auth_on)
        log_info("authentication", "keys=%u token_ttl_s=%lld", c->auth_key.count, (long long)c->token_ttl_s);
    log_info("try", "command=\"curl http://%s/api/health\"", first);
    buf_fini(&uri);
}

enum err server_start(const struct config *config, const struct inherited *sockets, struct server **out,
                      struct buf *why)
{
    struct server *s = aligned_alloc(_Alignof(struct server), sizeof(*s));
    if (!s)
        return say(why, ERR_NOMEM, "the server");
    memset(s, 0, sizeof(*s));
    s->config = config;
    grants_board_init(&s->grants);
    s->api.grants = &s->grants;
    descriptors_make_room(config->max_connections);
    enum err e = say(why, shares_new(config->buffer_mb << 20, THREADS_MAX, &s->shares), "the server");
    if (e == OK && !config->no_console && !(s->assets = assets_new()))
        e = say(why, ERR_NOMEM, "the pages (--no-console goes without)");
    if (e == OK)
        e = open_listeners(s, sockets, why);
    if (e == OK)
        e = settle_access(s, why);
    if (e == OK && !(s->admission = admission_new(config->max_connections, config->max_per_address)))
        e = say(why, ERR_NOMEM, "the server");
    if (e == OK)
        e = make_broadcasters(s, why);
    if (e == OK)
        e = start_store(s, why);
    if (e == OK)
        e = start_workers(s, why);
    if (e == OK) {
        greet(s);
        e = start_acceptor(s, why);
    }
    if (e != OK) {
        (void)server_stop(s);
        return e;
    }
    *out = s;
    return OK;
}

/* ---- stop, along the data's way ---- */

static void stop_workers(struct server *s, int64_t deadline_us)
{
    for (unsigned i = 0; i < s->workers_started; i++)
        worker_ask_stop(s->workers[i], deadline_us);
    for (unsigned i = 0; i < s->workers_started; i++)
        worker_join(s->workers[i]);
}

static void stop_store_threads(struct server *s)
{
    if (s->readers)
        readers_stop(s->readers);
    if (s->compressor)
        compressor_stop(s->compressor);
    if (s->writer)
        writer_stop(s->writer);
}

static void stop_broadcasters(struct server *s, int64_t deadline_us)
{
    for (unsigned i = 0; i < s->broadcaster_count; i++)
        broadcaster_ask_stop(s->broadcasters[i], deadline_us);
    for (unsigned i = 0; i < s->broadcaster_count; i++)
        broadcaster_stop(s->broadcasters[i], deadline_us);
}

static void free_all(struct server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_free(s->workers[i]);
    publisher_free(s->announcer.publisher);
    relay_free(s->relay);
    for (unsigned i = 0; i < s->broadcaster_count; i++)
        broadcaster_free(s->broadcasters[i]);
    presence_free(s->hub.presence);
    for (unsigned i = 0; i < s->listener_count; i++)
        close(s->listeners[i]);
    api_fini(&s->api);
    assets_free(s->assets);
    grants_board_fini(&s->grants);
    readers_free(s->readers);
    compressor_free(s->compressor);
    writer_free(s->writer);
    cache_free(s->cache);
    if (s->store)
        s->store->vtable->close(s->store);
    shares_free(s->shares);
    admission_free(s->admission);
    access_close(&s->access);
    free(s);
}

bool server_stop(struct server *s)
{
    int64_t begun = clock_mono_us();
    int64_t deadline = begun + s->config->drain_timeout_ms * 1000;
    acceptor_free(s->acceptor);
    stop_workers(s, deadline - s->config->drain_timeout_ms * 200); /* a fifth is left for what comes after */
    stop_store_threads(s);
    stop_broadcasters(s, deadline);
    bool in_time = clock_mono_us() <= deadline + 200000;
    log_info("stopped", "after_ms=%lld", (long long)(clock_mono_us() - begun) / 1000);
    free_all(s);
    return in_time;
}
