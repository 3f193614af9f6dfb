/* mongo_store.h: the store on MongoDB as its own files see it; nobody else includes it.
 * Thread:  struct mongo_store: fields in groups by thread below. A mongo_conn belongs to one thread.
 * Owns:    the store its pools and the writer's connection; a reader its own.
 * Files, from below:
 *   bson_map.c, bson_put.c         values, from and to documents
 *   bson_rows.c                    customers, chats and messages, field by field
 *   mongo_health.c, mongo_error.c  what is known of the database; whom a failure concerns
 *   mongo_driver.c, mongo_client.c the driver and its watch; URIs, pools, connections
 *   mongo_cursor.c, mongo_query.c  how a query is asked; questions that several files ask
 *   write:    mongo_write.c (chats, customers) → mongo_insert.c (messages), mongo_reopen.c → mongo_counters.c (their
 *             chats, behind)
 *             (mongo_table.c) → mongo_recount.c (when an update's result is in doubt), mongo_marks.c
 *   read:     mongo_customer.c, mongo_read.c, mongo_list.c (by mongo_merge.c), mongo_overview.c, mongo_totals.c
 *   at start: mongo_lease.c (who writes), mongo_identity.c, legacy/mongo_adopt.c (what existing data lacks);
 *             mongo_index.c beside it
 *   store_mongo.c                  the table of functions, life and death */
#pragma once
#include "mongo_client.h"
#include "mongo_health.h"
#include "mongo_index.h"
#include "mongo_lease.h"

struct mongo_store {
    struct store base; /* first */
    /* set at open, then read-only */
    struct mongo_uris uris;
    mongoc_client_pool_t *writer_pool, *reader_pool;
    uint8_t own_tag[5]; /* of this process: for ids that another node took */
    bool owners_matter; /* there are principals: some may be bound to an owner */
    struct mongo_lease_options lease_options;
    /* each of these sees to its threads by itself */
    struct mongo_health health;
    struct mongo_index index;
    struct mongo_counters *counters;
    struct mongo_lease *lease; /* NULL: none was claimed */
    /* writer only (main before it starts) */
    struct mongo_conn writer;
    uint8_t tag[5]; /* the database's: of its oldest message, else own_tag */
    bool tag_known;
    int64_t max_rev; /* as identity found it */
    struct arena scratch;
    bson_t *
        last_customer; /* as find_customer found it last in this batch: put_customer writes what differs from it; NULL: none */
    int64_t pinged_us;
    struct mongo_closing totals_closing; /* of the pool that counted at start */
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

static inline struct mongo_reader *mongo_reader_of(struct store_reader *r)
{
    return (struct mongo_reader *)r;
}

/* --- the table of functions: struct store_vtable has what each does --- */
enum err mongo_resolve_chats(struct store *s, struct new_message *const *messages, size_t count);
enum err mongo_insert_messages(struct store *s, struct new_message *const *messages, size_t count);
enum err mongo_find_chat(struct store *s, struct slice chat_id, struct arena *a, struct chat *out);
enum err mongo_find_customer(struct store *s, enum customer_by by, struct slice value, struct arena *a,
                             struct customer *out);
enum err mongo_put_customer(struct store *s, struct customer *u);
enum err mongo_insert_chat(struct store *s, struct chat *c);
enum err mongo_set_chat_flags(struct store *s, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                              int64_t rev, int64_t now_us);
enum err mongo_put_chat(struct store *s, const struct chat *c);
enum err mongo_set_mark(struct store *s, const struct chat_link *link, struct slice chat_id, enum chat_side side,
                        int64_t mark);
enum err mongo_identity(struct store *s, int64_t *max_rev, uint8_t tag[5]);
enum err mongo_totals(struct store *s, struct totals *out);
enum err mongo_read_totals(struct store_reader *r, struct totals *out);
enum err mongo_read_customer(struct store_reader *r, enum customer_by by, struct slice value, struct arena *a,
                             struct customer *out);
enum err mongo_load_customer(struct store_reader *r, struct slice ident, const struct load_sink *sink);
enum err mongo_read_chat(struct store_reader *r, struct slice chat_id, struct arena *a, struct chat *out);
enum err mongo_recent_customers(struct store_reader *r, struct slice owner, int64_t skip, int64_t limit,
                                struct arena *a, struct customer **out, size_t *count);
enum err mongo_changed_customers(struct store_reader *r, int64_t since, int64_t limit, struct arena *a,
                                 struct customer **out, size_t *count);
enum err mongo_search_customers(struct store_reader *r, const struct customer_filter *filter, int64_t skip,
                                int64_t limit, struct arena *a, struct customer **out, size_t *count, int64_t *total);
enum err mongo_list_chats(struct store_reader *r, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                          struct chat_ref **out, size_t *count, int64_t *total);
enum err mongo_overview(struct store_reader *r, struct arena *a, struct overview *out);
