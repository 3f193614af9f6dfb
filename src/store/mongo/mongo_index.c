/* Safe to repeat: what is there is left. The thread waits for the database with back-off, makes one after the other,
 * and ends. A unique index that existing data does not allow: the log names duplicates, a plain one is made instead. */
#include "mongo_index.h"

#include "base/clock.h"
#include "base/log.h"
#include "bson_map.h"
#include "mongo_cursor.h"
#include "mongo_search.h"

#include <errno.h>

#define WAIT_FIRST_MS 500
#define WAIT_MOST_MS  5000
#define STOP_WAIT_S   5
#define START_WAIT_MS 2000

enum { DUPLICATE_KEY = 11000, OPTIONS_CONFLICT = 85, SPECS_CONFLICT = 86 };

#define DUPLICATES(id)                                                                                                 \
    "[{\"$group\":{\"_id\":" id ",\"n\":{\"$sum\":1}}},{\"$match\":{\"n\":{\"$gt\":1}}},{\"$limit\":5}]"
static const struct index_row {
    const char *collection;
    const char *name;
    const char *keys;    /* JSON */
    const char *partial; /* JSON; NULL = all documents */
    const char *groups;  /* unique: stages that name duplicates of the keys; NULL = not unique */
} rows[] = {
    {MONGO_MESSAGES, "chat_id_1_client_message_id_1", "{\"chat_id\":1,\"client_message_id\":1}",
     "{\"client_message_id\":{\"$exists\":true}}",
     DUPLICATES("{\"chat_id\":\"$chat_id\",\"key\":\"$client_message_id\"}")},
    {MONGO_MESSAGES, "chat_id_1__id_1", "{\"chat_id\":1,\"_id\":1}", NULL, NULL},
    {MONGO_CHATS, "chat_id_1", "{\"chat_id\":1}", NULL, DUPLICATES("{\"chat_id\":\"$chat_id\"}")},
    {MONGO_CHATS, "user_id_1", "{\"user_id\":1}", NULL, NULL},
    {MONGO_CHATS, "last_activity_-1", "{\"last_activity\":-1}", NULL, NULL},
    {MONGO_CHATS, "rev_1", "{\"rev\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "email_1", "{\"email\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "email_folded_1", "{\"email_folded\":1}", "{\"email_folded\":{\"$exists\":true}}", NULL},
    {MONGO_CUSTOMERS, "user_id_1", "{\"user_id\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "dashboard_user_id_1", "{\"dashboard_user_id\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "last_activity_-1", "{\"last_activity\":-1}", NULL, NULL},
    {MONGO_CUSTOMERS, "rev_1", "{\"rev\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, "category_1_status_1", "{\"category\":1,\"status\":1}", NULL, NULL},
    {MONGO_CUSTOMERS, MONGO_WORDS "_1", "{\"" MONGO_WORDS "\":1}", NULL, NULL},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), CLIENT_KEYS = 0 };

static bool create(const struct mongo_conn *conn, const struct index_row *row, bool unique, bson_error_t *error)
{
    bson_t one = BSON_INITIALIZER;
    mongo_append_json(&one, "key", row->keys);
    BSON_APPEND_UTF8(&one, "name", row->name);
    if (unique)
        BSON_APPEND_BOOL(&one, "unique", true);
    mongo_append_json(&one, "partialFilterExpression", row->partial);
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8(row->collection), "indexes", "[", BCON_DOCUMENT(&one), "]");
    bool ok = mongoc_client_write_command_with_opts(conn->client, conn->database, command, NULL, NULL, error);
    bson_destroy(command);
    bson_destroy(&one);
    return ok;
}

/* A few of the values that stand in the way, for the operator. */
static void name_duplicates(const struct mongo_conn *conn, const struct index_row *row)
{
    bson_error_t error;
    bson_t *match = row->partial ? mongo_json(row->partial) : NULL;
    mongoc_collection_t *in = mongoc_client_get_collection(conn->client, conn->database, row->collection);
    mongoc_cursor_t *cursor = mongo_aggregate(conn, in, match, row->groups, 0, true);
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

/* Not mongo_sort()'s ERR_STORE: who may not make indexes may serve all the same, so that is no reason to wait. */
static bool is_away(const bson_error_t *error)
{
    return error->domain != MONGOC_ERROR_SERVER || error->code == 10107 || error->code == 11600 ||
           error->code == 11602 || error->code == 13435 || error->code == 13436 || error->code == 91 ||
           error->code == 189;
}

static enum outcome make_index(const struct mongo_conn *conn, const struct index_row *row,
                               mongo_name_chats_fn name_chats)
{
    bson_error_t error;
    if (create(conn, row, row->groups != NULL, &error))
        return MADE;
    /* Chats without a chat_id all have the same. Those that get one now get it after a unique index was tried: where
     * that is there, none gets another's. */
    if (error.code == DUPLICATE_KEY && strcmp(row->collection, MONGO_CHATS) == 0 && name_chats(conn) > 0 &&
        create(conn, row, true, &error))
        return MADE;
    if (is_away(&error))
        return AGAIN;
    bool conflict = error.code == OPTIONS_CONFLICT || error.code == SPECS_CONFLICT;
    if (conflict) {
        log_info("index left as it is", "collection=%s index=%s why=\"%s\"", row->collection, row->name, error.message);
        return row->groups ? MADE_PLAIN : MADE;
    }
    if (row->groups && error.code == DUPLICATE_KEY) {
        log_warn("unique index not possible",
                 "collection=%s index=%s: values that stand there more than once follow; going on with a plain index. "
                 "To have the unique one: remove them, drop the index, start again",
                 row->collection, row->name);
        name_duplicates(conn, row);
        if (create(conn, row, false, &error))
            return MADE_PLAIN;
    }
    log_warn("index not made", "collection=%s index=%s error=\"%s\"", row->collection, row->name, error.message);
    return is_away(&error) ? AGAIN : SKIPPED;
}

/* True: stopping. */
static bool pause_ms(struct mongo_index *x, int64_t ms)
{
    struct timespec until = clock_mono_after(ms * 1000);
    pthread_mutex_lock(&x->lock);
    int rc = 0;
    while (!x->stopping && rc != ETIMEDOUT && ms > 0)
        rc = pthread_cond_timedwait(&x->changed, &x->lock, &until);
    bool stopping = x->stopping;
    pthread_mutex_unlock(&x->lock);
    return stopping;
}

static void tell(struct mongo_index *x, bool *what)
{
    pthread_mutex_lock(&x->lock);
    *what = true;
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->lock);
}

/* All rows, one after the other, each until it is made or cannot be. */
static void make_all(struct mongo_index *x, const struct mongo_conn *conn)
{
    int64_t wait_ms = 0, begun = clock_mono_us();
    unsigned made = 0;
    for (unsigned i = 0; i < ROWS && !pause_ms(x, wait_ms);) {
        enum outcome done = make_index(conn, &rows[i], x->name_chats);
        if (done == AGAIN) {
            tell(x, &x->first_round);
            wait_ms = wait_ms == 0 ? WAIT_FIRST_MS : wait_ms * 2 > WAIT_MOST_MS ? WAIT_MOST_MS : wait_ms * 2;
            continue;
        }
        if (i == CLIENT_KEYS && done == MADE)
            atomic_store_explicit(&x->keys_unique, true, memory_order_release);
        made += done == MADE || done == MADE_PLAIN;
        wait_ms = 0;
        i++;
    }
    tell(x, &x->first_round);
    if (!pause_ms(x, 0))
        log_info("indexes ready", "indexes=%u of=%d ms=%lld", made, ROWS, (long long)(clock_mono_us() - begun) / 1000);
}

static bool is_stopping(void *arg)
{
    return pause_ms(arg, 0);
}

static void *index_main(void *arg)
{
    struct mongo_index *x = arg;
    struct mongo_conn conn;
    struct buf why;
    log_thread_name("mongo-index");
    buf_init(&why);
    enum err e = mongo_alone_open(&conn, x->uris, MONGO_BUILD, &why);
    if (e == OK) {
        make_all(x, &conn);
        mongo_add_words(&conn, is_stopping, x);
    } else {
        log_warn("indexes not made", "error=\"%s\"", why.len ? buf_cstr(&why) : err_text(e));
        tell(x, &x->first_round);
    }
    buf_fini(&why);
    mongo_alone_close(&conn);
    return NULL;
}

void mongo_index_now(const struct mongo_conn *conn, mongo_name_chats_fn name_chats)
{
    for (unsigned i = 0; i < ROWS; i++)
        (void)make_index(conn, &rows[i], name_chats);
    (void)name_chats(conn); /* a chat is moved under its name */
}

void mongo_index_init(struct mongo_index *x)
{
    pthread_mutex_init(&x->lock, NULL);
    clock_cond_init(&x->changed);
}

void mongo_index_fini(struct mongo_index *x)
{
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->changed);
}

void mongo_index_start(struct mongo_index *x, const struct mongo_uris *uris, mongo_name_chats_fn name_chats)
{
    x->uris = uris;
    x->name_chats = name_chats;
    x->running = pthread_create(&x->thread, NULL, index_main, x) == 0;
    if (!x->running) {
        log_warn("indexes not made", "error=\"no thread\"");
        return;
    }
    struct timespec until = clock_mono_after(START_WAIT_MS * 1000);
    int rc = 0;
    pthread_mutex_lock(&x->lock);
    while (!x->first_round && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&x->changed, &x->lock, &until);
    pthread_mutex_unlock(&x->lock);
}

bool mongo_index_stop(struct mongo_index *x)
{
    if (!x->running)
        return true;
    tell(x, &x->stopping);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    if (pthread_timedjoin_np(x->thread, NULL, &until) == 0) {
        x->running = false;
        return true;
    }
    log_warn("index build still running", "the database goes on with it");
    return false;
}
