#include "log_line.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

/* 4 bytes stay free for the end of the line. A piece that does not fit is left out whole: half an escape would not parse. */
static void put(struct log_line *l, const char *ptr, size_t len)
{
    if (len == 0 || l->len + len > LOG_LINE_MAX - 4)
        return;
    memcpy(l->bytes + l->len, ptr, len);
    l->len += len;
}

static void put_cstr(struct log_line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* The control characters, which a terminal might obey: C0, DEL and, as two bytes of UTF-8, C1. */
static bool is_control(const char *p, size_t len)
{
    unsigned char c = (unsigned char)p[0];
    return c < 0x20 || c == 0x7f || (len == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

static void put_text_escape(struct log_line *l, const char *p, size_t len)
{
    if (p[0] == '\n') {
        put(l, "\\n", 2);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        char escape[4] = "\\x";
        put_hex(escape + 2, p + i, 1);
        put(l, escape, sizeof(escape));
    }
}

static void put_json_escape(struct log_line *l, const char *p, size_t len, bool valid)
{
    char escape[8];
    unsigned code = valid ? (unsigned char)p[len - 1] : 0xfffd; /* of C2 80–9F, too, the last byte is the code point */
    bool named = p[0] == '"' || p[0] == '\\';
    put(l, escape, (size_t)snprintf(escape, sizeof(escape), named ? "\\%c" : "\\u%04x", code));
}

static void put_text(struct log_line *l, struct slice s, bool json)
{
    for (size_t n; s.len > 0; s.ptr += n, s.len -= n) {
        n = utf8_len(s);
        bool valid = n > 0;
        n = valid ? n : 1;
        if (valid && !is_control(s.ptr, n) && !(json && (s.ptr[0] == '"' || s.ptr[0] == '\\')))
            put(l, s.ptr, n);
        else if (json)
            put_json_escape(l, s.ptr, n, valid);
        else
            put_text_escape(l, s.ptr, n);
    }
}

static void put_json_string(struct log_line *l, struct slice s)
{
    put(l, "\"", 1);
    put_text(l, s, true);
    l->bytes[l->len++] = '"'; /* there is room: put() keeps it free */
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

/* Length of the key when s begins with `key=`, else 0. */
static size_t key_len(struct slice s)
{
    size_t n = 0;
    while (n < s.len && is_key_char(s.ptr[n]))
        n++;
    return n < s.len && s.ptr[n] == '=' ? n : 0;
}

/* A value ends where ` key=` follows, so that a phrase without quotes stays in one piece; one that begins with a quote ends
 * only where a quote stands before that. */
static size_t value_len(struct slice s)
{
    bool quoted = s.len >= 2 && s.ptr[0] == '"';
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != ' ' || key_len(slice_of(s.ptr + i + 1, s.len - i - 1)) == 0)
            continue;
        if (!quoted || (i >= 2 && s.ptr[i - 1] == '"'))
            return i;
    }
    return s.len;
}

/* As JSON writes one: -12, 0, 0.25. With more than 18 digits it stays a string: readers would round it. */
static bool is_number(struct slice s)
{
    size_t at = s.len > 0 && s.ptr[0] == '-', from = at;
    while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9')
        at++;
    if (at == from || at - from > 18 || (s.ptr[from] == '0' && at - from > 1))
        return false;
    if (at == s.len)
        return true;
    from = at + 1;
    for (at = from; s.ptr[from - 1] == '.' && at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9';)
        at++;
    return at == s.len && at > from && at - from <= 18;
}

static void put_json_pairs(struct log_line *l, struct slice pairs)
{
    while (pairs.len > 0) {
        size_t key = key_len(pairs);
        struct slice name = key > 0 ? slice_of(pairs.ptr, key) : SLICE_LIT("text");
        struct slice value = pairs;
        if (key > 0)
            value = slice_of(pairs.ptr + key + 1, pairs.len - key - 1);
        value.len = value_len(value);
        pairs.len -= (size_t)(value.ptr + value.len - pairs.ptr);
        pairs.ptr = value.ptr + value.len;
        if (pairs.len > 0) { /* the space */
            pairs.ptr++;
            pairs.len--;
        }
        bool number = key > 0 && is_number(value);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = slice_of(value.ptr + 1, value.len - 2);
        /* Escaping makes a value at most six times as long. What might not fit is left out whole. */
        if (l->len + name.len + value.len * 6 + 16 > LOG_LINE_MAX)
            return;
        put_cstr(l, ",\"");
        put(l, name.ptr, name.len);
        put_cstr(l, "\":");
        if (number)
            put(l, value.ptr, value.len);
        else
            put_json_string(l, value);
    }
}

void log_line_make(struct log_line *l, enum log_format format, enum log_level level, const char *thread,
                   const char *event, struct slice pairs)
{
    static const char levels[2][4][6] = {
        [LOG_TEXT] = {"ERROR", "WARN ", "INFO ", "DEBUG"}, [LOG_JSON] = {"error", "warn", "info", "debug"}};
    bool json = format == LOG_JSON;
    char when[TIME_TEXT_LEN];
    time_format(clock_wall_us(), when);
    memcpy(when + 23, "Z", 1); /* milliseconds will do */
    l->len = 0;
    put_cstr(l, json ? "{\"time\":\"" : "");
    put(l, when, 24);
    put_cstr(l, json ? "\",\"level\":\"" : " ");
    put_cstr(l, levels[format][level & 3]);
    if (json) {
        put_cstr(l, "\",\"thread\":");
        put_json_string(l, slice_cstr(thread));
        put_cstr(l, ",\"event\":");
        put_json_string(l, slice_cstr(event));
        put_json_pairs(l, pairs);
        l->bytes[l->len++] = '}';
    } else {
        put_cstr(l, " ");
        put_cstr(l, thread);
        put_cstr(l, " ");
        put_text(l, slice_cstr(event), false);
        put_cstr(l, pairs.len > 0 ? " " : "");
        put_text(l, pairs, false);
    }
    l->bytes[l->len++] = '\n';
}
