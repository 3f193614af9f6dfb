/* GET /ws/dashboard: the upgrade. From here on the descriptor belongs to a broadcaster. */
#include "call.h"
#include "origin.h"

#include "base/metrics.h"
#include "push/broadcaster.h"
#include "push/ws_handshake.h"

static struct broadcaster *least_loaded(const struct api *api)
{
    struct broadcaster *best = api->broadcasters[0];
    for (unsigned i = 1; i < api->broadcaster_count; i++)
        if (broadcaster_connections(api->broadcasters[i]) < broadcaster_connections(best))
            best = api->broadcasters[i];
    return best;
}

static void refuse(struct http_session *s, int status, const char *detail, const char *headers)
{
    struct http_reply r = {.status = status, .extra = slice_cstr(headers)};
    metrics_add(M_WS_REFUSED, 1);
    session_reply_problem(s, &r, slice_cstr(detail));
}

static void hand_over(struct api_worker *w, struct http_session *s, const struct http_request *req,
                      const struct ws_principal *who)
{
    struct buf head = {0};
    struct ws_handover *h = NULL;
    /* A browser drops the connection when none of what it offered is chosen. */
    struct slice protocol = guard_offers_bearer(req) ? SLICE_LIT("bearer") : slice_of(NULL, 0);
    if (ws_handshake_response(&head, req->ws_key, protocol) == OK && buf_ok(&head))
        h = ws_handover_new(s->conn.source.fd, buf_slice(&head), s->rest, who);
    buf_fini(&head);
    if (!h) {
        answer_err(s, ERR_NOMEM);
        return;
    }
    h->tag = s->conn.ticket;
    metrics_request(s->exchange.route, 101);
    (void)session_detach(s);
    broadcaster_adopt(least_loaded(w->api), h);
}

/* True: the handshake may go on. */
static bool check(struct api_worker *w, struct http_session *s, const struct http_request *req)
{
    struct ws_upgrade u = {.method = req->method_text,
                           .http_major = 1,
                           .http_minor = req->minor,
                           .upgrade = req->upgrade,
                           .connection = req->connection,
                           .key = req->ws_key,
                           .version = req->ws_version};
    struct ws_verdict v = {0};
    bool good = ws_handshake_check(&u, &v) == OK;
    if (!good)
        refuse(s, v.status, v.detail, v.headers);
    else if (origin_of(w, s, req) == ORIGIN_FOREIGN) {
        origin_refused(w, req, M_ORIGIN_WEBSOCKET);
        refuse(s, 403, "Origin not allowed", NULL);
    } else if (atomic_load_explicit(&w->api->superseded, memory_order_relaxed)) {
        refuse(s, 503, "Another server has taken over", NULL);
    } else {
        return true;
    }
    return false;
}

void api_upgrade(struct api_worker *w, struct http_session *s, const struct http_request *req)
{
    if (check(w, s, req))
        hand_over(w, s, req, NULL);
}

void api_websocket(struct call *c)
{
    struct ws_principal who = {0};
    if (!check(c->w, c->s, c->req) || (c->w->api->guarded && !guard_connect(c)))
        return;
    if (c->who)
        who = (struct ws_principal){.role = c->who->kind,
                                    .agent = c->who->kind == PRINCIPAL_DASHBOARD,
                                    .id = principal_id(c->who),
                                    .agent_id = principal_agent_id(c->who),
                                    .name = principal_agent_name(c->who),
                                    .until_s = c->who->until_s,
                                    .key = c->who->key};
    hand_over(c->w, c->s, c->req, c->who ? &who : NULL);
}
