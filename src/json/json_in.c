/* The text is checked first (check.c), so that jsmn, which accepts much that is not JSON, only ever sees JSON;
 * then jsmn's tokens are the tree. Once they are there, two of a token's fields are free and get new meaning:
 * size: tokens in the subtree (so that a sibling is one addition away); parent: NODE_ESCAPED or 0. */
#include "json/json_in.h"
#include "check.h"
#include "plain.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define JSMN_STATIC
#define JSMN_PARENT_LINKS /* without them jsmn searches backwards: quadratic on [[],[],[],…] */
#include <jsmn.h>

struct json_node {
    jsmntok_t token;
};

#define NODE_ESCAPED 1

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* may be ignored before the text (RFC 8259, 8.1) */
#define REPLACEMENT     0xfffd         /* for half of a surrogate pair */

/* Children come after their parent, so going backwards adds up each subtree before its parent needs it. */
static void link_nodes(struct slice text, struct json_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        nodes[i].token.size = 1;
    for (uint32_t i = count; i-- > 0;) {
        jsmntok_t *t = &nodes[i].token;
        if (t->parent >= 0)
            nodes[t->parent].token.size += t->size;
        bool escaped = t->type == JSMN_STRING && memchr(text.ptr + t->start, '\\', (size_t)(t->end - t->start));
        t->parent = escaped ? NODE_ESCAPED : 0;
    }
}

enum err json_parse(struct slice text, struct arena *a, struct json_doc *doc, struct json_error *why)
{
    struct json_error ignored;
    struct json_shape shape = {0};
    *doc = (struct json_doc){0};
    if (!why)
        why = &ignored;
    *why = (struct json_error){.reason = "Too long"};
    if (text.len >= INT_MAX)
        return ERR_TOO_LARGE;
    if (text.len == 0)
        text.ptr = "";
    size_t mark = slice_starts(text, SLICE_LIT(BYTE_ORDER_MARK)) ? sizeof(BYTE_ORDER_MARK) - 1 : 0;
    text = slice_of(text.ptr + mark, text.len - mark);
    enum err e = json_check(text, &shape, why);
    why->at += mark;
    if (e)
        return e;
    uint32_t count = shape.tokens;
    *why = (struct json_error){.reason = "No memory"};
    struct json_node *nodes = arena_alloc(a, count * sizeof *nodes);
    if (!nodes)
        return ERR_NOMEM;
    jsmn_parser parser;
    jsmn_init(&parser);
    int made = jsmn_parse(&parser, text.ptr, text.len, &nodes[0].token, count);
    must(made == (int)count); /* the check and jsmn disagree on valid text */
    link_nodes(text, nodes, count);
    *doc = (struct json_doc){.text = text, .nodes = nodes, .count = count, .unpaired = shape.unpaired, .arena = a};
    return OK;
}

void json_error_text(struct buf *out, struct slice text, const struct json_error *why)
{
    uint64_t line = 1, column = 1, chars = 0;
    for (size_t i = 0; i < why->at && i < text.len; i++) {
        if (((unsigned char)text.ptr[i] & 0xc0) == 0x80)
            continue; /* inside a character */
        chars++;
        column++;
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    buf_append_slice(out, slice_cstr(why->reason));
    buf_append_lit(out, ": line ");
    buf_append_u64(out, line);
    buf_append_lit(out, " column ");
    buf_append_u64(out, column);
    buf_append_lit(out, " (char ");
    buf_append_u64(out, chars);
    buf_append_char(out, ')');
}

static const jsmntok_t *token_of(struct json_value v)
{
    return v.doc && v.at < v.doc->count ? &v.doc->nodes[v.at].token : NULL;
}

static struct slice token_text(const struct json_doc *doc, const jsmntok_t *t)
{
    return slice_of(doc->text.ptr + t->start, (size_t)(t->end - t->start));
}

struct json_value json_root(const struct json_doc *doc)
{
    return (struct json_value){.doc = doc->count ? doc : NULL};
}

enum json_type json_type(struct json_value v)
{
    const jsmntok_t *t = token_of(v);
    if (!t)
        return JSON_ABSENT;
    if (t->type == JSMN_OBJECT)
        return JSON_OBJECT;
    if (t->type == JSMN_ARRAY)
        return JSON_ARRAY;
    if (t->type == JSMN_STRING)
        return JSON_STRING;
    switch (v.doc->text.ptr[t->start]) {
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

struct json_iter json_iter(struct json_value v)
{
    const jsmntok_t *t = token_of(v);
    if (!t || (t->type != JSMN_OBJECT && t->type != JSMN_ARRAY))
        return (struct json_iter){0};
    return (struct json_iter){
        .doc = v.doc, .at = v.at + 1, .end = v.at + (uint32_t)t->size, .object = t->type == JSMN_OBJECT};
}

bool json_next(struct json_iter *it, struct json_value *key, struct json_value *value)
{
    if (it->at >= it->end)
        return false;
    uint32_t value_at = it->at + (it->object ? 1 : 0);
    *key = it->object ? (struct json_value){.doc = it->doc, .at = it->at} : (struct json_value){0};
    *value = (struct json_value){.doc = it->doc, .at = value_at};
    it->at = value_at + (uint32_t)it->doc->nodes[value_at].token.size;
    return true;
}

size_t json_count(struct json_value v)
{
    size_t count = 0;
    struct json_value key, value;
    for (struct json_iter it = json_iter(v); json_next(&it, &key, &value);)
        count++;
    return count;
}

bool json_is_paired(struct json_value v)
{
    struct json_error why;
    struct json_shape shape = {0};
    if (!v.doc || !v.doc->unpaired)
        return true;
    return json_check(json_raw(v), &shape, &why) == OK && !shape.unpaired;
}

struct slice json_raw(struct json_value v)
{
    const jsmntok_t *t = token_of(v);
    if (!t)
        return (struct slice){0};
    struct slice s = token_text(v.doc, t);
    if (t->type == JSMN_STRING) { /* jsmn leaves the quotes out */
        s.ptr--;
        s.len += 2;
    }
    return s;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* *p stands after the backslash of a checked escape; it is moved past it. Writes at most 4 bytes. */
static size_t decode_escape(const char **p, const char *end, char *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    char c = *(*p)++;
    if (c != 'u') {
        const char *hit = strchr(from, c);
        out[0] = hit ? to[hit - from] : c;
        return 1;
    }
    uint32_t code = (uint32_t)json_hex4(*p);
    *p += 4;
    if (code < 0xd800 || code > 0xdfff)
        return put_utf8(out, code);
    int32_t low = code < 0xdc00 ? json_low_half(*p, end) : -1;
    if (low < 0)
        return put_utf8(out, REPLACEMENT);
    *p += 6;
    return put_utf8(out, 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00));
}

/* Decoded text is never longer than its source. */
static size_t decode_string(struct slice source, char *out)
{
    const char *p = source.ptr, *end = source.ptr + source.len;
    size_t len = 0;
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((escape ? escape : end) - p);
        memcpy(out + len, p, plain);
        len += plain;
        p += plain;
        if (escape) {
            p++;
            len += decode_escape(&p, end, out + len);
        }
    }
    return len;
}

static bool escaped_equals(struct slice source, struct slice key)
{
    const char *p = source.ptr, *end = source.ptr + source.len;
    size_t at = 0;
    while (p < end) {
        char bytes[4] = {*p};
        size_t n = 1;
        if (*p++ == '\\')
            n = decode_escape(&p, end, bytes);
        if (key.len - at < n || memcmp(key.ptr + at, bytes, n) != 0)
            return false;
        at += n;
    }
    return at == key.len;
}

struct json_value json_get(struct json_value v, struct slice key)
{
    struct json_value found = {0}, name, value;
    struct json_iter it = json_iter(v);
    if (!it.object)
        return found;
    while (json_next(&it, &name, &value)) {
        const jsmntok_t *t = token_of(name);
        struct slice text = token_text(it.doc, t);
        if (t->parent == NODE_ESCAPED ? escaped_equals(text, key) : slice_eq(text, key))
            found = value; /* the last one counts */
    }
    return found;
}

enum err json_string(struct json_value v, struct slice *out)
{
    const jsmntok_t *t = token_of(v);
    *out = (struct slice){0};
    if (!t || t->type != JSMN_STRING)
        return ERR_INVALID;
    struct slice source = token_text(v.doc, t);
    if (t->parent != NODE_ESCAPED) {
        *out = source;
        return OK;
    }
    char *decoded = arena_alloc(v.doc->arena, source.len);
    if (!decoded)
        return ERR_NOMEM;
    *out = slice_of(decoded, decode_string(source, decoded));
    return OK;
}

enum err json_bool(struct json_value v, bool *out)
{
    if (json_type(v) != JSON_BOOL)
        return ERR_INVALID;
    *out = json_raw(v).ptr[0] == 't';
    return OK;
}

enum err json_double(struct json_value v, double *out)
{
    char small[64];
    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    struct slice s = json_raw(v);
    char *text = small; /* strtod wants a NUL, and stops only there: JSON's numbers are all C's */
    if (s.len < sizeof small) {
        memcpy(small, s.ptr, s.len);
        small[s.len] = '\0';
    } else if (!(text = arena_dup(v.doc->arena, s))) {
        return ERR_NOMEM;
    }
    *out = strtod(text, NULL);
    return isinf(*out) ? ERR_TOO_LARGE : OK;
}

/* Written with a fraction or an exponent: a whole number all the same? */
static enum err whole_double(struct json_value v, int64_t *out)
{
    double d;
    enum err e = json_double(v, &d);
    if (e)
        return e;
    if (d != trunc(d))
        return ERR_INVALID;
    if (d < -0x1p63 || d >= 0x1p63)
        return ERR_TOO_LARGE;
    *out = (int64_t)d;
    return OK;
}

enum err json_i64(struct json_value v, int64_t *out)
{
    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    struct slice s = json_raw(v);
    bool negative = s.ptr[0] == '-';
    uint64_t magnitude;
    if (slice_to_u64(slice_of(s.ptr + negative, s.len - negative), &magnitude) &&
        magnitude <= (uint64_t)INT64_MAX + negative) {
        *out = (int64_t)(negative ? 0 - magnitude : magnitude);
        return OK;
    }
    bool plain = !memchr(s.ptr, '.', s.len) && !memchr(s.ptr, 'e', s.len) && !memchr(s.ptr, 'E', s.len);
    return plain ? ERR_TOO_LARGE : whole_double(v, out);
}
