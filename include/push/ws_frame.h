/* ws_frame.h: frames as the server writes them (RFC 6455, 5.2): final, unmasked.
 * Thread:  any, no state. */
#pragma once
#include "base/buf.h"

#define WS_FRAME_HEADER_MAX 10

enum ws_opcode { WS_OP_TEXT = 1, WS_OP_BINARY = 2, WS_OP_CLOSE = 8, WS_OP_PING = 9, WS_OP_PONG = 10 };

/* Writes the header; returns its length: 2, 4 or 10. */
size_t ws_frame_header(char out[static WS_FRAME_HEADER_MAX], enum ws_opcode opcode, uint64_t payload_len);
void ws_frame_append(struct buf *out, enum ws_opcode opcode, struct slice payload);
/* Length of the frame of ours that begins at ptr, header included. */
size_t ws_frame_length(const char *ptr);
/* How many frames of ours these bytes are. */
unsigned ws_frame_count(struct slice frames);
