#include "compose.h"

#include "json/json_out.h"

#define CHAT_ROOM 160 /* of a chat beyond its messages and what is rendered already */
#define BODY_ROOM 256

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

static size_t snap_room(const struct snap *s, unsigned times)
{
    size_t room = BODY_ROOM;
    for (size_t i = 0; i < s->customer_count; i++)
        if (s->customers[i].opening)
            room += s->customers[i].opening->len + BODY_ROOM;
    for (size_t i = 0; i < s->chat_count; i++)
        room += s->chats[i].bytes * times + CHAT_ROOM + s->chats[i].history->start_len;
    return room;
}

static void put_chat_opening(struct buf *b, const struct history_span *chat)
{
    buf_append_slice(b, history_start(chat->history));
    render_chat_rest(b, chat->last_activity_us, chat->total);
}

static void put_customer_chats(struct buf *b, const struct snap *s, const struct snap_customer *u)
{
    buf_append_lit(b, ",\"chats\":[");
    for (size_t i = 0; i < u->chats; i++) {
        const struct history_span *chat = &s->chats[u->first_chat + i];
        if (i > 0)
            buf_append_char(b, ',');
        put_chat_opening(b, chat);
        history_span_copy(chat, b);
        buf_append_lit(b, "]}");
    }
    buf_append_lit(b, "]}");
}

static void put_customer(struct buf *b, const struct snap *s, const struct snap_customer *u, bool last_seen)
{
    buf_append(b, u->opening->data, u->poll_at);
    if (last_seen)
        render_last_seen(b, u->last_seen_us);
    put_customer_chats(b, s, u);
}

static void put_customers(struct buf *b, const struct snap *s, bool last_seen)
{
    bool first = true;
    buf_append_lit(b, "{\"users\":[");
    for (size_t i = 0; i < s->customer_count; i++) {
        if (!s->customers[i].content)
            continue;
        if (!first)
            buf_append_char(b, ',');
        first = false;
        put_customer(b, s, &s->customers[i], last_seen);
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

struct blob *compose_refetch(const struct snap *s, const struct cursor *cursor)
{
    struct buf b;
    body_begin(&b, snap_room(s, 1));
    put_customers(&b, s, false);
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

struct blob *compose_customers(const struct snap *s, const struct page *page)
{
    struct buf b;
    body_begin(&b, snap_room(s, 1));
    put_customers(&b, s, true);
    put_page(&b, page);
    return body_end(&b);
}

struct blob *compose_customer(const struct snap *s)
{
    struct buf b;
    body_begin(&b, snap_room(s, 1));
    put_customer(&b, s, &s->customers[0], true);
    return body_end(&b);
}

typedef void (*render_fn)(struct buf *b, struct slice id, const struct message_parts *parts);

static void put_messages(struct buf *b, const struct history_span *v, const uint8_t tag[static 5], render_fn render)
{
    struct message_parts parts;
    struct slice id;
    char id_room[MESSAGE_ID_MAX];
    bool first = true;
    for (struct history_iter it = history_iter(v); history_next(&it, tag, &parts, &id, id_room); first = false) {
        if (!first)
            buf_append_char(b, ',');
        render(b, id, &parts);
    }
}

static size_t message_room(const struct history_span *v)
{
    return (size_t)v->bytes * 2 + (size_t)(v->end - v->begin) * RENDER_POLL_ROOM + CHAT_ROOM + v->history->start_len;
}

struct blob *compose_poll(const struct snap *s, const uint8_t tag[static 5], const struct cursor *cursor)
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
        put_chat_opening(&b, chat);
        put_messages(&b, chat, tag, render_message_poll);
        buf_append_lit(&b, "]}");
    }
    buf_append_lit(&b, "],\"total_chats\":");
    buf_append_u64(&b, u->total_chats);
    put_cursor(&b, cursor);
    buf_append_char(&b, '}');
    return body_end(&b);
}

static void put_chat(struct buf *b, const struct listed_chat *chat, const uint8_t tag[static 5])
{
    const struct history *h = chat->history.history;
    render_chat_object(b, &(struct chat){
                              .chat_id = history_chat_id(h),
                              .customer_id = slice_of(chat->content->customer_id, chat->content->customer_id_len),
                              .status = history_status(h),
                              .created_us = h->created_us,
                              .updated_us = chat->history.updated_us,
                          });
    put_messages(b, &chat->history, tag, render_message_chat);
    buf_append_lit(b, RENDER_CHAT_OBJECT_END);
}

static size_t chat_room(const struct listed_chat *chat)
{
    return message_room(&chat->history) + (size_t)chat->content->customer_id_len * 2 + BODY_ROOM;
}

struct blob *compose_chat(const struct listed_chat *chat, const uint8_t tag[static 5])
{
    struct buf b;
    body_begin(&b, chat_room(chat));
    put_chat(&b, chat, tag);
    return body_end(&b);
}

struct blob *compose_chats(const struct listed_chat *chats, size_t count, const struct page *page,
                           const uint8_t tag[static 5])
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
        put_chat(&b, &chats[i], tag);
    }
    buf_append_char(&b, ']');
    put_page(&b, page);
    return body_end(&b);
}

struct blob *compose_history(const struct history_span *page, const uint8_t tag[static 5])
{
    struct buf b;
    body_begin(&b, message_room(page) + BODY_ROOM);
    buf_append_lit(&b, "{\"chat_id\":");
    json_out_string(&b, history_chat_id(page->history));
    buf_append_lit(&b, ",\"messages\":[");
    put_messages(&b, page, tag, render_message_poll);
    buf_append_lit(&b, "],\"has_more\":");
    json_out_bool(&b, page->begin > 0 && page->begin < page->end);
    buf_append_lit(&b, ",\"next_before\":");
    struct history_iter it = history_iter(page);
    struct message_parts parts;
    struct slice id;
    char id_room[MESSAGE_ID_MAX];
    if (page->begin > 0 && history_next(&it, tag, &parts, &id, id_room))
        json_out_string(&b, id);
    else
        json_out_null(&b);
    buf_append_char(&b, '}');
    return body_end(&b);
}
