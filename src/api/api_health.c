/* Health, metrics, the descriptions of the API. */
#include "call.h"
#include "descriptions.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "net/share.h"
#include "store/store.h"
#include "write/writer.h"
#include "json/json_out.h"

#define RECENTLY_US INT64_C(30000000)

/* Has the memory for what is under way been too small of late? */
static bool is_crowded(const struct api *api)
{
    int64_t full_us = shares_full_us(api->shares);
    return full_us != 0 && clock_mono_us() - full_us < RECENTLY_US;
}

static void put_buffers(struct buf *b, const struct api *api)
{
    buf_append_lit(b, ",\"buffers\":{");
    json_out_member_string(b, "status", is_crowded(api) ? SLICE_LIT("full") : SLICE_LIT("healthy"));
    for (enum pot p = 0; p < POTS; p++) {
        const struct quota *pot = shares_pot(api->shares, p);
        buf_printf(b, ",\"%s_percent\":%lld", pot_name(p), (long long)(quota_used(pot) * 100 / pot->max));
    }
    buf_append_char(b, '}');
}

/* What both probes say of the store: who asks one of them hears what the other would. */
struct condition {
    struct store_health store;
    bool writing;
    const char *status, *store_status;
};

static struct condition look(struct api *api)
{
    struct condition now = {0};
    api->store->vtable->health(api->store, &now.store);
    now.writing = writer_available(api->writer) && !now.store.closed;
    now.status = !now.writing ? "unavailable" : now.store.ok && !is_crowded(api) ? "healthy" : "degraded";
    now.store_status = now.writing && now.store.ok ? "healthy" : "unhealthy";
    return now;
}

/* Ends the object. An error like any other 503 where nothing is written. */
static void answer_condition(struct call *c, const struct condition *now, struct buf *b)
{
    if (!now->writing)
        json_out_member_string(b, "detail", SLICE_LIT("The store is not available"));
    buf_append_char(b, '}');
    struct http_reply r = {.status = now->writing ? 200 : 503,
                           .content_type = HTTP_TYPE_JSON,
                           .small = buf_slice(b),
                           .retry_after_s = now->writing ? 0 : 1};
    session_reply(c->s, &r);
}

/* healthy: all is well. degraded: the store has trouble, writes may still succeed; or --buffer-mb was full in the last
 * half minute, and somebody was cut or refused. unavailable (503): writes are refused; what is in memory is still
 * served. */
void api_health(struct call *c)
{
    struct condition now = look(c->w->api);
    struct buf *b = &c->w->text;
    buf_clear(b);
    buf_append_char(b, '{');
    json_out_member_string(b, "status", slice_cstr(now.status));
    buf_append_lit(b, ",\"store\":{");
    json_out_member_string(b, "kind", slice_cstr(now.store.kind));
    json_out_member_string(b, "status", slice_cstr(now.store_status));
    if (now.store.reason)
        json_out_member_string(b, "reason", slice_cstr(now.store.reason));
    if (now.store.detail[0])
        json_out_member_string(b, "detail", slice_cstr(now.store.detail));
    buf_append_char(b, '}');
    put_buffers(b, c->w->api);
    json_out_member_null(b, "bus");
    json_out_member_string(b, "version", SLICE_LIT(SAKURAD_VERSION));
    json_out_member_i64(b, "uptime_seconds", (clock_mono_us() - c->w->api->started_mono_us) / 1000000);
    answer_condition(c, &now, b);
}

/* The old WebSocket service's probe, 200 whatever it says: "mongo" is the store whichever it is, "redis" the bus. */
void api_probe(struct call *c)
{
    struct condition now = look(c->w->api);
    struct buf *b = &c->w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"status\":\"ok\"");
    json_out_member_string(b, "mongo", slice_cstr(now.store_status));
    buf_append_lit(b, ",\"redis\":\"disconnected\"}");
    answer_json(c->s, 200, buf_slice(b));
}

void api_metrics(struct call *c)
{
    struct buf text = {0};
    metrics_render(&text);
    struct http_reply r = {.status = 200,
                           .content_type = SLICE_LIT("text/plain; version=0.0.4; charset=utf-8"),
                           .small = buf_slice(&text)};
    session_reply(c->s, &r);
    buf_fini(&text);
}

void api_openapi(struct call *c)
{
    answer_json(c->s, 200, slice_of((const char *)openapi_json, openapi_json_len));
}

void api_asyncapi(struct call *c)
{
    answer_json(c->s, 200, slice_of((const char *)asyncapi_json, asyncapi_json_len));
}
