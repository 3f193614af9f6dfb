/* text.h: the small steps of reading and writing text: a number in decimal, bytes in hex, a character in UTF-8.
 * Thread:  pure functions. */
#pragma once
#include "base/slice.h"

#define U64_DIGITS 20 /* at most */

/* In decimal, to where there is room for it; the place behind. slice_to_u64() reads it. */
static inline char *put_u64(char *at, uint64_t value)
{
    char digits[U64_DIGITS];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return slice_put(at, slice_of(digits + first, sizeof(digits) - first));
}

/* Two lower-case digits a byte; the place behind. */
static inline char *put_hex(char *at, const void *bytes, size_t len)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < len; i++) {
        *at++ = "0123456789abcdef"[b[i] >> 4];
        *at++ = "0123456789abcdef"[b[i] & 0xf];
    }
    return at;
}

/* Of either case; -1 when c is no hex digit. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Bytes (1–4) of the well-formed sequence that s begins with (RFC 3629); 0 when it begins with none. */
static inline size_t utf8_len(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    unsigned char lowest = 0x80, highest = 0xbf; /* of the second byte */
    size_t need;
    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        need = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        need = 3;
        lowest = p[0] == 0xe0 ? 0xa0 : lowest;   /* no overlong forms */
        highest = p[0] == 0xed ? 0x9f : highest; /* no surrogates */
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        need = 4;
        lowest = p[0] == 0xf0 ? 0x90 : lowest;
        highest = p[0] == 0xf4 ? 0x8f : highest; /* nothing past U+10FFFF */
    } else {
        return 0;
    }
    if (s.len < need || p[1] < lowest || p[1] > highest)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

/* Decimal digits only, no sign, no space; false on anything else or on overflow. */
bool slice_to_u64(struct slice s, uint64_t *out);
/* True where s is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, ≤ U+10FFFF). */
bool slice_is_utf8(struct slice s);
