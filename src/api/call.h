/* call.h: one request on its way through the endpoints, and the ways to answer it. Private to api/.
 * Thread:  the worker's.
 * Owns:    nothing: valid inside one handler call. A handler that defers gives an op away and returns. */
#pragma once
#include "api/api.h"
#include "api/rate_limit.h"
#include "chat/validate.h"
#include "guard.h"
#include "http/body.h"
#include "http/router.h"
#include "http/session.h"
#include "problem.h"
#include "read/query.h"
#include "write/op.h"

struct endpoint;

struct call {
    struct api_worker *w;
    struct http_session *s;
    const struct http_request *req;
    const struct route_match *match;
    const struct endpoint *row; /* of routes.c; NULL: no row matched */
    struct arena *arena;
    const struct principal *who; /* NULL: no token, or authentication is off */
    struct scope scope;          /* whose data the handler may touch; goes with every op */
};

typedef void (*handler_fn)(struct call *c);

/* One row per endpoint: the table of contents is routes.c. */
struct endpoint {
    unsigned methods;
    const char *pattern;
    handler_fn handle;
    enum access access;
    enum rate_kind rate;
};
extern const struct endpoint endpoints[];
extern const unsigned endpoint_count;
#define ROUTE_OTHER (METRIC_ROUTES_MAX - 1) /* requests that no row matches, in metrics */

static inline struct api_worker *worker_of(struct http_session *s)
{
    return session_server(s)->service.arg;
}

/* Who asks, where clients take turns: a token's owner, else an address. */
static inline uint64_t client_of(const struct http_session *s)
{
    struct holder who = session_holder(s);
    return who.principal ? who.principal : who.address;
}

/* Answers. Each ends the call. */
void answer_json(struct http_session *s, int status, struct slice json);
void answer_blob(struct http_session *s, const struct view_answer *answer);
void answer_error(struct http_session *s, int status, const char *detail);
void answer_errorf(struct http_session *s, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void answer_err(struct http_session *s, enum err e); /* its status, and a sentence */
void answer_denied(struct http_session *s);          /* 403 and counted: good token, another's data */
void answer_rules(struct http_session *s, const struct rule_break *broken, size_t count); /* 422 */
/* What no store can hold: 404 in the route's words; to a customer 403, as for all that is not its own. */
void answer_missing(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define PRECONDITION_SENTENCE "If-Match names no current state"

/* Rules broken by a body or a query, collected, then answered together with 422. */
#define RULES_MAX 16
struct rules {
    struct rule_break broken[RULES_MAX];
    size_t count;
};
void rules_add(struct rules *r, struct rule_break broken); /* past RULES_MAX: dropped, the answer is 422 anyway */
bool rules_answer(struct call *c, const struct rules *r);  /* true: something was broken, and answered */

/* Fields of a JSON or form body. Absent (and, but for field_string, null) leaves *out as it is and returns false.
 * field_string: a string and nothing else. field_text: a number too, as its digits. field_key: the same for what names
 * something, where no two that differ may read alike. */
typedef struct verdict (*check_fn)(struct slice text);
bool field_string(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out);
bool field_text(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out);
bool field_key(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out);
/* Idempotency: the field client_message_id or the header Idempotency-Key; empty: none. */
void field_client_key(struct call *c, const struct body *body, struct rules *rules, struct slice *key);
bool field_number(const struct body *b, const char *name, struct rules *r, double *out);
/* As field_key, but a string and nothing else. */
bool field_word(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out);
bool field_object(const struct body *b, const char *name, struct rules *r, struct slice *out);
bool field_bool(const struct body *b, const char *name, struct rules *r, bool *out);
/* The body as a JSON object, whatever its Content-Type; else 422 answered and false. */
bool body_object(struct call *c, struct body *out);
/* A whole number in the query, min..max; absent: *out stays. */
void query_i64(struct call *c, const char *name, int64_t min, int64_t max, struct rules *r, int64_t *out);
/* The _id of a message; absent or empty: *out is empty. */
void query_message_id(struct call *c, const char *name, struct rules *r, struct slice *out);
/* Text that check lets pass; absent: *out is empty. */
void query_word(struct call *c, const char *name, check_fn check, struct rules *r, struct slice *out);
bool query_text(struct call *c, const char *name, struct slice *out); /* false: 400 answered */

/* An op for this call: reply address, deadline. NULL: 503 answered. Give it away with call_submit(). */
struct op *call_op(struct call *c, const struct op_kind *kind, op_complete_fn complete);
/* The last step of a handler that defers: each of the op's slices, which still point into the request, is copied into
 * the op (empty ones become {NULL, 0}), and the op goes to the writer or the readers. Refused or no memory: 503 answered. */
void call_submit(struct call *c, struct op *op, struct slice *const *slices, size_t count);
/* May this call touch the chat, as far as memory knows? False: no, and a widget was answered 403. True with c->scope still
 * limited: memory does not know, or a bound dashboard may not see it; then the op takes the scope along, and the writer or a
 * reader checks it against the store. */
bool call_reaches_chat(struct call *c, struct slice chat_id);
/* In a completion: the session that waits, or NULL when it is gone. */
struct http_session *op_session(struct op *op, struct api_worker *w);
/* The same for a completion with nothing to say to a failure but what it is: that is answered here, and NULL. */
struct http_session *op_succeeded(struct op *op, struct api_worker *w);
/* The same where not to find the customer is 404 in the route's words. */
struct http_session *op_about_customer(struct op *op, struct api_worker *w);
/* In a completion that took an address: it was refused as another customer's, and that is answered. */
bool op_address_taken(struct op *op, struct api_worker *w, struct slice email);

/* In the completion of a write: what a GET of that customer or chat would answer now, from memory or by a reader, without a look
 * at conditions. ident may point into the op. */
void answer_as_view(struct op *op, struct api_worker *w, struct http_session *s, enum view view, struct slice ident);

/* Handlers, one file per resource. */
void api_send(struct call *c);       /* the widget's */
void api_agent_send(struct call *c); /* the dashboards': an agent's message unless it says otherwise */
void api_create_chat(struct call *c);
void api_set_ai(struct call *c);
void api_change_chat(struct call *c);
void api_mark_read(struct call *c);
void api_put_customer(struct call *c);
void api_change_customer(struct call *c);
void api_ask(struct call *c); /* POST /api/chat */
void api_poll(struct call *c);
void api_refetch(struct call *c);
void api_customers(struct call *c);
void api_customer(struct call *c);
void api_chats(struct call *c);
void api_chat(struct call *c);
void api_history(struct call *c);
void api_get_ai(struct call *c);
void api_report(struct call *c);
void api_agent(struct call *c);
void api_overview(struct call *c);
void api_health(struct call *c);
void api_probe(struct call *c); /* GET /health */
void api_metrics(struct call *c);
void api_openapi(struct call *c);
void api_asyncapi(struct call *c);
void api_websocket(struct call *c);
/* Rows of the pages: they are there where pages are (api.assets). */
void api_page(struct call *c); /* pages, scripts, and what /assets has of them */
/* Does it ask for what pages of any site may load? The list of --cors-origin is not asked then. */
bool api_page_for_any_site(const struct call *c);
void api_source(struct call *c); /* debug builds: a page as it is worked on */
