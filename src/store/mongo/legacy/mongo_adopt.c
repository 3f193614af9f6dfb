/* What an existing database lacks so that every chat can be seen and reached is added, once, at start. A chat is found
 * by its chat_id and shown with its customer: one without the first answers 404 to every send, one without the second
 * takes messages that nobody ever sees.
 *   1. A chat without a chat_id gets the text that it was listed under: its own _id.
 *   2. An address that is not stored in the form it is compared in gets that form beside it (mongo_customer.c).
 *   3. The totals are counted. Where customers' chats are fewer than all chats, some belong to nobody. Then
 *   4. a chat without a user_id gets its own _id as such;
 *   5. a customer that chats name and that is not there is made, with that id, as one of whom only the id is known;
 *   6. and the totals are counted again.
 * Only what is missing is written, under ids that follow from the data: several nodes may do it at once, and again.
 * Failure: said in the log and left for the next start; never a reason not to start. */
#include "mongo_adopt.h"

#include "../bson_map.h"
#include "../mongo_counters.h"
#include "../mongo_cursor.h"
#include "../mongo_error.h"
#include "../mongo_totals.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "chat/customer.h"

#include <stdlib.h>

#define AT_ONCE  1000
#define ADOPT_MS 60000
#define ID_TAKEN "_id_ dup key" /* of "… index: _id_ dup key: …": the server's error has one code for every index */

struct adoption {
    const struct mongo_conn *conn; /* has the time that this takes */
    struct arena page, row;
    /* Of the last document written. Each gets its own, so that a list of changes can end between two of them. They are
     * above all that there are; the writer asks for the highest afterwards, and goes on from there. */
    int64_t rev;
    int64_t until_us;
    int64_t left; /* customers that cannot be made */
    bool told;    /* of a document that was refused: one is enough */
    bool stopped; /* refused as a whole, or no answer */
};

static void begin(struct adoption *ad, const struct mongo_conn *conn)
{
    *ad = (struct adoption){.conn = conn, .until_us = clock_mono_us() + ADOPT_MS * 1000};
    arena_init(&ad->page, 0);
    arena_init(&ad->row, 0);
}

static void end(struct adoption *ad)
{
    if (ad->stopped)
        log_warn("existing data not completed", "some chats stay unseen or unreachable; the next start tries again");
    arena_fini(&ad->page);
    arena_fini(&ad->row);
}

static bool out_of_time(struct adoption *ad)
{
    ad->stopped = ad->stopped || clock_mono_us() > ad->until_us;
    return ad->stopped;
}

/* --- writing --- */

/* Logs the first document that was refused. taken_is_done: one whose _id is taken is there by now, whoever made it, and
 * does not count. Any other key that is taken (a chat_id; an email, where the deployment has a unique index of its own
 * on it) is somebody else's. */
static void name_refused(struct adoption *ad, const bson_t *reply, const char *what, bool taken_is_done)
{
    struct mongo_refusal r = {0};
    while (!ad->told && mongo_refusal_next(reply, &r)) {
        if (taken_is_done && strstr(r.message, ID_TAKEN))
            continue;
        log_warn("existing document not written", "what=\"%s\" error=\"%s\": further ones are not named", what,
                 r.message);
        ad->told = true;
    }
}

/* Takes the bulk, of n writes; returns how many documents it wrote. */
static int64_t run(struct adoption *ad, mongoc_bulk_operation_t *bulk, const char *what, size_t n, bool taken_is_done)
{
    bson_error_t error;
    bson_t reply = BSON_INITIALIZER;
    if (n > 0 && mongoc_bulk_operation_execute(bulk, &reply, &error) == 0) {
        bool whole = !mongo_only_documents(&reply, &error);
        ad->stopped = ad->stopped || whole;
        if (whole)
            log_warn("existing data not written", "what=\"%s\" error=\"%s\"", what, error.message);
        else
            name_refused(ad, &reply, what, taken_is_done);
    }
    int64_t written = bson_number(&reply, "nInserted") + bson_number(&reply, "nModified");
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    return written;
}

/* --- chats without chat_id or user_id --- */

/* Missing, null and empty are one: the first two are so to the query, the last to map_chat(). */
static void put_lacks(bson_t *filter, const char *field)
{
    BCON_APPEND(filter, field, "{", "$in", "[", BCON_NULL, BCON_UTF8(""), "]", "}");
}

/* Gives the chat its own _id as chat_id, which is text always, or as user_id, which is an ObjectId or text. False: it
 * has no _id that could be its own name. */
static bool add_own_id(struct adoption *ad, mongoc_bulk_operation_t *bulk, const bson_t *chat, const char *field,
                       bool customer)
{
    bson_iter_t id;
    bson_error_t error;
    struct slice text;
    arena_reset(&ad->row);
    if (!bson_iter_init_find(&id, chat, "_id") || bson_text(&id, &ad->row, &text) != OK || text.len == 0)
        return false;
    bson_t set;
    bson_t filter = BSON_INITIALIZER, change = BSON_INITIALIZER;
    put_same(&filter, chat, "_id");
    put_lacks(&filter, field);
    bson_append_document_begin(&change, "$set", -1, &set);
    if (customer && BSON_ITER_HOLDS_OID(&id))
        bson_append_iter(&set, field, -1, &id);
    else
        put_text(&set, field, text);
    bson_append_document_end(&change, &set);
    if (customer) /* a chat_id is what it was listed by already: nobody sees a change */
        BCON_APPEND(&change, "$max", "{", "rev", BCON_INT64(++ad->rev), "}");
    bool added = mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &change, NULL, &error);
    bson_destroy(&filter);
    bson_destroy(&change);
    return added;
}

static int64_t add_own_ids(struct adoption *ad, const char *field, bool customer, const char *what)
{
    bson_t *filter = bson_new();
    put_lacks(filter, field);
    struct mongo_find how = {.fields = "{\"_id\":1}", .batch = AT_ONCE, .max_ms = ADOPT_MS, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(ad->conn, ad->conn->chats, filter, &how);
    mongoc_bulk_operation_t *bulk = mongo_unordered(ad->conn->chats);
    const bson_t *chat;
    int64_t written = 0;
    unsigned n = 0;
    while (!out_of_time(ad) && mongoc_cursor_next(cursor, &chat)) {
        n += add_own_id(ad, bulk, chat, field, customer);
        if (n < AT_ONCE)
            continue;
        written += run(ad, bulk, what, n, false);
        bulk = mongo_unordered(ad->conn->chats);
        n = 0;
    }
    written += run(ad, bulk, what, n, false);
    ad->stopped = mongo_done(ad->conn, what, cursor, OK) != OK || ad->stopped;
    return written;
}

int64_t mongo_adopt_chat_ids(const struct mongo_conn *conn)
{
    struct adoption ad;
    begin(&ad, conn);
    int64_t written = add_own_ids(&ad, "chat_id", false, "giving chats a chat_id");
    if (written > 0)
        log_info("existing data completed", "chat_ids=%lld: chats are found under the ids they were listed by",
                 (long long)written);
    end(&ad);
    return written;
}

/* --- customers that chats name and that are not there --- */

struct named {       /* by one chat or several */
    struct slice id; /* as text */
    enum id_form form;
    bool there;                      /* a customer has it as its id */
    bool taken;                      /* one is found by it otherwise */
    int64_t created_us, activity_us; /* of the chats */
};

struct page {
    struct map by_id;
    struct named list[AT_ONCE];
    struct slice ids[AT_ONCE];
    size_t count, missing; /* missing: so many of ids are those of customers to make */
};

/* An ObjectId's digits in capitals are found under neither of its forms: such a chat stays as it is. */
static bool is_findable(struct slice id, enum id_form form)
{
    struct oid oid;
    char lower[OID_LEN];
    if (form == ID_OBJECT || !oid_parse(id, &oid))
        return id.len > 0;
    oid_format(&oid, lower);
    return slice_eq(id, slice_of(lower, sizeof(lower)));
}

static enum err add_named(struct adoption *ad, struct page *p, const bson_t *group)
{
    bson_iter_t it;
    bool any = bson_iter_init_find(&it, group, "_id");
    if (!any || !(BSON_ITER_HOLDS_OID(&it) || BSON_ITER_HOLDS_UTF8(&it))) {
        ad->left++;
        return OK;
    }
    enum id_form form = BSON_ITER_HOLDS_OID(&it) ? ID_OBJECT : ID_TEXT;
    struct slice id;
    enum err e = bson_text(&it, &ad->page, &id);
    if (e != OK)
        return e;
    bool findable = is_findable(id, form);
    ad->left += !findable;
    if (!findable || map_get(&p->by_id, id))
        return OK;
    p->ids[p->count] = id;
    p->list[p->count] = (struct named){.id = id, .form = form};
    return map_put(&p->by_id, id, &p->list[p->count++]);
}

static struct named *named_in(const struct page *p, const bson_t *doc, const char *field)
{
    bson_iter_t it;
    char room[BSON_ROOM];
    return bson_iter_init_find(&it, doc, field) ? map_get(&p->by_id, bson_scalar(&it, room)) : NULL;
}

/* Which of them are there. A customer is found by its second id and its email too: one made under such an id would
 * stand before it in every poll. So chats that name one that way stay as they are. */
static enum err look_up(struct adoption *ad, struct page *p)
{
    static const char *const fields[] = {"_id", "user_id", "email"};
    enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
    struct bson_array any;
    array_begin(&any, bson_new(), "$or");
    for (size_t i = 0; i < FIELDS; i++)
        array_add(&any, bson_in(fields[i], p->ids, p->count));
    struct mongo_find how = {.fields = "{\"_id\":1,\"user_id\":1,\"email\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(ad->conn, ad->conn->customers, array_end(&any), &how);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        for (size_t i = 0; i < FIELDS; i++) {
            struct named *n = named_in(p, doc, fields[i]);
            if (n)
                *(i == 0 ? &n->there : &n->taken) = true;
        }
    }
    p->missing = 0;
    for (size_t i = 0; i < p->count; i++) {
        ad->left += p->list[i].taken && !p->list[i].there;
        if (!p->list[i].taken && !p->list[i].there)
            p->ids[p->missing++] = p->list[i].id;
    }
    return mongo_done(ad->conn, "looking for chats' customers", cursor, OK);
}

static enum err read_times(struct adoption *ad, struct page *p)
{
    bson_t *filter = bson_in("user_id", p->ids, p->missing);
    struct mongo_find how = {.fields = "{\"user_id\":1,\"created_at\":1,\"last_activity\":1,\"updated_at\":1}",
                             .primary = true};
    mongoc_cursor_t *cursor = mongo_find(ad->conn, ad->conn->chats, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct chat chat;
        struct named *n = named_in(p, doc, "user_id");
        arena_reset(&ad->row);
        e = map_chat(doc, &ad->row, &chat);
        if (e != OK || !n)
            continue;
        if (chat.created_us > 0 && (n->created_us == 0 || chat.created_us < n->created_us))
            n->created_us = chat.created_us;
        if (chat.last_activity_us > n->activity_us)
            n->activity_us = chat.last_activity_us;
    }
    return mongo_done(ad->conn, "reading the times of chats", cursor, e);
}

/* As put_customer would store it, but as a document to insert: one that is there by then stays as it is. */
static enum err customer_document(struct adoption *ad, const struct named *n, bson_t *doc)
{
    static const char *const parts[] = {"$set", "$max"};
    struct customer u;
    arena_reset(&ad->row);
    int64_t now = clock_wall_us();
    int64_t activity = n->activity_us ? n->activity_us : n->created_us ? n->created_us : now;
    enum err e = customer_unknown(&ad->row, n->id, n->created_us ? n->created_us : activity, &u);
    if (e != OK)
        return e;
    u.rev = ++ad->rev;
    u.last_seen_us = u.activity_us = activity;
    bson_t update = BSON_INITIALIZER;
    bson_iter_t it, field;
    if (n->form == ID_OBJECT)
        put_id(doc, "_id", n->id);
    else
        put_text(doc, "_id", n->id);
    BSON_APPEND_BOOL(doc, "adopted", true); /* for who wants to go back */
    e = customer_update(&u, NULL, &update);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (bson_iter_init_find(&it, &update, parts[i]) && bson_iter_recurse(&it, &field))
            while (bson_iter_next(&field))
                bson_append_iter(doc, NULL, 0, &field);
    bson_destroy(&update);
    return e;
}

static int64_t insert_missing(struct adoption *ad, const struct page *p)
{
    mongoc_bulk_operation_t *bulk = mongo_unordered(ad->conn->customers);
    bson_error_t error;
    size_t n = 0;
    for (size_t i = 0; i < p->missing; i++) {
        bson_t doc = BSON_INITIALIZER;
        if (customer_document(ad, map_get(&p->by_id, p->ids[i]), &doc) == OK)
            n += mongoc_bulk_operation_insert_with_opts(bulk, &doc, NULL, &error);
        bson_destroy(&doc);
    }
    return run(ad, bulk, "making customers that chats name", n, true);
}

static int64_t adopt_page(struct adoption *ad, struct page *p)
{
    enum err e = p->count > 0 ? look_up(ad, p) : OK;
    bool some = p->count > 0 && p->missing > 0;
    if (e == OK && some)
        e = read_times(ad, p);
    int64_t made = e == OK && some ? insert_missing(ad, p) : 0;
    ad->stopped = ad->stopped || e != OK;
    map_fini(&p->by_id);
    map_init(&p->by_id);
    arena_reset(&ad->page);
    p->count = 0;
    return made;
}

static int64_t make_named(struct adoption *ad, struct page *p)
{
    static const char stages[] = "[{\"$group\":{\"_id\":\"$user_id\"}}]";
    mongoc_cursor_t *cursor = mongo_aggregate(ad->conn, ad->conn->chats, NULL, stages, ADOPT_MS, true);
    const bson_t *group;
    int64_t made = 0;
    while (!out_of_time(ad) && mongoc_cursor_next(cursor, &group)) {
        ad->stopped = add_named(ad, p, group) != OK;
        if (p->count == AT_ONCE)
            made += adopt_page(ad, p);
    }
    if (!ad->stopped)
        made += adopt_page(ad, p);
    ad->stopped = mongo_done(ad->conn, "listing the customers of chats", cursor, OK) != OK || ad->stopped;
    return made;
}

/* For chats that belong to no customer. True: what was counted is no longer so. */
static bool adopt_chats(const struct mongo_conn *conn, int64_t max_rev)
{
    struct adoption ad;
    struct page *p = calloc(1, sizeof(*p));
    if (!p)
        return false;
    begin(&ad, conn);
    int64_t now = clock_wall_us();
    ad.rev = now > max_rev ? now : max_rev;
    map_init(&p->by_id);
    int64_t linked = add_own_ids(&ad, "user_id", true, "giving chats a user_id");
    int64_t made = ad.stopped ? 0 : make_named(&ad, p);
    if (linked > 0 || made > 0)
        log_info("existing data completed", "user_ids=%lld customers=%lld: for chats that nobody could see",
                 (long long)linked, (long long)made);
    end(&ad);
    map_fini(&p->by_id);
    free(p);
    /* Nothing to do and nothing that cannot be done: another node was faster, or what was counted is out of date. */
    return linked > 0 || made > 0 || (!ad.stopped && ad.left == 0);
}

/* --- at start --- */

/* Existing addresses get the form they are compared in (mongo_customer.c), where that is another. */
static void complete_addresses(const struct mongo_conn *conn)
{
    bson_error_t error;
    bson_t reply;
    bson_t *filter = BCON_NEW("email", "{", "$regex", BCON_UTF8("^[ \\t\\n\\r]|[A-Z]|[ \\t\\n\\r]$"), "}",
                              "email_folded", "{", "$exists", BCON_BOOL(false), "}");
    bson_t *change = mongo_json("[{\"$set\":{\"email_folded\":{\"$toLower\":{\"$trim\":{"
                                "\"input\":\"$email\",\"chars\":\" \\t\\n\\r\"}}}}}]");
    if (!mongoc_collection_update_many(conn->customers, filter, change, NULL, &reply, &error))
        log_warn(
            "existing data not completed",
            "error=\"%s\": addresses with capitals or blanks are found as they are stored only; the next start tries "
            "again",
            error.message);
    else if (bson_number(&reply, "modifiedCount") > 0)
        log_info("existing data completed", "addresses=%lld: found whatever their case and blanks",
                 (long long)bson_number(&reply, "modifiedCount"));
    bson_destroy(&reply);
    bson_destroy(filter);
    bson_destroy(change);
}

static enum err count_and_adopt(struct mongo_conn *conn, int64_t max_rev, struct totals *out)
{
    int64_t adrift;
    (void)mongo_adopt_chat_ids(conn);
    complete_addresses(conn);
    enum err e = mongo_count_all(conn, out, &adrift);
    if (e == OK && adrift != 0 && adopt_chats(conn, max_rev)) {
        /* What was just written may not be on every secondary yet. */
        mongoc_collection_set_read_prefs(conn->customers, conn->primary);
        mongoc_collection_set_read_prefs(conn->chats, conn->primary);
        mongoc_collection_set_read_prefs(conn->messages, conn->primary);
        e = mongo_count_all(conn, out, &adrift);
    }
    if (e == OK && adrift > 0)
        log_warn("chats without a customer", "chats=%lld: their user_id names none, so no list shows their messages",
                 (long long)adrift);
    return e;
}

enum err mongo_totals(struct store *st, struct totals *out)
{
    struct mongo_store *s = mongo_of(st);
    struct mongo_conn conn;
    struct buf why;
    buf_init(&why);
    enum err e = mongo_alone_open(&conn, &s->uris, MONGO_TOTALS, &why);
    if (e == OK)
        e = mongo_counters_settle(s->counters); /* what the last process left uncounted: identity() has found it */
    if (e == OK)
        e = count_and_adopt(&conn, s->max_rev, out);
    mongo_alone_close_beside(&conn, &s->totals_closing); /* the start does not wait for it */
    buf_fini(&why);
    return e;
}
