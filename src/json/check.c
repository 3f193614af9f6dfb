/* One pass over the text with a stack of open brackets instead of recursion: a hostile body costs its length
 * and nothing more. The reasons are worded as Python's json module words them, because clients in the field
 * have seen those. */
#include "check.h"
#include "plain.h"

#include "base/text.h"

struct check {
    const char *p, *end;
    const char *start;
    uint32_t tokens;
    unsigned depth;
    bool unpaired;
    struct json_error *why;
    char open[JSON_DEPTH_MAX]; /* '{' or '[' per level */
};

static enum err fail(struct check *c, const char *at, const char *reason)
{
    c->why->reason = reason;
    c->why->at = (size_t)(at - c->start);
    return ERR_INVALID;
}

static void skip_blanks(struct check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
        c->p++;
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

int32_t json_hex4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

int32_t json_low_half(const char *p, const char *end)
{
    int32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? json_hex4(p + 2) : -1;
    return low >= 0xdc00 && low <= 0xdfff ? low : -1;
}

/* p stands on the 'u' of \uXXXX. Half of a surrogate pair is grammar (RFC 8259, 8.2) and no character: it is noted. */
static enum err check_unicode_escape(struct check *c)
{
    const char *escape = c->p - 1;
    int32_t unit = c->end - c->p >= 5 ? json_hex4(c->p + 1) : -1;
    if (unit < 0)
        return fail(c, escape, "Invalid \\uXXXX escape");
    c->p += 5;
    if (unit < 0xd800 || unit > 0xdfff)
        return OK;
    if (unit < 0xdc00 && json_low_half(c->p, c->end) >= 0)
        c->p += 6;
    else
        c->unpaired = true;
    return OK;
}

static enum err check_escape(struct check *c, const char *quote)
{
    c->p++;
    if (c->p == c->end)
        return fail(c, quote, "Unterminated string starting at");
    switch (*c->p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        c->p++;
        return OK;
    case 'u':
        return check_unicode_escape(c);
    default:
        return fail(c, c->p - 1, "Invalid \\escape");
    }
}

/* p stands on the opening quote. */
static enum err check_string(struct check *c)
{
    const char *quote = c->p++;
    c->tokens++;
    for (;;) {
        c->p += plain_len(c->p, (size_t)(c->end - c->p));
        if (c->p == c->end)
            return fail(c, quote, "Unterminated string starting at");
        if (*c->p == '"') {
            c->p++;
            return OK;
        }
        if (*c->p == '\\') {
            enum err e = check_escape(c, quote);
            if (e)
                return e;
            continue;
        }
        if ((unsigned char)*c->p < 0x20)
            return fail(c, c->p, "Invalid control character at");
        size_t n = utf8_len(slice_of(c->p, (size_t)(c->end - c->p)));
        if (n == 0)
            return fail(c, c->p, "Invalid UTF-8");
        c->p += n;
    }
}

static enum err check_digits(struct check *c, const char *number)
{
    if (c->p == c->end || !is_digit(*c->p))
        return fail(c, number, "Invalid number");
    while (c->p < c->end && is_digit(*c->p))
        c->p++;
    return OK;
}

static enum err check_number(struct check *c)
{
    const char *number = c->p;
    c->tokens++;
    if (*c->p == '-')
        c->p++;
    const char *first = c->p;
    enum err e = check_digits(c, number);
    if (!e && *first == '0' && c->p - first > 1)
        e = fail(c, number, "Invalid number (leading zero)");
    if (!e && c->p < c->end && *c->p == '.') {
        c->p++;
        e = check_digits(c, number);
    }
    if (!e && c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        e = check_digits(c, number);
    }
    return e;
}

static enum err check_word(struct check *c, struct slice word)
{
    if ((size_t)(c->end - c->p) < word.len || memcmp(c->p, word.ptr, word.len) != 0)
        return fail(c, c->p, "Expecting value");
    c->p += word.len;
    c->tokens++;
    return OK;
}

static enum err check_open(struct check *c)
{
    if (c->depth == JSON_DEPTH_MAX) {
        (void)fail(c, c->p, "Nested too deeply");
        return ERR_TOO_LARGE;
    }
    c->tokens++;
    c->open[c->depth++] = *c->p++;
    return OK;
}

static enum err check_key(struct check *c)
{
    if (c->p == c->end || *c->p != '"')
        return fail(c, c->p, "Expecting property name enclosed in double quotes");
    enum err e = check_string(c);
    if (e)
        return e;
    skip_blanks(c);
    if (c->p == c->end || *c->p != ':')
        return fail(c, c->p, "Expecting ':' delimiter");
    c->p++;
    skip_blanks(c);
    return OK;
}

/* A scalar, or the opening bracket of a container. */
static enum err check_value(struct check *c)
{
    if (c->p == c->end)
        return fail(c, c->p, "Expecting value");
    switch (*c->p) {
    case '"':
        return check_string(c);
    case '{':
    case '[':
        return check_open(c);
    case 't':
        return check_word(c, SLICE_LIT("true"));
    case 'f':
        return check_word(c, SLICE_LIT("false"));
    case 'n':
        return check_word(c, SLICE_LIT("null"));
    default:
        if (*c->p == '-' || is_digit(*c->p))
            return check_number(c);
        return fail(c, c->p, "Expecting value");
    }
}

/* After an opening bracket: at once the closing one (*closed), or the first key of an object. */
static enum err check_first(struct check *c, bool *closed)
{
    bool object = c->open[c->depth - 1] == '{';
    skip_blanks(c);
    *closed = c->p < c->end && *c->p == (object ? '}' : ']');
    return *closed || !object ? OK : check_key(c);
}

/* After a value: closes every container that ends here, then takes the comma. *done: the root is complete. */
static enum err check_after(struct check *c, bool *done)
{
    for (;;) {
        skip_blanks(c);
        *done = c->depth == 0;
        if (*done)
            return c->p == c->end ? OK : fail(c, c->p, "Extra data");
        bool object = c->open[c->depth - 1] == '{';
        if (c->p < c->end && *c->p == ',') {
            c->p++;
            skip_blanks(c);
            return object ? check_key(c) : OK;
        }
        if (c->p == c->end || *c->p != (object ? '}' : ']'))
            return fail(c, c->p, "Expecting ',' delimiter");
        c->p++;
        c->depth--;
    }
}

enum err json_check(struct slice text, struct json_shape *out, struct json_error *why)
{
    struct check c; /* not zeroed: open[] is written before it is read */
    c.p = c.start = text.ptr;
    c.end = text.ptr + text.len;
    c.tokens = 0;
    c.unpaired = false;
    c.depth = 0;
    c.why = why;
    bool done = false;
    skip_blanks(&c);
    while (!done) {
        unsigned depth = c.depth;
        bool closed = true;
        enum err e = check_value(&c);
        if (!e && c.depth > depth) /* it was an opening bracket */
            e = check_first(&c, &closed);
        if (!e && closed)
            e = check_after(&c, &done);
        if (e)
            return e;
    }
    *out = (struct json_shape){.tokens = c.tokens, .unpaired = c.unpaired};
    return OK;
}
