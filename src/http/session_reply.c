/* Answers, as session.h promises them. */
#include "http/session.h"

#include "base/clock.h"
#include "base/metrics.h"

static struct slice date_now(struct http_server *h)
{
    int64_t second = h->conns.loop->wall_us / 1000000;
    if (second != h->date_second) {
        h->date_second = second;
        http_date_format(h->conns.loop->wall_us, h->date);
    }
    return slice_of(h->date, HTTP_DATE_LEN);
}

void session_reply(struct http_session *s, struct http_reply *r)
{
    struct http_server *h = session_server(s);
    must(!s->answered);
    s->answered = true;
    if (h->draining || s->conn.ended)
        s->exchange.keep_alive = false;
    r->minor = s->exchange.minor;
    r->close = !s->exchange.keep_alive;
    r->head_only = s->exchange.head_only;
    if (!r->cors.preflight)
        r->cors = s->exchange.cors;
    buf_clear(&h->head);
    reply_write_head(&h->head, r, date_now(h));
    bool bare = r->head_only || reply_is_bodyless(r->status);
    struct blob *body = bare ? NULL : (struct blob *)(uintptr_t)r->body;
    if (!bare && !r->body)
        buf_append_slice(&h->head, r->small);
    if (!buf_ok(&h->head))
        s->conn.dead = true;
    else if (conn_send(&s->conn, buf_slice(&h->head), body) != OK) {
        s->answered = false;
        session_reply_error(s, 503, HTTP_SHORT_OF_MEMORY);
        return;
    }
    metrics_request(s->exchange.route, r->status);
    metrics_observe(H_REQUEST, (uint64_t)(clock_mono_us() - s->exchange.parsed_us));
}

void session_reply_problem(struct http_session *s, struct http_reply *r, struct slice sentence)
{
    const struct http_service *service = &session_server(s)->service;
    struct buf body = {0};
    r->content_type = service->put_error ? service->put_error(&body, sentence) : HTTP_TYPE_TEXT;
    r->small = service->put_error ? buf_slice(&body) : sentence;
    if (r->retry_after_s == 0 && (r->status == 503 || r->status == 429))
        r->retry_after_s = 1;
    session_reply(s, r);
    buf_fini(&body);
}

void session_reply_error(struct http_session *s, int status, struct slice sentence)
{
    session_reply_problem(s, &(struct http_reply){.status = status}, sentence);
}
