#include "notice_frame.h"

#include "base/clock.h"
#include "push/ws_frame.h"
#include "json/json_out.h"

#define HEADER_GUESS 4 /* payloads of 126 to 65535 bytes: practically all */

size_t frame_begin(struct buf *out)
{
    buf_append(out, "\0\0\0\0", HEADER_GUESS);
    return out->len;
}

/* The payload stands from `start` on; its header goes in front, where the guess left room. */
void frame_end(struct buf *out, size_t start)
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

void frame_timestamp(struct buf *out, int64_t wall_us)
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
    frame_timestamp(out, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}

static void append_changed(struct buf *out, struct slice chat_id, int64_t wall_us)
{
    buf_append_lit(out, "{\"type\":\"chat_changed\",\"data\":{\"chat_id\":");
    json_out_string(out, chat_id);
    frame_timestamp(out, wall_us);
}

void frame_event(struct buf *out, const struct notice *n)
{
    size_t start = frame_begin(out);
    bool read = n->kind == NOTICE_READ_BY_AGENTS || n->kind == NOTICE_READ_BY_CUSTOMER;
    if (n->kind == NOTICE_CUSTOMER_CHANGED) {
        buf_append_lit(out, "{\"type\":\"customer_changed\",\"data\":{\"user_id\":");
        json_out_string(out, notice_role(n));
        frame_timestamp(out, n->wall_us);
    } else if (read && !notice_id_is_hash(notice_chat_id(n))) {
        buf_append_lit(out, "{\"type\":\"read\",\"data\":{");
        json_out_member_string(out, "chat_id", notice_chat_id(n));
        json_out_member_string(out, "side", slice_cstr(n->kind == NOTICE_READ_BY_AGENTS ? "agent" : "user"));
        json_out_member_string(out, "message_id", notice_role(n));
        frame_timestamp(out, n->wall_us);
    } else {
        append_changed(out, notice_id_is_hash(notice_chat_id(n)) ? NOTICE_ANY_CHAT : notice_chat_id(n), n->wall_us);
    }
    buf_append_lit(out, "}}");
    frame_end(out, start);
}

void frame_look(struct buf *out, int64_t wall_us)
{
    size_t start = frame_begin(out);
    append_changed(out, NOTICE_ANY_CHAT, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}

void frame_typing(struct buf *out, const struct typing *t)
{
    size_t start = frame_begin(out);
    buf_append_lit(out, "{\"type\":\"typing\",\"data\":{");
    json_out_member_string(out, "chat_id", t->chat_id);
    json_out_member_string(out, "role", t->role);
    if (t->agent_name.len > 0) {
        json_out_key_lit(out, "agent");
        buf_append_char(out, '{');
        json_out_member_string(out, "id", t->agent_id);
        json_out_member_string(out, "name", t->agent_name);
        buf_append_char(out, '}');
    }
    json_out_key_lit(out, "typing");
    json_out_bool(out, t->on);
    json_out_member_i64(out, "expires_ms", t->on ? TYPING_EXPIRES_MS : 0);
    if (t->text.len > 0)
        json_out_member_string(out, "text", t->text);
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
    frame_timestamp(out, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}
