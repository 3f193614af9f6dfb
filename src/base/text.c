#include "base/text.h"

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
