/* POST …/chats/{chat_id}/send (three paths: a message is the customer's on the widget's, an agent's on the dashboards',
 * unless its role says otherwise) and POST /api/chat. */
#include "call.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "chat/render.h"
#include "store/store.h"
#include "write/send.h"
#include "write/writer.h"
#include "json/json_out.h"

/* {"success":true,"message":"Message sent successfully","message_id":…,"timestamp":…} */
static void complete_send(struct op *op, void *arg)
{
    struct api_worker *w = arg;
    struct http_session *s = op_session(op, w);
    const struct new_message *m = &send_of(op)->message;
    if (!s)
        return;
    if (op->result == ERR_NOT_FOUND) {
        answer_errorf(s, 404, "Chat not found: %.*s", SLICE_ARG(m->chat_id));
        return;
    }
    if (op->result == ERR_TOO_LARGE) { /* --max-body allows what a document of the database cannot hold */
        const struct rule_break broken = {.rule = RULE_VALUE_ERROR,
                                          .where = "body",
                                          .field = SLICE_LIT("content"),
                                          .reason = SLICE_LIT("is larger than the database can hold")};
        answer_rules(s, &broken, 1);
        return;
    }
    if (op->result != OK) {
        answer_err(s, op->result);
        return;
    }
    char id[MESSAGE_ID_MAX];
    size_t id_len = message_id(m->rev, w->api->message_tag, id);
    struct buf *b = &w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"success\":true,\"message\":\"Message sent successfully\",\"message_id\":\"");
    buf_append(b, id, id_len);
    buf_append_lit(b, "\",\"timestamp\":");
    render_time(b, m->timestamp_us);
    buf_append_char(b, '}');
    answer_json(s, 200, buf_slice(b));
    metrics_observe(H_DURABLE_ANSWERED, (uint64_t)(clock_mono_us() - op->durable_us));
}

/* Body errors of this route are 400 in words, not 422: what the widget in the field expects. */
static bool parse_send_body(struct call *c, struct body *body)
{
    struct buf why = {0};
    enum err e = body_parse(c->req, c->arena, body, &why);
    if (e == ERR_NOMEM)
        answer_err(c->s, e);
    else if (e == ERR_NOT_FOUND)
        answer_error(c->s, 400, "Request body is empty");
    else if (e == ERR_UNSUPPORTED)
        answer_errorf(c->s, 415, "Unsupported content type: %s", buf_cstr(&why));
    else if (e != OK)
        answer_errorf(c->s, e == ERR_TOO_LARGE ? 413 : 400, "Invalid request body: %s", buf_cstr(&why));
    buf_fini(&why);
    return e == OK;
}

/* Fills content, role and key from the request; false: answered. */
static bool take_fields(struct call *c, const struct body *body, struct slice default_role, struct new_message *send)
{
    struct rules rules = {0};
    *send = (struct new_message){.role = default_role};
    (void)field_string(body, "content", NULL, &rules, &send->text);
    (void)field_string(body, "role", validate_role, &rules, &send->role);
    field_client_key(c, body, &rules, &send->client_key);
    if (rules_answer(c, &rules))
        return false;
    if (validate_content(send->text).fault == FAULT_NONE)
        return true;
    answer_error(c->s, 400, "Message content is required");
    return false;
}

/* A widget's token may send as the customer, and as the assistant, since some widgets ask an assistant by themselves and report
 * its answer: such a message is marked `via_widget`, for nobody else vouches for it. Any other role, however it is spelled, would
 * be somebody else's words. False: answered 403. */
static bool may_say(struct call *c, struct new_message *send)
{
    if (c->scope.kind != SCOPE_CUSTOMER || slice_eq(send->role, SLICE_LIT(ROLE_USER)))
        return true;
    send->via_widget = slice_eq(send->role, SLICE_LIT(ROLE_ASSISTANT));
    if (!send->via_widget)
        answer_denied(c->s);
    return send->via_widget;
}

/* Whose words an agent's are, as the token says it. A token that gives no name says nothing of it. */
static void sign(const struct call *c, struct new_message *send)
{
    if (!c->who || c->who->agent_name_len == 0 || !slice_eq(send->role, SLICE_LIT(ROLE_AGENT)))
        return;
    send->agent_id = principal_agent_id(c->who);
    send->agent_name = principal_agent_name(c->who);
}

static void send_as(struct call *c, struct slice default_role)
{
    struct body body;
    struct new_message send;
    if (!parse_send_body(c, &body) || !take_fields(c, &body, default_role, &send))
        return;
    if (!may_say(c, &send))
        return;
    struct slice chat_id = c->match->params[0];
    if (!chat_id_possible(chat_id)) {
        answer_missing(c, "Chat not found: %.*s", SLICE_ARG(chat_id));
        return;
    }
    if (!call_reaches_chat(c, chat_id))
        return;
    struct op *op = call_op(c, &write_send.op, complete_send);
    if (!op)
        return;
    struct new_message *m = &send_of(op)->message;
    *m = send;
    m->chat_id = chat_id;
    sign(c, m);
    struct slice *const all[] = {&m->chat_id, &m->role, &m->text, &m->client_key, &m->agent_id, &m->agent_name};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}

void api_send(struct call *c)
{
    send_as(c, SLICE_LIT(ROLE_USER));
}

void api_agent_send(struct call *c)
{
    send_as(c, SLICE_LIT(ROLE_AGENT));
}

static bool store_takes_writes(const struct api *api)
{
    struct store_health health;
    api->store->vtable->health(api->store, &health);
    return health.ok && writer_available(api->writer);
}

/* No AI is connected: the sentence that widgets in the field show until an agent writes. */
void api_ask(struct call *c)
{
    struct body body;
    if (!body_object(c, &body))
        return;
    struct rules rules = {0};
    struct slice message = {0}, session_id = {0};
    static const char *const names[] = {"message", "session_id"};
    struct slice *const into[] = {&message, &session_id};
    for (int i = 0; i < 2; i++)
        if (!field_string(&body, names[i], NULL, &rules, into[i]) && !body_get(&body, names[i]))
            rules_add(&rules,
                      (struct rule_break){.rule = RULE_MISSING, .where = "body", .field = slice_cstr(names[i])});
    if (rules_answer(c, &rules))
        return;
    if (!store_takes_writes(c->w->api)) { /* the message itself was not stored: nobody is going to respond to it */
        answer_err(c->s, ERR_STORE);
        return;
    }
    struct buf *b = &c->w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"response\":\"AI agent responses are currently disabled. A human agent will respond "
                      "soon.\",\"session_id\":");
    json_out_string(b, session_id);
    buf_append_lit(b, ",\"timestamp\":");
    render_time(b, clock_wall_us());
    buf_append_char(b, '}');
    answer_json(c->s, 200, buf_slice(b));
}
