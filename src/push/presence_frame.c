#include "presence_frame.h"

#include "notice_frame.h"
#include "json/json_out.h"

void frame_status(struct buf *out, int64_t agents, int64_t wall_us)
{
    size_t start = frame_begin(out);
    buf_append_lit(out, "{\"type\":\"website_status\",\"data\":{\"online\":");
    json_out_bool(out, agents > 0);
    json_out_member_i64(out, "agents", agents);
    frame_timestamp(out, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}

size_t frame_presence_begin(struct buf *out)
{
    size_t start = frame_begin(out);
    buf_append_lit(out, "{\"type\":\"presence\",\"data\":{\"chats\":{");
    return start;
}

void frame_presence_chat(struct buf *out, struct slice chat_id, bool open)
{
    json_out_comma(out);
    json_out_string(out, chat_id);
    buf_append_char(out, ':');
    json_out_bool(out, open);
}

static void append_agents(struct buf *out, const struct presence_page *agents)
{
    struct slice id, name;
    size_t at = 0;
    buf_append_lit(out, ",\"agents\":[");
    while (presence_read_agent(agents, &at, &id, &name)) {
        json_out_comma(out);
        buf_append_char(out, '{');
        json_out_member_string(out, "id", id);
        json_out_member_string(out, "name", name);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
    if (agents->total > agents->count)
        json_out_member_i64(out, "agents_total", agents->total);
}

void frame_presence_end(struct buf *out, size_t start, const struct presence_page *agents, int64_t wall_us)
{
    buf_append_char(out, '}');
    if (agents)
        append_agents(out, agents);
    frame_timestamp(out, wall_us);
    buf_append_lit(out, "}}");
    frame_end(out, start);
}
