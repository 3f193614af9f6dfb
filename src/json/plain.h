/* plain.h: the loop that reading and writing JSON text share. Private to src/json.
 * Thread:  pure functions. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PLAIN_ONES  UINT64_C(0x0101010101010101)
#define PLAIN_HIGHS UINT64_C(0x8080808080808080)

/* High bit set in each byte of w that equals c (exact up to and including the first hit). */
static inline uint64_t plain_equals(uint64_t w, unsigned char c)
{
    uint64_t x = w ^ (PLAIN_ONES * c);
    return (x - PLAIN_ONES) & ~x & PLAIN_HIGHS;
}

/* Bytes from the start that stand for themselves in a JSON string: printable ASCII but '"' and '\\'.
 * Eight at a time: most text is plain, so this loop is what reading and writing cost. */
static inline size_t plain_len(const char *ptr, size_t len)
{
    size_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, ptr + i, 8);
        uint64_t control = (w - PLAIN_ONES * 0x20) & ~w;
        uint64_t special = ((control | w) & PLAIN_HIGHS) | plain_equals(w, '"') | plain_equals(w, '\\');
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
