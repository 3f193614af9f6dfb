/* A message's bytes: rendered once in the refetch's shape, from whose parts the other shapes are put together. */
#include "base/clock.h"
#include "base/text.h"
#include "chat/render.h"
#include "json/json_out.h"

#include <ctype.h>
#include <endian.h>

#define HEAD     "{\"role\":\""
#define TEXT     "\",\"text\":\""
#define TIME     "\",\"timestamp\":"
#define READ_NO  ",\"read\":false"
#define READ_YES ",\"read\":true"
#define VIA      ",\"via\":\"" VIA_WIDGET "\""
#define LEN(lit) (sizeof(lit) - 1)

/* Roles longer than any that we accept (an existing deployment's) are shown cut, at a code point's start. */
static struct slice shown_role(struct slice role)
{
    if (role.len <= ROLE_MAX_BYTES)
        return role;
    role.len = ROLE_MAX_BYTES;
    while (role.len > 0 && ((unsigned char)role.ptr[role.len] & 0xc0) == 0x80)
        role.len--;
    return role;
}

static void end_message(struct buf *b, bool via_widget)
{
    if (via_widget)
        buf_append_lit(b, VIA);
    buf_append_char(b, '}');
}

void render_message(struct buf *b, const struct message *m, struct message_form *form)
{
    size_t start = b->len;
    buf_append_lit(b, HEAD);
    size_t role_start = b->len;
    json_out_escaped(b, shown_role(m->role));
    size_t role_len = b->len - role_start;
    buf_append_lit(b, TEXT);
    json_out_escaped(b, m->text);
    buf_append_lit(b, TIME);
    render_time(b, m->timestamp_us);
    if (m->read)
        buf_append_lit(b, READ_YES);
    else
        buf_append_lit(b, READ_NO);
    end_message(b, m->via_widget);
    *form = (struct message_form){
        .len = (uint32_t)(b->len - start),
        .role_len = (uint16_t)role_len,
        .flags = (uint8_t)((m->read ? FORM_READ : 0) | (m->legacy ? FORM_LEGACY : 0) |
                           (m->timestamp_us == 0 ? FORM_NO_TIME : 0) | (m->via_widget ? FORM_VIA : 0)),
    };
}

void message_parts(const char *fragment, const struct message_form *form, struct message_parts *out)
{
    size_t time_len = form->flags & FORM_NO_TIME ? LEN("null") : TIME_TEXT_LEN + 2;
    size_t read_len = form->flags & FORM_READ ? LEN(READ_YES) : LEN(READ_NO);
    size_t end_len = read_len + (form->flags & FORM_VIA ? LEN(VIA) : 0) + 1;
    size_t text_at = LEN(HEAD) + form->role_len + LEN(TEXT);
    size_t time_at = form->len - end_len - time_len;
    out->role = slice_of(fragment + LEN(HEAD), form->role_len);
    out->text = slice_of(fragment + text_at, time_at - LEN(TIME) - text_at);
    out->timestamp = slice_of(fragment + time_at, time_len);
    out->read = form->flags & FORM_READ;
    out->via_widget = form->flags & FORM_VIA;
}

int64_t message_seconds(const struct message_parts *parts)
{
    int64_t wall_us;
    if (parts->timestamp.len != TIME_TEXT_LEN + 2)
        return 0;
    if (!time_parse(slice_of(parts->timestamp.ptr + 1, TIME_TEXT_LEN), &wall_us))
        return 0;
    return wall_us / 1000000;
}

size_t message_id(int64_t rev, const uint8_t tag[static 5], char out[static MESSAGE_ID_MAX])
{
    struct oid id = oid_from_rev(rev > 0 ? rev : 0, tag);
    oid_format(&id, out);
    return OID_LEN;
}

#define CHAT_MARK_LEN 8 /* hex digits */

/* FNV-1a, since it must be the same on every node and after every start: hash_bytes() has a secret. */
static char *put_chat_mark(char *out, struct slice chat_id)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < chat_id.len; i++)
        hash = (hash ^ (unsigned char)chat_id.ptr[i]) * 16777619U;
    uint32_t big_endian = htobe32(hash);
    return put_hex(out, &big_endian, CHAT_MARK_LEN / 2);
}

static bool is_chat_mark(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isxdigit((unsigned char)s.ptr[i]))
            return false;
    return s.len == CHAT_MARK_LEN;
}

size_t message_id_legacy(int64_t seconds, uint64_t index, struct slice chat_id, char out[static MESSAGE_ID_MAX])
{
    char *at = slice_put(out, SLICE_LIT("msg_"));
    at = put_u64(at, seconds > 0 ? (uint64_t)seconds : 0);
    *at++ = '_';
    at = put_u64(at, index);
    *at++ = '_';
    return (size_t)(put_chat_mark(at, chat_id) - out);
}

bool message_id_parse(struct slice id, bool *legacy, int64_t *rev, uint64_t *index)
{
    struct oid oid;
    *legacy = slice_starts(id, SLICE_LIT("msg_"));
    if (!*legacy) {
        if (!oid_parse(id, &oid))
            return false;
        *rev = oid_to_rev(&oid);
        return true;
    }
    struct slice rest = slice_of(id.ptr + LEN("msg_"), id.len - LEN("msg_"));
    const char *bar = memchr(rest.ptr, '_', rest.len);
    if (!bar)
        return false;
    uint64_t seconds;
    size_t before = (size_t)(bar - rest.ptr);
    struct slice place = slice_of(bar + 1, rest.len - before - 1);
    bar = memchr(place.ptr, '_', place.len);
    if (bar) { /* ids that earlier versions gave have no mark; in one chat it is not needed */
        size_t digits = (size_t)(bar - place.ptr);
        if (!is_chat_mark(slice_of(bar + 1, place.len - digits - 1)))
            return false;
        place.len = digits;
    }
    return slice_to_u64(slice_of(rest.ptr, before), &seconds) && slice_to_u64(place, index);
}

static void quoted(struct buf *b, struct slice escaped)
{
    buf_append_char(b, '"');
    buf_append_slice(b, escaped);
    buf_append_char(b, '"');
}

void render_message_poll(struct buf *b, struct slice id, const struct message_parts *parts)
{
    buf_append_lit(b, "{\"_id\":");
    quoted(b, id);
    buf_append_lit(b, ",\"role\":");
    quoted(b, parts->role);
    buf_append_lit(b, ",\"text\":");
    quoted(b, parts->text);
    buf_append_lit(b, ",\"content\":");
    quoted(b, parts->text);
    buf_append_lit(b, ",\"timestamp\":");
    buf_append_slice(b, parts->timestamp);
    buf_append_lit(b, ",\"read\":");
    json_out_bool(b, parts->read);
    end_message(b, parts->via_widget);
}

void render_message_chat(struct buf *b, struct slice id, const struct message_parts *parts)
{
    buf_append_lit(b, "{\"_id\":");
    quoted(b, id);
    buf_append_lit(b, ",\"sender\":");
    quoted(b, parts->role);
    buf_append_lit(b, ",\"content\":");
    quoted(b, parts->text);
    buf_append_lit(b, ",\"timestamp\":");
    buf_append_slice(b, parts->timestamp);
    buf_append_lit(b, ",\"status\":\"sent\",\"isLink\":false,\"linkUrl\":null,\"tags\":[]");
    end_message(b, parts->via_widget);
}
