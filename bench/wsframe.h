/* wsframe.h: the client's half of RFC 6455: the upgrade request, masked frames out, a server's frames in.
 * Thread:  the connection's.
 * Owns:    the bytes of a frame or message that came in pieces, until it is complete or ws_in_fini().
 * Fails:   ws_in_feed() false on a breach of the protocol (masked frame, bad opcode, reserved bits, oversized). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_KEY         "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455's own sample, so that the answer is known */
#define WS_ACCEPT      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define WS_MESSAGE_MAX (16u << 20)
#define WS_HEAD_MAX    14 /* of a masked frame */

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_OP_TEXT = 1,
    WS_OP_BINARY = 2,
    WS_OP_CLOSE = 8,
    WS_OP_PING = 9,
    WS_OP_PONG = 10
};

struct ws_in {
    char *held; /* an incomplete frame */
    size_t held_len, held_cap;
    char *message; /* the fragments of a message so far */
    size_t message_len, message_cap;
    uint8_t message_opcode; /* 0: no fragmented message under way */
};

/* Called for each complete message or control frame; false stops the feeding (the connection is gone). */
typedef bool (*ws_message_fn)(void *arg, enum ws_opcode opcode, const char *payload, size_t len);

void ws_in_fini(struct ws_in *w); /* accepts a zeroed one; leaves it zeroed */
bool ws_in_feed(struct ws_in *w, const char *in, size_t len, ws_message_fn fn, void *arg);
/* Writes a final frame of that opcode to out (room for WS_HEAD_MAX + len); returns its length. */
size_t ws_frame_write(char *out, enum ws_opcode opcode, const char *payload, size_t len, uint32_t mask);
