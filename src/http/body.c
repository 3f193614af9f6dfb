#include "http/body.h"
#include "media.h"
#include "multipart.h"

#define TYPE_SHOWN_MAX 100 /* bytes of an unsupported type repeated to the client */

static void say(struct buf *detail, const char *sentence)
{
    if (detail)
        buf_append_slice(detail, slice_cstr(sentence));
}

static enum err invalid(struct buf *detail, enum err e, const char *problem)
{
    say(detail, "Invalid request body: ");
    say(detail, problem);
    return e;
}

static bool is_blank(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r' && s.ptr[i] != '\n')
            return false;
    return true;
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

static enum err fill_fields(struct json_value root, struct arena *a, struct body *out, struct buf *detail)
{
    size_t count = json_count(root);
    if (count > BODY_JSON_FIELDS_MAX)
        return invalid(detail, ERR_TOO_LARGE, "too many fields");
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

static enum err not_an_object(enum json_type type, struct buf *detail)
{
    static const char *const phrases[] = {
        [JSON_ABSENT] = "nothing",  [JSON_NULL] = "null",      [JSON_BOOL] = "a boolean",   [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };
    (void)invalid(detail, ERR_CONFLICT, "Input should be a JSON object, not ");
    say(detail, phrases[type]);
    return ERR_CONFLICT;
}

enum err body_parse_json(struct slice text, struct arena *a, struct body *out, struct buf *detail)
{
    struct json_error why;
    *out = (struct body){0};
    if (is_blank(text)) {
        say(detail, "Request body is empty");
        return ERR_NOT_FOUND;
    }
    struct json_doc *doc = arena_alloc(a, sizeof *doc);
    enum err e = doc ? json_parse(text, a, doc, &why) : ERR_NOMEM;
    if (e == ERR_NOMEM)
        return e;
    if (e) {
        say(detail, "Invalid request body: ");
        if (detail)
            json_error_text(detail, text, &why);
        return ERR_INVALID;
    }
    out->doc = doc;
    struct json_value root = json_root(doc);
    if (json_type(root) != JSON_OBJECT)
        return not_an_object(json_type(root), detail);
    return fill_fields(root, a, out, detail);
}

static enum err decode_pair(struct slice pair, struct arena *a, struct body_field *field)
{
    const char *equals = memchr(pair.ptr, '=', pair.len);
    size_t name_len = equals ? (size_t)(equals - pair.ptr) : pair.len;
    struct slice value = equals ? slice_of(equals + 1, pair.len - name_len - 1) : SLICE_LIT("");
    *field = (struct body_field){.kind = JSON_STRING};
    enum err e = http_form_decode(slice_of(pair.ptr, name_len), a, &field->name);
    return e ? e : http_form_decode(value, a, &field->text);
}

static enum err parse_urlencoded(struct slice text, struct arena *a, struct body *out, struct buf *detail)
{
    out->fields = arena_alloc(a, BODY_FORM_FIELDS_MAX * sizeof *out->fields);
    if (!out->fields)
        return ERR_NOMEM;
    while (text.len) {
        const char *amp = memchr(text.ptr, '&', text.len);
        struct slice pair = slice_of(text.ptr, amp ? (size_t)(amp - text.ptr) : text.len);
        size_t step = pair.len + (amp ? 1 : 0);
        text = slice_of(text.ptr + step, text.len - step);
        if (pair.len == 0)
            continue;
        if (out->count == BODY_FORM_FIELDS_MAX)
            return invalid(detail, ERR_TOO_LARGE, "too many fields");
        enum err e = decode_pair(pair, a, &out->fields[out->count++]);
        if (e)
            return e == ERR_NOMEM ? e : invalid(detail, e, "form field is not percent-encoded UTF-8");
    }
    return OK;
}

/* `curl -d '{"content":"hi"}'` says urlencoded. A form's text is never a JSON object by accident. */
static enum err parse_form(struct slice text, struct arena *a, struct body *out, struct buf *detail)
{
    if (text.ptr[0] == '{') {
        enum err e = body_parse_json(text, a, out, NULL);
        if (e == OK || e == ERR_NOMEM)
            return e;
        *out = (struct body){0};
    }
    return parse_urlencoded(text, a, out, detail);
}

static enum err parse_multipart(const struct http_request *req, struct arena *a, struct body *out, struct buf *detail)
{
    const char *problem;
    enum err e = multipart_parse(req->content_type, req->body, a, out, &problem);
    return e && e != ERR_NOMEM ? invalid(detail, e, problem) : e;
}

static enum err parse_unknown(const struct http_request *req, struct slice type, struct arena *a, struct body *out,
                              struct buf *detail)
{
    enum err e = body_parse_json(req->body, a, out, NULL);
    if (e == OK || e == ERR_NOMEM)
        return e;
    say(detail, "Unsupported content type: ");
    if (detail)
        buf_append(detail, type.ptr, type.len < TYPE_SHOWN_MAX ? type.len : TYPE_SHOWN_MAX);
    return ERR_UNSUPPORTED;
}

static bool is_json_type(struct slice type)
{
    struct slice plus_json = SLICE_LIT("+json");
    return slice_eq_nocase(type, SLICE_LIT("application/json")) ||
           (type.len > plus_json.len &&
            slice_eq_nocase(slice_of(type.ptr + type.len - plus_json.len, plus_json.len), plus_json));
}

enum err body_parse(const struct http_request *req, struct arena *a, struct body *out, struct buf *detail)
{
    struct slice type = media_type(req->content_type);
    *out = (struct body){0};
    if (is_blank(req->body) || type.len == 0 || is_json_type(type) || slice_eq_nocase(type, SLICE_LIT("text/plain")))
        return body_parse_json(req->body, a, out, detail);
    if (slice_eq_nocase(type, SLICE_LIT("application/x-www-form-urlencoded")))
        return parse_form(req->body, a, out, detail);
    if (slice_eq_nocase(type, SLICE_LIT("multipart/form-data")))
        return parse_multipart(req, a, out, detail);
    return parse_unknown(req, type, a, out, detail);
}

const struct body_field *body_get(const struct body *b, const char *name)
{
    struct slice wanted = slice_cstr(name);
    for (size_t i = b->count; i-- > 0;)
        if (slice_eq(b->fields[i].name, wanted))
            return &b->fields[i];
    return NULL;
}
