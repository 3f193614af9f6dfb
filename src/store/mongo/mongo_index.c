/* Indexes, made by a thread of its own while the server already serves: on a large database they take minutes.
 * Safe to repeat: what is there is left. The thread waits for the database with back-off, makes one after the other,
 * and ends. Where that is quick, as on a new or small database, the start waits for it. A unique index that existing data does not allow: the log names duplicates, a plain one is made instead. */
#include "mongo_store.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

#define WAIT_FIRST_MS 500
#define WAIT_MOST_MS  5000
#define STOP_WAIT_S   5
#define START_WAIT_MS 2000

enum { DUPLICATE_KEY = 11000, OPTIONS_CONFLICT = 85, SPECS_CONFLICT = 86 };

static const struct index_row {
    const char *collection;
    const char *name;
    const char *keys;    /* JSON */
    const char *partial; /* JSON; NULL = all documents */
    const char *group;   /* unique: its keys as an aggregation's _id, to name duplicates; NULL = not unique */
} rows[] = {
    {MONGO_MESSAGES, "chat_id_1_client_message_id_1", "{\"chat_id\":1,\"client_message_id\":1}",
     "{\"client_message_id\":{\"$exists\":true}}", "{\"chat_id\":\"$chat_id\",\"key\":\"$client_message_id\"}"},
    {MONGO_MESSAGES, "chat_id_1__id_1", "{\"chat_id\":1,\"_id\":1}", NULL, NULL},
    {MONGO_CHATS, "chat_id_1", "{\"chat_id\":1}", NULL, "{\"chat_id\":\"$chat_id\"}"},
    {MONGO_CHATS, "user_id_1", "{\"user_id\":1}", NULL, NULL},
    {MONGO_CHATS, "last_activity_-1", "{\"last_activity\":-1}", NULL, NULL},
    {MONGO_CHATS, "rev_1", "{\"rev\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "email_1", "{\"email\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "email_folded_1", "{\"email_folded\":1}", "{\"email_folded\":{\"$exists\":true}}", NULL},
    {MONGO_CUSTOMERS, "user_id_1", "{\"user_id\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "dashboard_user_id_1", "{\"dashboard_user_id\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "last_activity_-1", "{\"last_activity\":-1}", NULL, NULL},
    {MONGO_CUSTOMERS, "rev_1", "{\"rev\":1}", NULL, NULL},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), CLIENT_KEYS = 0 };

static bool create(struct mongo_store *s, const struct mongo_conn *conn, const struct index_row *row, bool unique,
                   bson_error_t *error)
{
    bson_t command = BSON_INITIALIZER;
    bson_t list, one;
    BSON_APPEND_UTF8(&command, "createIndexes", row->collection);
    bson_append_array_begin(&command, "indexes", -1, &list);
    bson_append_document_begin(&list, "0", -1, &one);
    mongo_append_json(&one, "key", row->keys);
    BSON_APPEND_UTF8(&one, "name", row->name);
    if (unique)
        BSON_APPEND_BOOL(&one, "unique", true);
    if (row->partial)
        mongo_append_json(&one, "partialFilterExpression", row->partial);
    bson_append_document_end(&list, &one);
    bson_append_array_end(&command, &list);
    bool ok = mongoc_client_write_command_with_opts(conn->client, s->uris.database, &command, NULL, NULL, error);
    bson_destroy(&command);
    return ok;
}

/* A few of the values that stand in the way, for the operator. */
static void name_duplicates(struct mongo_store *s, const struct mongo_conn *conn, const struct index_row *row)
{
    bson_error_t error;
    bson_t stage;
    bson_t *pipeline = bson_new();
    if (row->partial) {
        bson_append_document_begin(pipeline, "0", -1, &stage);
        mongo_append_json(&stage, "$match", row->partial);
        bson_append_document_end(pipeline, &stage);
    } else {
        BCON_APPEND(pipeline, "0", "{", "$match", "{", "}", "}");
    }
    bson_t group;
    bson_append_document_begin(pipeline, "1", -1, &stage);
    bson_append_document_begin(&stage, "$group", -1, &group);
    mongo_append_json(&group, "_id", row->group);
    BCON_APPEND(&group, "n", "{", "$sum", BCON_INT32(1), "}");
    bson_append_document_end(&stage, &group);
    bson_append_document_end(pipeline, &stage);
    BCON_APPEND(pipeline, "2", "{", "$match", "{", "n", "{", "$gt", BCON_INT32(1), "}", "}", "}", "3", "{", "$limit",
                BCON_INT32(5), "}");
    mongoc_collection_t *in = mongoc_client_get_collection(conn->client, s->uris.database, row->collection);
    mongoc_cursor_t *cursor = mongo_aggregate(conn, in, pipeline, 0, true);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        char *text = bson_as_relaxed_extended_json(doc, NULL);
        log_warn("duplicate", "collection=%s value=\"%s\"", row->collection, text ? text : "");
        bson_free(text);
    }
    if (mongoc_cursor_error(cursor, &error))
        log_warn("duplicates not listed", "error=\"%s\"", error.message);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(in);
}

enum outcome { MADE, MADE_PLAIN, SKIPPED, AGAIN };

static bool is_away(const bson_error_t *error)
{
    return error->domain != MONGOC_ERROR_SERVER || error->code == 10107 || error->code == 11600 ||
           error->code == 11602 || error->code == 13435 || error->code == 13436 || error->code == 91 ||
           error->code == 189;
}

static enum outcome make_index(struct mongo_store *s, const struct mongo_conn *conn, const struct index_row *row,
                               mongo_name_chats_fn name_chats)
{
    bson_error_t error;
    if (create(s, conn, row, row->group != NULL, &error))
        return MADE;
    /* Chats without a chat_id all have the same. Those that get one now get it after a unique index was tried: where that
     * is there, none gets another's. */
    if (error.code == DUPLICATE_KEY && strcmp(row->collection, MONGO_CHATS) == 0 && name_chats(s, conn) > 0 &&
        create(s, conn, row, true, &error))
        return MADE;
    if (is_away(&error))
        return AGAIN;
    bool conflict = error.code == OPTIONS_CONFLICT || error.code == SPECS_CONFLICT;
    if (conflict) {
        log_info("index left as it is", "collection=%s index=%s why=\"%s\"", row->collection, row->name, error.message);
        return row->group ? MADE_PLAIN : MADE;
    }
    if (row->group && error.code == DUPLICATE_KEY) {
        log_warn("unique index not possible",
                 "collection=%s index=%s: values that stand there more than once follow; going on with a plain index. "
                 "To have the unique one: remove them, drop the index, start again",
                 row->collection, row->name);
        name_duplicates(s, conn, row);
        if (create(s, conn, row, false, &error))
            return MADE_PLAIN;
    }
    log_warn("index not made", "collection=%s index=%s error=\"%s\"", row->collection, row->name, error.message);
    return is_away(&error) ? AGAIN : SKIPPED;
}

/* True: stopping. */
static bool pause_ms(struct mongo_store *s, int64_t ms)
{
    struct timespec until = clock_mono_after(ms * 1000);
    pthread_mutex_lock(&s->stop_lock);
    int rc = 0;
    while (!s->stopping && rc != ETIMEDOUT && ms > 0)
        rc = pthread_cond_timedwait(&s->stop_cond, &s->stop_lock, &until);
    bool stopping = s->stopping;
    pthread_mutex_unlock(&s->stop_lock);
    return stopping;
}

static void first_round_over(struct mongo_store *s)
{
    pthread_mutex_lock(&s->stop_lock);
    s->first_round = true;
    pthread_cond_broadcast(&s->stop_cond);
    pthread_mutex_unlock(&s->stop_lock);
}

static void *index_main(void *arg)
{
    struct mongo_store *s = arg;
    struct mongo_conn conn;
    log_thread_name("mongo-index");
    struct buf why;
    buf_init(&why);
    enum err e = mongo_alone_open(&conn, &s->uris, MONGO_BUILD, &why);
    if (e != OK)
        log_warn("indexes not made", "error=\"%s\"", why.len ? buf_cstr(&why) : err_text(e));
    buf_fini(&why);
    int64_t wait_ms = 0, begun = clock_mono_us();
    unsigned made = 0;
    for (unsigned i = 0; e == OK && i < ROWS && !pause_ms(s, wait_ms);) {
        enum outcome done = make_index(s, &conn, &rows[i], s->name_chats);
        if (done == AGAIN) {
            first_round_over(s);
            wait_ms = wait_ms == 0 ? WAIT_FIRST_MS : wait_ms * 2 > WAIT_MOST_MS ? WAIT_MOST_MS : wait_ms * 2;
            continue;
        }
        if (i == CLIENT_KEYS && done == MADE)
            atomic_store_explicit(&s->keys_unique, true, memory_order_release);
        made += done == MADE || done == MADE_PLAIN;
        wait_ms = 0;
        i++;
    }
    first_round_over(s);
    if (e == OK && !pause_ms(s, 0))
        log_info("indexes ready", "indexes=%u of=%d ms=%lld", made, ROWS, (long long)(clock_mono_us() - begun) / 1000);
    mongo_alone_close(&conn);
    return NULL;
}

void mongo_index_now(struct mongo_store *s, const struct mongo_conn *conn, mongo_name_chats_fn name_chats)
{
    for (unsigned i = 0; i < ROWS; i++)
        (void)make_index(s, conn, &rows[i], name_chats);
    (void)name_chats(s, conn); /* a chat is moved under its name */
}

void mongo_index_start(struct mongo_store *s, mongo_name_chats_fn name_chats)
{
    s->name_chats = name_chats;
    s->indexer_running = pthread_create(&s->indexer, NULL, index_main, s) == 0;
    if (!s->indexer_running) {
        log_warn("indexes not made", "error=\"no thread\"");
        return;
    }
    struct timespec until = clock_mono_after(START_WAIT_MS * 1000);
    int rc = 0;
    pthread_mutex_lock(&s->stop_lock);
    while (!s->first_round && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&s->stop_cond, &s->stop_lock, &until);
    pthread_mutex_unlock(&s->stop_lock);
}

bool mongo_index_stop(struct mongo_store *s)
{
    if (!s->indexer_running)
        return true;
    pthread_mutex_lock(&s->stop_lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->stop_cond);
    pthread_mutex_unlock(&s->stop_lock);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    if (pthread_timedjoin_np(s->indexer, NULL, &until) == 0) {
        s->indexer_running = false;
        return true;
    }
    log_warn("index build still running", "the database goes on with it");
    return false;
}
