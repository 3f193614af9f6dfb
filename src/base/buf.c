#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_MIN_CAP 64

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
