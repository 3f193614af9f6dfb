#include "mongo_client.h"

#include "base/log.h"
#include "mongo_driver.h"

#include <stdlib.h>

#define DATABASE_DEFAULT  "sakura"
#define TOTALS_TIMEOUT_MS (65 * 1000)
#define BUILD_TIMEOUT_MS  (15 * 60 * 1000)

static int32_t clamp(int64_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : (int32_t)value;
}

static void set_default(mongoc_uri_t *uri, const char *option, int32_t value)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, value);
}

static void set_at_most(mongoc_uri_t *uri, const char *option, int32_t value)
{
    int32_t given = mongoc_uri_get_option_as_int32(uri, option, value);
    if (!mongoc_uri_has_option(uri, option) || given <= 0 || given > value)
        mongoc_uri_set_option_as_int32(uri, option, value);
}

/* The writer's timeouts are parts of --write-timeout, whatever the URI says above that: several tries must fit. */
static void set_timeouts(mongoc_uri_t *uri, enum mongo_pool kind, int64_t write_ms)
{
    set_default(uri, MONGOC_URI_HEARTBEATFREQUENCYMS, kind == MONGO_WRITER ? 1000 : 2000);
    switch (kind) {
    case MONGO_WRITER:
        set_at_most(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, clamp(write_ms / 4, 100, 1500));
        set_at_most(uri, MONGOC_URI_CONNECTTIMEOUTMS, clamp(write_ms * 2 / 5, 100, 2000));
        set_at_most(uri, MONGOC_URI_SOCKETTIMEOUTMS, clamp(write_ms * 3 / 5, 200, 30000));
        break;
    case MONGO_READER:
        set_at_most(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 2000);
        set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, 2000);
        set_default(uri, MONGOC_URI_SOCKETTIMEOUTMS, 10000);
        break;
    default:
        set_at_most(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 3000);
        set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, 3000);
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS,
                                       kind == MONGO_TOTALS ? TOTALS_TIMEOUT_MS : BUILD_TIMEOUT_MS);
    }
}

static enum err make_write_concern(struct mongo_uris *u, int64_t write_ms, struct buf *why)
{
    u->write_concern = mongoc_write_concern_copy(mongoc_uri_get_write_concern(u->uri[0]));
    mongoc_write_concern_t *wc = u->write_concern;
    if (!mongoc_write_concern_is_acknowledged(wc)) {
        buf_append_lit(why, "the store's URI asks for w=0: without the database's answer no message can be confirmed; "
                            "give w=1 or more, or leave it out (majority)");
        return ERR_INVALID;
    }
    if (mongoc_write_concern_get_w(wc) == MONGOC_WRITE_CONCERN_W_DEFAULT && !mongoc_write_concern_get_wtag(wc))
        mongoc_write_concern_set_w(wc, MONGOC_WRITE_CONCERN_W_MAJORITY);
    if (!mongoc_write_concern_journal_is_set(wc))
        mongoc_write_concern_set_journal(wc, true);
    /* A majority that does not come must end before the socket's timeout: then the server says so. */
    if (mongoc_write_concern_get_wtimeout_int64(wc) <= 0)
        mongoc_write_concern_set_wtimeout_int64(wc, clamp(write_ms / 2, 100, 25000));
    return OK;
}

enum err mongo_uris_init(struct mongo_uris *u, const struct store_settings *settings, struct mongo_health *health,
                         struct buf *why)
{
    *u = (struct mongo_uris){.health = health};
    bson_error_t error;
    for (int kind = 0; kind < MONGO_POOLS; kind++) {
        mongoc_uri_t *uri = mongoc_uri_new_with_error(settings->uri, &error);
        if (!uri) {
            buf_append_lit(why, "the store's URI is not a MongoDB URI: ");
            /* The driver's words may quote the URI: the password must not be in them. */
            if (strchr(settings->uri, '@'))
                buf_append_lit(why, "check the host list, the options, and that name and password are percent-encoded");
            else
                buf_append_slice(why, slice_cstr(error.message));
            return ERR_INVALID;
        }
        u->uri[kind] = uri;
        set_timeouts(uri, (enum mongo_pool)kind, settings->write_timeout_ms);
        if (!mongoc_uri_has_option(uri, MONGOC_URI_RETRYWRITES))
            mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
        if (kind == MONGO_WRITER)
            mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYREADS, false); /* the whole batch is tried again */
        if (!mongoc_uri_get_appname(uri))
            mongoc_uri_set_appname(uri, "sakurad");
        set_at_most(uri, MONGOC_URI_MAXPOOLSIZE, clamp(settings->readers + 4, 4, 1000));
    }
    const char *name = mongoc_uri_get_database(u->uri[0]);
    u->database = strdup(name && *name ? name : DATABASE_DEFAULT);
    return u->database ? make_write_concern(u, settings->write_timeout_ms, why) : ERR_NOMEM;
}

int64_t mongo_socket_timeout_ms(const struct mongo_uris *u)
{
    return mongoc_uri_get_option_as_int32(u->uri[MONGO_WRITER], MONGOC_URI_SOCKETTIMEOUTMS, 0);
}

void mongo_uris_fini(struct mongo_uris *u)
{
    for (int kind = 0; kind < MONGO_POOLS; kind++)
        mongoc_uri_destroy(u->uri[kind]);
    if (u->write_concern)
        mongoc_write_concern_destroy(u->write_concern);
    free(u->database);
    *u = (struct mongo_uris){0};
}

enum err mongo_pool_open(const struct mongo_uris *u, enum mongo_pool kind, mongoc_client_pool_t **out, struct buf *why)
{
    bson_error_t error = {0};
    *out = mongoc_client_pool_new_with_error(u->uri[kind], &error);
    if (!*out) {
        buf_printf(why, "cannot use the store's URI: %s", error.message);
        return ERR_INVALID;
    }
    mongoc_client_pool_set_error_api(*out, MONGOC_ERROR_API_VERSION_2);
    return OK;
}

enum err mongo_conn_open(struct mongo_conn *c, const struct mongo_uris *u, enum mongo_pool kind,
                         mongoc_client_pool_t *pool)
{
    *c = (struct mongo_conn){.kind = kind, .health = u->health, .database = u->database, .pool = pool};
    c->client = mongoc_client_pool_try_pop(pool);
    if (!c->client)
        return ERR_BUSY;
    mongoc_client_set_write_concern(c->client, u->write_concern);
    c->customers = mongoc_client_get_collection(c->client, u->database, MONGO_CUSTOMERS);
    c->chats = mongoc_client_get_collection(c->client, u->database, MONGO_CHATS);
    c->messages = mongoc_client_get_collection(c->client, u->database, MONGO_MESSAGES);
    c->primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    return OK;
}

void mongo_conn_close(struct mongo_conn *c)
{
    if (!c->client)
        return;
    mongoc_read_prefs_destroy(c->primary);
    mongoc_collection_destroy(c->customers);
    mongoc_collection_destroy(c->chats);
    mongoc_collection_destroy(c->messages);
    mongoc_client_pool_push(c->pool, c->client);
    *c = (struct mongo_conn){0};
}

enum err mongo_alone_open(struct mongo_conn *c, const struct mongo_uris *u, enum mongo_pool kind, struct buf *why)
{
    mongoc_client_pool_t *pool;
    *c = (struct mongo_conn){0};
    enum err e = mongo_pool_open(u, kind, &pool, why);
    if (e != OK)
        return e;
    mongo_watch_pool(pool, NULL);
    e = mongo_conn_open(c, u, kind, pool);
    if (e != OK)
        mongoc_client_pool_destroy(pool);
    return e;
}

void mongo_alone_close(struct mongo_conn *c)
{
    struct mongo_closing closing = {0};
    mongo_alone_close_beside(c, &closing);
    mongo_closing_end(&closing);
}

void mongo_alone_close_beside(struct mongo_conn *c, struct mongo_closing *closing)
{
    mongoc_client_pool_t *pool = c->pool;
    if (!c->client)
        return;
    mongo_conn_close(c);
    mongo_closing_begin(closing, pool);
}

static void *destroy_pool(void *pool)
{
    log_thread_name("mongo-closing");
    mongoc_client_pool_destroy(pool);
    return NULL;
}

void mongo_closing_begin(struct mongo_closing *c, mongoc_client_pool_t *pool)
{
    mongo_closing_end(c);
    if (!pool)
        return;
    c->running = pthread_create(&c->thread, NULL, destroy_pool, pool) == 0;
    if (!c->running)
        mongoc_client_pool_destroy(pool);
}

void mongo_closing_end(struct mongo_closing *c)
{
    if (c->running)
        pthread_join(c->thread, NULL);
    c->running = false;
}

bool mongo_ping(const struct mongo_conn *c, bson_error_t *error)
{
    bson_t ping = BSON_INITIALIZER;
    BSON_APPEND_INT32(&ping, "ping", 1);
    bool ok = mongoc_client_command_simple(c->client, "admin", &ping, c->primary, NULL, error);
    bson_destroy(&ping);
    return ok;
}
