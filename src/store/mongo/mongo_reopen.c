/* Happy path: one command of guarded updates, a chat each. The guard ({status: closed}, the row's rev below the message's)
 *   passes over chats that are open already, and those that an agent closed after the message, in a try before this one.
 * Not all of them matched: the rows are read, and say which message opened them.
 * Failure: ERR_STORE, and the batch comes again with the same ids: its messages are stored then, and this is tried again.
 *   Should it be given up, mongo_recount.c opens the chat, and so it does at the next start after a crash. What the database
 *   will never write is said in the log: the message is stored, and in a closed chat. */
#include "mongo_reopen.h"

#include "base/map.h"
#include "base/metrics.h"
#include "bson_map.h"
#include "mongo_cursor.h"
#include "mongo_error.h"

static void add_update(mongoc_bulk_operation_t *bulk, const struct new_message *m)
{
    bson_error_t error;
    bson_t *filter = bson_is("chat_id", m->chat_id);
    put_text(filter, "status", SLICE_LIT("closed"));
    BCON_APPEND(filter, "changed_rev", "{", "$not", "{", "$gte", BCON_INT64(m->rev), "}", "}");
    bson_t *change = BCON_NEW("$set", "{", "status", BCON_UTF8("open"), "changed_rev", BCON_INT64(m->rev), "updated_at",
                              BCON_DATE_TIME(m->timestamp_us / 1000), "}", "$max", "{", "rev", BCON_INT64(m->rev), "}");
    must(mongoc_bulk_operation_update_one_with_opts(bulk, filter, change, NULL, &error)); /* built right above */
    bson_destroy(filter);
    bson_destroy(change);
}

static enum err update_chats(struct mongo_store *s, const struct map *first, bool *all)
{
    bson_error_t error;
    bson_t reply;
    const struct new_message *m;
    mongoc_bulk_operation_t *bulk = mongo_unordered(s->writer.chats);
    for (size_t pos = 0; (m = map_next(first, &pos)) != NULL;)
        add_update(bulk, m);
    bool ok = mongo_lease_good(s->lease) ? mongoc_bulk_operation_execute(bulk, &reply, &error) != 0
                                         : mongo_lease_refuses(&reply, &error);
    *all = ok && mongo_all_matched(&reply, first->count);
    enum err e = OK;
    if (!ok && (mongo_sort(&error) == ERR_STORE || mongo_may_pass(&reply))) {
        mongo_note_away(&s->writer, "opening chats", &error);
        e = ERR_STORE;
    } else if (!ok) {
        mongo_note_refused(&s->writer, "opening chats", &error);
    }
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    metrics_add(M_STORE_WRITE_CHAT, first->count);
    return e;
}

/* A row with the message's rev was opened by it. One with a later rev was changed after that, in a try before. */
static enum err read_chats(struct mongo_store *s, const struct map *first)
{
    struct bson_array in;
    const struct new_message *each;
    bson_in_begin(&in, "chat_id");
    for (size_t pos = 0; (each = map_next(first, &pos)) != NULL;)
        put_text(&in.array, array_key(&in), each->chat_id);
    struct mongo_find how = {.fields = "{\"chat_id\":1,\"changed_rev\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(&s->writer, s->writer.chats, bson_in_end(&in), &how);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct new_message *m = map_get(first, bson_string(doc, "chat_id"));
        if (m)
            m->reopened = bson_number(doc, "changed_rev") >= m->rev;
    }
    return mongo_done(&s->writer, "reading chats that are opened", cursor, OK);
}

enum err mongo_reopen(struct mongo_store *s, struct new_message *const *messages, size_t count)
{
    struct map first; /* chat_id → the message that opens it */
    bool all = true;
    enum err e = OK;
    map_init(&first);
    for (size_t i = 0; e == OK && i < count; i++)
        if (!map_get(&first, messages[i]->chat_id))
            e = map_put(&first, messages[i]->chat_id, messages[i]);
    if (e == OK && count > 0)
        e = update_chats(s, &first, &all);
    /* Also where the answer was lost: the next try may find the chat open, and leaves this as it is. */
    struct new_message *each;
    for (size_t pos = 0; (each = map_next(&first, &pos)) != NULL;)
        each->reopened = true;
    if (e == OK && !all)
        e = read_chats(s, &first);
    map_fini(&first);
    return e;
}
