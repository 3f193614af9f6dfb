/* check.h: is this text JSON? The part that jsmn does not do. Private to src/json.
 * Thread:  pure functions.
 * Fails:   ERR_INVALID, or ERR_TOO_LARGE past JSON_DEPTH_MAX; *why says what and where. */
#pragma once
#include "json/json_in.h"

struct json_shape {
    uint32_t tokens; /* values and keys in the text, which is what jsmn needs room for */
    bool unpaired;   /* some string holds half of a surrogate pair */
};
NODISCARD enum err json_check(struct slice text, struct json_shape *out, struct json_error *why);
/* Four hex digits; -1 when they are not. */
int32_t json_hex4(const char *p);
/* The second half of a surrogate pair, as \uXXXX at p; -1 when it does not stand there. */
int32_t json_low_half(const char *p, const char *end);
