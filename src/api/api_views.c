/* Every GET of stored data: the query is read into a view_query, the cache answers at once, or a reader does. */
#include "call.h"

#include "base/blob.h"
#include "chat/words.h"
#include "http/encoding.h"
#include "read/cache.h"

#define CUSTOMER_LIMIT_DEFAULT 100
#define HISTORY_LIMIT_DEFAULT  50
#define LIMIT_MAX              1000
#define SKIP_MAX               INT32_MAX

static const char *not_found_text(enum view view)
{
    return view == VIEW_POLL || view == VIEW_CUSTOMER ? "User not found" : "Chat not found";
}

/* If-Match compares strongly (RFC 9110, 13.1.1): a weak tag is none of ours. */
static bool is_current(struct slice if_match, const struct view_answer *a)
{
    struct slice item;
    while (http_list_next(&if_match, &item))
        if (slice_eq(item, SLICE_LIT("*")) || view_is_tag(a, item))
            return true;
    return false;
}

static void answer_view(struct http_session *s, const struct view_query *q, const struct view_answer *a)
{
    if (a->result == VIEW_NOT_FOUND)
        answer_error(s, 404, not_found_text(q->view));
    else if (a->result == VIEW_FAILED)
        answer_err(s, a->error);
    else if (q->if_match.len > 0 && !is_current(q->if_match, a))
        answer_error(s, 412, PRECONDITION_SENTENCE);
    else
        answer_blob(s, a);
}

static void complete_view(struct op *op, void *arg)
{
    struct http_session *s = op_succeeded(op, arg);
    if (s)
        answer_view(s, &query_of(op)->asked, &query_of(op)->answer);
}

/* A listing is cut down to the owner's customers. */
static bool limit_listing(struct call *c, struct view_query *q)
{
    bool foreign = c->scope.kind != SCOPE_OWNER || (q->owner.len > 0 && !slice_eq(q->owner, c->scope.id));
    if (foreign)
        answer_denied(c->s);
    q->owner = c->scope.id;
    return !foreign;
}

/* One customer or chat. Memory says that it may be seen: answered from there. That it may not, to a widget: false, 403 was
 * answered. All else is left to a reader, which gets the scope in q->scope and asks the store. */
static bool limit_lookup(struct call *c, struct view_query *q, bool chat)
{
    struct slice id = q->ident;
    enum sight sight = chat ? cache_sees_chat(c->w->api->cache, q->ident, &c->scope)
                            : cache_sees_customer(c->w->api->cache, q->ident, &c->scope, c->arena, &id);
    if (sight == SIGHT_NO && c->scope.kind == SCOPE_CUSTOMER) {
        answer_denied(c->s);
        return false;
    }
    if (!id.ptr) {
        answer_err(c->s, ERR_NOMEM);
        return false;
    }
    if (sight == SIGHT_YES)
        q->ident = id; /* what was checked is what is answered */
    else
        q->scope = c->scope;
    return true;
}

/* The view for a limited principal. False: answered; a view that no case names is refused to all of them. */
static bool limit_view(struct call *c, struct view_query *q)
{
    switch (q->view) {
    case VIEW_POLL:
    case VIEW_CUSTOMER:
        return limit_lookup(c, q, false);
    case VIEW_CHAT:
    case VIEW_HISTORY:
    case VIEW_AI:
        return limit_lookup(c, q, true);
    case VIEW_REFETCH:
    case VIEW_CUSTOMERS:
    case VIEW_SEARCH:
    case VIEW_CHATS:
        return limit_listing(c, q);
    case VIEW_REPORT:
    case VIEW_AGENT:
    case VIEW_OVERVIEW:
    case VIEW_COUNT:
        break;
    }
    answer_denied(c->s);
    return false;
}

static bool take_conditions(struct call *c, struct view_query *q)
{
    q->if_none_match = c->req->if_none_match;
    q->if_match = c->req->if_match;
    return !c->req->more_conditions ||
           (http_list_whole(c->req, SLICE_LIT("If-None-Match"), c->arena, &q->if_none_match) == OK &&
            http_list_whole(c->req, SLICE_LIT("If-Match"), c->arena, &q->if_match) == OK);
}

/* Its conditions are known. Memory first, a reader otherwise. */
static void serve_asked(struct call *c, struct view_query *q)
{
    struct view_answer a = {.result = VIEW_LOAD};
    q->viewer = c->scope;
    if (c->scope.kind != SCOPE_ALL && !limit_view(c, q))
        return;
    if (q->scope.kind == SCOPE_ALL) /* else who it belongs to must be asked of the store first */
        cache_serve(c->w->api->cache, q, &a);
    if (a.result != VIEW_LOAD) {
        answer_view(c->s, q, &a);
        blob_drop(a.body);
        return;
    }
    struct op *op = call_op(c, &query_kind, complete_view);
    if (!op)
        return;
    query_of(op)->client = client_of(c->s);
    struct view_query *mine = &query_of(op)->asked;
    *mine = *q;
    struct slice *const all[] = {&mine->ident,    &mine->owner,    &mine->email,    &mine->before,
                                 &mine->words,    &mine->category, &mine->status,   &mine->if_none_match,
                                 &mine->if_match, &mine->scope.id, &mine->viewer.id};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}

static void serve(struct call *c, struct view_query *q)
{
    c->s->exchange.gzip = http_accepts_gzip(c->req, c->arena);
    if (take_conditions(c, q))
        serve_asked(c, q);
    else
        answer_err(c->s, ERR_NOMEM);
}

void answer_as_view(struct op *op, struct api_worker *w, struct http_session *s, enum view view, struct slice ident)
{
    /* The request is gone, but for what stands in the session; the worker's arena is free between requests. */
    struct call c = {.w = w, .s = s, .arena = &w->arena, .scope = op->scope};
    struct view_query q = {.view = view, .ident = ident};
    arena_reset(c.arena);
    serve_asked(&c, &q);
}

/* A cursor that is not one of ours means "I have nothing": the whole answer. */
static bool take_since(struct call *c, struct view_query *q)
{
    struct slice text;
    if (!query_text(c, "since", &text))
        return false;
    view_parse_cursor(text, q);
    return true;
}

void api_poll(struct call *c)
{
    struct view_query q = {.view = VIEW_POLL, .ident = c->match->params[0]};
    if (!customer_ident_possible(q.ident))
        answer_missing(c, "User not found");
    else if (take_since(c, &q))
        serve(c, &q);
}

void api_refetch(struct call *c)
{
    struct view_query q = {.view = VIEW_REFETCH, .limit = CUSTOMER_LIMIT_DEFAULT};
    struct rules rules = {0};
    query_i64(c, "limit", 1, LIMIT_MAX, &rules, &q.limit);
    if (rules_answer(c, &rules) || !query_text(c, "owner", &q.owner) || !take_since(c, &q))
        return;
    serve(c, &q);
}

static bool take_page(struct call *c, struct view_query *q)
{
    struct rules rules = {0};
    query_i64(c, "skip", 0, SKIP_MAX, &rules, &q->skip);
    query_i64(c, "limit", 1, LIMIT_MAX, &rules, &q->limit);
    return !rules_answer(c, &rules);
}

void api_customers(struct call *c)
{
    struct view_query q = {.view = VIEW_CUSTOMERS, .limit = CUSTOMER_LIMIT_DEFAULT};
    struct rules rules = {0};
    query_i64(c, "skip", 0, SKIP_MAX, &rules, &q.skip);
    query_i64(c, "limit", 1, LIMIT_MAX, &rules, &q.limit);
    query_word(c, "q", validate_search, &rules, &q.words);
    query_word(c, "category", validate_section, &rules, &q.category);
    query_word(c, "status", validate_section, &rules, &q.status);
    if (rules_answer(c, &rules))
        return;
    if (words_asked(q.words) == 0) /* nothing but blanks */
        q.words = slice_of(NULL, 0);
    if (q.words.len + q.category.len + q.status.len > 0)
        q.view = VIEW_SEARCH;
    serve(c, &q);
}

void api_customer(struct call *c)
{
    struct view_query q = {.view = VIEW_CUSTOMER, .ident = c->match->params[0]};
    if (customer_ident_possible(q.ident))
        serve(c, &q);
    else
        answer_missing(c, "User not found");
}

void api_chats(struct call *c)
{
    struct view_query q = {.view = VIEW_CHATS, .limit = CUSTOMER_LIMIT_DEFAULT};
    if (take_page(c, &q) && query_text(c, "email", &q.email))
        serve(c, &q);
}

static void serve_chat(struct call *c, struct view_query *q)
{
    q->ident = c->match->params[0];
    if (chat_id_possible(q->ident))
        serve(c, q);
    else
        answer_missing(c, "Chat not found");
}

void api_chat(struct call *c)
{
    struct view_query q = {.view = VIEW_CHAT};
    serve_chat(c, &q);
}

void api_history(struct call *c)
{
    struct view_query q = {.view = VIEW_HISTORY, .limit = HISTORY_LIMIT_DEFAULT};
    struct rules rules = {0};
    query_i64(c, "limit", 1, LIMIT_MAX, &rules, &q.limit);
    query_message_id(c, "before", &rules, &q.before);
    if (!rules_answer(c, &rules))
        serve_chat(c, &q);
}

void api_get_ai(struct call *c)
{
    struct view_query q = {.view = VIEW_AI};
    serve_chat(c, &q);
}

void api_report(struct call *c)
{
    struct view_query q = {.view = VIEW_REPORT};
    serve(c, &q);
}

void api_agent(struct call *c)
{
    struct view_query q = {.view = VIEW_AGENT};
    serve(c, &q);
}

void api_overview(struct call *c)
{
    struct view_query q = {.view = VIEW_OVERVIEW};
    serve(c, &q);
}
