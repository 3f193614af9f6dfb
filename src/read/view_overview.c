/* GET /api/debug/database-overview: read from the store each time; nobody polls it. */
#include "base/clock.h"
#include "view_int.h"
#include "json/json_out.h"

static void put_customer(struct buf *b, const struct customer *u)
{
    render_customer_opening(b, u);
    buf_append_lit(b, ",\"created_at\":");
    render_time(b, u->created_us);
    render_last_seen(b, u->last_seen_us);
    buf_append_char(b, '}');
}

/* Up to where the agents have read. The row does not have what their own messages imply: memory does where it has the chat,
 * and else the last message says it. */
static int64_t agents_mark(struct cache *c, const struct overview_chat *o)
{
    uint32_t hash = index_hash(o->chat.chat_id);
    int64_t mark = o->chat.agents_read;
    bool reply = o->has_last && !o->last.via_widget && slice_eq(o->last.role, SLICE_LIT(ROLE_AGENT));
    if (reply)
        mark = INT64_MAX;
    cache_lock(c);
    const struct chat_entry *chat = index_chat(c, o->chat.chat_id, hash);
    if (chat && chat->marks[SIDE_AGENTS] > mark)
        mark = chat->marks[SIDE_AGENTS];
    cache_unlock(c);
    return mark;
}

static void put_message(struct buf *b, const struct message *m, struct slice chat_id, uint64_t place, int64_t mark,
                        const uint8_t tag[static 5])
{
    struct buf fragment;
    struct message_form form;
    struct message_parts parts;
    char id[MESSAGE_ID_MAX];
    buf_init(&fragment);
    render_message(&fragment, m, &form);
    if (buf_ok(&fragment)) {
        message_parts(fragment.ptr, &form, &parts);
        parts.read = parts.read || !(form.flags & FORM_USER) || (m->legacy ? (int64_t)place + 1 : m->rev) <= mark;
        size_t len =
            m->legacy ? message_id_legacy(message_seconds(&parts), place, chat_id, id) : message_id(m->rev, tag, id);
        render_message_poll(b, slice_of(id, len), &parts);
    } else {
        b->failed = true;
    }
    buf_fini(&fragment);
}

static void put_chat_row(struct buf *b, const struct overview_chat *c, struct cache *cache)
{
    int64_t mark = agents_mark(cache, c);
    buf_append_char(b, '{');
    json_out_member_string(b, "_id", c->row_id);
    json_out_member_string(b, "chat_id", c->chat.chat_id);
    json_out_member_string(b, "user_id", c->chat.customer_id);
    json_out_member_string(b, "status", c->chat.status);
    buf_append_lit(b, ",\"created_at\":");
    render_time(b, c->chat.created_us);
    buf_append_lit(b, ",\"last_activity\":");
    render_time(b, c->chat.last_activity_us);
    json_out_member_i64(b, "total_messages", c->chat.total_messages);
    json_out_member_i64(b, "messages_count", c->messages);
    buf_append_lit(b, ",\"first_message\":");
    if (c->has_first)
        put_message(b, &c->first, c->chat.chat_id, 0, mark, cache->tag);
    else
        json_out_null(b);
    buf_append_lit(b, ",\"last_message\":");
    if (c->has_last)
        put_message(b, &c->last, c->chat.chat_id, (uint64_t)(c->messages > 0 ? c->messages - 1 : 0), mark, cache->tag);
    else
        json_out_null(b);
    buf_append_char(b, '}');
}

static void put_collections(struct buf *b, const struct overview *o, const struct totals *t, struct cache *cache)
{
    buf_append_lit(b, ",\"collections\":{\"customers\":{\"count\":");
    buf_append_i64(b, t->customers);
    buf_append_lit(b, ",\"data\":[");
    for (size_t i = 0; i < o->customer_count; i++) {
        if (i > 0)
            buf_append_char(b, ',');
        put_customer(b, &o->customers[i]);
    }
    buf_append_lit(b, "]},\"customer-chats\":{\"count\":");
    buf_append_i64(b, t->chats);
    buf_append_lit(b, ",\"data\":[");
    for (size_t i = 0; i < o->chat_count; i++) {
        if (i > 0)
            buf_append_char(b, ',');
        put_chat_row(b, &o->chats[i], cache);
    }
    /* Dashboards have no accounts in this database: the old service had a collection for them. */
    buf_append_lit(b, "]},\"dashboard_users\":{\"count\":0,\"data\":[]}}");
}

static void put_statistics(struct buf *b, const struct totals *t)
{
    buf_append_lit(b, ",\"statistics\":{");
    json_out_member_i64(b, "total_widget_customers", t->customers);
    json_out_member_i64(b, "total_customer_chats", t->chats);
    json_out_member_i64(b, "total_messages", t->messages);
    json_out_member_i64(b, "total_dashboard_users", 0);
    json_out_member_i64(b, "customers_with_chats", t->customers_with_chats);
    json_out_member_i64(b, "customers_linked_to_dashboard", t->customers_with_owner);
    json_out_member_i64(b, "customers_not_linked", t->customers - t->customers_with_owner);
    buf_append_char(b, '}');
}

void view_overview(struct reading *r)
{
    struct store_reader *reader = r->reader;
    struct arena own; /* 200 rows are more than a request's arena holds */
    struct overview o = {0};
    struct totals t;
    arena_init(&own, 0);
    enum err e = reader->vtable->overview(reader, &own, &o);
    if (e == OK)
        e = reader->vtable->read_totals(reader, &t);
    if (e != OK) {
        view_fail(r->answer, e);
    } else {
        struct buf b;
        body_begin(&b, 64 * 1024);
        buf_append_lit(&b, "{\"database_name\":");
        json_out_string(&b, o.database_name);
        put_collections(&b, &o, &t, r->cache);
        put_statistics(&b, &t);
        buf_append_lit(&b, ",\"timestamp\":");
        render_time(&b, clock_wall_us());
        buf_append_char(&b, '}');
        view_give(r->cache, r->answer, body_end(&b), 0);
    }
    arena_fini(&own);
}
