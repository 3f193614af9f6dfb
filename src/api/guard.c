#include "guard.h"

#include "call.h"

#include "api/grants.h"
#include "base/clock.h"
#include "base/metrics.h"

#define BEARER "bearer"

static const enum metric_counter rate_counters[RATE_KINDS] = {[RATE_SEND] = M_RATE_SEND,
                                                              [RATE_CREATE] = M_RATE_CREATE,
                                                              [RATE_CONNECT] = M_RATE_CONNECT,
                                                              [RATE_SIGNAL] = M_RATE_SIGNAL};

/* ---- rates ---- */

bool guard_trusts(const struct api *api, const struct address *a)
{
    for (unsigned i = 0; i < api->proxy_count; i++)
        if (network_has(&api->proxies[i], a))
            return true;
    return false;
}

/* Read from the right, where our own proxies write: what stands left of the first stranger is that stranger's word. */
struct address guard_client(const struct call *c, bool *proxied)
{
    const struct api *api = c->w->api;
    struct address client = c->s->from.address;
    struct http_list_back hops = http_list_back(c->req, SLICE_LIT("X-Forwarded-For"));
    struct slice hop;
    struct address before;
    *proxied = guard_trusts(api, &client);
    while (guard_trusts(api, &client) && http_list_prev(&hops, &hop) && address_parse(hop, true, &before))
        client = before;
    return client;
}

void guard_name_client(struct call *c)
{
    bool proxied = false;
    if (c->w->api->proxy_count == 0)
        return;
    struct address client = guard_client(c, &proxied);
    if (proxied)
        c->s->exchange.client = session_client_key(&client);
}

static bool take(struct call *c, enum rate_kind kind, struct slice client)
{
    int wait_s = 1;
    if (rate_take(c->w->api->rates, kind, client, clock_mono_us(), &wait_s))
        return true;
    metrics_add(rate_counters[kind], 1);
    session_reply_problem(c->s, &(struct http_reply){.status = 429, .retry_after_s = wait_s},
                          SLICE_LIT("Too many requests, try again later"));
    return false;
}

static bool take_address(struct call *c, enum rate_kind kind)
{
    bool proxied;
    if (!rate_limits(c->w->api->rates, kind))
        return true;
    struct address client = guard_client(c, &proxied);
    return take(c, kind, address_client(&client));
}

static bool take_principal(struct call *c, enum rate_kind kind)
{
    char name[1 + sizeof(uint64_t)] = "p"; /* no address has this length */
    if (!c->who || !rate_limits(c->w->api->rates, kind))
        return true;
    memcpy(name + 1, &c->who->client, sizeof(c->who->client));
    return take(c, kind, slice_of(name, sizeof(name)));
}

bool guard_connect(struct call *c)
{
    bool proxied;
    if (!rate_limits(c->w->api->rates, RATE_CONNECT))
        return true;
    struct address client = guard_client(c, &proxied);
    return (!proxied || take(c, RATE_CONNECT, address_client(&client))) && take_principal(c, RATE_CONNECT);
}

/* ---- tokens ---- */

/* "bearer, <token>" is how a browser's WebSocket can carry one: it sets no headers. */
static struct slice protocol_token(const struct http_request *req)
{
    struct slice rest = req->ws_protocol, item;
    if (!http_list_next(&rest, &item) || !slice_eq_nocase(item, SLICE_LIT(BEARER)) || !http_list_next(&rest, &item))
        return (struct slice){0};
    return item;
}

bool guard_offers_bearer(const struct http_request *req)
{
    struct slice rest = req->ws_protocol, item;
    return http_list_next(&rest, &item) && slice_eq_nocase(item, SLICE_LIT(BEARER));
}

/* False: there is none. A token that was meant as one but cannot be read is an empty slice, which no key signed. */
static bool find_token(struct call *c, struct slice *token)
{
    const struct http_request *req = c->req;
    struct slice scheme = SLICE_LIT(BEARER " ");
    if (req->authorization.ptr) {
        struct slice value = req->authorization;
        bool bearer = value.len > scheme.len && slice_eq_nocase(slice_of(value.ptr, scheme.len), scheme);
        *token = bearer ? slice_trim(slice_of(value.ptr + scheme.len, value.len - scheme.len), " ") : slice_of("", 0);
        return true;
    }
    if (!req->upgrade_websocket)
        return false;
    *token = protocol_token(req);
    if (token->ptr)
        return true;
    enum err e = http_query_get(req, SLICE_LIT("token"), c->arena, token);
    if (e != OK)
        *token = slice_of("", 0);
    return e != ERR_NOT_FOUND;
}

static void answer_unauthorized(struct call *c, const char *detail, bool bad)
{
    struct http_reply r = {
        .status = 401,
        .extra = bad ? SLICE_LIT("WWW-Authenticate: Bearer realm=\"sakurad\", error=\"invalid_token\"\r\n")
                     : SLICE_LIT("WWW-Authenticate: Bearer realm=\"sakurad\"\r\n")};
    metrics_add(bad ? M_AUTH_BAD : M_AUTH_MISSING, 1);
    session_reply_problem(c->s, &r, slice_cstr(detail));
}

/* Who it is; NULL in c->who: no token. False: a bad one, answered. */
static bool identify(struct call *c)
{
    struct slice token;
    struct api_worker *w = c->w;
    if (!find_token(c, &token))
        return true;
    enum token_verdict v = token_cache_verify(w->tokens, w->grants->auth, token, clock_wall_us() / 1000000, &w->who);
    if (v == TOKEN_NO_MEMORY)
        answer_err(c->s, ERR_NOMEM);
    else if (v != TOKEN_GOOD)
        answer_unauthorized(c, token_verdict_text(v), true);
    else
        c->who = &w->who;
    if (c->who)
        c->s->exchange.principal = c->who->client;
    return v == TOKEN_GOOD;
}

struct scope guard_scope(enum principal_kind kind, struct slice id)
{
    if (kind == PRINCIPAL_WIDGET)
        return (struct scope){.kind = SCOPE_CUSTOMER, .id = id};
    if (kind == PRINCIPAL_DASHBOARD && id.len == 0)
        return (struct scope){.kind = SCOPE_ALL};
    return (struct scope){.kind = SCOPE_OWNER, .id = id};
}

int guard_verdict(enum access access, const struct principal *who)
{
    bool dashboard = who && who->kind == PRINCIPAL_DASHBOARD;
    bool allowed = false;
    switch (access) {
    case ACCESS_PUBLIC:
    case ACCESS_OPERATORS:
    case ACCESS_CREATE:
        return 0;
    case ACCESS_SIGNED:
    case ACCESS_OWN:
        allowed = who != NULL;
        break;
    case ACCESS_DASHBOARD:
        allowed = dashboard;
        break;
    case ACCESS_OVERALL:
    case ACCESS_ADMIN:
        allowed = dashboard && who->id_len == 0;
        break;
    case ACCESS_UNSET:
    case ACCESS_COUNT:
        break; /* a row without a rule lets nobody in */
    }
    return allowed ? 0 : who ? 403 : 401;
}

static bool authorize(struct call *c, enum access access)
{
    c->scope.kind = SCOPE_NOBODY; /* a public route that touched data all the same would find none */
    if (access == ACCESS_PUBLIC || access == ACCESS_OPERATORS)
        return true;
    if (!identify(c))
        return false;
    int status = guard_verdict(access, c->who);
    if (status == 401)
        answer_unauthorized(c, "A token is needed", false);
    else if (status != 0)
        answer_denied(c->s);
    else if (c->who)
        c->scope = guard_scope(c->who->kind, principal_id(c->who));
    return status == 0;
}

bool guard_admit(struct call *c, const struct endpoint *row)
{
    const struct api *api = c->w->api;
    if (row->access == ACCESS_ADMIN || row->access == ACCESS_OPERATORS) {
        const struct api_door *door = &api->doors[c->s->from.listener];
        if (api->admin_apart && !door->admin) {
            answer_error(c->s, 404, "Not Found");
            return false;
        }
        if (door->admin && door->loopback)
            return true;
    }
    if (!take_address(c, row->rate))
        return false;
    if (api->auth_on && !authorize(c, row->access))
        return false;
    return take_principal(c, row->rate);
}
