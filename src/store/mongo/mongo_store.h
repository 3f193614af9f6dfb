/* mongo_store.h: what the files of the MongoDB store share; nobody else includes it.
 * Thread:  struct mongo_store: fields in groups by thread below. A mongo_conn belongs to one thread.
 * Owns:    the store its pools and the writer's connection; a reader its own.
 * Write path: store_mongo.c (batch, life) → mongo_write.c (chats, customers) → mongo_insert.c (messages) →
 *          mongo_counters.c (their chats, behind) → mongo_recount.c (when an update's result is in doubt).
 * Read path: mongo_user.c, mongo_read.c, mongo_list.c, mongo_overview.c, mongo_totals.c.
 * At start: mongo_lease.c (who writes), mongo_totals.c (identity, totals) → mongo_adopt.c (what existing data lacks);
 *          mongo_index.c beside it.
 *          bson_map.c and bson_put.c know the documents. */
#pragma once
#include "bson_map.h"
#include "mongo_client.h"
#include "mongo_cursor.h"
#include "mongo_error.h"
#include "mongo_health.h"
#include "mongo_lease.h"
#include "store/ident.h"

#include <pthread.h>
#include <stdatomic.h>

/* Chats without a chat_id all have the same: name_chats gives them one, and returns to how many. */
struct mongo_store;
typedef int64_t (*mongo_name_chats_fn)(struct mongo_store *s, const struct mongo_conn *conn);

struct mongo_store {
    struct store base; /* first */
    /* set at open, then read-only */
    struct mongo_uris uris;
    mongoc_client_pool_t *writer_pool, *reader_pool;
    char *masked_uri;
    uint8_t own_tag[5]; /* of this process: for ids that another node took */
    bool owners_matter; /* there are principals: some may be bound to an owner */
    struct mongo_health health;
    struct mongo_counters *counters; /* locks by itself */
    struct mongo_lease *lease;       /* likewise; NULL: none was claimed */
    struct mongo_lease_times lease_times;
    bool shared; /* --store-shared */
    /* writer only (main before it starts) */
    struct mongo_conn writer;
    uint8_t tag[5]; /* the database's: of its oldest message, else own_tag */
    bool tag_known;
    int64_t max_rev; /* as identity found it */
    bool in_batch;
    struct arena scratch;
    bson_t
        *last_user; /* the document that find_user found last: what put_user compares with; NULL: none in this batch */
    int64_t pinged_us;
    struct mongo_closing totals_closing; /* of the pool that counted at start */
    /* the index thread writes, the writer reads */
    atomic_bool keys_unique; /* the unique index on client keys is there */
    /* main and the index thread */
    pthread_t indexer;
    mongo_name_chats_fn name_chats;
    bool indexer_running;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_cond;
    bool stopping;
    bool first_round; /* the indexer is through, or found the database away */
};

struct mongo_reader {
    struct store_reader base; /* first */
    struct mongo_conn conn;
    struct arena scratch;
};

static inline struct mongo_store *mongo_of(struct store *s)
{
    return (struct mongo_store *)s;
}

static inline struct mongo_store *mongo_of_reader(struct store_reader *r)
{
    return (struct mongo_store *)r->store;
}

/* --- mongo_query.c: questions that several files ask --- */
/* Fills chat_count and raises activity_us by the customers' chats. ids are distinct. rev stays the row's own: the chats were
 * read later, and the row may be older than they are. */
NODISCARD enum err mongo_enrich(struct mongo_store *s, const struct mongo_conn *conn, struct user *users, size_t count);
/* Documents of customer-messages by chat; those that --migrate copied and not yet took out of the chat's own
 * document do not count. *newest: highest rev. */
struct mongo_count {
    struct slice chat_id;
    bool has_embedded;
    int64_t count;
    int64_t newest;
};
NODISCARD enum err mongo_count_messages(struct mongo_store *s, const struct mongo_conn *conn, struct mongo_count *chats,
                                        size_t count);

/* --- mongo_user.c: one customer --- */
/* doc (may be NULL): where a customer is found, a copy of its document in place of what was there; the caller's. */
NODISCARD enum err mongo_user(struct mongo_store *s, const struct mongo_conn *conn, enum user_by by, struct slice value,
                              struct arena *a, struct user *out, bson_t **doc);
/* Whoever may be meant; which of them is, mongo_user() says. The caller's to destroy, or mongo_find()'s. */
bson_t *mongo_filter_by(enum user_by by, struct slice value);
/* [writer, main] Existing addresses get the form they are compared in, where that is another. Failure: said in the log. */
void mongo_complete_addresses(const struct mongo_conn *conn);

/* --- mongo_read.c: single rows, and a customer whole --- */
#define MONGO_CHAT_FIELDS                                                                                              \
    "{\"chat_id\":1,\"user_id\":1,\"status\":1,\"created_at\":1,\"last_activity\":1,\"updated_at\":1,"                 \
    "\"total_messages\":1,\"rev\":1,\"last_rev\":1,\"ai_agent_enabled\":1,\"has_agent\":1,\"has_assistant\":1,"        \
    "\"messages.role\":1}" /* of embedded messages only the roles: count and flags without the texts */
NODISCARD enum err mongo_chat(struct mongo_store *s, const struct mongo_conn *conn, struct slice chat_id,
                              struct arena *a, struct chat *out);

/* The customers of these ids, each in its place; id empty: there is none. */
NODISCARD enum err mongo_users_by_id(struct mongo_store *s, const struct mongo_conn *conn, const struct slice *ids,
                                     size_t count, struct arena *a, struct user *out);

/* --- mongo_merge.c: one order out of several queries --- */
/* Times stand in the database as dates, as text or not at all, and no index sorts across types: so each kind is a
 * query of its own, sorted by the server, and the heads are merged here. */
struct mongo_merge;
enum mongo_order { MONGO_USERS_BY_ACTIVITY, MONGO_CHATS_BY_ACTIVITY };
/* only: further conditions on the chats, may be NULL; kept until close. most: no more than this many are asked for. */
struct mongo_merge *mongo_merge_open(struct mongo_store *s, const struct mongo_conn *conn, enum mongo_order order,
                                     const bson_t *only, int64_t most, struct arena *a);
struct mongo_merged {
    struct slice user_id;
    struct slice chat_id; /* MONGO_CHATS_BY_ACTIVITY */
};
/* ERR_NOT_FOUND at the end. Slices live in the arena. */
NODISCARD enum err mongo_merge_next(struct mongo_merge *m, struct mongo_merged *out);
void mongo_merge_close(struct mongo_merge *m);

/* --- mongo_counters.c: chats' counters, written behind --- */
#define MONGO_BEHIND_US 15000000 /* the most that a stored message may be older than the newest and not yet counted */
struct mongo_added {             /* one stored message */
    struct slice chat_id;
    int64_t rev, timestamp_us;
    uint8_t flags;
    struct pending *slot; /* mongo_counters.c's */
};
NODISCARD enum err mongo_counters_start(struct mongo_store *s);
void mongo_counters_stop(struct mongo_store *s); /* writes what is left, for some seconds at most */
/* [writer] Before a batch whose newest message has this rev: ERR_STORE, the chats are too far behind. */
NODISCARD enum err mongo_counters_room(struct mongo_store *s, int64_t rev);
/* [writer] All or nothing: ERR_NOMEM. Copies the ids. */
NODISCARD enum err mongo_counters_add(struct mongo_store *s, struct mongo_added *messages, size_t count);
/* [writer, main] The chat may hold such a message, that nobody adds: it is counted. timestamp_us 0: unknown. */
void mongo_counters_doubt(struct mongo_store *s, const struct mongo_added *message);
/* [writer] The flags of a chat that its document may not say yet. */
uint8_t mongo_counters_flags(struct mongo_store *s, struct slice chat_id);
/* [readers, main] Before chats are read: waits until every message stored before the call is in their documents. */
NODISCARD enum err mongo_counters_settle(struct mongo_store *s);
/* For lists and reports, which secondaries may answer while there is no primary: behind is better than not at all. */
void mongo_counters_settle_or_not(struct mongo_store *s);

/* --- mongo_recount.c --- */
struct mongo_touched { /* a chat and what was added to it */
    struct slice chat_id;
    int64_t added;
    int64_t first_rev, rev; /* of the oldest and the newest message added */
    int64_t timestamp_us;
    uint8_t flags;
};
/* Brings the chats' counters to what the database holds, whatever was or was not applied before. */
NODISCARD enum err mongo_recount(struct mongo_store *s, const struct mongo_conn *conn,
                                 const struct mongo_touched *chats, size_t count, struct arena *a);
bson_t *mongo_touched_filter(const struct mongo_touched *chats,
                             size_t count);    /* those chats; the caller's to destroy */
struct slice mongo_chat_id(const bson_t *doc); /* empty: it is no text */

/* --- mongo_identity.c --- */
/* Reads the database's tag, once. */
NODISCARD enum err mongo_learn_tag(struct mongo_store *s);
/* After a crash before messages were counted: gives the chats of the newest ones, where they lag behind, to
 * mongo_counters.c as doubted. newest: the newest message's rev. */
NODISCARD enum err mongo_recover_tail(struct mongo_store *s, const struct mongo_conn *conn, int64_t newest);

/* --- mongo_totals.c --- */
/* *adrift: chats less those of customers. Not 0: some belong to nobody, or a customer is there under two ids. */
NODISCARD enum err mongo_count_all(struct mongo_store *s, const struct mongo_conn *conn, struct totals *out,
                                   int64_t *adrift);

/* --- mongo_index.c --- */
void mongo_index_start(struct mongo_store *s, mongo_name_chats_fn name_chats);
/* On this thread, one try each. */
void mongo_index_now(struct mongo_store *s, const struct mongo_conn *conn, mongo_name_chats_fn name_chats);
/* False: it is inside a command that does not end; what it uses must live on. */
bool mongo_index_stop(struct mongo_store *s);

/* --- the functions of the vtable --- */
enum err mongo_resolve_chats(struct store *s, struct new_message *const *messages, size_t count);
enum err mongo_insert_messages(struct store *s, struct new_message *const *messages, size_t count);
enum err mongo_find_chat(struct store *s, struct slice chat_id, struct arena *a, struct chat *out);
enum err mongo_find_user(struct store *s, enum user_by by, struct slice value, struct arena *a, struct user *out);
enum err mongo_put_user(struct store *s, struct user *u);
enum err mongo_insert_chat(struct store *s, struct chat *c);
enum err mongo_set_chat_flags(struct store *s, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                              int64_t rev, int64_t now_us);
enum err mongo_identity(struct store *s, int64_t *max_rev, uint8_t tag[5]);
enum err mongo_read_totals(struct store_reader *r, struct totals *out);
enum err mongo_read_user(struct store_reader *r, enum user_by by, struct slice value, struct arena *a,
                         struct user *out);
enum err mongo_load_user(struct store_reader *r, struct slice ident, const struct load_sink *sink);
enum err mongo_chat_owner(struct store_reader *r, struct slice chat_id, struct arena *a, struct chat *out);
enum err mongo_recent_users(struct store_reader *r, struct slice owner, int64_t skip, int64_t limit, struct arena *a,
                            struct user **out, size_t *count);
enum err mongo_changed_users(struct store_reader *r, int64_t since, int64_t limit, struct arena *a, struct user **out,
                             size_t *count);
enum err mongo_list_chats(struct store_reader *r, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                          struct chat_ref **out, size_t *count, int64_t *total);
enum err mongo_overview(struct store_reader *r, struct arena *a, struct overview *out);
