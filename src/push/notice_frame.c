#include "notice_frame.h"

#include "base/clock.h"
#include "push/ws_frame.h"
#include "json/json_out.h"

#define HEADER_GUESS 4 /* payloads of 126 to 65535 bytes: practically all */

static size_t frame_begin(struct buf *out)
{
    buf_append(out, "\0\0\0\0", HEADER_GUESS);
    return out->len;
}

/* The payload stands from `start` on; its header goes in front, where the guess left room. */
static void frame_end(struct buf *out, size_t start)
{
    if (!buf_ok(out))
        return;
    char header[WS_FRAME_HEADER_MAX];
    size_t payload_len = out->len - start;
    size_t header_len = ws_frame_header(header, WS_OP_TEXT, payload_len);
    size_t frame_at = start - HEADER_GUESS;
    if (header_len > HEADER_GUESS)
        buf_reserve(out, header_len - HEADER_GUESS);
    if (!buf_ok(out))
        return;
    if (header_len != HEADER_GUESS)
        memmove(out->ptr + frame_at + header_len, out->ptr + start, payload_len);
    memcpy(out->ptr + frame_at, header, header_len);
    out->len = frame_at + header_len + payload_len;
}

static void append_timestamp(struct buf *out, int64_t wall_us)
{
    char text[TIME_TEXT_LEN];
    time_format(wall_us, text);
    buf_append_lit(out, ",\"timestamp\":\"");
    buf_append(out, text, TIME_TEXT_LEN);
    buf_append_char(out, '"');
}

void frame_message(struct buf *out, enum notice_format format, struct slice chat_id, struct slice role, int64_t wall_us)
{
    size_t start = frame_begin(out);
    if (format == NOTICE_FLAT)
        buf_append_lit(out, "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":");
    else
        buf_append_lit(out, "{\"type\":\"chat_updates\",\"data\":{\"type\":\"chat_message_notification\",\"chat_id\":");
    json_out_string(out, notice_id_is_hash(chat_id) ? NOTICE_ANY_CHAT : chat_id);
    buf_append_lit(out, ",\"message_role\":");
    json_out_string(out, role);
    append_timestamp(out, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}

void frame_counts(struct buf *out, const int64_t counts[static NOTICE_COUNTS_LEN], int64_t wall_us)
{
    static const char *const NAMES[NOTICE_COUNTS_LEN] = {
        [COUNT_UNIFIED_INBOX] = "unified-inbox",
        [COUNT_AGENT_INBOX_ACTIVE] = "agent-inbox-active",
        [COUNT_AGENT_INBOX_RESOLVED] = "agent-inbox-resolved",
        [COUNT_MY_INBOX_CHATS] = "my-inbox-chats",
        [COUNT_MY_INBOX_ESCALATED] = "my-inbox-escalated",
        [COUNT_MY_INBOX_RESOLVED] = "my-inbox-resolved",
    };
    size_t start = frame_begin(out);
    buf_append_lit(out, "{\"type\":\"unread_counts\",\"data\":{\"counts\":{");
    for (unsigned i = 0; i < NOTICE_COUNTS_LEN; i++)
        json_out_member_i64(out, NAMES[i], counts[i]);
    buf_append_char(out, '}');
    append_timestamp(out, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}
