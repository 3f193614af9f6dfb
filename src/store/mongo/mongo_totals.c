/* At the first contact, and when a report bypasses the cache. Customers are walked in pages by _id, and each page asks
 * once for its chats: so memory stays small whatever the database's size. All of it takes TOTALS_MS at most; then what
 * is there by then is given, with a warning. */
#include "mongo_totals.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "bson_map.h"
#include "mongo_counters.h"
#include "mongo_cursor.h"
#include "mongo_error.h"
#include "mongo_store.h"

#include <stdlib.h>

#define PAGE      1000
#define TOTALS_MS 60000

/* --- chats: one walk on the server --- */

/* has_agent and has_assistant where our own writes set them, else the roles of the embedded array. */
static const char CHATS_STAGES[] =
    "[{\"$project\":{\"m\":{\"$cond\":[{\"$isArray\":\"$messages\"},\"$messages\",[]]},"
    "\"has_agent\":1,\"has_assistant\":1}},"
    "{\"$project\":{\"r\":{\"$map\":{\"input\":\"$m\",\"as\":\"e\",\"in\":\"$$e.role\"}},"
    "\"has_agent\":1,\"has_assistant\":1}},"
    "{\"$project\":{\"n\":{\"$size\":\"$r\"},"
    "\"agent\":{\"$or\":[{\"$eq\":[\"$has_agent\",true]},{\"$in\":[\"agent\",\"$r\"]}]},"
    "\"assistant\":{\"$or\":[{\"$eq\":[\"$has_assistant\",true]},{\"$in\":[\"assistant\",\"$r\"]}]}}},"
    "{\"$group\":{\"_id\":{\"agent\":\"$agent\",\"assistant\":\"$assistant\"},"
    "\"chats\":{\"$sum\":1},\"embedded\":{\"$sum\":\"$n\"}}}]";

static bool flag(const bson_t *doc, const char *key)
{
    bson_iter_t it, found;
    return bson_iter_init(&it, doc) && bson_iter_find_descendant(&it, key, &found) && bson_iter_as_bool(&found);
}

static enum err count_chats(const struct mongo_conn *conn, struct totals *out)
{
    mongoc_cursor_t *cursor = mongo_aggregate(conn, conn->chats, NULL, CHATS_STAGES, TOTALS_MS, false);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        int64_t chats = bson_number(doc, "chats");
        bool agent = flag(doc, "_id.agent"), assistant = flag(doc, "_id.assistant");
        out->chats += chats;
        out->messages += bson_number(doc, "embedded");
        out->chats_with_agent += agent ? chats : 0;
        out->chats_with_assistant += assistant ? chats : 0;
        out->chats_with_either += agent || assistant ? chats : 0;
    }
    out->inbox[INBOX_ALL] = out->chats;
    return mongo_done(conn, "counting chats", cursor, OK);
}

/* An exact count walks an index; where that takes too long the server's own estimate does. Copies that a migration
 * left beside their originals would count twice until it is finished. */
static enum err count_messages(const struct mongo_conn *conn, struct totals *out)
{
    bson_error_t error;
    bson_t all = BSON_INITIALIZER;
    bson_t opts = BSON_INITIALIZER;
    BSON_APPEND_INT64(&opts, "maxTimeMS", TOTALS_MS / 4);
    int64_t n = mongoc_collection_count_documents(conn->messages, &all, &opts, NULL, NULL, &error);
    if (n < 0)
        n = mongoc_collection_estimated_document_count(conn->messages, NULL, NULL, NULL, &error);
    bson_destroy(&all);
    bson_destroy(&opts);
    out->messages += n > 0 ? n : 0;
    return n < 0 ? mongo_failed(conn, "counting messages", &error) : OK;
}

/* --- customers, page by page --- */

struct page {
    struct arena a;
    struct map by_id;
    struct customer customers[PAGE];
    struct slice ids[PAGE];
    size_t count;
    int64_t owned; /* chats of the customers so far */
    bool cut;      /* not all customers were counted */
};

/* The page's chats by their customers' inbox; a customer's chats may name it by both forms of its id. */
static enum err count_page(const struct mongo_conn *conn, struct page *p, struct totals *out)
{
    static const char stages[] = "[{\"$group\":{\"_id\":\"$user_id\",\"n\":{\"$sum\":1}}}]";
    if (p->count == 0)
        return OK;
    bson_t *match = bson_in("user_id", p->ids, p->count);
    mongoc_cursor_t *cursor = mongo_aggregate(conn, conn->chats, match, stages, TOTALS_MS, false);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        bson_iter_t it;
        char room[BSON_ROOM];
        bool named = bson_iter_init_find(&it, doc, "_id");
        struct customer *u = named ? map_get(&p->by_id, bson_scalar(&it, room)) : NULL;
        if (!u)
            continue;
        int64_t chats = bson_number(doc, "n");
        enum inbox inbox = inbox_of(u->category, u->status);
        out->customers_with_chats += u->chat_count == 0;
        u->chat_count += chats;
        p->owned += chats;
        if (inbox != INBOX_ALL)
            out->inbox[inbox] += chats;
    }
    return mongo_done(conn, "counting customers' chats", cursor, OK);
}

static void clear_page(struct page *p)
{
    map_fini(&p->by_id);
    map_init(&p->by_id);
    arena_reset(&p->a);
    p->count = 0;
}

static enum err add_to_page(struct page *p, const bson_t *doc, struct totals *out)
{
    struct customer *u = &p->customers[p->count];
    enum err e = map_customer(doc, &p->a, u);
    if (e != OK)
        return e;
    out->customers++;
    out->customers_with_owner += u->owner.len > 0;
    p->ids[p->count++] = u->id;
    return map_put(&p->by_id, u->id, u);
}

static enum err count_customers(const struct mongo_conn *conn, struct page *p, struct totals *out)
{
    int64_t until = clock_mono_us() + TOTALS_MS * 1000;
    struct mongo_find how = {.fields = "{\"category\":1,\"status\":1,\"dashboard_user_id\":1}", .batch = PAGE};
    mongoc_cursor_t *cursor = mongo_find(conn, conn->customers, bson_new(), &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        e = add_to_page(p, doc, out);
        if (e != OK || p->count < PAGE)
            continue;
        e = count_page(conn, p, out);
        clear_page(p);
        if (clock_mono_us() > until) {
            log_warn("counting took too long",
                     "customers=%lld: reports begin with what was counted; chats without a customer are not looked for",
                     (long long)out->customers);
            p->cut = true;
            break;
        }
    }
    if (e == OK)
        e = count_page(conn, p, out);
    return mongo_done(conn, "counting customers", cursor, e);
}

enum err mongo_count_all(const struct mongo_conn *conn, struct totals *out, int64_t *adrift)
{
    *out = (struct totals){0};
    *adrift = 0;
    struct page *p = calloc(1, sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    arena_init(&p->a, 0);
    map_init(&p->by_id);
    enum err e = count_chats(conn, out);
    if (e == OK)
        e = count_messages(conn, out);
    if (e == OK)
        e = count_customers(conn, p, out);
    if (e == OK && !p->cut)
        *adrift = out->chats - p->owned;
    map_fini(&p->by_id);
    arena_fini(&p->a);
    free(p);
    return e;
}

enum err mongo_read_totals(struct store_reader *reader, struct totals *out)
{
    int64_t adrift;
    mongo_counters_settle_or_not(mongo_of(reader->store)->counters);
    return mongo_count_all(&mongo_reader_of(reader)->conn, out, &adrift);
}
