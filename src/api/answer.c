#include "call.h"

#include "base/metrics.h"
#include "json/json_out.h"

#include <stdarg.h>

static struct api_worker *worker_of(struct http_session *s)
{
    return session_server(s)->service.arg;
}

void answer_json(struct http_session *s, int status, struct slice json)
{
    struct http_reply r = {.status = status, .content_type = HTTP_TYPE_JSON, .small = json};
    session_reply(s, &r);
}

/* A view: body by reference, or 304. The answer's body stays the caller's. */
void answer_blob(struct http_session *s, const struct view_answer *a)
{
    struct http_reply r = {.status = a->result == VIEW_NOT_MODIFIED ? 304 : 200, .body = a->body};
    if (a->etag_len) {
        r.etag = slice_of(a->etag, a->etag_len);
        /* One principal's answer is nothing for a cache that others share. */
        r.cache_control = worker_of(s)->api->auth_on ? SLICE_LIT("private, no-cache") : SLICE_LIT("no-cache");
    }
    if (r.status == 200)
        r.content_type = HTTP_TYPE_JSON;
    session_reply(s, &r);
}

void answer_error(struct http_session *s, int status, const char *detail)
{
    session_reply_error(s, status, slice_cstr(detail));
}

void answer_errorf(struct http_session *s, int status, const char *fmt, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    session_reply_error(s, status, buf_slice(&text));
    buf_fini(&text);
}

void answer_rules(struct http_session *s, const struct rule_break *broken, size_t count)
{
    struct buf *b = &worker_of(s)->text;
    buf_clear(b);
    reply_validation_body(b, broken, count);
    answer_json(s, 422, buf_slice(b));
}

void answer_missing(struct call *c, const char *fmt, ...)
{
    struct buf text = {0};
    va_list args;
    if (c->scope.kind == SCOPE_USER) {
        answer_denied(c);
        return;
    }
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    session_reply_error(c->s, 404, buf_slice(&text));
    buf_fini(&text);
}

void answer_err(struct http_session *s, enum err e)
{
    static const char *const sentences[ERR__COUNT] = {
        [ERR_BUSY] = "The server is busy, try again",
        [ERR_STORE] = "The store is not available",
        [ERR_TIMEOUT] = "The store did not answer in time",
        [ERR_DENIED] = DENIED_SENTENCE,
        [ERR_NOMEM] = "The server is out of memory, try again",
        [ERR_CONFLICT] = "Another record has this already, and the database allows it only once",
        [ERR_FAILED] = "The store could not do this, try again",
    };
    if (e == ERR_REFUSED) {
        const struct rule_break broken = {
            .rule = RULE_VALUE_ERROR, .where = "body", .reason = SLICE_LIT("the database cannot hold this")};
        answer_rules(s, &broken, 1);
        return;
    }
    if (e == ERR_DENIED)
        metrics_add(M_AUTH_DENIED, 1);
    int status = e == ERR_NOMEM ? 503 : err_http_status(e);
    answer_error(s, status, sentences[e] ? sentences[e] : err_text(e));
}

bool answer_taken_address(struct op *op, struct api_worker *w, struct slice email)
{
    struct http_session *s = op->result == ERR_EXISTS ? op_session(op, w) : NULL;
    if (!s)
        return op->result == ERR_EXISTS;
    struct buf input = {0};
    json_out_string(&input, email);
    struct rule_break broken = {.rule = RULE_VALUE_ERROR,
                                .where = "body",
                                .field = SLICE_LIT("email"),
                                .input = buf_slice(&input),
                                .reason = SLICE_LIT("must not be the id or the reference of another customer")};
    buf_clear(&w->text);
    reply_validation_body(&w->text, &broken, 1);
    answer_json(s, 422, buf_slice(&w->text));
    buf_fini(&input);
    return true;
}

void rules_add(struct rules *r, struct rule_break broken)
{
    if (r->count < RULES_MAX)
        r->broken[r->count++] = broken;
}

bool rules_answer(struct call *c, const struct rules *r)
{
    if (r->count > 0)
        answer_rules(c->s, r->broken, r->count);
    return r->count > 0;
}
