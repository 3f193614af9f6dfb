/* POST /api/users/data: what the widget reports of its visitor. */
#include "call.h"

#include "store/batch.h"
#include "json/json_out.h"

#include "base/clock.h"

static void complete_put_user(struct op *op, void *arg)
{
    struct api_worker *w = arg;
    struct op_put_user *p = &op->put_user;
    struct http_session *s = op_succeeded(op, w);
    if (!s)
        return;
    struct buf *b = &w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"success\":true,\"message\":\"User data received successfully for ");
    json_out_escaped(b, p->given.last_chat.len ? p->given.last_chat : p->given.email);
    buf_append_lit(b, "\"}");
    answer_json(s, 200, buf_slice(b));
}

/* lastSeen comes as ISO text or, from Date.now(), as milliseconds. What is neither is "now". */
static int64_t last_seen_of(struct slice text)
{
    int64_t us = 0;
    uint64_t ms = 0;
    if (time_parse(text, &us))
        return us;
    if (slice_to_u64(text, &ms) && ms > 0 && ms < INT64_MAX / 1000)
        return (int64_t)ms * 1000;
    return clock_wall_us();
}

static void take_texts(const struct body *body, struct rules *rules, struct op_put_user *p)
{
    struct user *u = &p->given;
    const struct {
        const char *name;
        enum user_field bit;
        check_fn check;
        struct slice *into;
    } texts[] = {
        {"email", USER_EMAIL, validate_email, &u->email},
        {"name", USER_NAME, validate_name, &u->name},
        {"timestamp", USER_TIMESTAMP, validate_field, &u->timestamp},
        {"ip", USER_IP, validate_field, &u->ip},
        {"vibe", USER_VIBE, validate_field, &u->vibe},
        {"chatId", USER_CHAT, validate_field, &u->last_chat},
        {"category", USER_CATEGORY, validate_field, &u->category},
        {"status", USER_STATUS, validate_field, &u->status},
        {"user_id", USER_OWNER, validate_user_id, &u->owner},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (field_text(body, texts[i].name, texts[i].check, rules, texts[i].into))
            p->set |= texts[i].bit;
}

static void take_rest(const struct body *body, struct rules *rules, struct op_put_user *p)
{
    struct user *u = &p->given;
    struct slice seen = {0};
    double number = 0;
    u->last_seen_us = clock_wall_us(); /* the report itself is a sign of life */
    if (field_text(body, "lastSeen", validate_field, rules, &seen))
        u->last_seen_us = last_seen_of(seen);
    u->total_visits = 1;
    if (field_number(body, "totalVisits", rules, &number)) {
        u->total_visits = number >= 0 && number <= 1e15 ? (int64_t)number : 1;
        p->set |= USER_VISITS;
    }
    if (field_number(body, "visitDuration", rules, &u->visit_duration))
        p->set |= USER_DURATION;
    if (field_object(body, "location", rules, &u->location))
        p->set |= USER_LOCATION;
    if (field_object(body, "device", rules, &u->device))
        p->set |= USER_DEVICE;
}

static void default_text(struct slice *field, struct slice value)
{
    if (field->len == 0)
        *field = value;
}

/* A dashboard that is bound to an owner reports that owner's customers, and gives none away. False: answered. */
static bool own_owner(struct call *c, struct op_put_user *p)
{
    if (c->scope.kind != SCOPE_OWNER)
        return true;
    if (p->given.owner.len > 0 && !slice_eq(p->given.owner, c->scope.id)) {
        answer_denied(c);
        return false;
    }
    p->given.owner = c->scope.id;
    p->set |= USER_OWNER;
    return true;
}

void api_put_user(struct call *c)
{
    struct body body;
    if (!body_object(c, &body))
        return;
    struct rules rules = {0};
    struct op_put_user p = {0};
    take_texts(&body, &rules, &p);
    take_rest(&body, &rules, &p);
    if (rules_answer(c, &rules))
        return;
    default_text(&p.given.email, SLICE_LIT("unknown@example.com"));
    default_text(&p.given.name, SLICE_LIT("Unknown User"));
    default_text(&p.given.vibe, SLICE_LIT("neutral"));
    default_text(&p.given.category, SLICE_LIT("agent-inbox"));
    default_text(&p.given.status, SLICE_LIT("active"));
    if (!own_owner(c, &p))
        return;
    oid_new(&p.new_user);
    struct op *op = call_op(c, OP_PUT_USER, complete_put_user);
    if (!op)
        return;
    op->put_user = p;
    struct user *u = &op->put_user.given;
    struct slice *const all[] = {&u->email, &u->name,      &u->ip,        &u->vibe,     &u->category, &u->status,
                                 &u->owner, &u->last_chat, &u->timestamp, &u->location, &u->device};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}
