/* POST /api/chats/{chat_id}/read. Memory says at once whether it is news and what the mark is; a chat that is not there is loaded
 * by a reader first, as any view would load it. */
#include "call.h"
#include "marks.h"

#include "chat/render.h"
#include "write/mark_read.h"
#include "json/json_out.h"

static const struct slice side_names[] = {[SIDE_CUSTOMER] = {"user", 4}, [SIDE_AGENTS] = {"agent", 5}};

static void answer_marked(struct http_session *s, struct api_worker *w, const struct mark_wish *wish)
{
    struct buf *b = &w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"success\":true");
    json_out_member_string(b, "chat_id", wish->chat_id);
    json_out_member_string(b, "message_id", wish->message_id);
    json_out_member_string(b, "side", side_names[wish->side]);
    buf_append_char(b, '}');
    answer_json(s, 200, buf_slice(b));
}

static void answer_no_chat(struct http_session *s, struct slice chat_id)
{
    answer_errorf(s, 404, "Chat not found: %.*s", SLICE_ARG(chat_id));
}

static void complete_mark(struct op *op, void *arg)
{
    const struct mark_read *m = mark_read_of(op);
    struct http_session *s = op_session(op, arg);
    if (!s)
        return;
    if (op->result == ERR_NOT_FOUND)
        answer_no_chat(s, m->chat_id);
    else if (op->result != OK)
        answer_err(s, op->result);
    else
        answer_marked(s, arg, &(struct mark_wish){.side = m->side, .chat_id = m->chat_id, .message_id = m->message_id});
}

/* False: memory does not know the chat. Else it is answered, or will be. */
static bool mark(struct api_worker *w, struct http_session *s, struct mark_wish *wish)
{
    enum err e = OK;
    wish->origin = (struct op_origin){.slot = s->conn.slot, .generation = s->conn.generation};
    wish->parsed_us = s->exchange.parsed_us;
    enum mark_answer answer = mark_submit(w->api, &w->producer, wish, complete_mark, &e);
    if (answer == MARK_NO_CHAT)
        return false;
    if (answer == MARK_OLD)
        answer_marked(s, w, wish);
    else if (answer == MARK_NO_MESSAGE)
        answer_error(s, 404, "Message not found");
    else if (e == OK)
        w->in_flight++;
    else
        answer_err(s, e);
    return true;
}

/* A reader has looked for the chat, and whose it is. Not in memory all the same: there is no room for it. */
static void mark_loaded(struct op *op, struct api_worker *w, enum chat_side side)
{
    const struct query *q = query_of(op);
    struct http_session *s = op_succeeded(op, w);
    if (!s)
        return;
    struct mark_wish wish = {.side = side, .chat_id = q->asked.ident, .message_id = q->asked.before};
    if (q->answer.result == VIEW_NOT_FOUND)
        answer_no_chat(s, wish.chat_id);
    else if (!mark(w, s, &wish))
        answer_err(s, ERR_BUSY);
}

static void complete_load_for_customer(struct op *op, void *arg)
{
    mark_loaded(op, arg, SIDE_CUSTOMER);
}

static void complete_load_for_agents(struct op *op, void *arg)
{
    mark_loaded(op, arg, SIDE_AGENTS);
}

static void load(struct call *c, const struct mark_wish *wish)
{
    struct op *op =
        call_op(c, &query_kind, wish->side == SIDE_CUSTOMER ? complete_load_for_customer : complete_load_for_agents);
    if (!op)
        return;
    struct view_query *q = &query_of(op)->asked;
    *q = (struct view_query){.view = VIEW_HISTORY,
                             .ident = wish->chat_id,
                             .before = wish->message_id,
                             .limit = 1,
                             .scope = c->scope,
                             .viewer = c->scope};
    call_submit(c, op, (struct slice *const[]){&q->ident, &q->before, &q->scope.id, &q->viewer.id}, 4);
}

/* Whose mark it is: a token says it; without authentication the client does, and agents are what is meant else. */
static bool take_side(struct call *c, const struct body *body, struct rules *rules, enum chat_side *side)
{
    struct slice said = {0};
    *side = c->who && c->who->kind == PRINCIPAL_WIDGET ? SIDE_CUSTOMER : SIDE_AGENTS;
    if (!field_word(body, "side", validate_side, rules, &said))
        return true;
    enum chat_side wanted = slice_eq(said, side_names[SIDE_CUSTOMER]) ? SIDE_CUSTOMER : SIDE_AGENTS;
    if (c->w->api->auth_on && wanted != *side) {
        answer_denied(c->s);
        return false;
    }
    *side = wanted;
    return true;
}

static bool take_wish(struct call *c, struct mark_wish *wish)
{
    struct body body;
    struct rules rules = {0};
    if (!body_object(c, &body))
        return false;
    if (!field_word(&body, "message_id", NULL, &rules, &wish->message_id) && rules.count == 0)
        rules_add(&rules, (struct rule_break){.rule = RULE_MISSING, .where = "body", .field = SLICE_LIT("message_id")});
    return take_side(c, &body, &rules, &wish->side) && !rules_answer(c, &rules);
}

void api_mark_read(struct call *c)
{
    bool legacy;
    int64_t rev;
    uint64_t index;
    struct mark_wish wish = {.chat_id = c->match->params[0]};
    if (!take_wish(c, &wish))
        return;
    if (!chat_id_possible(wish.chat_id)) {
        answer_missing(c, "Chat not found: %.*s", SLICE_ARG(wish.chat_id));
        return;
    }
    if (!call_reaches_chat(c, wish.chat_id))
        return;
    wish.scope = c->scope;
    if (!message_id_parse(wish.message_id, &legacy, &rev, &index))
        wish.message_id = slice_of(NULL, 0); /* names no message, whatever the chat */
    if (!mark(c->w, c->s, &wish))
        load(c, &wish);
}
