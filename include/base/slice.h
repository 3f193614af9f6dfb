/* slice.h: bytes that somebody else owns: the type of all text that is passed on.
 * Thread:  values; no state.
 * Owns:    nothing: valid only as long as what it points into. Not NUL-terminated. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr;
    size_t len;
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
