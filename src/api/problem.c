#include "problem.h"

#include "json/json_out.h"

void problem_sentence(struct buf *out, struct slice sentence)
{
    buf_append_lit(out, "{\"detail\":");
    json_out_string(out, sentence);
    buf_append_char(out, '}');
}

struct wording {
    const char *type;
    const char *msg;
    const char *ctx;   /* the key of the limit in "ctx", or NULL */
    const char *after; /* what follows the limit in msg */
};

static const struct wording wordings[RULE__COUNT] = {
    [RULE_MISSING] = {.type = "missing", .msg = "Field required"},
    [RULE_STRING_TYPE] = {.type = "string_type", .msg = "Input should be a valid string"},
    [RULE_STRING_SHORT] = {.type = "string_too_short",
                           .msg = "String should have at least ",
                           .ctx = "min_length",
                           .after = " character"},
    [RULE_STRING_LONG] = {.type = "string_too_long",
                          .msg = "String should have at most ",
                          .ctx = "max_length",
                          .after = " character"},
    [RULE_BOOL_TYPE] = {.type = "bool_type", .msg = "Input should be a valid boolean"},
    [RULE_INT_PARSING] = {.type = "int_parsing",
                          .msg = "Input should be a valid integer, unable to parse string as an integer"},
    [RULE_FLOAT_TYPE] = {.type = "float_type", .msg = "Input should be a valid number"},
    [RULE_GREATER_EQUAL] = {.type = "greater_than_equal",
                            .msg = "Input should be greater than or equal to ",
                            .ctx = "ge",
                            .after = ""},
    [RULE_LESS_EQUAL] = {.type = "less_than_equal",
                         .msg = "Input should be less than or equal to ",
                         .ctx = "le",
                         .after = ""},
    [RULE_DICT_TYPE] = {.type = "dict_type", .msg = "Input should be a valid dictionary"},
    [RULE_JSON_INVALID] = {.type = "json_invalid", .msg = "JSON decode error"},
    [RULE_VALUE_ERROR] = {.type = "value_error", .msg = "Value error, "},
};

static void put_loc(struct buf *out, const struct rule_break *b)
{
    json_out_key_lit(out, "loc");
    buf_append_char(out, '[');
    json_out_string(out, slice_cstr(b->where));
    if (b->field.ptr) {
        buf_append_char(out, ',');
        json_out_string(out, b->field);
    }
    buf_append_char(out, ']');
}

static void put_msg(struct buf *out, const struct rule_break *b, const struct wording *w)
{
    json_out_key_lit(out, "msg");
    buf_append_char(out, '"');
    buf_append_slice(out, slice_cstr(w->msg));
    if (w->ctx) {
        json_out_i64(out, b->limit);
        buf_append_slice(out, slice_cstr(w->after));
        if (w->after[0] && b->limit != 1)
            buf_append_char(out, 's');
    }
    if (b->rule == RULE_VALUE_ERROR)
        json_out_escaped(out, b->reason);
    buf_append_char(out, '"');
}

static void put_ctx(struct buf *out, const struct rule_break *b, const struct wording *w)
{
    if (!w->ctx && !b->reason.len)
        return;
    json_out_key_lit(out, "ctx");
    buf_append_char(out, '{');
    if (w->ctx)
        json_out_member_i64(out, w->ctx, b->limit);
    else
        json_out_member_string(out, "error", b->reason);
    buf_append_char(out, '}');
}

static void put_break(struct buf *out, const struct rule_break *b)
{
    const struct wording *w = &wordings[b->rule];
    buf_append_char(out, '{');
    json_out_member_string(out, "type", slice_cstr(w->type));
    put_loc(out, b);
    put_msg(out, b, w);
    json_out_member_raw(out, "input", b->input);
    put_ctx(out, b, w);
    buf_append_char(out, '}');
}

void problem_rules(struct buf *out, const struct rule_break *breaks, size_t count)
{
    buf_append_lit(out, "{\"detail\":[");
    for (size_t i = 0; i < count; i++) {
        json_out_comma(out);
        put_break(out, &breaks[i]);
    }
    buf_append_lit(out, "]}");
}
