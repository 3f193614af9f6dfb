/* line.h: finds the end of a line that must be text and end in CR LF. Private to src/http.
 * Thread:  pure functions. */
#pragma once
#include "base/buf.h"

enum line { LINE_MORE, LINE_WHOLE, LINE_BAD };

/* Bytes from the start that are no control characters. Eight at a time. */
static inline size_t line_text_len(const char *ptr, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    size_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, ptr + i, 8);
        if ((w - ones * 0x20) & ~w & highs)
            break;
    }
    while (i < len && (unsigned char)ptr[i] >= 0x20)
        i++;
    return i;
}

/* Looks from *scanned on (moved, so that no byte is looked at twice) for CR LF. WHOLE: *end is the offset of
 * the CR. BAD: a CR or LF alone, NUL, or another control character but tab. */
static inline enum line line_find(const char *in, size_t len, size_t *scanned, size_t *end)
{
    for (size_t i = *scanned;; i++) {
        i += line_text_len(in + i, len - i);
        *scanned = i;
        if (i == len || (in[i] == '\r' && i + 1 == len))
            return LINE_MORE;
        if (in[i] == '\t')
            continue;
        *end = i;
        return in[i] == '\r' && in[i + 1] == '\n' ? LINE_WHOLE : LINE_BAD;
    }
}
