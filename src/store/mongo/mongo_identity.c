/* What a start learns of the database before it writes: the newest revision, the tag of its ids, and which chats a crash
 * left with messages that are not counted. */
#include "mongo_store.h"

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

#define CHATS_AT_ONCE 500
#define REV_MS        1000

/* --- what a crash left uncounted --- */

struct tail {
    struct arena *a;
    struct map by_id;
    struct mongo_touched *chats;
    size_t count, cap;
};

/* The entries move when the array grows, so the map holds their places, plus one. */
static enum err tail_entry(struct tail *t, struct slice chat_id, struct mongo_touched **out)
{
    uintptr_t place = (uintptr_t)map_get(&t->by_id, chat_id);
    if (place == 0) {
        if (!list_room(t->chats, t->count, t->cap, 64))
            return ERR_NOMEM;
        struct slice id = arena_slice(t->a, chat_id);
        if (!id.ptr || map_put(&t->by_id, id, (void *)(t->count + 1)) != OK)
            return ERR_NOMEM;
        t->chats[t->count] = (struct mongo_touched){.chat_id = id};
        place = ++t->count;
    }
    *out = &t->chats[place - 1];
    return OK;
}

static enum err add_tail(struct tail *t, const bson_t *doc, struct arena *row)
{
    struct message m;
    bson_iter_t fields;
    struct slice chat_id = mongo_chat_id(doc);
    if (chat_id.len == 0 || !bson_iter_init(&fields, doc))
        return OK;
    arena_reset(row);
    map_message(&fields, row, &m);
    struct mongo_touched *chat;
    enum err e = tail_entry(t, chat_id, &chat);
    if (e != OK)
        return e;
    chat->added++;
    chat->rev = m.rev > chat->rev ? m.rev : chat->rev;
    chat->timestamp_us = m.timestamp_us > chat->timestamp_us ? m.timestamp_us : chat->timestamp_us;
    chat->flags |= chat_flags_of_role(m.role);
    return OK;
}

/* Ids begin with the second: all of the seconds that can hold an uncounted message. */
static enum err read_tail(struct mongo_store *s, const struct mongo_conn *conn, int64_t newest, struct tail *t)
{
    const uint8_t lowest[5] = {0};
    int64_t oldest = newest > MONGO_BEHIND_US ? newest - MONGO_BEHIND_US : 0;
    struct oid from = oid_from_rev(oldest / 1000000 * 1000000, lowest);
    bson_t range;
    bson_t *filter = bson_new();
    bson_append_document_begin(filter, "_id", -1, &range);
    put_oid(&range, "$gte", &from);
    bson_append_document_end(filter, &range);
    struct mongo_find how = {.fields = "{\"chat_id\":1,\"role\":1,\"timestamp\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->messages, filter, &how);
    const bson_t *doc;
    struct arena row;
    arena_init(&row, 0);
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        e = add_tail(t, doc, &row);
    arena_fini(&row);
    enum err end = mongo_done(s, conn, "reading the newest messages", cursor);
    return e != OK ? e : end;
}

/* Of these, at the front, those whose counters lag behind their newest message. */
static enum err keep_lagging(struct mongo_store *s, const struct mongo_conn *conn, struct mongo_touched *chats,
                             size_t *count)
{
    struct map by_id;
    map_init(&by_id);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < *count; i++)
        e = map_put(&by_id, chats[i].chat_id, &chats[i]);
    struct mongo_find how = {.fields = "{\"chat_id\":1,\"last_rev\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->chats, mongo_touched_filter(chats, *count), &how);
    const bson_t *doc;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        bson_iter_t it;
        struct mongo_touched *chat = map_get(&by_id, mongo_chat_id(doc));
        if (chat && bson_iter_init_find(&it, doc, "last_rev") && bson_integer(&it) >= chat->rev)
            chat->added = 0;
    }
    map_fini(&by_id);
    enum err end = mongo_done(s, conn, "reading the newest messages' chats", cursor);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (chats[i].added > 0)
            chats[kept++] = chats[i];
    *count = kept;
    return e != OK ? e : end;
}

enum err mongo_recover_tail(struct mongo_store *s, const struct mongo_conn *conn, int64_t newest)
{
    struct arena a;
    arena_init(&a, 0);
    struct tail t = {.a = &a};
    map_init(&t.by_id);
    enum err e = newest > 0 ? read_tail(s, conn, newest, &t) : OK;
    size_t lagging = 0;
    for (size_t at = 0; e == OK && at < t.count; at += CHATS_AT_ONCE) {
        size_t n = t.count - at < CHATS_AT_ONCE ? t.count - at : CHATS_AT_ONCE;
        e = keep_lagging(s, conn, t.chats + at, &n);
        for (size_t i = 0; e == OK && i < n; i++) {
            const struct mongo_touched *c = &t.chats[at + i];
            mongo_counters_doubt(s, &(struct mongo_added){c->chat_id, c->rev, c->timestamp_us, c->flags, NULL});
        }
        lagging += e == OK ? n : 0;
    }
    if (lagging > 0)
        log_info("counting chats of the newest messages", "chats=%zu", lagging);
    map_fini(&t.by_id);
    free(t.chats);
    arena_fini(&a);
    return e;
}

/* --- tag and revision --- */

/* The first document of an order; takes the filter. max_ms: past it there is none; 0: it is found or this fails. */
static enum err edge(struct mongo_store *s, mongoc_collection_t *in, bson_t *filter, const char *sort, int64_t max_ms,
                     bson_t **doc)
{
    struct mongo_find how = {.sort = sort, .fields = "{\"rev\":1}", .limit = 1, .max_ms = max_ms, .primary = true};
    bson_error_t error;
    mongoc_cursor_t *cursor = mongo_find(&s->writer, in, filter, &how);
    const bson_t *found;
    *doc = mongoc_cursor_next(cursor, &found) ? bson_copy(found) : NULL;
    /* Out of time: a large collection whose index on rev is not made yet, so one that has no revs. */
    if (mongoc_cursor_error(cursor, &error) && error.domain == MONGOC_ERROR_SERVER && error.code == 50) {
        mongoc_cursor_destroy(cursor);
        return OK;
    }
    return mongo_done(s, &s->writer, "reading the newest revision", cursor);
}

static bool oid_of(const bson_t *doc, struct oid *out)
{
    bson_iter_t it;
    if (!doc || !bson_iter_init_find(&it, doc, "_id") || !BSON_ITER_HOLDS_OID(&it))
        return false;
    memcpy(out->bytes, bson_iter_oid(&it)->bytes, OID_BYTES);
    return true;
}

static enum err message_edge(struct mongo_store *s, const char *sort, struct oid *id, bool *found)
{
    bson_t *doc;
    bson_t *filter = BCON_NEW("_id", "{", "$type", BCON_UTF8("objectId"), "}");
    enum err e = edge(s, s->writer.messages, filter, sort, 0, &doc);
    *found = oid_of(doc, id);
    bson_destroy(doc);
    return e;
}

/* The tag that shows in message ids is the oldest message's, so that ids stay the same over restarts. A message
 * whose _id another node with the same tag took is stored under this process's own (mongo_insert.c). */
enum err mongo_learn_tag(struct mongo_store *s)
{
    struct oid id;
    bool found;
    if (s->tag_known)
        return OK;
    enum err e = message_edge(s, "{\"_id\":1}", &id, &found);
    if (e == OK && found)
        memcpy(s->tag, id.bytes + 4, sizeof(s->tag));
    s->tag_known = e == OK;
    return e;
}

static enum err read_rev(struct mongo_store *s, mongoc_collection_t *in, int64_t *max_rev)
{
    bson_t *newest;
    enum err e = edge(s, in, BCON_NEW("rev", "{", "$gt", BCON_INT64(0), "}"), "{\"rev\":-1}", REV_MS, &newest);
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
        e = message_edge(s, "{\"_id\":-1}", &newest, &found);
    int64_t newest_rev = found ? oid_to_rev(&newest) : 0;
    *max_rev = newest_rev;
    if (e == OK)
        e = read_rev(s, s->writer.customers, max_rev);
    if (e == OK)
        e = read_rev(s, s->writer.chats, max_rev);
    if (e == OK)
        e = mongo_recover_tail(s, &s->writer, newest_rev);
    s->max_rev = *max_rev;
    memcpy(tag, s->tag, sizeof(s->tag));
    return e;
}
