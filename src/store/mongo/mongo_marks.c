/* One update a mark, which finds its chat only where the stored mark is none or below: an answer that is lost, or another
 * process, cannot bring it backwards.
 * Failure: what the database will never write for one chat is said in the log, and the others go on. */
#include "mongo_marks.h"

#include "base/metrics.h"
#include "bson_map.h"
#include "mongo_cursor.h"
#include "mongo_error.h"

static void add_mark(mongoc_bulk_operation_t *bulk, struct slice chat_id, const char *field, int64_t mark)
{
    bson_error_t error;
    bson_t *filter = bson_is("chat_id", chat_id);
    /* Also where there is none, or something that is no number. */
    BCON_APPEND(filter, field, "{", "$not", "{", "$gte", BCON_INT64(mark), "}", "}");
    bson_t *change = BCON_NEW("$set", "{", field, BCON_INT64(mark), "}");
    must(mongoc_bulk_operation_update_one_with_opts(bulk, filter, change, NULL, &error)); /* built right above */
    bson_destroy(filter);
    bson_destroy(change);
}

enum err mongo_write_marks(const struct mongo_conn *conn, const struct mongo_touched *chats, size_t count)
{
    static const char *const fields[] = {[SIDE_CUSTOMER] = "customer_read", [SIDE_AGENTS] = "agents_read"};
    bson_error_t error;
    bson_t reply;
    mongoc_bulk_operation_t *bulk = mongo_unordered(conn->chats);
    for (size_t i = 0; i < count; i++)
        for (unsigned side = 0; side < sizeof(fields) / sizeof(fields[0]); side++)
            if (chats[i].marks[side] > 0)
                add_mark(bulk, chats[i].chat_id, fields[side], chats[i].marks[side]);
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0;
    enum err e = OK;
    if (!ok && mongo_only_documents(&reply, &error) && !mongo_may_pass(&reply))
        mongo_note_refused(conn, "writing marks", &error);
    else if (!ok)
        e = mongo_failed(conn, "writing marks", &error);
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    metrics_add(M_STORE_WRITE_CHAT, count);
    return e;
}
