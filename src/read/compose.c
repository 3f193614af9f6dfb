#include "compose.h"

#include "json/json_out.h"

#define CHAT_ROOM 288 /* of a chat beyond its messages and what is rendered already */
#define BODY_ROOM 256
#define FIRST_REV (INT64_C(1) << 40) /* a time in January 1970: marks below it are legacy messages' places */

/* The buf begins with the blob's own fields, so that what was written need not be copied into one. */
void body_begin(struct buf *b, size_t room)
{
    static const struct blob empty;
    buf_init(b);
    buf_reserve(b, sizeof(struct blob) + room + 1);
    buf_append(b, &empty, sizeof(empty));
}

struct blob *body_end(struct buf *b)
{
    size_t len = 0;
    if (buf_ok(b) && b->len - sizeof(struct blob) > UINT32_MAX)
        b->failed = true;
    char *bytes = buf_ok(b) ? buf_take(b, &len) : NULL;
    buf_fini(b);
    if (!bytes)
        return NULL;
    struct blob *body = (struct blob *)(void *)bytes;
    atomic_init(&body->refs, 1);
    body->len = (uint32_t)(len - sizeof(struct blob));
    return body;
}

static size_t snap_room(const struct snap *s)
{
    size_t room = BODY_ROOM;
    for (size_t i = 0; i < s->customer_count; i++)
        if (s->customers[i].opening)
            room += s->customers[i].opening->len + BODY_ROOM;
    for (size_t i = 0; i < s->chat_count; i++)
        room += s->chats[i].bytes + CHAT_ROOM + s->chats[i].row->start_len;
    return room;
}

/* A legacy message's id has the time that it shows. */
static struct slice legacy_id(const struct history_span *v, uint32_t place, char id_room[static MESSAGE_ID_MAX])
{
    struct history_span one = *v;
    history_span_range(&one, place, place + 1);
    struct history_iter it = history_iter(&one, SIDE_AGENTS);
    struct message_form form;
    struct message_parts parts;
    int64_t rev;
    const char *fragment = history_next_raw(&it, &form, &rev);
    if (!fragment || !(form.flags & FORM_LEGACY))
        return slice_of(NULL, 0);
    message_parts(fragment, &form, &parts);
    return slice_of(id_room, message_id_legacy(message_seconds(&parts), place, history_chat_id(v->history), id_room));
}

/* Of the message up to which a side has read; empty: none. */
static struct slice mark_id(const struct history_span *v, int64_t mark, const uint8_t tag[static 5],
                            char id_room[static MESSAGE_ID_MAX])
{
    if (mark <= 0)
        return slice_of(NULL, 0);
    if (mark < FIRST_REV)
        return legacy_id(v, (uint32_t)mark - 1, id_room);
    return slice_of(id_room, message_id(mark, tag, id_room));
}

/* How far both sides have read; the ids are in id_room. */
static struct chat_read read_of(const struct history_span *chat, const struct look *look,
                                char id_room[static 2 * MESSAGE_ID_MAX])
{
    return (struct chat_read){
        .unread = chat->unread[look->asker],
        .user = mark_id(chat, chat->marks[SIDE_CUSTOMER], look->tag, id_room),
        .agent = mark_id(chat, chat->marks[SIDE_AGENTS], look->tag, id_room + MESSAGE_ID_MAX),
    };
}

static void put_chat_opening(struct buf *b, const struct history_span *chat, const struct look *look)
{
    char id_room[2 * MESSAGE_ID_MAX];
    struct chat_read read = read_of(chat, look, id_room);
    buf_append_slice(b, row_start(chat->row));
    render_chat_rest(b, chat->last_activity_us, chat->total, &read);
}

static void put_customer_chats(struct buf *b, const struct snap *s, const struct snap_customer *u,
                               const struct look *look)
{
    buf_append_lit(b, ",\"chats\":[");
    for (size_t i = 0; i < u->chats; i++) {
        const struct history_span *chat = &s->chats[u->first_chat + i];
        if (i > 0)
            buf_append_char(b, ',');
        put_chat_opening(b, chat, look);
        history_span_copy(chat, look->asker, b);
        buf_append_lit(b, "]}");
    }
    buf_append_lit(b, "]}");
}

static void put_customer(struct buf *b, const struct snap *s, const struct snap_customer *u, const struct look *look,
                         bool last_seen)
{
    buf_append(b, u->opening->data, u->poll_at);
    if (last_seen)
        render_last_seen(b, u->last_seen_us);
    put_customer_chats(b, s, u, look);
}

static void put_customers(struct buf *b, const struct snap *s, const struct look *look, bool last_seen)
{
    bool first = true;
    buf_append_lit(b, "{\"users\":[");
    for (size_t i = 0; i < s->customer_count; i++) {
        if (!s->customers[i].content)
            continue;
        if (!first)
            buf_append_char(b, ',');
        first = false;
        put_customer(b, s, &s->customers[i], look, last_seen);
    }
    buf_append_char(b, ']');
}

static void put_cursor(struct buf *b, const struct cursor *cursor)
{
    buf_append_lit(b, ",\"cursor\":\"");
    cursor_put(b, cursor);
    buf_append_char(b, '"');
    if (cursor->more && !cursor->wait)
        buf_append_lit(b, ",\"more\":true");
}

struct blob *compose_refetch(const struct snap *s, const struct look *look, const struct cursor *cursor)
{
    struct buf b;
    body_begin(&b, snap_room(s));
    put_customers(&b, s, look, false);
    put_cursor(&b, cursor);
    buf_append_char(&b, '}');
    return body_end(&b);
}

static void put_page(struct buf *b, const struct page *page)
{
    buf_append_lit(b, ",\"total\":");
    buf_append_i64(b, page->total);
    buf_append_lit(b, ",\"skip\":");
    buf_append_i64(b, page->skip);
    buf_append_lit(b, ",\"limit\":");
    buf_append_i64(b, page->limit);
    buf_append_char(b, '}');
}

struct blob *compose_customers(const struct snap *s, const struct look *look, const struct page *page)
{
    struct buf b;
    body_begin(&b, snap_room(s));
    put_customers(&b, s, look, true);
    put_page(&b, page);
    return body_end(&b);
}

struct blob *compose_customer(const struct snap *s, const struct look *look)
{
    struct buf b;
    body_begin(&b, snap_room(s));
    put_customer(&b, s, &s->customers[0], look, true);
    return body_end(&b);
}

typedef void (*render_fn)(struct buf *b, struct slice id, const struct message_parts *parts);

static void put_messages(struct buf *b, const struct history_span *v, const struct look *look, render_fn render)
{
    struct message_parts parts;
    struct slice id;
    char id_room[MESSAGE_ID_MAX];
    bool first = true;
    struct history_iter it = history_iter(v, look->asker);
    for (; history_next(&it, look->tag, &parts, &id, id_room); first = false) {
        if (!first)
            buf_append_char(b, ',');
        render(b, id, &parts);
    }
}

static size_t message_room(const struct history_span *v)
{
    return (size_t)v->bytes * 2 + (size_t)(v->end - v->begin) * RENDER_POLL_ROOM + CHAT_ROOM + v->row->start_len;
}

struct blob *compose_poll(const struct snap *s, const struct look *look, const struct cursor *cursor)
{
    const struct snap_customer *u = &s->customers[0];
    size_t room = BODY_ROOM + u->opening->len;
    for (size_t i = 0; i < u->chats; i++)
        room += message_room(&s->chats[u->first_chat + i]);
    struct buf b;
    body_begin(&b, room);
    buf_append(&b, u->opening->data + u->poll_at, u->opening->len - u->poll_at);
    for (size_t i = 0; i < u->chats; i++) {
        const struct history_span *chat = &s->chats[u->first_chat + i];
        if (i > 0)
            buf_append_char(&b, ',');
        put_chat_opening(&b, chat, look);
        put_messages(&b, chat, look, render_message_poll);
        buf_append_lit(&b, "]}");
    }
    buf_append_lit(&b, "],\"total_chats\":");
    buf_append_u64(&b, u->total_chats);
    put_cursor(&b, cursor);
    buf_append_char(&b, '}');
    return body_end(&b);
}

static void put_chat(struct buf *b, const struct listed_chat *chat, const struct look *look)
{
    const struct history *h = chat->history.history;
    char id_room[2 * MESSAGE_ID_MAX];
    struct chat_read read = read_of(&chat->history, look, id_room);
    render_chat_object(b,
                       &(struct chat){
                           .chat_id = history_chat_id(h),
                           .customer_id = slice_of(chat->content->customer_id, chat->content->customer_id_len),
                           .status = row_status(chat->history.row),
                           .assigned_to = row_assigned(chat->history.row),
                           .created_us = h->created_us,
                           .updated_us = chat->history.updated_us,
                       },
                       &read);
    put_messages(b, &chat->history, look, render_message_chat);
    buf_append_lit(b, RENDER_CHAT_OBJECT_END);
}

static size_t chat_room(const struct listed_chat *chat)
{
    return message_room(&chat->history) + (size_t)chat->content->customer_id_len * 2 + BODY_ROOM;
}

struct blob *compose_chat(const struct listed_chat *chat, const struct look *look)
{
    struct buf b;
    body_begin(&b, chat_room(chat));
    put_chat(&b, chat, look);
    return body_end(&b);
}

struct blob *compose_chats(const struct listed_chat *chats, size_t count, const struct look *look,
                           const struct page *page)
{
    size_t room = BODY_ROOM;
    for (size_t i = 0; i < count; i++)
        room += chat_room(&chats[i]);
    struct buf b;
    body_begin(&b, room);
    buf_append_lit(&b, "{\"chats\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&b, ',');
        put_chat(&b, &chats[i], look);
    }
    buf_append_char(&b, ']');
    put_page(&b, page);
    return body_end(&b);
}

struct blob *compose_history(const struct history_span *page, const struct look *look)
{
    struct buf b;
    body_begin(&b, message_room(page) + BODY_ROOM);
    buf_append_lit(&b, "{\"chat_id\":");
    json_out_string(&b, history_chat_id(page->history));
    buf_append_lit(&b, ",\"messages\":[");
    put_messages(&b, page, look, render_message_poll);
    buf_append_lit(&b, "],\"has_more\":");
    json_out_bool(&b, page->begin > 0 && page->begin < page->end);
    buf_append_lit(&b, ",\"next_before\":");
    struct history_iter it = history_iter(page, look->asker);
    struct message_parts parts;
    struct slice id;
    char id_room[MESSAGE_ID_MAX];
    if (page->begin > 0 && history_next(&it, look->tag, &parts, &id, id_room))
        json_out_string(&b, id);
    else
        json_out_null(&b);
    buf_append_char(&b, '}');
    return body_end(&b);
}
