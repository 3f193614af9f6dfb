/* notice_frame.h: notices as the dashboards' JSON (contract: WebSocket), each as one whole WebSocket text frame.
 * Private to src/push.
 * Thread:  any.
 * Fails:   as every append, buf_ok() tells. */
#pragma once
#include "push/notice.h"

#define NOTICE_ANY_CHAT   SLICE_LIT("*")      /* a hint to refetch that stands for several chats */
#define NOTICE_HINT_ROLE  SLICE_LIT("system") /* its message_role */
#define TYPING_EXPIRES_MS 6000                /* a typing that is not renewed has ended */

/* What every frame is made with: begin, the JSON, end. The timestamp is a member with its comma. */
size_t frame_begin(struct buf *out);
void frame_timestamp(struct buf *out, int64_t wall_us);
void frame_end(struct buf *out, size_t start); /* what frame_begin() returned */

enum notice_format { NOTICE_NESTED, NOTICE_FLAT, NOTICE_FORMATS };

void frame_message(struct buf *out, enum notice_format format, struct slice chat_id, struct slice role,
                   int64_t wall_us);
/* To subscribers of chat_events: a notice of theirs, and somebody's typing. A chat whose id travels as its hash has
 * changed ("*"), whatever the notice is. */
void frame_event(struct buf *out, const struct notice *n);
void frame_look(struct buf *out, int64_t wall_us); /* chat_changed of "*": look at what you show */
struct typing {
    struct slice chat_id, role;
    struct slice agent_id, agent_name; /* empty name: not told */
    struct slice text;                 /* empty: not told */
    bool on;
};
void frame_typing(struct buf *out, const struct typing *t);
void frame_counts(struct buf *out, const int64_t counts[static NOTICE_COUNTS_LEN], int64_t wall_us);
