/* presence_frame.h: who is there as the clients' JSON (contract: Live signals), each as one whole WebSocket text frame.
 * Private to src/push.
 * Thread:  any.
 * Fails:   as every append, buf_ok() tells. */
#pragma once
#include "push/presence.h"

void frame_status(struct buf *out, int64_t agents, int64_t wall_us);

/* Begins; then a call for each chat; then the end, with the agents where they are told (else NULL). */
size_t frame_presence_begin(struct buf *out);
void frame_presence_chat(struct buf *out, struct slice chat_id, bool open);
void frame_presence_end(struct buf *out, size_t start, const struct presence_page *agents, int64_t wall_us);
