/* ws_handshake.h: the opening handshake of RFC 6455, on plain slices, so that it does not depend on http/.
 * Thread:  any, no state (the digest is looked up once per process).
 * Fails:   ws_handshake_check() ERR_INVALID with the status and the sentence for the client.
 * The Origin is not looked at: the allowlist is the caller's. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define WS_ACCEPT_LEN 28 /* base64 of a SHA-1 digest */

/* Values of the request's header fields; ptr NULL where absent; a field that came several times joined by commas
 * (RFC 9110, 5.3), so that a repeated key or version is refused by itself. */
struct ws_upgrade {
    struct slice method;
    unsigned http_major, http_minor;
    struct slice upgrade;    /* Upgrade */
    struct slice connection; /* Connection */
    struct slice key;        /* Sec-WebSocket-Key */
    struct slice version;    /* Sec-WebSocket-Version */
};

struct ws_verdict {
    int status;          /* 101, or what to answer: 400, 405, 426 */
    const char *detail;  /* constant sentence for {"detail":…}; NULL with 101 */
    const char *headers; /* constant header lines the answer must carry ("Name: value\r\n…"), or "" */
};

NODISCARD enum err ws_handshake_check(const struct ws_upgrade *u, struct ws_verdict *v);
NODISCARD enum err ws_handshake_accept(struct slice key, char out[static WS_ACCEPT_LEN]);
/* Appends the whole 101 head, empty line included. protocol: the chosen Sec-WebSocket-Protocol, or len 0. */
NODISCARD enum err ws_handshake_response(struct buf *out, struct slice key, struct slice protocol);
