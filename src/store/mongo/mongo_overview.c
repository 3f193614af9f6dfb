/* The overview: the first 100 customers and chats, and of each chat its count, first and last message, by four
 * queries whatever the sizes: the server cuts the embedded arrays. "First" is by _id, whose ObjectIds begin with
 * their second of creation. */
#include "bson_map.h"
#include "mongo_counters.h"
#include "mongo_cursor.h"
#include "mongo_store.h"

#include "base/map.h"

#define ROWS 100

struct overview_query {
    const struct mongo_conn *conn;
    struct arena *a;
    struct overview *out;
    struct map by_chat; /* chat_id → struct overview_chat */
};

static enum err read_customers(struct overview_query *v)
{
    struct mongo_find how = {.sort = "{\"_id\":1}", .limit = ROWS};
    mongoc_cursor_t *cursor = mongo_find(v->conn, v->conn->customers, bson_new(), &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && v->out->customer_count < ROWS && mongoc_cursor_next(cursor, &doc))
        e = map_customer(doc, v->a, &v->out->customers[v->out->customer_count++]);
    return mongo_done(v->conn, "overview of customers", cursor, e);
}

/* A message that outlives its document. */
static enum err keep_message(bson_iter_t *fields, struct arena *a, struct message *out)
{
    enum err e = map_message(fields, a, out);
    out->role = arena_slice(a, out->role);
    out->text = arena_slice(a, out->text);
    out->agent_id = arena_slice(a, out->agent_id);
    out->agent_name = arena_slice(a, out->agent_name);
    bool kept = out->role.ptr && out->text.ptr && out->agent_id.ptr && out->agent_name.ptr;
    return e == OK && !kept ? ERR_NOMEM : e;
}

static enum err keep_embedded(const bson_t *doc, const char *key, struct arena *a, bool *has, struct message *out)
{
    bson_iter_t it, fields;
    if (!bson_iter_init_find(&it, doc, key) || !BSON_ITER_HOLDS_DOCUMENT(&it) || !bson_iter_recurse(&it, &fields))
        return OK;
    *has = true;
    enum err e = keep_message(&fields, a, out);
    out->legacy = true;
    return e;
}

static enum err take_row(struct overview_query *v, const bson_t *doc)
{
    struct overview_chat *row = &v->out->chats[v->out->chat_count++];
    bson_iter_t it;
    enum err e = map_chat(doc, v->a, &row->chat);
    if (e == OK && bson_iter_init_find(&it, doc, "_id"))
        e = bson_text(&it, v->a, &row->row_id);
    row->messages = bson_number(doc, "embedded");
    if (e == OK)
        e = keep_embedded(doc, "first", v->a, &row->has_first, &row->first);
    if (e == OK)
        e = keep_embedded(doc, "last", v->a, &row->has_last, &row->last);
    row->first.rev = row->has_first;
    row->last.rev = row->has_last ? row->messages : 0;
    return e == OK ? map_put(&v->by_chat, row->chat.chat_id, row) : e;
}

static enum err read_rows(struct overview_query *v)
{
    static const char stages[] =
        "[{\"$sort\":{\"_id\":1}},{\"$limit\":100},"
        "{\"$addFields\":{\"embedded\":{\"$cond\":[{\"$isArray\":\"$messages\"},{\"$size\":\"$messages\"},0]},"
        "\"first\":{\"$cond\":[{\"$isArray\":\"$messages\"},{\"$arrayElemAt\":[\"$messages\",0]},null]},"
        "\"last\":{\"$cond\":[{\"$isArray\":\"$messages\"},{\"$arrayElemAt\":[\"$messages\",-1]},null]}}},"
        "{\"$project\":{\"messages\":0}}]";
    mongoc_cursor_t *cursor = mongo_aggregate(v->conn, v->conn->chats, NULL, stages, 0, false);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && v->out->chat_count < ROWS && mongoc_cursor_next(cursor, &doc))
        e = take_row(v, doc);
    return mongo_done(v->conn, "overview of chats", cursor, e);
}

/* --- the messages of customer-messages: count and the two ends, by the index alone; then the two documents --- */

static struct overview_chat *row_of(struct overview_query *v, const bson_t *doc, const char *key)
{
    bson_iter_t it;
    char room[BSON_ROOM];
    return bson_iter_init_find(&it, doc, key) ? map_get(&v->by_chat, bson_scalar(&it, room)) : NULL;
}

static void want(struct bson_array *ids, const bson_t *group, const char *key)
{
    bson_iter_t it;
    if (bson_iter_init_find(&it, group, key))
        bson_append_iter(&ids->array, array_key(ids), -1, &it);
}

/* Counts each chat's messages and lists the ids of those to read. */
static enum err read_ends(struct overview_query *v, struct bson_array *ids)
{
    static const char stages[] = "[{\"$group\":{\"_id\":\"$chat_id\",\"n\":{\"$sum\":1},"
                                 "\"first\":{\"$min\":\"$_id\"},\"last\":{\"$max\":\"$_id\"}}}]";
    struct bson_array in;
    bson_in_begin(&in, "chat_id");
    for (size_t i = 0; i < v->out->chat_count; i++)
        put_text(&in.array, array_key(&in), v->out->chats[i].chat.chat_id);
    mongoc_cursor_t *cursor = mongo_aggregate(v->conn, v->conn->messages, bson_in_end(&in), stages, 0, false);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct overview_chat *row = row_of(v, doc, "_id");
        if (!row)
            continue;
        row->messages += bson_number(doc, "n");
        if (!row->has_first)
            want(ids, doc, "first");
        want(ids, doc, "last");
    }
    return mongo_done(v->conn, "overview of messages", cursor, OK);
}

static enum err take_end(struct overview_query *v, const bson_t *doc)
{
    bson_iter_t fields;
    struct message m;
    struct overview_chat *row = row_of(v, doc, "chat_id");
    if (!row || !bson_iter_init(&fields, doc))
        return OK;
    enum err e = keep_message(&fields, v->a, &m);
    if (e != OK)
        return e;
    if (!row->has_first || (!row->first.legacy && m.rev < row->first.rev)) {
        row->first = m;
        row->has_first = true;
    }
    if (!row->has_last || row->last.legacy || m.rev > row->last.rev) {
        row->last = m;
        row->has_last = true;
    }
    return OK;
}

static enum err read_messages(struct overview_query *v)
{
    struct bson_array ids;
    bson_in_begin(&ids, "_id");
    enum err e = read_ends(v, &ids);
    bson_t *filter = bson_in_end(&ids);
    if (e != OK || ids.count == 0) {
        bson_destroy(filter);
        return e;
    }
    mongoc_cursor_t *cursor = mongo_find(v->conn, v->conn->messages, filter, &(struct mongo_find){0});
    const bson_t *doc;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        e = take_end(v, doc);
    return mongo_done(v->conn, "overview of first and last messages", cursor, e);
}

enum err mongo_overview(struct store_reader *reader, struct arena *a, struct overview *out)
{
    struct overview_query v = {.conn = &mongo_reader_of(reader)->conn, .a = a, .out = out};
    *out = (struct overview){.database_name = slice_cstr(v.conn->database)};
    out->customers = arena_zalloc(a, ROWS * sizeof(*out->customers));
    out->chats = arena_zalloc(a, ROWS * sizeof(*out->chats));
    map_init(&v.by_chat);
    mongo_counters_settle_or_not(mongo_of(reader->store)->counters);
    enum err e = out->customers && out->chats ? OK : ERR_NOMEM;
    if (e == OK)
        e = read_customers(&v);
    if (e == OK)
        e = read_rows(&v);
    if (e == OK && out->chat_count > 0)
        e = read_messages(&v);
    for (size_t i = 0; e == OK && i < out->chat_count; i++)
        out->chats[i].chat.total_messages = out->chats[i].messages;
    map_fini(&v.by_chat);
    return e;
}
