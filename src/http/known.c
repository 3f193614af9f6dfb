#include "known.h"

/* lower: a token in lower case. Right only where `name` holds token characters (llhttp saw to it). */
static bool name_is(struct slice name, struct slice lower)
{
    if (name.len != lower.len)
        return false;
    /* |0x20 lowers letters and leaves '-' and digits; no other token character becomes one of those. */
    for (size_t i = 0; i < name.len; i++)
        if ((name.ptr[i] | 0x20) != lower.ptr[i])
            return false;
    return true;
}

#define NAME_IS(literal) name_is(name, SLICE_LIT(literal))

enum header_id header_id_of(struct slice name)
{
    switch (name.len) {
    case 4:
        return NAME_IS("host") ? HEADER_HOST : HEADER_UNKNOWN;
    case 6:
        return NAME_IS("origin") ? HEADER_ORIGIN : NAME_IS("expect") ? HEADER_EXPECT : HEADER_UNKNOWN;
    case 7:
        return NAME_IS("upgrade") ? HEADER_UPGRADE : HEADER_UNKNOWN;
    case 8:
        return NAME_IS("if-match") ? HEADER_IF_MATCH : HEADER_UNKNOWN;
    case 10:
        return NAME_IS("connection") ? HEADER_CONNECTION : HEADER_UNKNOWN;
    case 12:
        return NAME_IS("content-type") ? HEADER_CONTENT_TYPE : HEADER_UNKNOWN;
    case 13:
        return NAME_IS("authorization")   ? HEADER_AUTHORIZATION
               : NAME_IS("if-none-match") ? HEADER_IF_NONE_MATCH
                                          : HEADER_UNKNOWN;
    case 14:
        return NAME_IS("content-length") ? HEADER_CONTENT_LENGTH : HEADER_UNKNOWN;
    case 15:
        return NAME_IS("idempotency-key") ? HEADER_IDEMPOTENCY_KEY : HEADER_UNKNOWN;
    case 16:
        return NAME_IS("content-encoding") ? HEADER_CONTENT_ENCODING : HEADER_UNKNOWN;
    case 17:
        return NAME_IS("transfer-encoding")   ? HEADER_TRANSFER_ENCODING
               : NAME_IS("sec-websocket-key") ? HEADER_WS_KEY
                                              : HEADER_UNKNOWN;
    case 21:
        return NAME_IS("sec-websocket-version") ? HEADER_WS_VERSION : HEADER_UNKNOWN;
    case 22:
        return NAME_IS("sec-websocket-protocol") ? HEADER_WS_PROTOCOL : HEADER_UNKNOWN;
    case 29:
        return NAME_IS("access-control-request-method") ? HEADER_CORS_METHOD : HEADER_UNKNOWN;
    case 30:
        return NAME_IS("access-control-request-headers") ? HEADER_CORS_HEADERS : HEADER_UNKNOWN;
    default:
        return HEADER_UNKNOWN;
    }
}
