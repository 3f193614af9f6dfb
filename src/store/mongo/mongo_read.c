/* Single rows, and one customer whole. A customer's history is, chat by chat: the messages embedded in the chat's
 * document (the old layout), in their order; then those of customer-messages by _id. Embedded ones have no revision:
 * they get 1, 2, 3, …, which is below every real one. */
#include "mongo_counters.h"
#include "mongo_cursor.h"
#include "mongo_query.h"
#include "mongo_store.h"

#include "base/list.h"
#include "base/map.h"
#include "store/ident.h"

#include <stdlib.h>

enum err mongo_read_chat(struct store_reader *reader, struct slice chat_id, struct arena *a, struct chat *out)
{
    return mongo_chat_now(&mongo_reader_of(reader)->conn, mongo_of(reader->store)->counters, chat_id, a, out);
}

/* --- load_customer --- */

struct chat_row {
    struct chat chat;
    bson_t *id; /* {_id}: as stored */
    size_t at;  /* place in the answer, for a stable order */
    int64_t embedded_count;
    bool embedded; /* in this document or, at the head of a chain, in one of it */
    /* Documents with the same chat_id are one chat to the outside: the oldest heads the chain of the others. */
    bool repeated;
    struct chat_row *next, *last;
};

/* An _id orders by second, then tag, then microsecond: where nodes with different tags wrote in one second, the
 * microseconds decide. So the documents of a second are held until it is over. */
struct second {
    bson_t **docs;
    size_t count, cap;
    uint32_t time;
};

struct load {
    const struct mongo_conn *conn;
    const struct load_sink *sink;
    struct arena *a;   /* rows */
    struct arena text; /* one message */
    struct customer customer;
    struct chat_row *rows;
    size_t count, cap;
    int64_t place; /* of the last message emitted in this chat */
    struct second second;
};

static enum err add_row(struct load *l, const bson_t *doc)
{
    if (!list_room(l->rows, l->count, l->cap, 16))
        return ERR_NOMEM;
    struct chat_row row = {.at = l->count};
    enum err e = map_chat(doc, l->a, &row.chat);
    if (e != OK)
        return e;
    row.embedded_count = embedded_sum(doc).count;
    row.embedded = row.embedded_count > 0;
    row.chat.customer_id = l->customer.id; /* one form of it, whichever the document has */
    row.id = bson_new();
    put_same(row.id, doc, "_id");
    l->rows[l->count++] = row;
    return OK;
}

static int by_creation(const void *a, const void *b)
{
    const struct chat_row *x = a, *y = b;
    if (x->chat.created_us != y->chat.created_us)
        return x->chat.created_us < y->chat.created_us ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static enum err read_rows(struct load *l)
{
    bson_t *filter = bson_in("user_id", &l->customer.id, 1);
    struct mongo_find how = {.sort = "{\"_id\":1}", .fields = MONGO_CHAT_FIELDS, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(l->conn, l->conn->chats, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        e = add_row(l, doc);
    if (l->count > 1)
        qsort(l->rows, l->count, sizeof(*l->rows), by_creation);
    return mongo_done(l->conn, "reading a customer's chats", cursor, e);
}

static enum err link_rows(struct load *l)
{
    struct map first;
    map_init(&first);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < l->count; i++) {
        struct chat_row *row = &l->rows[i];
        struct chat_row *head = map_get(&first, row->chat.chat_id);
        row->last = row;
        if (!head) {
            e = map_put(&first, row->chat.chat_id, row);
            continue;
        }
        row->repeated = true;
        head->last->next = row;
        head->last = row;
        head->embedded |= row->embedded;
    }
    map_fini(&first);
    return e;
}

/* What a document says of its chat; but the status is that of the chain's head. */
static void add_row_to_chat(const struct chat_row *row, struct chat *chat)
{
    const uint8_t status = CHAT_CLOSED;
    chat->total_messages += row->embedded_count;
    chat->flags |= row->chat.flags & (uint8_t)~status;
    if (row->chat.agents_read > chat->agents_read)
        chat->agents_read = row->chat.agents_read;
    if (row->chat.customer_read > chat->customer_read)
        chat->customer_read = row->chat.customer_read;
}

/* Totals are counted, not believed: a chat of the old layout may have none, or a wrong one. */
static enum err count_rows(struct load *l)
{
    struct mongo_count *counts = arena_zalloc(l->a, (l->count + 1) * sizeof(*counts)), *c = counts;
    if (!counts)
        return ERR_NOMEM;
    for (size_t i = 0; i < l->count; i++)
        if (!l->rows[i].repeated)
            *c++ = (struct mongo_count){.chat_id = l->rows[i].chat.chat_id, .has_embedded = l->rows[i].embedded};
    enum err e = mongo_count_messages(l->conn, counts, (size_t)(c - counts));
    c = counts;
    for (size_t i = 0; e == OK && i < l->count; i++) {
        struct chat *chat = &l->rows[i].chat;
        if (l->rows[i].repeated)
            continue;
        chat->total_messages = c->count;
        c++;
        for (const struct chat_row *row = &l->rows[i]; row; row = row->next)
            add_row_to_chat(row, chat);
        if (chat->last_activity_us > l->customer.activity_us)
            l->customer.activity_us = chat->last_activity_us;
        l->customer.chat_count++;
    }
    return e;
}

static enum err emit_embedded(struct load *l, const struct chat_row *row)
{
    struct mongo_find how = {.fields = "{\"messages\":1}", .limit = 1, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(l->conn, l->conn->chats, bson_copy(row->id), &how);
    const bson_t *doc;
    enum err e = OK;
    struct embedded array = {0};
    bson_iter_t element, fields;
    if (mongoc_cursor_next(cursor, &doc))
        array = embedded_open(doc);
    while (e == OK && embedded_next(&array, &element)) {
        struct message m;
        if (!bson_iter_recurse(&element, &fields))
            continue;
        arena_reset(&l->text);
        e = map_message(&fields, &l->text, &m);
        m.legacy = true;
        m.rev = ++l->place;
        if (e == OK)
            e = l->sink->message(l->sink->arg, &m);
    }
    return mongo_done(l->conn, "reading embedded messages", cursor, e);
}

static enum err emit_message(struct load *l, const bson_t *doc)
{
    struct message m;
    bson_iter_t fields;
    if (!bson_iter_init(&fields, doc))
        return OK;
    arena_reset(&l->text);
    enum err e = map_message(&fields, &l->text, &m);
    if (m.timestamp_us == 0 && !bson_has_field(doc, "legacy_index"))
        m.timestamp_us = m.rev;
    if (m.rev <= l->place) /* an id of another program's making ends with a counter, not with microseconds */
        m.rev = l->place + 1;
    l->place = m.rev;
    return e == OK ? l->sink->message(l->sink->arg, &m) : e;
}

static const bson_oid_t *oid_in(const bson_t *doc)
{
    bson_iter_t it;
    return bson_iter_init_find(&it, doc, "_id") && BSON_ITER_HOLDS_OID(&it) ? bson_iter_oid(&it) : NULL;
}

static int by_microsecond(const void *a, const void *b)
{
    const bson_oid_t *x = oid_in(*(bson_t *const *)a), *y = oid_in(*(bson_t *const *)b);
    int order = memcmp(x->bytes + 9, y->bytes + 9, 3);
    return order ? order : memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

/* Emits what is held; after a failure only destroys it. */
static enum err second_over(struct load *l, enum err e)
{
    struct second *s = &l->second;
    if (s->count > 1 && memcmp(oid_in(s->docs[0])->bytes + 4, oid_in(s->docs[s->count - 1])->bytes + 4, 5) != 0)
        qsort(s->docs, s->count, sizeof(bson_t *), by_microsecond);
    for (size_t i = 0; i < s->count; i++) {
        if (e == OK)
            e = emit_message(l, s->docs[i]);
        bson_destroy(s->docs[i]);
    }
    s->count = 0;
    return e;
}

static enum err hold(struct load *l, const bson_t *doc)
{
    struct second *s = &l->second;
    const bson_oid_t *id = oid_in(doc);
    uint32_t time = id ? (uint32_t)bson_oid_get_time_t(id) : 0;
    enum err e = !id || time != s->time ? second_over(l, OK) : OK;
    if (e != OK || !id) /* no ObjectId: another program's, and shown where the order of _id has it */
        return e == OK ? emit_message(l, doc) : e;
    if (!list_room(s->docs, s->count, s->cap, 16))
        return ERR_NOMEM;
    s->time = time;
    s->docs[s->count++] = bson_copy(doc);
    return OK;
}

static enum err emit_stored(struct load *l, const struct chat_row *row)
{
    bson_t *filter = bson_is("chat_id", row->chat.chat_id);
    struct mongo_find how = {.sort = "{\"_id\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(l->conn, l->conn->messages, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        if (!row->embedded || !bson_has_field(doc, "legacy_index")) /* a copy beside its original */
            e = hold(l, doc);
    return second_over(l, mongo_done(l->conn, "reading messages", cursor, e));
}

static enum err emit_chat(struct load *l, const struct chat_row *head)
{
    l->place = 0;
    enum err e = l->sink->chat(l->sink->arg, &head->chat);
    for (const struct chat_row *row = head; e == OK && row; row = row->next)
        if (row->embedded_count > 0)
            e = emit_embedded(l, row);
    return e == OK ? emit_stored(l, head) : e;
}

enum err mongo_load_customer(struct store_reader *reader, struct slice ident, const struct load_sink *sink)
{
    struct mongo_reader *r = mongo_reader_of(reader);
    struct load l = {.conn = &r->conn, .sink = sink, .a = &r->scratch};
    arena_reset(&r->scratch);
    arena_init(&l.text, 0);
    enum err e = mongo_counters_settle(mongo_of(reader->store)->counters);
    if (e == OK)
        e = ident_read(reader, ident, l.a, &l.customer);
    if (e == OK)
        e = read_rows(&l);
    if (e == OK)
        e = link_rows(&l);
    if (e == OK)
        e = count_rows(&l);
    if (e == OK)
        e = sink->customer(sink->arg, &l.customer);
    for (size_t i = 0; e == OK && i < l.count; i++)
        if (!l.rows[i].repeated)
            e = emit_chat(&l, &l.rows[i]);
    for (size_t i = 0; i < l.count; i++)
        bson_destroy(l.rows[i].id);
    free(l.rows);
    free(l.second.docs);
    arena_fini(&l.text);
    return e;
}
