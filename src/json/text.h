/* text.h: the two loops that reading and writing JSON text share. Private to src/json.
 * Thread:  pure functions. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_ONES  UINT64_C(0x0101010101010101)
#define TEXT_HIGHS UINT64_C(0x8080808080808080)

/* High bit set in each byte of w that equals c (exact up to and including the first hit). */
static inline uint64_t text_equals(uint64_t w, unsigned char c)
{
    uint64_t x = w ^ (TEXT_ONES * c);
    return (x - TEXT_ONES) & ~x & TEXT_HIGHS;
}

/* Bytes from the start that stand for themselves in a JSON string: printable ASCII but '"' and '\\'.
 * Eight at a time: most text is plain, so this loop is what reading and writing cost. */
static inline size_t text_plain_len(const char *ptr, size_t len)
{
    size_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, ptr + i, 8);
        uint64_t control = (w - TEXT_ONES * 0x20) & ~w;
        uint64_t special = ((control | w) & TEXT_HIGHS) | text_equals(w, '"') | text_equals(w, '\\');
        if (special)
            break;
    }
    for (; i < len; i++) {
        unsigned char c = (unsigned char)ptr[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return i;
}

/* Length of the well-formed UTF-8 sequence at ptr (RFC 3629), 0 when there is none. len > 0. */
static inline size_t text_utf8_len(const char *ptr, size_t len)
{
    const unsigned char *s = (const unsigned char *)ptr;
    unsigned char lo = 0x80, hi = 0xbf;
    size_t need;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        need = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        need = 3;
        lo = s[0] == 0xe0 ? 0xa0 : lo; /* no overlong forms */
        hi = s[0] == 0xed ? 0x9f : hi; /* no surrogates */
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        need = 4;
        lo = s[0] == 0xf0 ? 0x90 : lo;
        hi = s[0] == 0xf4 ? 0x8f : hi; /* nothing past U+10FFFF */
    } else {
        return 0;
    }
    if (len < need || s[1] < lo || s[1] > hi)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return need;
}
