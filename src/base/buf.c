#include "base/buf.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_MIN_CAP 64

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_of(s.ptr, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    if (s.len < suffix.len)
        return false;
    return suffix.len == 0 || memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0;
}

/* strchr() finds the NUL that ends the set, too: a NUL byte in the slice must not count as a member. */
static bool in_set(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

struct slice slice_trim(struct slice s, const char *set)
{
    while (s.len > 0 && in_set(s.ptr[0], set)) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && in_set(s.ptr[s.len - 1], set))
        s.len--;
    return s;
}

bool slice_take(struct slice *rest, char end, struct slice *part)
{
    *part = *rest;
    if (rest->len == 0)
        return false;
    const char *at = memchr(rest->ptr, end, rest->len);
    if (at)
        part->len = (size_t)(at - rest->ptr);
    size_t step = part->len + (at ? 1 : 0);
    *rest = slice_of(rest->ptr + step, rest->len - step);
    return true;
}

bool slice_to_u64(struct slice s, uint64_t *out)
{
    if (s.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool slice_is_utf8(struct slice s)
{
    while (s.len > 0) {
        /* Most text is ASCII: eight bytes a step until the first that is not. */
        uint64_t word;
        if (s.len >= sizeof(word)) {
            memcpy(&word, s.ptr, sizeof(word));
            if ((word & 0x8080808080808080ULL) == 0) {
                s.ptr += sizeof(word);
                s.len -= sizeof(word);
                continue;
            }
        }
        size_t n = utf8_len(s);
        if (n == 0)
            return false;
        s.ptr += n;
        s.len -= n;
    }
    return true;
}

void buf_fini(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}

void buf_reserve(struct buf *b, size_t extra)
{
    if (b->failed || extra <= b->cap - b->len)
        return;
    if (extra > SIZE_MAX / 4 - b->len) {
        b->failed = true;
        return;
    }
    size_t cap = b->cap < BUF_MIN_CAP ? BUF_MIN_CAP : b->cap * 2;
    if (cap < b->len + extra)
        cap = b->len + extra;
    char *grown = realloc(b->ptr, cap);
    if (!grown) {
        b->failed = true;
        return;
    }
    b->ptr = grown;
    b->cap = cap;
}

void buf_append(struct buf *b, const void *ptr, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(b, len);
    if (b->failed)
        return;
    memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    if (b->failed)
        return;
    va_list again;
    va_copy(again, args);
    size_t room = b->cap - b->len;
    int n = vsnprintf(room > 0 ? b->ptr + b->len : NULL, room, fmt, args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < room) {
        b->len += (size_t)n;
    } else {
        buf_reserve(b, (size_t)n + 1); /* vsnprintf writes a NUL past the text */
        if (!b->failed) {
            (void)vsnprintf(b->ptr + b->len, b->cap - b->len, fmt, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void buf_append_u64(struct buf *b, uint64_t value)
{
    char digits[U64_DIGITS];
    buf_append(b, digits, (size_t)(put_u64(digits, value) - digits));
}

void buf_append_i64(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_append_char(b, '-');
    buf_append_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

const char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    if (b->failed)
        return "";
    b->ptr[b->len] = '\0';
    return b->ptr;
}

char *buf_take(struct buf *b, size_t *len)
{
    (void)buf_cstr(b);
    char *bytes = NULL;
    if (b->failed)
        free(b->ptr);
    else
        bytes = b->ptr;
    if (len)
        *len = bytes ? b->len : 0;
    *b = (struct buf){0};
    return bytes;
}
