/* known.h: the header names that the parser acts on. Private to src/http.
 * Thread:  pure functions. */
#pragma once
#include "base/buf.h"

enum header_id {
    HEADER_UNKNOWN,
    HEADER_HOST,
    HEADER_ORIGIN,
    HEADER_EXPECT,
    HEADER_UPGRADE,
    HEADER_CONNECTION,
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_LENGTH,
    HEADER_AUTHORIZATION,
    HEADER_IF_NONE_MATCH,
    HEADER_IF_MATCH,
    HEADER_CONTENT_ENCODING,
    HEADER_IDEMPOTENCY_KEY,
    HEADER_TRANSFER_ENCODING,
    HEADER_WS_KEY,
    HEADER_WS_VERSION,
    HEADER_WS_PROTOCOL,
    HEADER_CORS_METHOD,
    HEADER_CORS_HEADERS,
};

enum header_id header_id_of(struct slice name);
