#include "json/json_out.h"
#include "plain.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put_control(struct buf *b, unsigned char c)
{
    static const char letter[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (letter[c]) {
        buf_append(b, (char[]){'\\', letter[c]}, 2);
        return;
    }
    char digits[2];
    put_hex(digits, &c, 1);
    buf_append_lit(b, "\\u00");
    buf_append(b, digits, 2);
}

/* One character that is not plain ASCII, or one byte that is no character. Returns the bytes read. */
static size_t put_special(struct buf *b, const char *p, size_t len)
{
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\') {
        buf_append(b, (char[]){'\\', *p}, 2);
        return 1;
    }
    if (c < 0x20) {
        put_control(b, c);
        return 1;
    }
    size_t n = utf8_len(slice_of(p, len));
    if (n == 0) {
        buf_append_lit(b, "\xef\xbf\xbd");
        return 1;
    }
    if (n == 3 && memcmp(p, "\xe2\x80\xa8", 3) == 0)
        buf_append_lit(b, "\\u2028");
    else if (n == 3 && memcmp(p, "\xe2\x80\xa9", 3) == 0)
        buf_append_lit(b, "\\u2029");
    else
        buf_append(b, p, n);
    return n;
}

void json_out_escaped(struct buf *b, struct slice s)
{
    size_t i = 0;
    while (i < s.len) {
        size_t plain = plain_len(s.ptr + i, s.len - i);
        if (plain)
            buf_append(b, s.ptr + i, plain);
        i += plain;
        if (i < s.len)
            i += put_special(b, s.ptr + i, s.len - i);
    }
}

void json_out_string(struct buf *b, struct slice s)
{
    buf_reserve(b, s.len + 2);
    buf_append_char(b, '"');
    json_out_escaped(b, s);
    buf_append_char(b, '"');
}

void json_out_i64(struct buf *b, int64_t value)
{
    buf_append_i64(b, value);
}

void json_out_double(struct buf *b, double value)
{
    char text[32];
    if (!isfinite(value)) {
        json_out_null(b);
        return;
    }
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) { /* 17 always reads back the same */
        len = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_append(b, text, (size_t)len);
}

void json_out_bool(struct buf *b, bool value)
{
    if (value)
        buf_append_lit(b, "true");
    else
        buf_append_lit(b, "false");
}

void json_out_null(struct buf *b)
{
    buf_append_lit(b, "null");
}

static void json_out_raw(struct buf *b, struct slice json)
{
    if (json.len == 0)
        json_out_null(b);
    else
        buf_append_slice(b, json);
}

void json_out_comma(struct buf *b)
{
    if (b->len && b->ptr[b->len - 1] != '{' && b->ptr[b->len - 1] != '[')
        buf_append_char(b, ',');
}

void json_out_key(struct buf *b, struct slice key)
{
    json_out_comma(b);
    buf_append_char(b, '"');
    buf_append_slice(b, key);
    buf_append_lit(b, "\":");
}

void json_out_member_string(struct buf *b, const char *key, struct slice value)
{
    json_out_key(b, slice_cstr(key));
    json_out_string(b, value);
}

void json_out_member_i64(struct buf *b, const char *key, int64_t value)
{
    json_out_key(b, slice_cstr(key));
    json_out_i64(b, value);
}

void json_out_member_null(struct buf *b, const char *key)
{
    json_out_key(b, slice_cstr(key));
    json_out_null(b);
}

void json_out_member_raw(struct buf *b, const char *key, struct slice json)
{
    json_out_key(b, slice_cstr(key));
    json_out_raw(b, json);
}
