/* Happy path: on_ready → pump: fill → parse → handle → session_reply (sent at once) → the next request that is already
 * here (pipelining), else quiet again.
 * Deferred: handle returns without an answer → SESSION_DEFERRED, nothing is read → session_reply + session_resume from
 * a completion → pump goes on.
 * Failures: a bad request → error answer → LINGER; a deadline → 408 or close; a dead socket → closed, and an op still
 * under way finds another generation. */
#include "session_int.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/metrics.h"

#include <sys/socket.h>

#define LINGER_MS         2000
#define REQUESTS_PER_TURN 32 /* of one connection, then the others have their turn */
#define LINGER_READS      16 /* the same for what is read only to be dropped */
#define UNKNOWN           SIZE_MAX

static const uint8_t allowed[SESSION_STATES] = {
    [SESSION_IDLE] = 1 << SESSION_HEAD | 1 << SESSION_BODY | 1 << SESSION_DEFERRED | 1 << SESSION_WRITING |
                     1 << SESSION_LINGER | 1 << SESSION_IDLE,
    [SESSION_HEAD] =
        1 << SESSION_BODY | 1 << SESSION_DEFERRED | 1 << SESSION_WRITING | 1 << SESSION_LINGER | 1 << SESSION_IDLE,
    [SESSION_BODY] = 1 << SESSION_DEFERRED | 1 << SESSION_WRITING | 1 << SESSION_LINGER | 1 << SESSION_IDLE,
    [SESSION_DEFERRED] = 1 << SESSION_WRITING | 1 << SESSION_LINGER | 1 << SESSION_IDLE,
    [SESSION_WRITING] = 1 << SESSION_LINGER | 1 << SESSION_IDLE,
    [SESSION_LINGER] = 0,
};

/* Until the kernels on both sides have taken what they take of any answer, whether its client reads or not. */
static int64_t settle_ms(const struct http_settings *t)
{
    return t->write_ms / 8 + 1;
}

static void set_state(struct http_session *s, enum session_state to)
{
    must(allowed[s->state] & (1u << to));
    const struct http_settings *t = &session_server(s)->settings;
    const int64_t deadlines_ms[SESSION_STATES] = {
        [SESSION_IDLE] = t->idle_ms,       [SESSION_HEAD] = t->head_ms,      [SESSION_BODY] = t->body_ms,
        [SESSION_DEFERRED] = t->answer_ms, [SESSION_WRITING] = settle_ms(t), [SESSION_LINGER] = LINGER_MS};
    s->state = to;
    s->untaken = UNKNOWN; /* counts in SESSION_WRITING only */
    conn_deadline(&s->conn, deadlines_ms[to]);
}

static void return_parser(struct http_session *s)
{
    if (!s->parser)
        return;
    http_parser_fini(s->parser);
    pool_put(&session_server(s)->parsers, s->parser);
    s->parser = NULL;
}

static bool lend_parser(struct http_session *s)
{
    if (s->parser)
        return true;
    struct http_server *h = session_server(s);
    s->parser = pool_get(&h->parsers);
    if (s->parser)
        http_parser_init(s->parser, &h->settings.limits);
    return s->parser != NULL;
}

/* A request that cannot be handled: nothing after it on this connection can be trusted. */
static void refuse(struct http_session *s, int status, struct slice detail)
{
    struct http_server *h = session_server(s);
    metrics_add(M_HTTP_BAD, 1);
    s->exchange.keep_alive = false;
    s->exchange.parsed_us = h->conns.loop->now_us;
    s->exchange.minor = 1;
    struct http_reply r = {0};
    if (h->service.decorate && s->parser)
        h->service.decorate(h->service.arg, &s->parser->request, &r);
    s->exchange.cors = r.cors;
    session_reply_error(s, status, detail);
}

/* The same for one that has not come whole: its bytes have moved to where they are kept since the parser saw them. */
static void refuse_incomplete(struct http_session *s, int status, struct slice detail)
{
    struct slice kept = conn_input(&s->conn);
    if (s->parser && s->parser->request.base && kept.len > 0)
        http_parser_rebase(s->parser, kept.ptr);
    refuse(s, status, detail);
}

static void begin_exchange(struct http_session *s)
{
    uint64_t serial = s->exchange.serial + 1;
    s->exchange = (struct exchange){.serial = serial, .route = METRIC_ROUTES_MAX - 1};
    s->conn.pot = POT_ANSWERS;
    s->answered = false;
}

void session_begin(struct http_session *s, struct http_from from)
{
    s->state = SESSION_IDLE;
    s->from = from;
    begin_exchange(s);
}

/* After an answer: what becomes of the connection. True: read the next request. False: it waits, or is gone. */
static bool settle(struct http_session *s)
{
    struct conn *c = &s->conn;
    if (c->dead) {
        conn_close(c);
        return false;
    }
    if (conn_sending(c)) {
        if (s->state != SESSION_WRITING)
            set_state(s, SESSION_WRITING);
        return false;
    }
    if (s->exchange.keep_alive && !session_server(s)->draining) {
        if (s->state != SESSION_IDLE)
            set_state(s, SESSION_IDLE);
        else
            conn_deadline(c, session_server(s)->settings.idle_ms);
        begin_exchange(s);
        return true;
    }
    return_parser(s);
    conn_drop_input(c);
    if (c->ended) {
        conn_close(c);
        return false;
    }
    (void)shutdown(c->source.fd, SHUT_WR);
    set_state(s, SESSION_LINGER);
    c->readable = true;
    c->set->protocol->on_ready(c);
    return false;
}

/* Reads and drops; closing with unread input would reset the connection and could eat our answer. */
static void linger(struct http_session *s)
{
    struct slice input = {0};
    for (unsigned reads = 0; conn_fill(&s->conn, &input) == CONN_FILLED; input.len = 0) {
        if (++reads < LINGER_READS)
            continue;
        loop_rouse(s->conn.set->loop, &s->conn.source);
        return;
    }
    if (s->conn.ended || s->conn.dead)
        conn_close(&s->conn);
}

static void handle(struct http_session *s, const struct http_request *req)
{
    struct http_server *h = session_server(s);
    s->exchange.minor = req->minor;
    s->exchange.keep_alive = req->keep_alive;
    s->exchange.head_only = req->method == METHOD_HEAD;
    s->exchange.parsed_us = clock_mono_us();
    s->handling = true;
    h->service.handle(h->service.arg, s, req);
}

/* One complete request at the start of *input. True: go on with what follows it. */
static bool step_request(struct http_session *s, struct slice *input)
{
    struct http_server *h = session_server(s);
    struct http_parser *parser = s->parser;
    struct slice rest = slice_of(input->ptr + parser->consumed, input->len - parser->consumed);
    s->rest = rest;
    /* The session may detach inside handle(): the parser is taken out first, so that it can be given back. */
    s->parser = NULL;
    h->detached = false;
    handle(s, &parser->request);
    http_parser_fini(parser);
    pool_put(&h->parsers, parser);
    if (h->detached)
        return false;
    s->handling = false;
    *input = rest;
    if (!s->answered) {
        if (conn_keep(&s->conn, rest) != OK)
            s->conn.dead = true;
        set_state(s, SESSION_DEFERRED);
        return false;
    }
    if (conn_sending(&s->conn) && conn_keep(&s->conn, rest) != OK)
        s->conn.dead = true;
    return settle(s);
}

/* Its head tells whose the body is that will be kept. */
static void identify(struct http_session *s)
{
    const struct http_service *service = &session_server(s)->service;
    if (service->identify)
        service->identify(service->arg, s, &s->parser->request);
    if (s->exchange.client)
        conn_name_holder(&s->conn);
}

/* The request is not complete: keep what is there and wait under the right deadline. */
static bool await_more(struct http_session *s, struct slice *input)
{
    if (s->parser->wants_continue && !s->exchange.continued) {
        s->exchange.continued = true;
        s->conn.dead |= conn_send(&s->conn, HTTP_CONTINUE, NULL) != OK;
    }
    enum session_state to = s->parser->in_body ? SESSION_BODY : SESSION_HEAD;
    if (s->parser->started && s->state != to) {
        set_state(s, to);
        if (to == SESSION_BODY)
            identify(s);
    }
    switch (conn_fill(&s->conn, input)) {
    case CONN_FILLED:
        return true;
    case CONN_DRY: {
        enum err e = conn_keep(&s->conn, *input);
        if (e == OK && !s->conn.dead)
            return false;
        if (e != ERR_BUSY)
            break;
        __attribute__((fallthrough));
    }
    case CONN_FULL:
        metrics_add(M_CONN_CUT_MEMORY, 1);
        refuse_incomplete(s, 503, HTTP_SHORT_OF_MEMORY);
        (void)settle(s);
        return false;
    case CONN_ENDED: /* in the middle of a request: there is nobody to answer */
    case CONN_FAILED:
        break;
    }
    conn_close(&s->conn);
    return false;
}

static void quiet(struct http_session *s)
{
    return_parser(s);
    conn_drop_input(&s->conn);
}

/* A client that pipelines without end is not the only one to be served. */
static void rest_a_turn(struct http_session *s, struct slice input)
{
    if (conn_keep(&s->conn, input) != OK) {
        metrics_add(M_CONN_CUT_MEMORY, 1);
        conn_close(&s->conn);
        return;
    }
    s->conn.readable = true; /* what is kept counts as such */
    loop_rouse(s->conn.set->loop, &s->conn.source);
}

static void pump(struct http_session *s)
{
    struct slice input = conn_input(&s->conn);
    for (unsigned served = 0;;) {
        if (input.len == 0) {
            enum conn_fill got = conn_fill(&s->conn, &input);
            if (got == CONN_DRY) {
                quiet(s);
                return;
            }
            if (got != CONN_FILLED) {
                conn_close(&s->conn);
                return;
            }
        }
        if (!lend_parser(s)) {
            conn_close(&s->conn);
            return;
        }
        switch (http_parser_run(s->parser, input.ptr, input.len)) {
        case HTTP_PARSE_MORE:
            if (!await_more(s, &input))
                return;
            break;
        case HTTP_PARSE_REQUEST:
            if (!step_request(s, &input))
                return;
            if (++served == REQUESTS_PER_TURN) {
                rest_a_turn(s, input);
                return;
            }
            break;
        case HTTP_PARSE_BAD:
            refuse(s, s->parser->status, slice_cstr(s->parser->detail));
            (void)settle(s);
            return;
        }
    }
}

static void on_ready(struct conn *c)
{
    struct http_session *s = (struct http_session *)c;
    switch (s->state) {
    case SESSION_IDLE:
    case SESSION_HEAD:
    case SESSION_BODY:
        if (c->dead)
            conn_close(c);
        else if (c->readable)
            pump(s);
        break;
    case SESSION_DEFERRED: /* one request at a time: more input stays in the kernel */
        if (c->dead)
            conn_close(c);
        break;
    case SESSION_WRITING:
        if (settle(s))
            pump(s);
        break;
    case SESSION_LINGER:
        linger(s);
        break;
    case SESSION_STATES:
        break;
    }
}

void session_resume(struct http_session *s)
{
    must(s->answered);
    if (settle(s))
        pump(s);
}

/* A look at a client that is taking an answer. True: it has taken its least since the last look, or this is the first one;
 * the next one is due. What counts is what its kernel has acknowledged: a full socket buffer drains unseen for long. */
static bool takes(struct http_session *s)
{
    const struct http_settings *t = &session_server(s)->settings;
    int64_t period_ms = t->write_ms - settle_ms(t);
    size_t before = s->untaken, least = (size_t)(period_ms * HTTP_TAKE_RATE / 1000) + 1;
    s->untaken = conn_untaken(&s->conn);
    if (before != UNKNOWN && before < s->untaken + least)
        return false;
    conn_deadline(&s->conn, period_ms);
    return true;
}

static void on_deadline(struct conn *c)
{
    struct http_session *s = (struct http_session *)c;
    struct http_server *h = session_server(s);
    switch (s->state) {
    case SESSION_IDLE:
        metrics_add(M_CONN_TIMEOUT_IDLE, 1);
        conn_close(c);
        break;
    case SESSION_HEAD:
    case SESSION_BODY:
        metrics_add(s->state == SESSION_HEAD ? M_CONN_TIMEOUT_HEAD : M_CONN_TIMEOUT_BODY, 1);
        refuse_incomplete(s, 408, SLICE_LIT("The request did not arrive in time"));
        (void)settle(s);
        break;
    case SESSION_DEFERRED: /* the op is still under way: it must not find this connection any more */
        conn_forget_origin(c);
        h->service.overdue(h->service.arg, s);
        session_resume(s);
        break;
    case SESSION_WRITING:
        if (takes(s))
            break;
        metrics_add(M_CONN_TIMEOUT_WRITE, 1);
        conn_abort(c);
        break;
    case SESSION_LINGER:
        conn_close(c);
        break;
    case SESSION_STATES:
        break;
    }
}

static void on_close(struct conn *c)
{
    return_parser((struct http_session *)c);
}

uint64_t session_client_key(const struct address *client)
{
    struct slice name = address_client(client);
    return hash_bytes(name.ptr, name.len);
}

struct holder session_holder(const struct http_session *s)
{
    uint64_t client = s->exchange.client ? s->exchange.client : session_client_key(&s->from.address);
    return (struct holder){.address = client, .principal = s->exchange.principal};
}

static struct holder holder_of(const struct conn *c)
{
    return session_holder((const struct http_session *)c);
}

void session_give_way(struct http_session *s)
{
    metrics_add(M_CONN_CUT_MEMORY, 1);
    switch (s->state) {
    case SESSION_IDLE:
    case SESSION_HEAD:
    case SESSION_BODY:
        refuse_incomplete(s, 503, HTTP_SHORT_OF_MEMORY);
        (void)settle(s);
        break;
    case SESSION_DEFERRED: /* what it holds are the requests after this one: it may send them again */
        conn_drop_input(&s->conn);
        s->exchange.keep_alive = false;
        break;
    case SESSION_WRITING:
        conn_abort(&s->conn);
        break;
    case SESSION_LINGER:
    case SESSION_STATES:
        break;
    }
}

const struct conn_protocol session_protocol = {.object_bytes = sizeof(struct http_session),
                                               .on_ready = on_ready,
                                               .on_deadline = on_deadline,
                                               .on_close = on_close,
                                               .holder = holder_of};

int session_detach(struct http_session *s)
{
    must(s->handling);
    session_server(s)->detached = true;
    return conn_detach(&s->conn);
}
