/* The connections of one broadcaster: how they come and go, and the counters that they share. */
#include "ws_internal.h"

#include "base/list.h"

#include <stdlib.h>
#include <sys/socket.h>

#define TIMER_TICK_US 5000

_Static_assert(sizeof(struct ws_conn) <= 232, "what an idle connection costs");

enum err ws_set_new(struct ws_set **out, struct loop *loop, const struct ws_options *options)
{
    must(options->app && options->max_message > 0 && options->backlog_bytes > 0 && options->ping_ms >= 0);
    struct ws_set *s = calloc(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    s->loop = loop;
    s->options = *options;
    pool_init(&s->pool, sizeof(struct ws_conn), 0);
    timer_wheel_init(&s->timers, TIMER_TICK_US, loop->now_us);
    s->input = malloc(WS_INPUT_BYTES);
    enum err e = s->input ? options->app->create(&s->app, s, options->app_arg) : ERR_NOMEM;
    if (e != OK) {
        free(s->input);
        free(s);
        return e;
    }
    ws_sweep_init(s);
    *out = s;
    return OK;
}

static void bury(struct ws_set *s, struct ws_conn *c)
{
    uint64_t tag = c->tag;
    log_debug("websocket closed", "connection=%.*s code=%u", UUID_LEN, c->id, (unsigned)c->close_code);
    s->conns[c->at] = s->conns[--s->count];
    s->conns[c->at]->at = c->at;
    loop_close(s->loop, &c->source);
    ws_conn_free(c);
    pool_put(&s->pool, c);
    metrics_add(M_WS_CLOSED, 1);
    metrics_gauge(G_WS_OPEN, -1);
    if (s->options.on_closed)
        s->options.on_closed(s->options.on_closed_arg, tag);
}

/* The connections that have left OPEN in this turn. One with WS_AGAIN is in that list still, and comes again. */
static void reap(struct ws_set *s)
{
    while (s->reap) {
        struct ws_conn *c = s->reap;
        s->reap = c->next_reap;
        c->flags = (uint8_t)(c->flags & ~WS_REAP);
        if (c->state != WS_OPEN && c->flags & WS_APP_OPEN) {
            c->flags = (uint8_t)(c->flags & ~WS_APP_OPEN);
            s->options.app->on_close(s->app, c);
        }
        if (c->state == WS_DEAD && !(c->flags & WS_AGAIN))
            bury(s, c);
    }
}

static struct ws_conn *conn_new(struct ws_set *s, struct ws_handover *h)
{
    struct ws_conn *c = list_room(s->conns, s->count, s->cap, 64) ? pool_get(&s->pool) : NULL;
    if (!c)
        return NULL;
    ws_conn_init(c, s, h);
    if (loop_add(s->loop, &c->source) != OK) {
        pool_put(&s->pool, c);
        return NULL;
    }
    c->principal = h->principal;
    h->principal = NULL;
    c->at = s->count;
    s->conns[s->count++] = c;
    ws_sweep_join(c);
    return c;
}

static void set_send_buffer(const struct ws_set *s, int fd)
{
    /* A hint: a limit of the system may refuse it, and all works. */
    int bytes = s->options.send_buffer ? (int)s->options.send_buffer : WS_SEND_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

bool ws_set_adopt(struct ws_set *s, struct ws_handover *h)
{
    struct ws_conn *c = conn_new(s, h);
    if (!c) {
        log_warn("websocket refused", "reason=\"no memory or descriptor for it\"");
        return false;
    }
    set_send_buffer(s, h->fd);
    metrics_add(M_WS_OPENED, 1);
    metrics_gauge(G_WS_OPEN, 1);
    log_debug("websocket open", "connection=%.*s", UUID_LEN, c->id);
    ws_conn_begin(c, slice_of(h->bytes, h->head_len), slice_of(h->bytes + h->head_len, h->rest_len));
    ws_handover_free(h);
    return true;
}

static void read_again(struct ws_set *s)
{
    struct ws_conn *c = s->again;
    s->again = NULL;
    while (c) {
        struct ws_conn *next = c->next_again;
        c->flags = (uint8_t)(c->flags & ~WS_AGAIN);
        if (c->state == WS_DEAD)
            ws_reap_later(c);
        else
            ws_conn_read(c);
        c = next;
    }
}

static void publish_counters(struct ws_set *s)
{
    if (s->writes) {
        metrics_add(M_WS_WRITES, s->writes);
        metrics_add(M_WS_BYTES_OUT, s->bytes_out);
        s->writes = s->bytes_out = 0;
    }
    if (s->pending_bytes) {
        metrics_gauge(G_WS_PENDING_BYTES, s->pending_bytes);
        s->pending_bytes = 0;
    }
}

void ws_set_turn(struct ws_set *s)
{
    if (s->timers.count > 0)
        timer_wheel_run(&s->timers, s->loop->now_us);
    if (s->again)
        read_again(s);
    reap(s);
    publish_counters(s);
}

int ws_set_next_ms(struct ws_set *s)
{
    return s->again || s->reap ? 0 : timer_wheel_next_ms(&s->timers, s->loop->now_us);
}

void ws_set_close_all(struct ws_set *s, uint16_t code, const char *reason)
{
    for (uint32_t i = 0; i < s->count; i++)
        ws_conn_close(s->conns[i], code, reason);
}

void ws_set_recheck(struct ws_set *s, bool (*still_good)(void *arg, const struct ws_principal *who), void *arg)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->conns[i]->principal && !still_good(arg, s->conns[i]->principal))
            ws_conn_close(s->conns[i], WS_CLOSE_POLICY, "token is no longer good");
}

unsigned ws_set_count(const struct ws_set *s)
{
    return s->count;
}

struct loop *ws_set_loop(struct ws_set *s)
{
    return s->loop;
}

struct timer_wheel *ws_set_timers(struct ws_set *s)
{
    return &s->timers;
}

void *ws_set_app(struct ws_set *s)
{
    return s->app;
}

const struct ws_options *ws_set_options(const struct ws_set *s)
{
    return &s->options;
}

void ws_set_free(struct ws_set *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        ws_lost(s->conns[i], "stopped");
    read_again(s);
    reap(s);
    must(s->count == 0);
    publish_counters(s);
    s->options.app->destroy(s->app);
    ws_parsers_free(s);
    pool_fini(&s->pool);
    buf_fini(&s->scratch);
    free(s->conns);
    free(s->input);
    free(s);
}
