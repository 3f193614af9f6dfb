/* uuid.h: is that the text of a UUID? The server makes such ids and never asks. */
#pragma once
#include "base/id.h"

#include <ctype.h>

static inline bool uuid_is_valid(struct slice s) /* 8-4-4-4-12 hex digits of either case */
{
    bool valid = s.len == UUID_LEN;
    for (size_t i = 0; valid && i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        valid = dash ? s.ptr[i] == '-' : isxdigit((unsigned char)s.ptr[i]) != 0;
    }
    return valid;
}
