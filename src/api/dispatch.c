/* From a request to its handler: CORS first (a browser must be able to read errors too), then the route. */
#include "call.h"
#include "origin.h"

#include "api/grants.h"
#include "base/metrics.h"
#include "web/sources.h"

#define ARENA_KEPT   (32u << 10) /* its first block, which stays: what a form or an ordinary JSON body takes */
#define OP_ARENA_MAX (8u << 20)  /* what an op takes of them; far below the 16 MiB of a MongoDB document */

/* Pages may be left out; their sources nearly always are. */
static bool is_there(const struct api *api, const struct endpoint *row)
{
    if (row->handle == api_source)
        return api->assets && sources_served();
    return api->assets || row->handle != api_page;
}

enum err api_init(struct api *api)
{
    static struct route routes[METRIC_ROUTES_MAX];
    static const char *names[METRIC_ROUTES_MAX];
    must(endpoint_count < ROUTE_OTHER);
    unsigned count = 0;
    for (unsigned i = 0; i < endpoint_count; i++) {
        const struct endpoint *row = &endpoints[i];
        names[i] = row->pattern;
        if (is_there(api, row))
            routes[count++] = (struct route){.methods = row->methods, .pattern = row->pattern, .id = i};
    }
    for (unsigned i = endpoint_count; i < METRIC_ROUTES_MAX; i++)
        names[i] = "other";
    metrics_set_routes(names, METRIC_ROUTES_MAX);
    return router_new(routes, count, &api->router);
}

void api_fini(struct api *api)
{
    router_free(api->router);
    api->router = NULL;
}

enum err api_worker_init(struct api_worker *w, int64_t max_ops)
{
    arena_init(&w->arena, API_ARENA_MAX);
    bool room = arena_alloc(&w->arena, ARENA_KEPT) != NULL;
    arena_reset(&w->arena);
    enum err e = producer_init(&w->producer, (size_t)max_ops, OP_ARENA_MAX);
    w->grants = grants_take(w->api->grants, NULL);
    w->tokens = w->api->auth_on ? token_cache_new(TOKEN_CACHE_ENTRIES) : NULL;
    return room && e == OK && (w->tokens || !w->api->auth_on) ? OK : ERR_NOMEM;
}

void api_worker_fini(struct api_worker *w)
{
    producer_fini(&w->producer);
    token_cache_free(w->tokens);
    grants_drop(w->api->grants, w->grants);
    w->grants = NULL;
    arena_fini(&w->arena);
    buf_fini(&w->text);
}

void api_decorate(void *arg, const struct http_request *req, struct http_reply *r)
{
    struct api_worker *w = arg;
    if (w->grants)
        cors_apply(&w->grants->cors, req, r);
}

static void redirect(struct call *c)
{
    struct http_reply r = {.status = 307, .location = c->match->location};
    session_reply(c->s, &r);
}

/* What the request asks of us before anything is done: to decode its body, or to change only a state that it knows. The views and
 * the change of a chat look at its conditions themselves; what other routes write has no tag, so only "*" is ever fulfilled there.
 * False: answered. */
static bool can_be_done(struct call *c, const struct endpoint *row)
{
    const struct http_request *req = c->req;
    bool tagged = req->method == METHOD_GET || req->method == METHOD_HEAD || row->handle == api_change_chat;
    if (req->encoded && req->has_body)
        answer_error(c->s, 415, "Content-Encoding is not supported: send the body as it is");
    else if (req->if_match.len > 0 && !tagged && !http_list_has(req->if_match, SLICE_LIT("*")))
        answer_error(c->s, 412, "If-Match is not taken here: send the request without it");
    else
        return true;
    return false;
}

/* Its row is known. */
static void admit(struct call *c)
{
    c->s->exchange.route = c->match->id;
    c->s->conn.pot = c->row->access >= ACCESS_DASHBOARD ? POT_DASHBOARDS : POT_ANSWERS;
    if (c->w->api->guarded && !guard_admit(c, c->row))
        return;
    if (can_be_done(c, c->row))
        c->row->handle(c);
}

static void route(struct call *c, struct route_match *match, enum origin_kind origin)
{
    enum err e = router_match(c->w->api->router, c->req->method, c->req->path, c->req->query, c->arena, match);
    if (e != OK) {
        answer_err(c->s, e);
        return;
    }
    c->row = match->kind == ROUTE_FOUND ? &endpoints[match->id] : NULL;
    if (origin == ORIGIN_FOREIGN && !c->req->upgrade_websocket && !api_page_for_any_site(c))
        origin_refused(c->w, c->req, M_ORIGIN_SIMPLE);
    switch (match->kind) {
    case ROUTE_FOUND:
        admit(c);
        break;
    case ROUTE_NOT_FOUND:
        answer_error(c->s, 404, "Not Found");
        break;
    case ROUTE_BAD_METHOD:
        session_reply_problem(c->s, &(struct http_reply){.status = 405, .allow = match->allow},
                              SLICE_LIT("Method Not Allowed"));
        break;
    case ROUTE_REDIRECT_SLASH:
        redirect(c);
        break;
    case ROUTE_BAD_PATH:
        answer_error(c->s, 400, "The path is not valid percent-encoded UTF-8");
        break;
    }
}

/* Tokens that were good under the keys before may not be now. */
static void renew_grants(struct api_worker *w)
{
    w->grants = grants_take(w->api->grants, w->grants);
    token_cache_clear(w->tokens);
}

void api_handle(void *arg, struct http_session *s, const struct http_request *req)
{
    struct api_worker *w = arg;
    struct route_match match;
    struct call c = {.w = w, .s = s, .req = req, .match = &match, .arena = &w->arena};
    struct http_reply r = {0};
    if (grants_stale(w->api->grants, w->grants))
        renew_grants(w);
    enum origin_kind origin = origin_of(w, s, req);
    if (cors_is_preflight(req)) {
        if (origin == ORIGIN_FOREIGN)
            origin_refused(w, req, M_ORIGIN_PREFLIGHT);
        cors_preflight(&w->grants->cors, req, origin == ORIGIN_OWN, &r);
        s->exchange.cors = r.cors; /* a refused one says Vary too */
        session_reply(s, &r);
        return;
    }
    cors_apply(&w->grants->cors, req, &r);
    r.cors.vary_token = w->api->auth_on;
    s->exchange.cors = r.cors;
    arena_reset(&w->arena);
    guard_name_client(&c);
    route(&c, &match, origin);
}

void api_identify(void *arg, struct http_session *s, const struct http_request *req)
{
    guard_name_client(&(struct call){.w = arg, .s = s, .req = req});
}

void api_overdue(void *arg, struct http_session *s)
{
    (void)arg;
    metrics_add(M_WRITE_TIMEOUT, 1);
    answer_err(s, ERR_TIMEOUT);
}
