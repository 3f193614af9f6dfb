/* What main does while the server runs: once a second a look at every loop and at the store, and SIGHUP. */
#include "server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "read/cache.h"
#include "store/store.h"

#define STALLED_US 1000000

void server_log_warnings(const struct buf *warnings)
{
    for (struct slice lines = buf_slice(warnings), line; slice_take(&lines, '\n', &line);)
        log_warn("access", "warning=\"%.*s\"", SLICE_ARG(line));
}

static bool watch_loop(struct server *s, const struct loop *loop, unsigned at, const char *kind, unsigned index)
{
    int64_t busy_us = loop_busy_us(loop, clock_mono_us());
    bool turns = busy_us < STALLED_US;
    if (!turns && !s->stalled[at]) {
        metrics_add(M_LOOP_STALLED, 1);
        log_error("loop has not turned", "thread=%s-%u for_ms=%lld", kind, index, (long long)busy_us / 1000);
    }
    s->stalled[at] = !turns;
    return turns;
}

/* Another server has the store: what is in memory is behind from now on, and so is who listens to it. */
static void watch_store(struct server *s)
{
    struct store_health health;
    if (atomic_load_explicit(&s->api.superseded, memory_order_relaxed))
        return;
    s->store->vtable->health(s->store, &health);
    if (!health.closed)
        return;
    atomic_store_explicit(&s->api.superseded, true, memory_order_relaxed);
    cache_close(s->cache);
    for (unsigned i = 0; i < s->broadcaster_count; i++)
        broadcaster_ask(s->broadcasters[i], BROADCASTER_DISMISS);
}

bool server_watch(struct server *s)
{
    bool turn = true;
    watch_store(s);
    for (unsigned i = 0; i < s->worker_count; i++)
        turn &= watch_loop(s, worker_loop(s->workers[i]), i, "worker", i);
    for (unsigned i = 0; i < s->broadcaster_count; i++)
        turn &= watch_loop(s, broadcaster_loop(s->broadcasters[i]), THREADS_MAX + i, "broadcast", i);
    return turn;
}

const char *server_status(const struct server *s)
{
    return s->status;
}

void server_reload(struct server *s)
{
    struct buf warnings = {0}, why = {0};
    if (access_reload(s->config, &s->api, &warnings, &why) == OK)
        log_info("reloaded", "keys=%u origins=%u", s->config->auth_key.count, grants_origins(&s->grants));
    else
        log_error("reload failed", "error=\"%s\" in_force=\"what was before\"", buf_cstr(&why));
    for (unsigned i = 0; i < s->broadcaster_count; i++)
        broadcaster_ask(s->broadcasters[i], BROADCASTER_RECHECK);
    server_log_warnings(&warnings);
    buf_fini(&warnings);
    buf_fini(&why);
}
