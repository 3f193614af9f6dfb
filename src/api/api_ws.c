/* GET /ws/dashboard: the upgrade. From here on the descriptor belongs to a broadcaster. */
#include "call.h"

#include "base/metrics.h"
#include "push/ws_handshake.h"

static struct broadcaster *least_loaded(const struct api *api)
{
    struct broadcaster *best = api->broadcasters[0];
    for (unsigned i = 1; i < api->broadcaster_count; i++)
        if (broadcaster_connections(api->broadcasters[i]) < broadcaster_connections(best))
            best = api->broadcasters[i];
    return best;
}

static void refuse(struct api_worker *w, struct http_session *s, int status, const char *detail, const char *headers)
{
    metrics_add(M_WS_REFUSED, 1);
    struct buf *b = &w->text;
    buf_clear(b);
    reply_error_body(b, slice_cstr(detail));
    struct http_reply r = {.status = status,
                           .content_type = HTTP_TYPE_JSON,
                           .small = buf_slice(b),
                           .extra = headers ? slice_cstr(headers) : slice_of(NULL, 0)};
    session_reply(s, &r);
}

static void hand_over(struct api_worker *w, struct http_session *s, struct slice key)
{
    struct buf head = {0};
    struct ws_handover *h = NULL;
    if (ws_handshake_response(&head, key, slice_of(NULL, 0)) == OK && buf_ok(&head))
        h = ws_handover_new(s->conn.source.fd, buf_slice(&head), s->rest, NULL);
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

void api_upgrade(struct api_worker *w, struct http_session *s, const struct http_request *req)
{
    struct ws_upgrade u = {.method = req->method_text,
                           .http_major = 1,
                           .http_minor = req->minor,
                           .upgrade = req->upgrade,
                           .connection = req->connection,
                           .key = req->ws_key,
                           .version = req->ws_version};
    struct ws_verdict v = {0};
    if (ws_handshake_check(&u, &v) != OK)
        refuse(w, s, v.status, v.detail, v.headers);
    else if (req->origin.ptr && !cors_allows(&w->api->cors, req->origin))
        refuse(w, s, 403, "Origin not allowed", NULL);
    else
        hand_over(w, s, req->ws_key);
}

void api_websocket(struct call *c)
{
    api_upgrade(c->w, c->s, c->req);
}
