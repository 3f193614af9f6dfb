/* Counters that are in doubt are counted. When: a guarded update did not find every chat below its revision, because
 * this is a repeat whose first answer was lost, because another node was faster, or because the chat is of the old
 * layout and has no guard yet; and at start, where a crash may have left messages uncounted. What was read guards what
 * is written: a chat that moved meanwhile is counted once more. Several nodes: one that crashes while another goes on
 * may leave counters short, since the next start looks back from the newest message of all. */
#include "mongo_store.h"

#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

#define CHATS_AT_ONCE 500
#define TRIES         3 /* where another node moves the same chats */

struct recount {
    const struct mongo_touched *touched;
    bson_t *filter; /* {_id, last_rev} as read; NULL: the chat is gone */
    int64_t last_rev;
    int64_t embedded;
    uint8_t flags;
};

bson_t *mongo_touched_filter(const struct mongo_touched *chats, size_t count)
{
    bson_t in, array;
    bson_t *filter = bson_new();
    bson_append_document_begin(filter, "chat_id", -1, &in);
    bson_append_array_begin(&in, "$in", -1, &array);
    for (size_t i = 0; i < count; i++) {
        char digits[16];
        const char *key;
        bson_uint32_to_string((uint32_t)i, &key, digits, sizeof(digits));
        put_text(&array, key, chats[i].chat_id);
    }
    bson_append_array_end(&in, &array);
    bson_append_document_end(filter, &in);
    return filter;
}

struct slice mongo_chat_id(const bson_t *doc)
{
    bson_iter_t it;
    uint32_t len;
    if (!bson_iter_init_find(&it, doc, "chat_id") || !BSON_ITER_HOLDS_UTF8(&it))
        return (struct slice){0};
    const char *s = bson_iter_utf8(&it, &len);
    return slice_of(s, len);
}

static enum err take_chat(const bson_t *doc, const struct map *by_id, struct arena *a)
{
    bson_iter_t it;
    struct chat chat;
    struct recount *r = map_get(by_id, mongo_chat_id(doc));
    if (!r || r->filter || !bson_iter_init_find(&it, doc, "_id"))
        return OK;
    enum err e = map_chat(doc, a, &chat);
    if (e != OK)
        return e;
    r->filter = bson_new();
    bson_append_iter(r->filter, "_id", -1, &it);
    if (bson_iter_init_find(&it, doc, "last_rev")) {
        bson_append_iter(r->filter, "last_rev", -1, &it);
        r->last_rev = bson_integer(&it);
    } else {
        BSON_APPEND_NULL(r->filter, "last_rev"); /* matches a missing field */
    }
    r->embedded = embedded_sum(doc).count;
    r->flags = chat.flags;
    return OK;
}

static enum err read_chats(struct mongo_store *s, const struct mongo_conn *conn, const struct mongo_touched *chats,
                           struct recount *recounts, size_t count, struct arena *a)
{
    struct map by_id;
    map_init(&by_id);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++) {
        recounts[i].touched = &chats[i];
        e = map_put(&by_id, chats[i].chat_id, &recounts[i]);
    }
    if (e != OK) {
        map_fini(&by_id);
        return e;
    }
    struct mongo_find how = {.sort = "{\"_id\":1}", .fields = MONGO_CHAT_FIELDS, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->chats, mongo_touched_filter(chats, count), &how);
    const bson_t *doc;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        e = take_chat(doc, &by_id, a);
    map_fini(&by_id);
    enum err end = mongo_done(s, conn, "reading chats to recount", cursor);
    return e != OK ? e : end;
}

static bson_t *counted_change(const struct recount *r, const struct mongo_count *c)
{
    const struct mongo_touched *t = r->touched;
    uint8_t flags = r->flags | t->flags;
    int64_t last_rev = c->newest > r->last_rev ? c->newest : r->last_rev;
    last_rev = t->rev > last_rev ? t->rev : last_rev; /* ids of several nodes do not sort by rev within a second */
    bson_t part;
    bson_t *change = bson_new();
    bson_append_document_begin(change, "$set", -1, &part);
    BSON_APPEND_INT64(&part, "total_messages", r->embedded + c->count);
    BSON_APPEND_INT64(&part, "last_rev", last_rev);
    BSON_APPEND_BOOL(&part, "has_agent", flags & CHAT_HAS_AGENT);
    BSON_APPEND_BOOL(&part, "has_assistant", flags & CHAT_HAS_ASSISTANT);
    bson_append_document_end(change, &part);
    bson_append_document_begin(change, "$max", -1, &part);
    BSON_APPEND_INT64(&part, "rev", t->rev);
    put_time(&part, "last_activity", t->timestamp_us);
    put_time(&part, "updated_at", t->timestamp_us);
    bson_append_document_end(change, &part);
    return change;
}

/* *all: no chat moved meanwhile. */
static enum err write_counts(struct mongo_store *s, const struct mongo_conn *conn, const struct recount *recounts,
                             const struct mongo_count *counts, size_t count, bool *all)
{
    bson_error_t error;
    bson_t reply;
    mongoc_bulk_operation_t *bulk = mongo_unordered(conn->chats);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!recounts[i].filter)
            continue;
        bson_t *change = counted_change(&recounts[i], &counts[i]);
        must(mongoc_bulk_operation_update_one_with_opts(bulk, recounts[i].filter, change, NULL, &error));
        bson_destroy(change);
        n++;
    }
    enum err e = OK;
    *all = true;
    if (n > 0) {
        bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0;
        *all = !ok || mongo_all_matched(&reply, n);
        if (!ok && mongo_only_documents(&reply, &error) &&
            !mongo_may_pass(&reply)) /* it always will: the rest goes on */
            log_warn("a chat's counters cannot be written", "error=\"%s\"", error.message);
        else if (!ok)
            e = mongo_failed(s, conn, "writing counters", &error);
        bson_destroy(&reply);
    }
    mongoc_bulk_operation_destroy(bulk);
    return e;
}

static enum err recount_once(struct mongo_store *s, const struct mongo_conn *conn, const struct mongo_touched *chats,
                             size_t count, struct arena *a, bool *all)
{
    struct recount recounts[CHATS_AT_ONCE] = {0};
    struct mongo_count counts[CHATS_AT_ONCE];
    enum err e = read_chats(s, conn, chats, recounts, count, a);
    for (size_t i = 0; i < count; i++)
        counts[i] = (struct mongo_count){.chat_id = chats[i].chat_id, .has_embedded = recounts[i].embedded > 0};
    if (e == OK)
        e = mongo_count_messages(s, conn, counts, count);
    if (e == OK)
        e = write_counts(s, conn, recounts, counts, count, all);
    for (size_t i = 0; i < count; i++)
        bson_destroy(recounts[i].filter);
    return e;
}

static enum err recount_some(struct mongo_store *s, const struct mongo_conn *conn, const struct mongo_touched *chats,
                             size_t count, struct arena *a)
{
    bool all = false;
    enum err e = OK;
    for (int i = 0; e == OK && !all && i < TRIES; i++)
        e = recount_once(s, conn, chats, count, a, &all);
    return e;
}

enum err mongo_recount(struct mongo_store *s, const struct mongo_conn *conn, const struct mongo_touched *chats,
                       size_t count, struct arena *a)
{
    enum err e = OK;
    for (size_t at = 0; e == OK && at < count; at += CHATS_AT_ONCE) {
        size_t n = count - at < CHATS_AT_ONCE ? count - at : CHATS_AT_ONCE;
        e = recount_some(s, conn, chats + at, n, a);
    }
    return e;
}
