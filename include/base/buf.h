/* buf.h: the only two string types. struct slice borrows bytes, struct buf owns growable bytes.
 * Thread:  no state of its own; a buf belongs to whoever holds it.
 * Owns:    a buf owns its bytes until buf_fini() or buf_take(); a slice owns nothing and is valid only as
 *          long as what it points into. Neither is NUL-terminated unless buf_cstr() says so.
 * Fails:   appends never fail at the call: lack of memory sets `failed`, later appends do nothing, and the owner
 *          checks buf_ok() once at the end. What is appended must not lie inside the buf itself. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr;
    size_t len;
};

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    bool failed; /* sticky until buf_clear(): set by an append that found no memory */
};

#define SLICE_LIT(s) ((struct slice){.ptr = (s), .len = sizeof(s) - 1})
#define SLICE_ARG(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline struct slice slice_of(const char *ptr, size_t len)
{
    return (struct slice){.ptr = ptr, .len = len};
}

static inline struct slice slice_cstr(const char *cstr)
{
    return (struct slice){.ptr = cstr, .len = cstr ? strlen(cstr) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII letters only */
bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
struct slice slice_trim(struct slice s, const char *set); /* both ends; set is NUL-terminated */
/* Takes what comes before the first `end` off the front, and that `end`; all, where there is none. False: rest was empty. */
bool slice_take(struct slice *rest, char end, struct slice *part);

/* Copies the bytes to `at`, where there is room; the place behind them. */
static inline char *slice_put(char *at, struct slice s)
{
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}
/* Decimal digits only, no sign, no space; false on anything else or on overflow. */
bool slice_to_u64(struct slice s, uint64_t *out);
/* True where s is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, ≤ U+10FFFF). */
bool slice_is_utf8(struct slice s);

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
