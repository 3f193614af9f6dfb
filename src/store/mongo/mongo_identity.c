/* What a start learns of the database before it writes to it: the tag of its ids, the newest revision, and which chats
 * a crash left with messages that are not counted.
 * The tag that shows in message ids is the oldest message's, so that ids stay the same over restarts. A message whose
 * _id another node with the same tag took is stored under this process's own (mongo_insert.c). */
#include "mongo_identity.h"

#include "base/log.h"
#include "base/map.h"
#include "bson_map.h"
#include "mongo_counters.h"
#include "mongo_cursor.h"

#define CHATS_AT_ONCE 500
#define REV_MS        1000

/* --- chats that a crash left uncounted --- */

struct tail { /* chat_id → struct mongo_added of the chat's newest message, in the arena */
    struct arena a;
    struct map by_id;
};

static enum err tail_chat(struct tail *t, struct slice chat_id, struct mongo_added **out)
{
    *out = map_get(&t->by_id, chat_id);
    if (*out)
        return OK;
    struct mongo_added *chat = arena_zalloc(&t->a, sizeof(*chat));
    struct slice id = arena_slice(&t->a, chat_id);
    if (!chat || !id.ptr)
        return ERR_NOMEM;
    chat->chat_id = id;
    *out = chat;
    return map_put(&t->by_id, id, chat);
}

static enum err add_tail(struct tail *t, const bson_t *doc, struct arena *row)
{
    struct message m;
    struct mongo_added *chat;
    bson_iter_t fields;
    struct slice chat_id = bson_string(doc, "chat_id");
    if (chat_id.len == 0 || !bson_iter_init(&fields, doc))
        return OK;
    enum err e = tail_chat(t, chat_id, &chat);
    if (e != OK)
        return e;
    arena_reset(row);
    e = map_message(&fields, row, &m);
    chat->rev = m.rev > chat->rev ? m.rev : chat->rev;
    chat->timestamp_us = m.timestamp_us > chat->timestamp_us ? m.timestamp_us : chat->timestamp_us;
    chat->flags |= chat_flags_of_role(m.role);
    if (slice_eq(m.role, SLICE_LIT(ROLE_USER)) && m.rev > chat->opens_rev)
        chat->opens_rev = m.rev;
    return OK;
}

/* Ids begin with the second: all of the seconds that can hold an uncounted message. */
static enum err read_tail(const struct mongo_conn *conn, int64_t newest, struct tail *t)
{
    const uint8_t lowest[5] = {0};
    int64_t oldest = newest > MONGO_BEHIND_US ? newest - MONGO_BEHIND_US : 0;
    struct oid from = oid_from_rev(oldest / 1000000 * 1000000, lowest);
    bson_oid_t oldest_id;
    memcpy(oldest_id.bytes, from.bytes, OID_BYTES);
    bson_t *filter = BCON_NEW("_id", "{", "$gte", BCON_OID(&oldest_id), "}");
    struct mongo_find how = {.fields = "{\"chat_id\":1,\"role\":1,\"timestamp\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->messages, filter, &how);
    const bson_t *doc;
    struct arena row;
    arena_init(&row, 0);
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        e = add_tail(t, doc, &row);
    arena_fini(&row);
    return mongo_done(conn, "reading the newest messages", cursor, e);
}

/* Takes the tail's next chats. Those whose counters have their newest message get a rev of 0. One that this server never
 * closed stays as it is. */
static enum err compare(const struct mongo_conn *conn, const struct tail *t, size_t *pos, struct mongo_added **chats,
                        size_t *count)
{
    struct bson_array in;
    *count = 0;
    bson_in_begin(&in, "chat_id");
    while (*count < CHATS_AT_ONCE && (chats[*count] = map_next(&t->by_id, pos)) != NULL)
        put_text(&in.array, array_key(&in), chats[(*count)++]->chat_id);
    struct mongo_find how = {.fields = "{\"chat_id\":1,\"last_rev\":1,\"changed_rev\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->chats, bson_in_end(&in), &how);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct mongo_added *chat = map_get(&t->by_id, bson_string(doc, "chat_id"));
        if (chat && bson_number(doc, "last_rev") >= chat->rev)
            chat->rev = 0;
        if (chat && !bson_has_field(doc, "changed_rev"))
            chat->opens_rev = 0;
    }
    return mongo_done(conn, "reading the newest messages' chats", cursor, OK);
}

enum err mongo_recover_tail(struct mongo_counters *counters, const struct mongo_conn *conn, int64_t newest)
{
    struct mongo_added *chats[CHATS_AT_ONCE];
    struct tail t;
    size_t lagging = 0, pos = 0, count = CHATS_AT_ONCE;
    arena_init(&t.a, 0);
    map_init(&t.by_id);
    enum err e = newest > 0 ? read_tail(conn, newest, &t) : OK;
    while (e == OK && t.by_id.count > 0 && count == CHATS_AT_ONCE) {
        e = compare(conn, &t, &pos, chats, &count);
        for (size_t i = 0; e == OK && i < count; i++) {
            if (chats[i]->rev == 0)
                continue;
            mongo_counters_doubt(counters, chats[i]);
            lagging++;
        }
    }
    if (lagging > 0)
        log_info("counting chats of the newest messages", "chats=%zu", lagging);
    map_fini(&t.by_id);
    arena_fini(&t.a);
    return e;
}

/* --- tag and revision --- */

/* The first document of an order; takes the filter. max_ms: past it there is none; 0: it is found or this fails. */
static enum err edge(const struct mongo_conn *conn, mongoc_collection_t *in, bson_t *filter, const char *sort,
                     int64_t max_ms, bson_t **doc)
{
    struct mongo_find how = {.sort = sort, .fields = "{\"rev\":1}", .limit = 1, .max_ms = max_ms, .primary = true};
    enum { OUT_OF_TIME = 50 };
    bson_error_t error;
    mongoc_cursor_t *cursor = mongo_find(conn, in, filter, &how);
    const bson_t *found;
    *doc = mongoc_cursor_next(cursor, &found) ? bson_copy(found) : NULL;
    /* A large collection whose index on rev is not made yet: it has no revs yet, either. */
    if (mongoc_cursor_error(cursor, &error) && error.domain == MONGOC_ERROR_SERVER && error.code == OUT_OF_TIME) {
        mongoc_cursor_destroy(cursor);
        return OK;
    }
    return mongo_done(conn, "reading the newest revision", cursor, OK);
}

static enum err message_edge(const struct mongo_conn *conn, const char *sort, struct oid *id, bool *found)
{
    bson_t *doc;
    bson_t *filter = BCON_NEW("_id", "{", "$type", BCON_UTF8("objectId"), "}");
    enum err e = edge(conn, conn->messages, filter, sort, 0, &doc);
    *found = doc && bson_objectid(doc, "_id", id);
    bson_destroy(doc);
    return e;
}

enum err mongo_read_tag(const struct mongo_conn *conn, uint8_t tag[5])
{
    struct oid id;
    bool found;
    enum err e = message_edge(conn, "{\"_id\":1}", &id, &found);
    if (e == OK && found)
        memcpy(tag, id.bytes + 4, 5);
    return e;
}

enum err mongo_learn_tag(struct mongo_store *s)
{
    enum err e = s->tag_known ? OK : mongo_read_tag(&s->writer, s->tag);
    s->tag_known = e == OK;
    return e;
}

static enum err read_rev(const struct mongo_conn *conn, mongoc_collection_t *in, int64_t *max_rev)
{
    bson_t *newest;
    enum err e = edge(conn, in, BCON_NEW("rev", "{", "$gt", BCON_INT64(0), "}"), "{\"rev\":-1}", REV_MS, &newest);
    int64_t rev = newest ? bson_number(newest, "rev") : 0;
    if (rev > *max_rev)
        *max_rev = rev;
    bson_destroy(newest);
    return e;
}

enum err mongo_identity(struct store *st, int64_t *max_rev, uint8_t tag[5])
{
    struct mongo_store *s = mongo_of(st);
    struct oid newest;
    bool found = false;
    enum err e = mongo_learn_tag(s);
    if (e == OK)
        e = message_edge(&s->writer, "{\"_id\":-1}", &newest, &found);
    int64_t newest_rev = found ? oid_to_rev(&newest) : 0;
    *max_rev = newest_rev;
    if (e == OK)
        e = read_rev(&s->writer, s->writer.customers, max_rev);
    if (e == OK)
        e = read_rev(&s->writer, s->writer.chats, max_rev);
    if (e == OK)
        e = mongo_recover_tail(s->counters, &s->writer, newest_rev);
    s->max_rev = *max_rev;
    memcpy(tag, s->tag, sizeof(s->tag));
    return e;
}
