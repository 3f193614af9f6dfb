/* POST /api/users/chats/create, PATCH /api/dashboard/chats/{chat_id}/ai-agent and PATCH /api/chats/{chat_id}. */
#include "call.h"

#include "api/grants.h"
#include "base/clock.h"
#include "chat/email.h"
#include "read/cache.h"
#include "write/change_chat.h"
#include "write/create_chat.h"
#include "write/set_ai.h"
#include "json/json_out.h"

#include <openssl/evp.h>

/* Who may create for a customer may speak for it: a newcomer, its own widget, a dashboard. */
static enum err append_token(struct buf *b, const struct api_worker *w, struct slice customer_id)
{
    struct principal p;
    if (!principal_set(&p, PRINCIPAL_WIDGET, customer_id)) {
        json_out_member_null(b, "token"); /* an id of an existing deployment that no token can carry */
        return OK;
    }
    buf_append_lit(b, ",\"token\":\"");
    enum err e = auth_issue(w->grants->auth, &p, clock_wall_us() / 1000000, w->api->token_ttl_s, b);
    buf_append_char(b, '"');
    return e;
}

static void complete_create(struct op *op, void *arg)
{
    struct api_worker *w = arg;
    const struct create_chat *create = create_chat_of(op);
    struct http_session *s = create_chat_repeats(create)              ? op_session(op, w)
                             : op_address_taken(op, w, create->email) ? NULL
                                                                      : op_about_customer(op, w);
    if (!s)
        return;
    struct buf *b = &w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"success\":true");
    json_out_member_string(b, "chat_id", create->chat.chat_id);
    json_out_member_string(b, "user_id", create->customer.id);
    buf_append_lit(b, ",\"message\":\"Chat instance created successfully\"");
    if (w->api->auth_on && append_token(b, w, create->customer.id) != OK) {
        answer_err(s, ERR_NOMEM);
        return;
    }
    buf_append_char(b, '}');
    answer_json(s, 200, buf_slice(b));
}

/* A widget creates for its own customer, whether it names it or not. False: it named another one, and was answered. */
static bool own_customer(struct call *c, struct slice *customer_id)
{
    struct principal named;
    if (c->scope.kind != SCOPE_CUSTOMER)
        return true;
    if (customer_id->len > 0 &&
        !(principal_set(&named, PRINCIPAL_WIDGET, *customer_id) && slice_eq(principal_id(&named), c->scope.id))) {
        answer_denied(c->s);
        return false;
    }
    *customer_id = c->scope.id;
    return true;
}

static bool hash_part(EVP_MD_CTX *hash, struct slice part)
{
    uint64_t len = part.len; /* so that no two lists of parts read alike */
    return EVP_DigestUpdate(hash, &len, sizeof(len)) == 1 && EVP_DigestUpdate(hash, part.ptr, part.len) == 1;
}

/* The chat's id, made of the key and of whom it was given for by whom: the same request makes the same chat, however often
 * it comes and after whatever restart. What a stranger says proves nothing, so its address counts too. False: no memory. */
static bool chat_id_of_key(struct call *c, struct slice key, struct slice customer_id, struct slice email,
                           char out[static UUID_LEN])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    bool proxied;
    char kind = (char)c->scope.kind;
    struct address client = guard_client(c, &proxied);
    bool stranger = c->scope.kind == SCOPE_NOBODY;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool made = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 && hash_part(hash, slice_of(&kind, 1)) &&
                hash_part(hash, stranger ? address_client(&client) : c->scope.id) && hash_part(hash, customer_id) &&
                hash_part(hash, email) && hash_part(hash, key) && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    if (made)
        uuid_of(digest, out);
    return made;
}

void api_create_chat(struct call *c)
{
    struct body body;
    if (!body_object(c, &body))
        return;
    struct rules rules = {0};
    struct slice customer_id = {0}, email = {0}, name = {0}, key = {0};
    (void)field_key(&body, "user_id", validate_new_id, &rules, &customer_id);
    (void)field_key(&body, "email", validate_email, &rules, &email);
    (void)field_text(&body, "name", validate_name, &rules, &name);
    field_client_key(c, &body, &rules, &key);
    if (rules_answer(c, &rules))
        return;
    if (customer_id.len == 0 && slice_trim(email, EMAIL_BLANKS).len == 0) {
        answer_error(c->s, 400, "Either user_id or email is required");
        return;
    }
    if (!own_customer(c, &customer_id))
        return;
    char chat_id[UUID_LEN];
    uuid_v4(chat_id);
    if (key.len > 0 && !chat_id_of_key(c, key, customer_id, email, chat_id)) {
        answer_err(c->s, ERR_NOMEM);
        return;
    }
    struct op *op = call_op(c, &write_create_chat.op, complete_create);
    if (!op)
        return;
    struct create_chat *create = create_chat_of(op);
    create->customer_id = customer_id;
    create->email = email;
    create->name = name;
    create->keyed = key.len > 0;
    memcpy(create->chat_id, chat_id, sizeof(chat_id));
    oid_new(&create->new_customer);
    struct slice *const all[] = {&create->customer_id, &create->email, &create->name};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}

/* Who waits for a change of a chat that was made. NULL: nobody any more, or it was not made, which is answered. */
static struct http_session *chat_op_succeeded(struct op *op, void *arg)
{
    struct http_session *s = op_session(op, arg);
    if (!s || op->result == OK)
        return s;
    if (op->result == ERR_NOT_FOUND)
        answer_error(s, 404, "Chat not found");
    else
        answer_err(s, op->result);
    return NULL;
}

static void complete_set_ai(struct op *op, void *arg)
{
    struct http_session *s = chat_op_succeeded(op, arg);
    if (!s)
        return;
    if (set_ai_of(op)->enabled)
        answer_json(
            s, 200,
            SLICE_LIT("{\"success\":true,\"ai_agent_enabled\":true,\"message\":\"AI agent enabled successfully\"}"));
    else
        answer_json(
            s, 200,
            SLICE_LIT("{\"success\":true,\"ai_agent_enabled\":false,\"message\":\"AI agent disabled successfully\"}"));
}

void api_set_ai(struct call *c)
{
    struct body body;
    if (!body_object(c, &body))
        return;
    struct rules rules = {0};
    bool enabled = false;
    bool named = field_bool(&body, "ai_agent_enabled", &rules, &enabled);
    named |= field_bool(&body, "enabled", &rules, &enabled); /* counts where both are given */
    if (!named && rules.count == 0)
        rules_add(&rules, (struct rule_break){.rule = RULE_MISSING, .where = "body", .field = SLICE_LIT("enabled")});
    if (rules_answer(c, &rules))
        return;
    struct slice chat_id = c->match->params[0];
    if (!chat_id_possible(chat_id)) {
        answer_missing(c, "Chat not found");
        return;
    }
    if (!call_reaches_chat(c, chat_id))
        return;
    struct op *op = call_op(c, &write_set_ai.op, complete_set_ai);
    if (!op)
        return;
    set_ai_of(op)->enabled = enabled;
    set_ai_of(op)->chat_id = chat_id;
    call_submit(c, op, (struct slice *const[]){&set_ai_of(op)->chat_id}, 1);
}

static void complete_change_chat(struct op *op, void *arg)
{
    struct http_session *s = chat_op_succeeded(op, arg);
    if (s)
        answer_as_view(op, arg, s, VIEW_CHAT, change_chat_of(op)->chat_id);
}

/* null: nobody. */
static void take_assigned(const struct body *body, struct rules *rules, struct change_chat *change)
{
    const struct body_field *f = body_get(body, "assigned_to");
    change->set_assigned = (f && f->kind == JSON_NULL) ||
                           field_word(body, "assigned_to", validate_assigned_to, rules, &change->assigned_to);
}

static bool take_chat_changes(struct call *c, struct change_chat *change)
{
    struct body body;
    struct rules rules = {0};
    struct slice status = {0};
    if (!body_object(c, &body))
        return false;
    take_assigned(&body, &rules, change);
    change->set_closed = field_word(&body, "status", validate_chat_status, &rules, &status);
    change->closed = slice_eq(status, SLICE_LIT("closed"));
    if (!change->set_assigned && !change->set_closed && rules.count == 0)
        rules_add(&rules, (struct rule_break){.rule = RULE_VALUE_ERROR,
                                              .where = "body",
                                              .reason = SLICE_LIT("must give assigned_to or status")});
    return !rules_answer(c, &rules);
}

/* If-Match is looked at here, where the tag is known, and by the writer, which has the last word: *rev is of the row that the tag
 * was given for. What memory does not know, and what is out of the scope, has no tag. False: answered 412. */
static bool is_as_expected(struct call *c, struct slice chat_id, int64_t *rev)
{
    struct slice if_match = c->req->if_match;
    const struct view_query query = {.view = VIEW_CHAT, .ident = chat_id, .viewer = c->scope};
    if (c->req->more_conditions && http_list_whole(c->req, SLICE_LIT("If-Match"), c->arena, &if_match) != OK) {
        answer_err(c->s, ERR_NOMEM);
        return false;
    }
    if (if_match.len == 0 || http_list_has(if_match, SLICE_LIT("*")) ||
        cache_chat_matches(c->w->api->cache, &query, if_match, rev))
        return true;
    answer_err(c->s, ERR_CHANGED);
    return false;
}

void api_change_chat(struct call *c)
{
    struct change_chat given = {.chat_id = c->match->params[0]};
    if (!chat_id_possible(given.chat_id)) {
        answer_missing(c, "Chat not found");
        return;
    }
    if (!take_chat_changes(c, &given) || !is_as_expected(c, given.chat_id, &given.expected_rev))
        return;
    struct op *op = call_op(c, &write_change_chat.op, complete_change_chat);
    if (!op)
        return;
    struct change_chat *change = change_chat_of(op);
    change->chat_id = given.chat_id;
    change->set_assigned = given.set_assigned;
    change->set_closed = given.set_closed;
    change->closed = given.closed;
    change->assigned_to = given.assigned_to;
    change->expected_rev = given.expected_rev;
    struct slice *const all[] = {&change->chat_id, &change->assigned_to};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}
