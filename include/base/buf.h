/* buf.h: bytes that grow. With struct slice, which borrows, the only two string types.
 * Thread:  no state of its own; a buf belongs to whoever holds it.
 * Owns:    its bytes until buf_fini() or buf_take(). Not NUL-terminated unless buf_cstr() says so.
 * Fails:   appends never fail at the call: lack of memory sets `failed`, later appends do nothing, and the owner
 *          checks buf_ok() once at the end. What is appended must not lie inside the buf itself. */
#pragma once
#include "base/slice.h"
#include "base/text.h"
#include <stdarg.h>

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    bool failed; /* sticky until buf_clear(): set by an append that found no memory */
};

static inline void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_fini(struct buf *b);                  /* accepts a zeroed buf; leaves it zeroed */
void buf_reserve(struct buf *b, size_t extra); /* room for `extra` more bytes; amortised doubling */
void buf_append(struct buf *b, const void *ptr, size_t len);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
void buf_append_u64(struct buf *b, uint64_t value); /* decimal, without printf */
void buf_append_i64(struct buf *b, int64_t value);
const char *buf_cstr(struct buf *b);        /* adds a NUL past len; "" when failed */
char *buf_take(struct buf *b, size_t *len); /* gives the bytes away, NUL past them (free()); NULL when failed */

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

static inline void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.ptr, s.len);
}

static inline void buf_append_char(struct buf *b, char c)
{
    if (b->len == b->cap)
        buf_reserve(b, 1);
    if (!b->failed)
        b->ptr[b->len++] = c;
}

#define buf_append_lit(b, lit) buf_append((b), (lit), sizeof(lit) - 1)

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){.ptr = b->ptr, .len = b->len};
}
