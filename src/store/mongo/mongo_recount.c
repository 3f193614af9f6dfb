/* The two ways to bring chats' counters up to date.
 * Adding: one guarded update a chat ({last_rev < the first message added}). It does not find a chat below its guard
 *   because this is a repeat whose first answer was lost, because another node was faster, or because the chat is of
 *   the old layout and has no guard yet. Those are counted, as are chats of which a start found messages that a crash
 *   may have left uncounted.
 * Counting: read the chats → count their messages → write the counters, each update guarded by what was read of its
 *   chat.
 * Failure: a chat that moved meanwhile is counted again, a few times. What the database will never write for one chat
 *   is said in the log, and the others go on.
 * Several nodes: one that crashes while another goes on may leave counters short, since the next start looks back from
 *   the newest message of all. */
#include "mongo_recount.h"

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "mongo_cursor.h"
#include "mongo_error.h"
#include "mongo_query.h"

#define TRIES 3 /* where another node moves the same chats */

/* --- adding --- */

static void add_update(mongoc_bulk_operation_t *bulk, const struct mongo_touched *t)
{
    int64_t time_ms = t->timestamp_us / 1000;
    bson_t filter = BSON_INITIALIZER;
    put_text(&filter, "chat_id", t->chat_id);
    BCON_APPEND(&filter, "last_rev", "{", "$lt", BCON_INT64(t->first_rev), "}");
    bson_t *change = BCON_NEW("$inc", "{", "total_messages", BCON_INT64(t->added), "}", "$max", "{", "rev",
                              BCON_INT64(t->rev), "last_rev", BCON_INT64(t->rev), "last_activity",
                              BCON_DATE_TIME(time_ms), "updated_at", BCON_DATE_TIME(time_ms), "}");
    if (t->flags & (CHAT_HAS_AGENT | CHAT_HAS_ASSISTANT)) {
        bson_t set;
        bson_append_document_begin(change, "$set", -1, &set);
        put_flags(&set, t->flags);
        bson_append_document_end(change, &set);
    }
    bson_error_t error;
    must(mongoc_bulk_operation_update_one_with_opts(bulk, &filter, change, NULL, &error)); /* built right above */
    bson_destroy(&filter);
    bson_destroy(change);
}

enum err mongo_add_counts(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count, bool *settled)
{
    bson_error_t error;
    bson_t reply;
    mongoc_bulk_operation_t *bulk = mongo_unordered(conn->chats);
    for (size_t i = 0; i < count; i++)
        add_update(bulk, &chats[i]);
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0;
    *settled = ok && mongo_all_matched(&reply, count);
    enum err e = OK;
    /* A refusal of one document's, or of the command for one's sake: mongo_recount() sets it right, chat by chat. */
    if (!ok && !mongo_only_documents(&reply, &error) && mongo_sort(&error) == ERR_STORE)
        e = mongo_failed(conn, "updating chats", &error);
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    metrics_add(M_STORE_WRITE_CHAT, count);
    return e;
}

/* --- counting --- */

struct recount {
    const struct mongo_touched *touched;
    bson_t *filter; /* {_id, last_rev, changed_rev} as read; NULL: the chat is gone */
    int64_t last_rev, row_rev;
    int64_t embedded;
    uint8_t flags;
};

static void put_as_read(bson_t *filter, const bson_t *doc, const char *key)
{
    if (bson_has_field(doc, key))
        put_same(filter, doc, key);
    else
        bson_append_null(filter, key, -1); /* matches a missing field */
}

static enum err take_chat(const bson_t *doc, const struct map *by_id, struct arena *row)
{
    struct chat chat;
    struct recount *r = map_get(by_id, bson_string(doc, "chat_id"));
    if (!r || r->filter) /* several documents with one chat_id: the oldest has the counters */
        return OK;
    arena_reset(row);
    enum err e = map_chat(doc, row, &chat);
    if (e != OK)
        return e;
    r->filter = bson_new();
    put_same(r->filter, doc, "_id");
    put_as_read(r->filter, doc, "last_rev");
    put_as_read(r->filter, doc, "changed_rev");
    r->last_rev = bson_number(doc, "last_rev");
    r->row_rev = chat.rev;
    r->embedded = embedded_sum(doc).count;
    r->flags = chat.flags;
    return OK;
}

static enum err find_chats(const struct mongo_conn *conn, const struct map *by_id, const struct mongo_touched *chats,
                           size_t count)
{
    struct bson_array in;
    bson_in_begin(&in, "chat_id");
    for (size_t i = 0; i < count; i++)
        put_text(&in.array, array_key(&in), chats[i].chat_id);
    struct mongo_find how = {.sort = "{\"_id\":1}", .fields = MONGO_CHAT_FIELDS, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->chats, bson_in_end(&in), &how);
    const bson_t *doc;
    struct arena row;
    arena_init(&row, 0);
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc))
        e = take_chat(doc, by_id, &row);
    arena_fini(&row);
    return mongo_done(conn, "reading chats to recount", cursor, e);
}

static enum err read_chats(const struct mongo_conn *conn, const struct mongo_touched *chats, struct recount *recounts,
                           size_t count)
{
    struct map by_id;
    map_init(&by_id);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++) {
        recounts[i].touched = &chats[i];
        e = map_put(&by_id, chats[i].chat_id, &recounts[i]);
    }
    if (e == OK)
        e = find_chats(conn, &by_id, chats, count);
    map_fini(&by_id);
    return e;
}

/* A crash, or a batch that was given up, came between the customer's message and the opening of its chat. */
static bool is_to_open(const struct recount *r, const struct mongo_count *c)
{
    int64_t rev = r->touched->opens_rev;
    return r->flags & CHAT_CLOSED && rev > r->row_rev && rev <= c->newest;
}

static bson_t *counted_change(const struct recount *r, const struct mongo_count *c)
{
    const struct mongo_touched *t = r->touched;
    uint8_t flags = r->flags | t->flags;
    int64_t last_rev = c->newest > r->last_rev ? c->newest : r->last_rev;
    last_rev = t->rev > last_rev ? t->rev : last_rev; /* ids of several nodes do not sort by rev within a second */
    bson_t set, *change = bson_new();
    bson_append_document_begin(change, "$set", -1, &set);
    BSON_APPEND_INT64(&set, "total_messages", r->embedded + c->count);
    BSON_APPEND_INT64(&set, "last_rev", last_rev);
    BSON_APPEND_BOOL(&set, "has_agent", flags & CHAT_HAS_AGENT);
    BSON_APPEND_BOOL(&set, "has_assistant", flags & CHAT_HAS_ASSISTANT);
    if (is_to_open(r, c)) {
        put_text(&set, "status", SLICE_LIT("open"));
        BSON_APPEND_INT64(&set, "changed_rev", t->opens_rev);
    }
    bson_append_document_end(change, &set);
    BCON_APPEND(change, "$max", "{", "rev", BCON_INT64(t->rev), "last_activity", BCON_DATE_TIME(t->timestamp_us / 1000),
                "updated_at", BCON_DATE_TIME(t->timestamp_us / 1000), "}");
    return change;
}

/* *all: no chat moved meanwhile. */
static enum err write_counts(const struct mongo_conn *conn, const struct recount *recounts,
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
        if (!ok && mongo_only_documents(&reply, &error) && !mongo_may_pass(&reply))
            log_warn("a chat's counters cannot be written", "error=\"%s\"", error.message);
        else if (!ok)
            e = mongo_failed(conn, "writing counters", &error);
        bson_destroy(&reply);
    }
    mongoc_bulk_operation_destroy(bulk);
    return e;
}

static enum err recount_once(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count, bool *all)
{
    struct recount recounts[MONGO_RECOUNT_MOST] = {0};
    struct mongo_count counts[MONGO_RECOUNT_MOST];
    enum err e = read_chats(conn, chats, recounts, count);
    for (size_t i = 0; i < count; i++)
        counts[i] = (struct mongo_count){.chat_id = chats[i].chat_id, .has_embedded = recounts[i].embedded > 0};
    if (e == OK)
        e = mongo_count_messages(conn, counts, count);
    if (e == OK)
        e = write_counts(conn, recounts, counts, count, all);
    for (size_t i = 0; i < count; i++)
        bson_destroy(recounts[i].filter);
    return e;
}

enum err mongo_recount(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count)
{
    bool all = false;
    enum err e = OK;
    must(count <= MONGO_RECOUNT_MOST);
    for (int i = 0; e == OK && !all && i < TRIES; i++)
        e = recount_once(conn, chats, count, &all);
    return e;
}
