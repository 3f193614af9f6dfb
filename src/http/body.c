#include "http/body.h"
#include "media.h"
#include "multipart.h"

#define BLANKS         " \t\r\n"
#define TYPE_SHOWN_MAX 100 /* bytes of an unsupported type that `why` repeats */

static void say(struct buf *why, const char *clause)
{
    if (why)
        buf_append_slice(why, slice_cstr(clause));
}

static enum err wrong(struct buf *why, enum err e, const char *clause)
{
    say(why, clause);
    return e;
}

static enum err fill_field(struct body_field *field, struct json_value key, struct json_value value)
{
    field->json = value;
    field->kind = json_type(value);
    field->text = json_raw(value);
    enum err e = json_string(key, &field->name);
    if (!e && field->kind == JSON_STRING)
        e = json_string(value, &field->text);
    return e;
}

static enum err fill_fields(struct json_value root, struct arena *a, struct body *out, struct buf *why)
{
    size_t count = json_count(root);
    if (count > BODY_JSON_FIELDS_MAX)
        return wrong(why, ERR_TOO_LARGE, "too many fields");
    out->fields = arena_alloc(a, (count + 1) * sizeof *out->fields); /* + 1: never 0 bytes */
    if (!out->fields)
        return ERR_NOMEM;
    struct json_value key, value;
    for (struct json_iter it = json_iter(root); json_next(&it, &key, &value); out->count++) {
        enum err e = fill_field(&out->fields[out->count], key, value);
        if (e)
            return e;
    }
    return OK;
}

static enum err not_an_object(enum json_type type, struct buf *why)
{
    static const char *const phrases[] = {
        [JSON_ABSENT] = "nothing",  [JSON_NULL] = "null",      [JSON_BOOL] = "a boolean",   [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };
    say(why, "Input should be a JSON object, not ");
    return wrong(why, ERR_CONFLICT, phrases[type]);
}

enum err body_of_json(struct json_doc *doc, struct arena *a, struct body *out, struct buf *why)
{
    struct json_value root = json_root(doc);
    *out = (struct body){.doc = doc};
    return json_type(root) == JSON_OBJECT ? fill_fields(root, a, out, why) : not_an_object(json_type(root), why);
}

static enum err parse_json(struct slice text, struct arena *a, struct body *out, struct buf *why)
{
    struct json_error error;
    if (slice_trim(text, BLANKS).len == 0)
        return ERR_NOT_FOUND;
    struct json_doc *doc = arena_alloc(a, sizeof *doc);
    enum err e = doc ? json_parse(text, a, doc, &error) : ERR_NOMEM;
    if (e == OK)
        return body_of_json(doc, a, out, why);
    if (e == ERR_NOMEM)
        return e;
    if (why)
        json_error_text(why, text, &error);
    return ERR_INVALID;
}

static enum err decode_pair(struct slice pair, struct arena *a, struct body_field *field)
{
    struct slice name;
    (void)slice_take(&pair, '=', &name);
    *field = (struct body_field){.kind = JSON_STRING};
    enum err e = http_form_decode(name, a, &field->name);
    return e ? e : http_form_decode(pair, a, &field->text);
}

static enum err parse_urlencoded(struct slice text, struct arena *a, struct body *out, struct buf *why)
{
    out->fields = arena_alloc(a, BODY_FORM_FIELDS_MAX * sizeof *out->fields);
    if (!out->fields)
        return ERR_NOMEM;
    for (struct slice pair; slice_take(&text, '&', &pair);) {
        if (pair.len == 0)
            continue;
        if (out->count == BODY_FORM_FIELDS_MAX)
            return wrong(why, ERR_TOO_LARGE, "too many fields");
        enum err e = decode_pair(pair, a, &out->fields[out->count++]);
        if (e)
            return e == ERR_NOMEM ? e : wrong(why, e, "form field is not percent-encoded UTF-8");
    }
    return OK;
}

/* `curl -d '{"content":"hi"}'` says urlencoded. A form's text is never a JSON object by accident. */
static enum err parse_form(struct slice text, struct arena *a, struct body *out, struct buf *why)
{
    if (text.ptr[0] == '{') {
        enum err e = parse_json(text, a, out, NULL);
        if (e == OK || e == ERR_NOMEM)
            return e;
        *out = (struct body){0};
    }
    return parse_urlencoded(text, a, out, why);
}

static enum err parse_multipart(const struct http_request *req, struct arena *a, struct body *out, struct buf *why)
{
    const char *problem;
    enum err e = multipart_parse(req->content_type, req->body, a, out, &problem);
    return e && e != ERR_NOMEM ? wrong(why, e, problem) : e;
}

static enum err parse_unknown(const struct http_request *req, struct slice type, struct arena *a, struct body *out,
                              struct buf *why)
{
    enum err e = parse_json(req->body, a, out, NULL);
    if (e == OK || e == ERR_NOMEM)
        return e;
    if (why)
        buf_append(why, type.ptr, type.len < TYPE_SHOWN_MAX ? type.len : TYPE_SHOWN_MAX);
    return ERR_UNSUPPORTED;
}

static bool is_json_type(struct slice type)
{
    struct slice plus_json = SLICE_LIT("+json");
    return slice_eq_nocase(type, SLICE_LIT("application/json")) ||
           (type.len > plus_json.len &&
            slice_eq_nocase(slice_of(type.ptr + type.len - plus_json.len, plus_json.len), plus_json));
}

enum err body_parse(const struct http_request *req, struct arena *a, struct body *out, struct buf *why)
{
    struct slice type = media_type(req->content_type);
    *out = (struct body){0};
    if (slice_trim(req->body, BLANKS).len == 0 || type.len == 0 || is_json_type(type) ||
        slice_eq_nocase(type, SLICE_LIT("text/plain")))
        return parse_json(req->body, a, out, why);
    if (slice_eq_nocase(type, SLICE_LIT("application/x-www-form-urlencoded")))
        return parse_form(req->body, a, out, why);
    if (slice_eq_nocase(type, SLICE_LIT("multipart/form-data")))
        return parse_multipart(req, a, out, why);
    return parse_unknown(req, type, a, out, why);
}

const struct body_field *body_get(const struct body *b, const char *name)
{
    struct slice wanted = slice_cstr(name);
    for (size_t i = b->count; i-- > 0;)
        if (slice_eq(b->fields[i].name, wanted))
            return &b->fields[i];
    return NULL;
}
