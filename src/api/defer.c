/* Deferred answers: an op on its way out, and back. */
#include "call.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "read/cache.h"
#include "read/reader.h"
#include "write/writer.h"
#include "json/json_out.h"

#define OP_BYTES_FREE ((size_t)4096)

/* Copies *s into the op. False: no memory. */
static bool own(struct op *op, struct slice *s)
{
    *s = s->len > 0 ? arena_slice(&op->arena, *s) : slice_of(NULL, 0);
    return s->len == 0 || s->ptr;
}

struct op *call_op(struct call *c, const struct op_kind *kind, op_complete_fn complete)
{
    struct op *op = producer_op(&c->w->producer, kind, complete);
    if (!op) {
        answer_err(c->s, ERR_BUSY);
        return NULL;
    }
    op->origin = (struct op_origin){.slot = c->s->conn.slot, .generation = c->s->conn.generation};
    op->parsed_us = c->s->exchange.parsed_us;
    op->scope.kind = c->scope.kind;
    op->scope.id = c->scope.kind != SCOPE_ALL ? c->scope.id : slice_of(NULL, 0);
    if (!own(op, &op->scope.id)) {
        op_put(c->w->producer.ops, op);
        answer_err(c->s, ERR_NOMEM);
        return NULL;
    }
    op->deadline_us = op->parsed_us + c->w->api->write_timeout_ms * 1000;
    return op;
}

static void give_back(struct api_worker *w, struct op *op)
{
    if (op->charged)
        share_give_back(w->api->shares, op->lender, op->charged);
    op_put(w->producer.ops, op);
}

static bool lend(struct call *c, struct op *op)
{
    struct conn *conn = &c->s->conn;
    struct holder who = session_holder(c->s);
    op->lender = who.address;
    return share_lend(conn->set->book, conn->slot, who, op->charged, op->queued_us);
}

void call_submit(struct call *c, struct op *op, struct slice *const *slices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (own(op, slices[i]))
            continue;
        op_put(c->w->producer.ops, op);
        answer_err(c->s, ERR_NOMEM);
        return;
    }
    op->queued_us = clock_mono_us();
    int64_t waited_us = op->queued_us - op->parsed_us;
    bool view = op->kind == &query_kind;
    /* Each op's first block is in the budget already: only large ones are counted, and small sends pay nothing. */
    op->charged = op->arena.total > OP_BYTES_FREE ? op->arena.total : 0;
    if (op->charged && !lend(c, op)) {
        op_put(c->w->producer.ops, op);
        answer_err(c->s, ERR_BUSY);
        return;
    }
    enum err e = view ? readers_submit(c->w->api->readers, op) : writer_submit(c->w->api->writer, op);
    if (e != OK) {
        give_back(c->w, op);
        answer_err(c->s, e);
        return;
    }
    /* From here on the op is not ours to look at. */
    c->w->in_flight++;
    if (!view)
        metrics_observe(H_PARSE_QUEUED, (uint64_t)waited_us);
}

bool call_reaches_chat(struct call *c, struct slice chat_id)
{
    if (c->scope.kind == SCOPE_ALL)
        return true;
    enum sight sight = cache_sees_chat(c->w->api->cache, chat_id, &c->scope);
    bool denied = sight == SIGHT_NO && c->scope.kind == SCOPE_CUSTOMER;
    if (denied)
        answer_denied(c->s);
    else if (sight == SIGHT_YES)
        c->scope = (struct scope){.kind = SCOPE_ALL}; /* checked: the writer need not look again */
    return !denied;
}

struct http_session *op_session(struct op *op, struct api_worker *w)
{
    return session_find(w->http, op->origin.slot, op->origin.generation);
}

bool op_address_taken(struct op *op, struct api_worker *w, struct slice email)
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
    answer_rules(s, &broken, 1);
    buf_fini(&input);
    return true;
}

struct http_session *op_about_customer(struct op *op, struct api_worker *w)
{
    struct http_session *s = op_session(op, w);
    if (!s || op->result != ERR_NOT_FOUND)
        return op_succeeded(op, w);
    answer_error(s, 404, "User not found");
    return NULL;
}

struct http_session *op_succeeded(struct op *op, struct api_worker *w)
{
    struct http_session *s = op_session(op, w);
    if (!s || op->result == OK)
        return s;
    answer_err(s, op->result);
    return NULL;
}

bool api_complete(struct api_worker *w)
{
    struct op *list = producer_take(&w->producer);
    bool any = list != NULL;
    while (list) {
        struct op *op = list;
        list = (struct op *)op->node.next;
        struct http_session *s = op_session(op, w);
        op->complete(op, w);
        give_back(w, op);
        w->in_flight--;
        if (s && s->answered) /* else its answer is another op's by now */
            session_resume(s);
    }
    return any;
}
