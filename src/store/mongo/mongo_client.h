/* mongo_client.h: the URI and the driver's pools, one per kind of thread, each with the timeouts that fit it.
 * Thread:  main at start; mongo_conn_* on the thread that uses the connection.
 * Owns:    mongo_uris its URIs. A conn is one client out of a pool, given back by mongo_conn_close().
 * Defaults where the URI says nothing: w=majority, journal=true, retryWrites=false (a batch has its own retry, which
 *          also works on a standalone server), appname=sakurad, database sakura.
 * Fails:   ERR_INVALID with a sentence: no URI, unacknowledged writes (w=0), a pool that cannot be made. */
#pragma once
#include "base/err.h"
#include "store/settings.h"

#include <mongoc/mongoc.h>
#include <pthread.h>

struct mongo_health;

#define MONGO_CUSTOMERS "customers"
#define MONGO_CHATS     "customer-chats"
#define MONGO_MESSAGES  "customer-messages"

enum mongo_pool {
    MONGO_WRITER, /* short timeouts: a batch must be tried more than once within --write-timeout */
    MONGO_READER,
    MONGO_TOTALS, /* counting at start: a minute */
    MONGO_BUILD,  /* index builds, migration: long commands */
    MONGO_POOLS
};

struct mongo_uris {
    mongoc_uri_t *uri[MONGO_POOLS];
    char *database;
    mongoc_write_concern_t *write_concern;
    struct mongo_health *health; /* where its connections note failures; NULL: they only ping */
};

struct mongo_conn {
    enum mongo_pool kind;
    bool in_batch; /* the writer's, between begin and commit: a failure may concern one op alone (mongo_error.h) */
    struct mongo_health *health;
    const char *database;
    mongoc_client_pool_t *pool;
    mongoc_client_t *client;
    mongoc_collection_t *customers, *chats, *messages;
    mongoc_read_prefs_t *primary;
};

NODISCARD enum err mongo_uris_init(struct mongo_uris *u, const struct store_settings *settings,
                                   struct mongo_health *health, struct buf *why);
void mongo_uris_fini(struct mongo_uris *u);
int64_t mongo_socket_timeout_ms(const struct mongo_uris *u); /* the writer's: the longest that a command of it takes */
NODISCARD enum err mongo_pool_open(const struct mongo_uris *u, enum mongo_pool kind, mongoc_client_pool_t **out,
                                   struct buf *why);
NODISCARD enum err mongo_conn_open(struct mongo_conn *c, const struct mongo_uris *u, enum mongo_pool kind,
                                   mongoc_client_pool_t *pool);
void mongo_conn_close(struct mongo_conn *c); /* accepts a zeroed conn */
/* A pool of its own for one thread that needs it for a while: its monitors end with it. */
NODISCARD enum err mongo_alone_open(struct mongo_conn *c, const struct mongo_uris *u, enum mongo_pool kind,
                                    struct buf *why);
void mongo_alone_close(struct mongo_conn *c);
/* Destroying a pool waits for its monitors, up to half a second (the driver looks that often whether a wait was
 * cancelled). So several are destroyed side by side, each by a thread of its own; without a thread it is done at once. */
struct mongo_closing {
    pthread_t thread;
    bool running;
};
void mongo_closing_begin(struct mongo_closing *c, mongoc_client_pool_t *pool); /* waits for what c closes already */
void mongo_closing_end(struct mongo_closing *c);                               /* accepts a zeroed one */
void mongo_alone_close_beside(struct mongo_conn *c, struct mongo_closing *closing);
/* One ping to the primary. */
bool mongo_ping(const struct mongo_conn *c, bson_error_t *error);
