/* notice_frame.h: notices as the dashboards' JSON (contract: WebSocket), each as one whole WebSocket text frame.
 * Private to src/push.
 * Thread:  any.
 * Fails:   as every append, buf_ok() tells. */
#pragma once
#include "push/notice.h"

#define NOTICE_ANY_CHAT  SLICE_LIT("*")      /* a hint to refetch that stands for several chats */
#define NOTICE_HINT_ROLE SLICE_LIT("system") /* its message_role */

enum notice_format { NOTICE_NESTED, NOTICE_FLAT, NOTICE_FORMATS };

void frame_message(struct buf *out, enum notice_format format, struct slice chat_id, struct slice role,
                   int64_t wall_us);
void frame_counts(struct buf *out, const int64_t counts[static NOTICE_COUNTS_LEN], int64_t wall_us);
