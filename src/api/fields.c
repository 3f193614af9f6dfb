/* What handlers take from bodies and queries, with the rules of type and range that make a 422. Clients in the field
 * are loose with types (a number for an id, null for "nothing"): what can be understood is taken. */
#include "call.h"

#include "chat/render.h"
#include "json/json_out.h"

static struct rule_break broken_body(enum rule rule, const char *name, const struct body_field *f)
{
    struct slice input = f ? (f->json.doc ? json_raw(f->json) : slice_of(NULL, 0)) : slice_of(NULL, 0);
    return (struct rule_break){.rule = rule, .where = "body", .field = slice_cstr(name), .input = input};
}

static const struct body_field *present(const struct body *b, const char *name)
{
    const struct body_field *f = body_get(b, name);
    return f && f->kind != JSON_NULL ? f : NULL;
}

/* On text that came as `where`/`name`; input: its JSON text or empty. True: nothing is wrong. */
static bool rules_verdict(struct rules *r, struct verdict v, const char *where, const char *name, struct slice input)
{
    static const enum rule rule_of[] = {
        [FAULT_TOO_SHORT] = RULE_STRING_SHORT, [FAULT_TOO_LONG] = RULE_STRING_LONG, [FAULT_FORM] = RULE_VALUE_ERROR};
    if (v.fault == FAULT_NONE)
        return true;
    rules_add(r, (struct rule_break){.rule = rule_of[v.fault],
                                     .where = where,
                                     .field = slice_cstr(name),
                                     .input = input,
                                     .limit = v.limit,
                                     .reason = slice_cstr(v.reason)});
    return false;
}

/* JSON may write half of a surrogate pair (\ud800), which is no character. In text for people it becomes U+FFFD; what names
 * something, or is stored as it came, is refused, since two that differ would read alike. */
static const struct verdict unpaired = {.fault = FAULT_FORM, .reason = "must not hold half of a surrogate pair"};

static bool take_text(const struct body_field *f, const char *name, check_fn check, struct rules *r, struct slice *out)
{
    struct slice input = f->json.doc ? json_raw(f->json) : slice_of(NULL, 0);
    if (check && !rules_verdict(r, check(f->text), "body", name, input))
        return false;
    *out = f->text;
    return true;
}

bool field_string(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out)
{
    const struct body_field *f = body_get(b, name);
    if (!f)
        return false;
    if (f->kind == JSON_STRING)
        return take_text(f, name, check, r, out);
    rules_add(r, broken_body(RULE_STRING_TYPE, name, f));
    return false;
}

bool field_text(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out)
{
    const struct body_field *f = present(b, name);
    if (!f)
        return false;
    if (f->kind == JSON_STRING || f->kind == JSON_NUMBER)
        return take_text(f, name, check, r, out);
    rules_add(r, broken_body(RULE_STRING_TYPE, name, f));
    return false;
}

bool field_key(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out)
{
    const struct body_field *f = present(b, name);
    if (f && f->kind == JSON_STRING && !json_is_paired(f->json))
        return rules_verdict(r, unpaired, "body", name, slice_of(NULL, 0));
    return field_text(b, name, check, r, out);
}

bool field_word(const struct body *b, const char *name, check_fn check, struct rules *r, struct slice *out)
{
    const struct body_field *f = body_get(b, name);
    bool text = f && f->kind == JSON_STRING;
    return text ? field_key(b, name, check, r, out) : field_string(b, name, check, r, out);
}

/* The header is a string of RFC 8941 by its draft, so quotes around it are its form, not its value. */
static struct slice unquoted(struct slice s)
{
    bool quoted = s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
    return quoted ? slice_of(s.ptr + 1, s.len - 2) : s;
}

/* The field is the application's own key; browsers and proxies may add a header by themselves, so it counts only where
 * there is no field. What counts is refused where it is wrong, not ignored: whoever sends a key relies on it. */
void field_client_key(struct call *c, const struct body *body, struct rules *rules, struct slice *key)
{
    struct slice header = unquoted(c->req->idempotency_key);
    bool has_field = field_key(body, "client_message_id", validate_client_key, rules, key) && key->len > 0;
    if (has_field || rules->count > 0 || header.len == 0)
        return;
    struct verdict verdict = slice_is_utf8(header) ? validate_client_key(header)
                                                   : (struct verdict){.fault = FAULT_FORM, .reason = "must be UTF-8"};
    if (rules_verdict(rules, verdict, "header", "Idempotency-Key", slice_of(NULL, 0)))
        *key = header;
}

bool field_number(const struct body *b, const char *name, struct rules *r, double *out)
{
    const struct body_field *f = present(b, name);
    if (!f)
        return false;
    if (f->kind == JSON_NUMBER && json_double(f->json, out) == OK)
        return true;
    rules_add(r, broken_body(RULE_FLOAT_TYPE, name, f));
    return false;
}

/* Which not every store could hold. Depth is bounded by the parser. */
static bool has_nul_key(struct json_value v)
{
    struct json_value key, value;
    struct slice raw = json_raw(v), text;
    if (!memmem(raw.ptr, raw.len, "\\u0000", 6)) /* so none but those who try pay for the walk */
        return false;
    for (struct json_iter it = json_iter(v); json_next(&it, &key, &value);)
        if ((json_string(key, &text) == OK && memchr(text.ptr, '\0', text.len)) || has_nul_key(value))
            return true;
    return false;
}

bool field_object(const struct body *b, const char *name, struct rules *r, struct slice *out)
{
    const struct body_field *f = present(b, name);
    if (!f)
        return false;
    if (f->kind != JSON_OBJECT) {
        rules_add(r, broken_body(RULE_DICT_TYPE, name, f));
        return false;
    }
    struct slice source = json_raw(f->json);
    struct verdict verdict = json_is_paired(f->json) ? validate_object(source) : unpaired;
    if (verdict.fault == FAULT_NONE && has_nul_key(f->json))
        verdict = (struct verdict){.fault = FAULT_FORM, .reason = "must not have a key with a NUL character"};
    if (!rules_verdict(r, verdict, "body", name, slice_of(NULL, 0)))
        return false;
    *out = source;
    return true;
}

bool field_bool(const struct body *b, const char *name, struct rules *r, bool *out)
{
    const struct body_field *f = body_get(b, name);
    if (!f)
        return false;
    if (f->kind == JSON_BOOL && json_bool(f->json, out) == OK)
        return true;
    rules_add(r, broken_body(RULE_BOOL_TYPE, name, f));
    return false;
}

bool body_object(struct call *c, struct body *out)
{
    struct rule_break broken = {.where = "body"};
    struct json_error why = {0};
    bool empty = slice_trim(c->req->body, " \t\r\n").len == 0;
    struct json_doc *doc = arena_zalloc(c->arena, sizeof(*doc));
    enum err parsed = doc ? json_parse(c->req->body, c->arena, doc, &why) : ERR_NOMEM;
    enum err e = parsed == OK ? body_of_json(doc, c->arena, out, NULL) : parsed;
    if (e == OK)
        return true;
    if (e == ERR_NOMEM || (parsed == OK && e != ERR_CONFLICT)) {
        answer_err(c->s, e);
        return false;
    }
    if (empty) {
        broken.rule = RULE_MISSING;
    } else if (parsed != OK) {
        broken.rule = RULE_JSON_INVALID;
        broken.reason = slice_cstr(why.reason ? why.reason : "too deep");
    } else {
        broken.rule = RULE_DICT_TYPE;
        broken.input = json_raw(json_root(doc));
    }
    answer_rules(c->s, &broken, 1);
    return false;
}

static struct rule_break broken_query(enum rule rule, const char *name, struct slice quoted, int64_t limit)
{
    return (struct rule_break){
        .rule = rule, .where = "query", .field = slice_cstr(name), .input = quoted, .limit = limit};
}

/* The query's text as a JSON string, for "input". */
static struct slice quoted(struct call *c, struct slice text)
{
    struct buf b = {0};
    json_out_string(&b, text);
    struct slice copy = arena_slice(c->arena, buf_slice(&b));
    buf_fini(&b);
    return copy;
}

void query_i64(struct call *c, const char *name, int64_t min, int64_t max, struct rules *r, int64_t *out)
{
    struct slice text;
    enum err e = http_query_get(c->req, slice_cstr(name), c->arena, &text);
    if (e == ERR_NOT_FOUND)
        return;
    bool negative = e == OK && text.len > 1 && text.ptr[0] == '-';
    uint64_t magnitude = 0;
    if (e != OK || !slice_to_u64(negative ? slice_of(text.ptr + 1, text.len - 1) : text, &magnitude)) {
        rules_add(r, broken_query(RULE_INT_PARSING, name, e == OK ? quoted(c, text) : slice_of(NULL, 0), 0));
    } else if (negative ? min > -(int64_t)(magnitude & INT64_MAX) : magnitude < (uint64_t)min) {
        rules_add(r, broken_query(RULE_GREATER_EQUAL, name, quoted(c, text), min));
    } else if (!negative && magnitude > (uint64_t)max) {
        rules_add(r, broken_query(RULE_LESS_EQUAL, name, quoted(c, text), max));
    } else {
        *out = (int64_t)magnitude; /* min ≥ 0 on every route: a negative number never gets here */
    }
}

void query_message_id(struct call *c, const char *name, struct rules *r, struct slice *out)
{
    bool legacy;
    int64_t rev;
    uint64_t index;
    enum err e = http_query_get(c->req, slice_cstr(name), c->arena, out);
    if (e == ERR_NOT_FOUND || (e == OK && (out->len == 0 || message_id_parse(*out, &legacy, &rev, &index))))
        return;
    struct rule_break broken = broken_query(RULE_VALUE_ERROR, name, e == OK ? quoted(c, *out) : slice_of(NULL, 0), 0);
    broken.reason = SLICE_LIT("not the _id of a message");
    rules_add(r, broken);
}

void query_word(struct call *c, const char *name, check_fn check, struct rules *r, struct slice *out)
{
    enum err e = http_query_get(c->req, slice_cstr(name), c->arena, out);
    struct verdict verdict = e == OK ? check(*out) : (struct verdict){.fault = FAULT_FORM, .reason = "must be UTF-8"};
    if (e == ERR_NOT_FOUND || !rules_verdict(r, verdict, "query", name, slice_of(NULL, 0)))
        *out = slice_of(NULL, 0);
}

bool query_text(struct call *c, const char *name, struct slice *out)
{
    enum err e = http_query_get(c->req, slice_cstr(name), c->arena, out);
    if (e == OK)
        return true;
    if (e == ERR_NOT_FOUND) {
        *out = slice_of(NULL, 0);
        return true;
    }
    answer_errorf(c->s, 400, "The query parameter %s is not valid percent-encoded UTF-8", name);
    return false;
}
