/* mongo_index.h: makes the indexes, while the server already serves: on a large database they take minutes.
 * Thread:  a thread of its own ("mongo-index") makes them and ends. start, now, stop: main. keys_unique: the writer
 *          reads it.
 * Owns:    its thread and, meanwhile, one connection; the rest is the store's, who holds it.
 * Blocks:  start for up to two seconds, so that where it is quick, as on a new or small database, serving begins with
 *          them.
 * Fails:   never; what cannot be made is said in the log. */
#pragma once
#include "mongo_client.h"

#include <stdatomic.h>

/* Gives chats without a chat_id one (all have the same: none); returns to how many. */
typedef int64_t (*mongo_name_chats_fn)(const struct mongo_conn *conn);

struct mongo_index {
    const struct mongo_uris *uris;
    mongo_name_chats_fn name_chats;
    atomic_bool keys_unique; /* the unique index on client keys is there */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    bool stopping;
    bool first_round; /* it is through, or found the database away */
};

void mongo_index_init(struct mongo_index *x);
void mongo_index_fini(struct mongo_index *x);
void mongo_index_start(struct mongo_index *x, const struct mongo_uris *uris, mongo_name_chats_fn name_chats);
/* False: it is inside a command that does not end; what it uses must live on. */
bool mongo_index_stop(struct mongo_index *x);
/* On this thread, one try each. */
void mongo_index_now(const struct mongo_conn *conn, mongo_name_chats_fn name_chats);
