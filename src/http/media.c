#include "media.h"
#include "head.h"

struct slice media_type(struct slice header)
{
    struct slice type;
    (void)slice_take(&header, ';', &type);
    return slice_trim(type, " \t");
}

struct cursor {
    const char *p, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

static struct slice take_token(struct cursor *c)
{
    const char *start = c->p;
    while (c->p < c->end && http_is_tchar((unsigned char)*c->p))
        c->p++;
    return slice_of(start, (size_t)(c->p - start));
}

/* On the opening quote. *out is what stands between the quotes; *escaped: with backslashes in it. */
static bool take_quoted(struct cursor *c, struct slice *out, bool *escaped)
{
    const char *start = ++c->p;
    *escaped = false;
    while (c->p < c->end && *c->p != '"') {
        if (*c->p == '\\' && c->end - c->p >= 2) {
            *escaped = true;
            c->p++;
        }
        c->p++;
    }
    if (c->p >= c->end)
        return false;
    *out = slice_of(start, (size_t)(c->p - start));
    c->p++;
    return true;
}

static enum err unescape(struct slice s, struct arena *a, struct slice *out)
{
    char *text = arena_alloc(a, s.len);
    size_t len = 0;
    if (!text)
        return ERR_NOMEM;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len)
            i++;
        text[len++] = s.ptr[i];
    }
    *out = slice_of(text, len);
    return OK;
}

/* One ;name=value. ERR_NOT_FOUND at the end. */
static enum err next_param(struct cursor *c, struct slice *name, struct slice *value, bool *escaped)
{
    skip_blanks(c);
    while (c->p < c->end && *c->p == ';') { /* empty parameters are allowed */
        c->p++;
        skip_blanks(c);
    }
    if (c->p == c->end)
        return ERR_NOT_FOUND;
    *name = take_token(c);
    if (name->len == 0 || c->p == c->end || *c->p != '=')
        return ERR_INVALID;
    c->p++;
    *escaped = false;
    if (c->p < c->end && *c->p == '"') {
        if (!take_quoted(c, value, escaped))
            return ERR_INVALID;
    } else {
        *value = take_token(c);
        if (value->len == 0)
            return ERR_INVALID;
    }
    skip_blanks(c);
    return c->p == c->end || *c->p == ';' ? OK : ERR_INVALID;
}

enum err media_param(struct slice header, struct slice name, struct arena *a, struct slice *out)
{
    const char *semicolon = header.len ? memchr(header.ptr, ';', header.len) : NULL;
    struct cursor c = {.p = semicolon, .end = header.ptr + header.len};
    struct slice key, value, found = {0};
    bool escaped, found_escaped = false;
    enum err e = semicolon ? OK : ERR_NOT_FOUND;
    while (!e) {
        e = next_param(&c, &key, &value, &escaped);
        if (e || !slice_eq_nocase(key, name))
            continue;
        if (found.ptr)
            return ERR_INVALID;
        found = value;
        found_escaped = escaped;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *out = found;
    if (!found.ptr)
        return ERR_NOT_FOUND;
    return found_escaped ? unescape(found, a, out) : OK;
}
