#include "test_mongo_kit.h"

#include "base/clock.h"
#include "store/mongo/mongo_driver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *server_uri(void)
{
    return getenv("SAKURAD_TEST_MONGO_URI");
}

bool kit_available(void)
{
    return server_uri() && *server_uri();
}

bool kit_owns_server(void)
{
    const char *own = getenv("SAKURAD_TEST_MONGO_OWN");
    return own && *own;
}

/* The server's URI with another database and more options. */
static void make_uri(struct kit *k, const char *options)
{
    const char *uri = server_uri();
    const char *host = strstr(uri, "://");
    must(host);
    const char *path = strchr(host + 3, '/');
    const char *query = strchr(host + 3, '?');
    size_t base = path ? (size_t)(path - uri) : query ? (size_t)(query - uri) : strlen(uri);
    bool more = options && *options;
    /* A short heartbeat: closing a pool waits for one. */
    snprintf(k->uri, sizeof(k->uri), "%.*s/%s%s%sheartbeatFrequencyMS=500%s%s", (int)base, uri, k->name,
             query ? query : "", query ? "&" : "?", more ? "&" : "", more ? options : "");
}

void kit_init(struct kit *k)
{
    static int serial;
    *k = (struct kit){0};
    mongo_driver_init();
    snprintf(k->name, sizeof(k->name), "sakurad_test_%d_%d", (int)getpid(), serial++);
    make_uri(k, NULL);
    k->client = mongoc_client_new(k->uri);
    must(k->client);
    k->database = mongoc_client_get_database(k->client, k->name);
    arena_init(&k->arena, 0);
}

static size_t count_indexes(struct kit *k)
{
    static const char *const collections[] = {MONGO_CUSTOMERS, MONGO_CHATS, MONGO_MESSAGES};
    size_t there = 0;
    for (size_t i = 0; i < 3; i++) {
        mongoc_collection_t *c = mongoc_database_get_collection(k->database, collections[i]);
        mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(c, NULL);
        const bson_t *doc;
        while (mongoc_cursor_next(cursor, &doc))
            there++;
        mongoc_cursor_destroy(cursor);
        mongoc_collection_destroy(c);
    }
    return there;
}

static bool index_thread_is_through(struct mongo_store *s)
{
    pthread_mutex_lock(&s->index.lock);
    bool through = s->index.first_round;
    pthread_mutex_unlock(&s->index.lock);
    return through;
}

/* The index thread works beside us: tests want to begin when it is done. */
static void wait_for_indexes(struct kit *k)
{
    const size_t all = 12 + 3; /* ours and _id of each */
    int64_t deadline_us = clock_mono_us() + 60000000;
    bool done;
    do {
        done = index_thread_is_through((struct mongo_store *)k->store) && count_indexes(k) >= all;
        if (!done)
            usleep(5000);
    } while (!done && clock_mono_us() < deadline_us);
    CU_ASSERT_TRUE(done);
}

void kit_configure(struct kit *k, const char *options, int64_t write_timeout_ms)
{
    char timeout[32];
    struct buf why;
    buf_init(&why);
    make_uri(k, options);
    snprintf(timeout, sizeof(timeout), "%lld", (long long)write_timeout_ms);
    char *argv[] = {(char[]){"sakurad"}, (char[]){"--store"}, k->uri, (char[]){"--write-timeout"}, timeout, NULL};
    char *envp[] = {NULL};
    config_fini(&k->config);
    enum err e = config_parse(&k->config, 5, argv, envp, &why);
    if (e != OK)
        fprintf(stderr, "kit_configure: %s\n", buf_cstr(&why));
    must(e == OK);
    if (k->principals)
        k->config.store.owners_matter = true;
    buf_fini(&why);
}

enum err kit_open_store(struct kit *k, const char *options, int64_t write_timeout_ms, struct store **out)
{
    struct buf why;
    buf_init(&why);
    kit_configure(k, options, write_timeout_ms);
    enum err e = store_mongo_open(&k->config.store, out, &why);
    if (e != OK)
        fprintf(stderr, "kit_open_store: %s: %s\n", err_text(e), buf_cstr(&why));
    buf_fini(&why);
    return e;
}

enum err kit_open(struct kit *k, const char *options, int64_t write_timeout_ms)
{
    enum err e = kit_open_store(k, options, write_timeout_ms, &k->store);
    if (e == OK)
        e = k->store->vtable->identity(k->store, &k->max_rev, k->tag);
    if (e == OK)
        e = k->store->vtable->reader_open(k->store, &k->reader);
    if (e == OK)
        wait_for_indexes(k);
    return e;
}

void kit_close_store(struct kit *k)
{
    if (k->reader)
        k->store->vtable->reader_close(k->reader);
    if (k->store)
        k->store->vtable->close(k->store);
    k->reader = NULL;
    k->store = NULL;
}

void kit_fini(struct kit *k)
{
    kit_close_store(k);
    mongoc_database_drop(k->database, NULL);
    mongoc_database_destroy(k->database);
    mongoc_client_destroy(k->client);
    config_fini(&k->config);
    arena_fini(&k->arena);
    buf_fini(&k->text);
}

static bson_t *from_json(const char *json)
{
    bson_error_t error;
    bson_t *doc = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (!doc)
        fprintf(stderr, "%s in %s\n", error.message, json);
    must(doc);
    return doc;
}

void kit_put(struct kit *k, const char *collection, const char *json)
{
    bson_error_t error;
    bson_t *doc = from_json(json);
    mongoc_collection_t *c = mongoc_database_get_collection(k->database, collection);
    bool ok = mongoc_collection_insert_one(c, doc, NULL, NULL, &error);
    if (!ok)
        fprintf(stderr, "kit_put: %s\n", error.message);
    must(ok);
    mongoc_collection_destroy(c);
    bson_destroy(doc);
}

/* Chats follow their messages; a test wants to see where they end. False: they could not be written. */
bool kit_settle(struct kit *k)
{
    struct mongo_store *s = (struct mongo_store *)k->store;
    return !s || mongo_counters_settle(s->counters) == OK;
}

static bson_t *get(struct kit *k, const char *collection, const char *filter)
{
    (void)kit_settle(k);
    bson_t *f = from_json(filter);
    mongoc_collection_t *c = mongoc_database_get_collection(k->database, collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, f, NULL, NULL);
    const bson_t *doc;
    bson_t *copy = mongoc_cursor_next(cursor, &doc) ? bson_copy(doc) : NULL;
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(f);
    return copy;
}

char *kit_get(struct kit *k, const char *collection, const char *filter)
{
    bson_t *doc = get(k, collection, filter);
    char *text = doc ? bson_as_relaxed_extended_json(doc, NULL) : bson_strdup("");
    bson_destroy(doc);
    return text;
}

int64_t kit_number(struct kit *k, const char *collection, const char *filter, const char *field)
{
    bson_iter_t it;
    bson_t *doc = get(k, collection, filter);
    int64_t n = doc && bson_iter_init_find(&it, doc, field) ? bson_iter_as_int64(&it) : -1;
    bson_destroy(doc);
    return n;
}

int64_t kit_count(struct kit *k, const char *collection, const char *filter)
{
    bson_error_t error;
    (void)kit_settle(k);
    bson_t *f = from_json(filter);
    mongoc_collection_t *c = mongoc_database_get_collection(k->database, collection);
    int64_t n = mongoc_collection_count_documents(c, f, NULL, NULL, NULL, &error);
    mongoc_collection_destroy(c);
    bson_destroy(f);
    return n;
}

/* --- load --- */

static enum err on_customer(void *arg, const struct customer *u)
{
    struct kit *k = arg;
    buf_printf(&k->text, "user %.*s %.*s chats=%lld\n", SLICE_ARG(u->id), SLICE_ARG(u->name), (long long)u->chat_count);
    return OK;
}

static enum err on_chat(void *arg, const struct chat *c)
{
    struct kit *k = arg;
    buf_printf(&k->text, "chat %.*s total=%lld flags=%u\n", SLICE_ARG(c->chat_id), (long long)c->total_messages,
               c->flags);
    return OK;
}

static enum err on_message(void *arg, const struct message *m)
{
    struct kit *k = arg;
    char time[TIME_TEXT_LEN] = "-                         ";
    if (m->timestamp_us)
        time_format(m->timestamp_us, time);
    buf_printf(&k->text, "%.*s %.*s %.*s%s%s\n", SLICE_ARG(m->role), SLICE_ARG(m->text),
               m->timestamp_us ? TIME_TEXT_LEN : 1, time, m->read ? " read" : "", m->legacy ? " legacy" : "");
    return OK;
}

enum err kit_load(struct kit *k, const char *ident)
{
    struct load_sink sink = {.customer = on_customer, .chat = on_chat, .message = on_message, .arg = k};
    buf_clear(&k->text);
    enum err e = k->reader->vtable->load_customer(k->reader, slice_cstr(ident), &sink);
    (void)buf_cstr(&k->text);
    return e;
}

void kit_unmark(struct kit *k)
{
    char *text = k->text.ptr, *at;
    (void)buf_cstr(&k->text);
    while (text && (at = strstr(text, " legacy\n")))
        memmove(at, at + 7, strlen(at + 7) + 1);
    k->text.len = text ? strlen(text) : 0;
}

int64_t kit_remove(struct kit *k, const char *collection, const char *filter)
{
    bson_error_t error;
    bson_t reply;
    bson_iter_t it;
    bson_t *f = from_json(filter);
    mongoc_collection_t *c = mongoc_database_get_collection(k->database, collection);
    must(mongoc_collection_delete_many(c, f, NULL, &reply, &error));
    int64_t n = bson_iter_init_find(&it, &reply, "deletedCount") ? bson_iter_as_int64(&it) : -1;
    bson_destroy(&reply);
    mongoc_collection_destroy(c);
    bson_destroy(f);
    return n;
}

/* --- failures --- */

static void admin(struct kit *k, const char *json)
{
    bson_error_t error;
    bson_t *command = from_json(json);
    bool ok = mongoc_client_command_simple(k->client, "admin", command, NULL, NULL, &error);
    if (!ok)
        fprintf(stderr, "admin: %s\n", error.message);
    must(ok);
    bson_destroy(command);
}

void kit_break(struct kit *k, int times, const char *commands, const char *what)
{
    char json[512], mode[64];
    if (times < 0)
        snprintf(mode, sizeof(mode), "\"alwaysOn\"");
    else
        snprintf(mode, sizeof(mode), "{\"times\":%d}", times);
    snprintf(json, sizeof(json),
             "{\"configureFailPoint\":\"failCommand\",\"mode\":%s,\"data\":{\"failCommands\":[%s],%s}}", mode, commands,
             what);
    admin(k, json);
}

void kit_heal(struct kit *k)
{
    admin(k, "{\"configureFailPoint\":\"failCommand\",\"mode\":\"off\"}");
}

/* --- writes --- */

#define KIT_SENDS_MAX 64

void kit_send_init(struct kit_send *send, const char *chat, const char *role, const char *text, const char *key,
                   int64_t rev)
{
    *send = (struct kit_send){.m = {.chat_id = slice_cstr(chat),
                                    .role = slice_cstr(role),
                                    .text = slice_cstr(text),
                                    .client_key = slice_cstr(key),
                                    .rev = rev,
                                    .timestamp_us = rev}};
    arena_init(&send->arena, 0);
    send->m.arena = &send->arena;
}

enum err kit_apply(struct kit *k, struct kit_send *const *sends, size_t count)
{
    const struct store_vtable *v = k->store->vtable;
    struct new_message *messages[KIT_SENDS_MAX];
    must(count <= KIT_SENDS_MAX);
    for (size_t i = 0; i < count; i++) {
        messages[i] = &sends[i]->m;
        messages[i]->result = OK;
    }
    enum err e = v->begin(k->store);
    if (e == OK)
        e = v->resolve_chats(k->store, messages, count);
    if (e == OK)
        e = v->insert_messages(k->store, messages, count);
    if (e == OK)
        return v->commit(k->store);
    v->rollback(k->store);
    return e;
}

void kit_chat(struct kit *k, const char *customer, const char *chat)
{
    const struct store_vtable *v = k->store->vtable;
    struct customer u;
    int64_t now = clock_wall_us();
    CU_ASSERT_EQUAL_FATAL(v->begin(k->store), OK);
    if (v->find_customer(k->store, CUSTOMER_BY_ID, slice_cstr(customer), &k->arena, &u) != OK) {
        u = (struct customer){.id = slice_cstr(customer), .name = slice_cstr("Ann"), .email = slice_cstr("ann@x.io")};
        u.category = slice_cstr("agent-inbox");
        u.status = slice_cstr("active");
        u.created_us = u.last_seen_us = u.activity_us = u.rev = now;
        CU_ASSERT_EQUAL_FATAL(v->put_customer(k->store, &u), OK);
    }
    struct chat c = {
        .chat_id = slice_cstr(chat), .customer_id = u.id, .customer_key = u.key, .status = slice_cstr("open")};
    c.rev = c.created_us = c.last_activity_us = c.updated_us = now;
    CU_ASSERT_EQUAL_FATAL(v->insert_chat(k->store, &c), OK);
    CU_ASSERT_EQUAL_FATAL(v->commit(k->store), OK);
}
