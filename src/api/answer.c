#include "call.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdarg.h>

struct slice api_put_error(struct buf *out, struct slice sentence)
{
    problem_sentence(out, sentence);
    return HTTP_TYPE_JSON;
}

void api_refusal(struct buf *out, enum acceptor_refusal why, int wait_s)
{
    struct buf body = {0};
    char date[HTTP_DATE_LEN];
    struct http_reply r = {.status = why == ACCEPTOR_FULL ? 503 : 429, .close = true, .retry_after_s = wait_s};
    r.content_type = api_put_error(&body, SLICE_LIT("Too many connections"));
    r.small = buf_slice(&body);
    http_date_format(clock_wall_us(), date);
    reply_write_head(out, &r, slice_of(date, sizeof(date)));
    buf_append_slice(out, r.small);
    buf_fini(&body);
}

void answer_json(struct http_session *s, int status, struct slice json)
{
    struct http_reply r = {.status = status, .content_type = HTTP_TYPE_JSON, .small = json};
    session_reply(s, &r);
}

void answer_error(struct http_session *s, int status, const char *detail)
{
    session_reply_error(s, status, slice_cstr(detail));
}

static __attribute__((format(printf, 3, 0))) void answer_printed(struct http_session *s, int status, const char *fmt,
                                                                 va_list args)
{
    struct buf text = {0};
    buf_vprintf(&text, fmt, args);
    session_reply_error(s, status, buf_slice(&text));
    buf_fini(&text);
}

void answer_errorf(struct http_session *s, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    answer_printed(s, status, fmt, args);
    va_end(args);
}

void answer_rules(struct http_session *s, const struct rule_break *broken, size_t count)
{
    struct buf *b = &worker_of(s)->text;
    buf_clear(b);
    problem_rules(b, broken, count);
    answer_json(s, 422, buf_slice(b));
}

void answer_denied(struct http_session *s)
{
    answer_err(s, ERR_DENIED);
}

void answer_missing(struct call *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (c->scope.kind == SCOPE_CUSTOMER)
        answer_denied(c->s);
    else
        answer_printed(c->s, 404, fmt, args);
    va_end(args);
}

/* What clients hear of each failure; detail NULL: in the base's own words. */
static const struct {
    int status;
    const char *detail;
} answers[ERR__COUNT] = {
    [OK] = {200, NULL},
    [ERR_NOMEM] = {503, "The server is out of memory, try again"},
    [ERR_INVALID] = {400, NULL},
    [ERR_NOT_FOUND] = {404, NULL},
    [ERR_EXISTS] = {409, NULL},
    [ERR_TOO_LARGE] = {413, NULL},
    [ERR_BUSY] = {503, "The server is busy, try again"},
    [ERR_STORE] = {503, "The store is not available"},
    [ERR_REFUSED] = {422, "the database cannot hold this"},
    [ERR_FAILED] = {503, "The store could not do this, try again"},
    [ERR_TIMEOUT] = {503, "The store did not answer in time"},
    [ERR_CHANGED] = {412, "The chat has changed"},
    [ERR_CONFLICT] = {409, "Another record has this already, and the database allows it only once"},
    [ERR_IO] = {500, NULL},
    [ERR_CLOSED] = {503, NULL},
    [ERR_UNSUPPORTED] = {501, NULL},
    [ERR_DENIED] = {403, "Not allowed with this token"},
};

void answer_err(struct http_session *s, enum err e)
{
    if (e == ERR_REFUSED) {
        const struct rule_break broken = {
            .rule = RULE_VALUE_ERROR, .where = "body", .reason = slice_cstr(answers[e].detail)};
        answer_rules(s, &broken, 1);
        return;
    }
    if (e == ERR_DENIED)
        metrics_add(M_AUTH_DENIED, 1);
    answer_error(s, answers[e].status, answers[e].detail ? answers[e].detail : err_text(e));
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
