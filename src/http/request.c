#include "http/request.h"
#include "head.h"

#include "base/text.h"

const char *http_method_name(enum http_method m)
{
    static const char *const names[METHOD__COUNT] = {
        [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",       [METHOD_PUT] = "PUT",
        [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS", [METHOD_OTHER] = "OTHER",
    };
    return names[m];
}

struct slice http_header_name(const struct http_request *req, uint32_t i)
{
    return slice_of(req->base + req->headers[i].name, req->headers[i].name_len);
}

struct slice http_header_value(const struct http_request *req, uint32_t i)
{
    return slice_of(req->base + req->headers[i].value, req->headers[i].value_len);
}

struct slice http_request_header(const struct http_request *req, struct slice name)
{
    for (uint32_t i = 0; i < req->header_count; i++)
        if (slice_eq_nocase(http_header_name(req, i), name))
            return http_header_value(req, i);
    return (struct slice){0};
}

/* Bytes before the first that needs decoding. */
static size_t undecoded_len(struct slice s, bool plus)
{
    size_t i = 0;
    while (i < s.len && s.ptr[i] != '%' && !(plus && s.ptr[i] == '+'))
        i++;
    return i;
}

static enum err decode(struct slice s, bool plus, struct arena *a, struct slice *out)
{
    size_t plain = undecoded_len(s, plus), len = plain;
    *out = s;
    if (plain == s.len)
        return slice_is_utf8(s) ? OK : ERR_INVALID;
    char *text = arena_alloc(a, s.len);
    if (!text)
        return ERR_NOMEM;
    memcpy(text, s.ptr, plain);
    for (size_t i = plain; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int high = s.len - i > 2 ? hex_digit(s.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0)) /* %00 ends strings elsewhere: refused */
                return ERR_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        }
        text[len++] = c;
    }
    *out = slice_of(text, len);
    return slice_is_utf8(*out) ? OK : ERR_INVALID;
}

enum err http_percent_decode(struct slice s, struct arena *a, struct slice *out)
{
    return decode(s, false, a, out);
}

enum err http_form_decode(struct slice s, struct arena *a, struct slice *out)
{
    return decode(s, true, a, out);
}

/* A name that does not decode is not the one asked for. */
static enum err name_matches(struct slice raw, struct slice name, struct arena *a, bool *matches)
{
    struct slice decoded;
    *matches = slice_eq(raw, name);
    if (*matches || undecoded_len(raw, true) == raw.len)
        return OK;
    enum err e = http_form_decode(raw, a, &decoded);
    *matches = !e && slice_eq(decoded, name);
    return e == ERR_NOMEM ? e : OK;
}

enum err http_query_get(const struct http_request *req, struct slice name, struct arena *a, struct slice *out)
{
    struct slice rest = req->query, found = {0};
    for (struct slice pair, raw; slice_take(&rest, '&', &pair);) {
        (void)slice_take(&pair, '=', &raw);
        bool matches;
        enum err e = name_matches(raw, name, a, &matches);
        if (e)
            return e;
        if (matches)
            found = pair;
    }
    *out = found;
    return found.ptr ? http_form_decode(found, a, out) : ERR_NOT_FOUND;
}

bool http_list_next(struct slice *rest, struct slice *item)
{
    while (slice_take(rest, ',', item)) {
        *item = slice_trim(*item, " \t");
        if (item->len)
            return true;
    }
    return false;
}

bool http_list_has(struct slice list, struct slice token)
{
    struct slice item;
    while (http_list_next(&list, &item))
        if (slice_eq_nocase(item, token))
            return true;
    return false;
}

enum err http_list_whole(const struct http_request *req, struct slice name, struct arena *a, struct slice *out)
{
    size_t len = 0;
    *out = (struct slice){0};
    for (uint32_t i = 0; i < req->header_count; i++)
        if (slice_eq_nocase(http_header_name(req, i), name))
            len += req->headers[i].value_len + 1;
    char *text = arena_alloc(a, len + 1); /* + 1: never 0 bytes */
    if (!text)
        return ERR_NOMEM;
    out->ptr = text;
    for (uint32_t i = 0; i < req->header_count; i++) {
        if (!slice_eq_nocase(http_header_name(req, i), name))
            continue;
        struct slice value = http_header_value(req, i);
        if (out->len > 0)
            text[out->len++] = ',';
        memcpy(text + out->len, value.ptr, value.len);
        out->len += value.len;
    }
    return OK;
}

struct http_list_back http_list_back(const struct http_request *req, struct slice name)
{
    return (struct http_list_back){.req = req, .name = name, .lines = req->header_count};
}

bool http_list_prev(struct http_list_back *at, struct slice *item)
{
    for (;;) {
        while (at->left.len > 0) {
            const char *comma = memrchr(at->left.ptr, ',', at->left.len);
            size_t start = comma ? (size_t)(comma - at->left.ptr) + 1 : 0;
            *item = slice_trim(slice_of(at->left.ptr + start, at->left.len - start), " \t");
            at->left.len = comma ? start - 1 : 0;
            if (item->len > 0)
                return true;
        }
        do {
            if (at->lines == 0)
                return false;
            at->lines--;
        } while (!slice_eq_nocase(http_header_name(at->req, at->lines), at->name));
        at->left = http_header_value(at->req, at->lines);
    }
}
