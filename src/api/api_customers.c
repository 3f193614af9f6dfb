/* POST /api/users/data: what the widget reports of its customer. PATCH /api/users/{ident}: what a dashboard changes of one. */
#include "call.h"

#include "base/clock.h"
#include "chat/customer.h"
#include "chat/email.h"
#include "write/change_customer.h"
#include "write/put_customer.h"
#include "json/json_out.h"

#include <stdlib.h>

/* What the body says. */
struct report {
    struct customer given;
    uint32_t set; /* bits of enum customer_field */
};

static void complete_put_customer(struct op *op, void *arg)
{
    struct api_worker *w = arg;
    const struct customer *given = &put_customer_of(op)->given;
    struct http_session *s = op_address_taken(op, w, given->email) ? NULL : op_about_customer(op, w);
    if (!s)
        return;
    struct buf *b = &w->text;
    buf_clear(b);
    buf_append_lit(b, "{\"success\":true,\"message\":\"User data received successfully for ");
    json_out_escaped(b, given->last_chat.len ? given->last_chat : given->email);
    buf_append_lit(b, "\"}");
    answer_json(s, 200, buf_slice(b));
}

/* lastSeen comes as text or as a number since 1970: seconds (Python), milliseconds (Date.now()) or microseconds, which of
 * them its size tells until the year 5138. What cannot be read is 0: what is known already stays. */
static int64_t last_seen_of(struct slice text)
{
    int64_t us = 0;
    char digits[32];
    char *end = digits;
    if (time_parse(text, &us))
        return us > 0 ? us : 0;
    if (text.len == 0 || text.len >= sizeof(digits) || text.ptr[0] < '0' || text.ptr[0] > '9')
        return 0;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    double number = strtod(digits, &end);
    if (end != digits + text.len || number >= 1e17)
        return 0;
    return (int64_t)(number < 1e11 ? number * 1e6 : number < 1e14 ? number * 1e3 : number);
}

static void take_texts(const struct body *body, struct rules *rules, struct report *p)
{
    struct customer *u = &p->given;
    const struct {
        const char *name;
        enum customer_field bit;
        check_fn check;
        struct slice *into;
        bool (*take)(const struct body *, const char *, check_fn, struct rules *, struct slice *);
    } texts[] = {
        {"email", CUSTOMER_EMAIL, validate_email, &u->email, field_key},
        {"name", CUSTOMER_NAME, validate_name, &u->name, field_text},
        {"timestamp", CUSTOMER_TIMESTAMP, validate_field, &u->timestamp, field_text},
        {"ip", CUSTOMER_IP, validate_field, &u->ip, field_text},
        {"vibe", CUSTOMER_VIBE, validate_field, &u->vibe, field_text},
        {"chatId", CUSTOMER_CHAT, validate_field, &u->last_chat, field_key},
        {"category", CUSTOMER_CATEGORY, validate_field, &u->category, field_text},
        {"status", CUSTOMER_STATUS, validate_field, &u->status, field_text},
        {"user_id", CUSTOMER_OWNER, validate_customer_id, &u->owner, field_key},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].take(body, texts[i].name, texts[i].check, rules, texts[i].into))
            p->set |= texts[i].bit;
}

static void take_rest(const struct body *body, struct rules *rules, struct report *p)
{
    struct customer *u = &p->given;
    struct slice seen = {0};
    double number = 0;
    u->last_seen_us = clock_wall_us(); /* the report itself is a sign of life */
    if (field_text(body, "lastSeen", validate_field, rules, &seen))
        u->last_seen_us = last_seen_of(seen);
    u->total_visits = 1;
    if (field_number(body, "totalVisits", rules, &number)) {
        u->total_visits = number >= 0 && number <= 1e15 ? (int64_t)number : 1;
        p->set |= CUSTOMER_VISITS;
    }
    if (field_number(body, "visitDuration", rules, &u->visit_duration))
        p->set |= CUSTOMER_DURATION;
    if (field_object(body, "location", rules, &u->location))
        p->set |= CUSTOMER_LOCATION;
    if (field_object(body, "device", rules, &u->device))
        p->set |= CUSTOMER_DEVICE;
}

static void default_text(struct slice *field, struct slice value)
{
    if (field->len == 0)
        *field = value;
}

/* A dashboard that is bound to an owner reports that owner's customers, and gives none away. False: answered. */
static bool own_owner(struct call *c, struct report *p)
{
    if (c->scope.kind != SCOPE_OWNER)
        return true;
    if (p->given.owner.len > 0 && !slice_eq(p->given.owner, c->scope.id)) {
        answer_denied(c->s);
        return false;
    }
    p->given.owner = c->scope.id;
    p->set |= CUSTOMER_OWNER;
    return true;
}

void api_put_customer(struct call *c)
{
    struct body body;
    if (!body_object(c, &body))
        return;
    struct rules rules = {0};
    struct report p = {0};
    take_texts(&body, &rules, &p);
    take_rest(&body, &rules, &p);
    if (rules_answer(c, &rules))
        return;
    if (slice_trim(p.given.email, EMAIL_BLANKS).len == 0)
        p.given.email = SLICE_LIT(EMAIL_UNKNOWN);
    default_text(&p.given.name, SLICE_LIT("Unknown User"));
    default_text(&p.given.vibe, SLICE_LIT("neutral"));
    default_text(&p.given.category, SLICE_LIT(CATEGORY_AGENT_INBOX));
    default_text(&p.given.status, SLICE_LIT("active"));
    if (!own_owner(c, &p))
        return;
    struct op *op = call_op(c, &write_put_customer.op, complete_put_customer);
    if (!op)
        return;
    struct put_customer *put = put_customer_of(op);
    oid_new(&put->new_customer);
    put->set = p.set;
    put->given = p.given;
    struct customer *u = &put->given;
    struct slice *const all[] = {&u->email, &u->name,      &u->ip,        &u->vibe,     &u->category, &u->status,
                                 &u->owner, &u->last_chat, &u->timestamp, &u->location, &u->device};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}

static void complete_change_customer(struct op *op, void *arg)
{
    struct http_session *s = op_about_customer(op, arg);
    if (s)
        answer_as_view(op, arg, s, VIEW_CUSTOMER, change_customer_of(op)->customer.id);
}

/* Fields that are not named here are nobody's to change in this way, and ignored. */
static bool take_changes(struct call *c, struct change_customer *change)
{
    struct body body;
    struct rules rules = {0};
    if (!body_object(c, &body))
        return false;
    if (field_string(&body, "name", validate_given_name, &rules, &change->name))
        change->set |= CUSTOMER_NAME;
    if (field_word(&body, "category", validate_category, &rules, &change->category))
        change->set |= CUSTOMER_CATEGORY;
    if (field_word(&body, "status", validate_status, &rules, &change->status))
        change->set |= CUSTOMER_STATUS;
    if (change->set == 0 && rules.count == 0)
        rules_add(&rules, (struct rule_break){.rule = RULE_VALUE_ERROR,
                                              .where = "body",
                                              .reason = SLICE_LIT("must give category, status or name")});
    return !rules_answer(c, &rules);
}

void api_change_customer(struct call *c)
{
    struct change_customer given = {.ident = c->match->params[0]};
    if (!customer_ident_possible(given.ident)) {
        answer_missing(c, "User not found");
        return;
    }
    if (!take_changes(c, &given))
        return;
    struct op *op = call_op(c, &write_change_customer.op, complete_change_customer);
    if (!op)
        return;
    struct change_customer *change = change_customer_of(op);
    change->ident = given.ident;
    change->set = given.set;
    change->name = given.name;
    change->category = given.category;
    change->status = given.status;
    struct slice *const all[] = {&change->ident, &change->name, &change->category, &change->status};
    call_submit(c, op, all, sizeof(all) / sizeof(all[0]));
}
