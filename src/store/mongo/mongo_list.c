/* Listings: customers by activity, customers by change, chats by activity. Rows only. */
#include "mongo_counters.h"
#include "mongo_cursor.h"
#include "mongo_customer.h"
#include "mongo_error.h"
#include "mongo_merge.h"
#include "mongo_query.h"
#include "mongo_search.h"
#include "mongo_store.h"

#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>

#define AT_ONCE         1000
#define CHANGES_AT_ONCE 20000
#define FEW_CUSTOMERS                                                                                                  \
    10000 /* found by a search: they are read and sorted; of more, the page is taken from the list of all */

struct customer_list { /* on the heap, so that an owner with very many does not leave them in scratch */
    struct customer *items;
    size_t count, cap;
};

static enum err list_add(struct customer_list *l, const struct customer *u)
{
    if (!list_room(l->items, l->count, l->cap, 64))
        return ERR_NOMEM;
    l->items[l->count++] = *u;
    return OK;
}

struct listing {
    struct mongo_counters *counters;
    const struct mongo_conn *conn;
    struct arena *a, *scratch;
    const bson_t *only; /* of the customers that it goes through; NULL: all */
    int64_t skip, limit;
    struct customer_list list;
};

static struct listing begin(struct store_reader *reader, int64_t skip, int64_t limit, struct arena *a)
{
    struct mongo_reader *r = mongo_reader_of(reader);
    arena_reset(&r->scratch);
    return (struct listing){.counters = mongo_of(reader->store)->counters,
                            .conn = &r->conn,
                            .a = a,
                            .scratch = &r->scratch,
                            .skip = skip > 0 ? skip : 0,
                            .limit = limit > 0 ? limit : 0};
}

/* The end of a listing that went as e says: adds what the chats say of the customers that were listed, and gives them. */
static enum err give(struct listing *l, enum err e, struct customer **out, size_t *count)
{
    if (e == OK)
        e = mongo_enrich(l->conn, l->list.items, l->list.count);
    *count = l->list.count;
    *out = e == OK ? arena_alloc(l->a, (*count + 1) * sizeof(**out)) : NULL;
    if (*out && *count > 0)
        memcpy(*out, l->list.items, *count * sizeof(**out));
    free(l->list.items);
    return e == OK && !*out ? ERR_NOMEM : e;
}

/* --- all customers, most recently active first --- */

/* The next customers that the merge names and that were not named before. */
static enum err next_ids(struct mongo_merge *m, struct map *seen, struct slice *ids, size_t most, size_t *count)
{
    enum err e = OK;
    *count = 0;
    while (*count < most) {
        struct mongo_merged row;
        e = mongo_merge_next(m, &row);
        if (e != OK)
            break;
        if (row.customer_id.len == 0 || map_get(seen, row.customer_id))
            continue;
        ids[*count] = row.customer_id;
        e = map_put(seen, row.customer_id, ids);
        if (e != OK)
            break;
        (*count)++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Reads these customers and lists those that the page holds. *place counts the ones that exist: chats may name others. */
static enum err take_page(struct listing *l, const struct slice *ids, size_t count, int64_t *place)
{
    struct customer *customers = arena_alloc(l->scratch, (count + 1) * sizeof(*customers));
    if (!customers)
        return ERR_NOMEM;
    enum err e = mongo_customers_by_id(l->conn, ids, count, l->only, l->a, customers);
    for (size_t i = 0; e == OK && i < count; i++) {
        if (customers[i].id.len == 0)
            continue;
        if ((*place)++ >= l->skip && (int64_t)l->list.count < l->limit)
            e = list_add(&l->list, &customers[i]);
    }
    return e;
}

static enum err list_all(struct listing *l)
{
    struct map seen;
    map_init(&seen);
    int64_t most = l->skip > INT64_MAX - l->limit ? INT64_MAX : l->skip + l->limit;
    struct mongo_merge *m = mongo_merge_open(l->conn, MONGO_CUSTOMERS_BY_ACTIVITY, NULL, most, l->scratch);
    struct slice *ids = arena_alloc(l->scratch, AT_ONCE * sizeof(*ids));
    enum err e = m && ids ? OK : ERR_NOMEM;
    for (int64_t place = 0; e == OK && place < most;) {
        size_t count, want = most - place < AT_ONCE ? (size_t)(most - place) : AT_ONCE;
        e = next_ids(m, &seen, ids, want, &count);
        if (e != OK || count == 0)
            break;
        e = take_page(l, ids, count, &place);
    }
    mongo_merge_close(m);
    map_fini(&seen);
    return e;
}

/* --- those that are few: an owner's, a search's --- */

static int by_activity(const void *a, const void *b)
{
    const struct customer *x = a, *y = b;
    if (x->activity_us != y->activity_us)
        return x->activity_us > y->activity_us ? -1 : 1;
    size_t n = x->id.len < y->id.len ? x->id.len : y->id.len;
    int order = memcmp(x->id.ptr, y->id.ptr, n);
    return order ? order : (x->id.len > y->id.len) - (x->id.len < y->id.len);
}

/* Takes filter. */
static enum err matching(struct listing *l, bson_t *filter, struct customer_list *all)
{
    mongoc_cursor_t *cursor = mongo_find(l->conn, l->conn->customers, filter, &(struct mongo_find){.primary = true});
    const bson_t *doc;
    enum err e = OK;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct customer u;
        e = map_customer(doc, l->scratch, &u);
        if (e == OK)
            e = list_add(all, &u);
    }
    return mongo_done(l->conn, "reading an owner's or a search's customers", cursor, e);
}

static enum err list_matching(struct listing *l, bson_t *filter)
{
    struct customer_list all = {0};
    enum err e = matching(l, filter, &all);
    if (e == OK)
        e = mongo_enrich(l->conn, all.items, all.count);
    if (e == OK && all.count > 1)
        qsort(all.items, all.count, sizeof(*all.items), by_activity);
    size_t n = 0;
    struct slice *ids = arena_alloc(l->scratch, (all.count + 1) * sizeof(*ids));
    if (!ids)
        e = ERR_NOMEM;
    for (size_t i = 0; e == OK && i < all.count && (int64_t)n < l->limit; i++)
        if ((int64_t)i >= l->skip)
            ids[n++] = all.items[i].id;
    int64_t place = l->skip;
    if (e == OK && n > 0) /* read again into the caller's arena: those beside the page stay in scratch */
        e = take_page(l, ids, n, &place);
    free(all.items);
    return e;
}

static enum err list_owned(struct listing *l, struct slice owner)
{
    return slice_is_utf8(owner) ? list_matching(l, bson_in("dashboard_user_id", &owner, 1)) : OK;
}

enum err mongo_recent_customers(struct store_reader *reader, struct slice owner, int64_t skip, int64_t limit,
                                struct arena *a, struct customer **out, size_t *count)
{
    struct listing l = begin(reader, skip, limit, a);
    enum err e = mongo_counters_settle(l.counters);
    if (e == OK)
        e = owner.len > 0 ? list_owned(&l, owner) : list_all(&l);
    return give(&l, e, out, count);
}

/* --- those that a search finds --- */

static enum err count_documents(const struct listing *l, mongoc_collection_t *in, const bson_t *only, int64_t *total)
{
    bson_error_t error;
    bson_t all = BSON_INITIALIZER;
    const mongoc_read_prefs_t *prefs = in == l->conn->customers ? l->conn->primary : NULL;
    *total = mongoc_collection_count_documents(in, only ? only : &all, NULL, prefs, NULL, &error);
    bson_destroy(&all);
    return *total < 0 ? mongo_failed(l->conn, "counting for a list", &error) : OK;
}

enum err mongo_search_customers(struct store_reader *reader, const struct customer_filter *filter, int64_t skip,
                                int64_t limit, struct arena *a, struct customer **out, size_t *count, int64_t *total)
{
    struct listing l = begin(reader, skip, limit, a);
    bson_t *only = mongo_search_filter(filter);
    *total = 0;
    enum err e = mongo_counters_settle(l.counters);
    if (e == OK)
        e = count_documents(&l, l.conn->customers, only, total);
    if (e == OK && *total <= FEW_CUSTOMERS) {
        e = list_matching(&l, bson_copy(only));
    } else if (e == OK) {
        l.only = only;
        e = list_all(&l);
    }
    bson_destroy(only);
    return give(&l, e, out, count);
}

/* --- changes --- */

struct change {
    struct slice id;
    int64_t rev;
};

struct changes {
    struct map by_id;
    struct change *items;
    size_t count;
    int64_t horizon; /* up to here every change was read */
};

static enum err add_change(struct changes *c, const bson_t *doc, const char *id_field, struct arena *a, int64_t *rev)
{
    bson_iter_t it;
    char room[BSON_ROOM];
    *rev = bson_number(doc, "rev");
    if (!bson_iter_init_find(&it, doc, id_field))
        return OK;
    struct slice id = bson_scalar(&it, room);
    if (id.len == 0)
        return OK;
    struct change *known = map_get(&c->by_id, id);
    if (known) {
        known->rev = *rev > known->rev ? *rev : known->rev;
        return OK;
    }
    struct change *item = &c->items[c->count++];
    *item = (struct change){.id = arena_slice(a, id), .rev = *rev};
    return item->id.ptr ? map_put(&c->by_id, item->id, item) : ERR_NOMEM;
}

static enum err read_changes(struct listing *l, struct changes *c, mongoc_collection_t *in, const char *id_field,
                             int64_t since, int64_t until)
{
    bson_t *filter = BCON_NEW("rev", "{", "$gt", BCON_INT64(since), "$lte", BCON_INT64(until), "}");
    struct mongo_find how = {
        .sort = "{\"rev\":1}", .fields = "{\"user_id\":1,\"rev\":1}", .limit = CHANGES_AT_ONCE, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(l->conn, in, filter, &how);
    const bson_t *doc;
    enum err e = OK;
    int64_t n = 0, rev = 0;
    while (e == OK && n < CHANGES_AT_ONCE && mongoc_cursor_next(cursor, &doc)) {
        e = add_change(c, doc, id_field, l->scratch, &rev);
        n++;
    }
    if (n == CHANGES_AT_ONCE && rev < c->horizon)
        c->horizon = rev;
    return mongo_done(l->conn, "reading changes", cursor, e);
}

static int by_rev(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return (x->rev > y->rev) - (x->rev < y->rev);
}

/* Lists the customers of these changes, but for ids that are none (a chat may name a customer that is gone). */
static enum err take_some(struct listing *l, const struct change *items, size_t count)
{
    struct slice *ids = arena_alloc(l->scratch, count * sizeof(*ids));
    struct customer *customers = arena_alloc(l->scratch, count * sizeof(*customers));
    if (!ids || !customers)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        ids[i] = items[i].id;
    enum err e = mongo_customers_by_id(l->conn, ids, count, NULL, l->a, customers);
    for (size_t i = 0; e == OK && i < count; i++) {
        if (customers[i].id.len == 0)
            continue;
        customers[i].rev = items[i].rev;
        e = list_add(&l->list, &customers[i]);
    }
    return e;
}

/* Oldest change first. Where not all changes could be read at once, a customer stands at its last change within
 * what was read, and comes again with the changes behind it: none is passed over. */
static enum err take_changes(struct listing *l, struct changes *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].rev <= c->horizon)
            c->items[n++] = c->items[i];
    if (n > 1)
        qsort(c->items, n, sizeof(*c->items), by_rev);
    enum err e = OK;
    for (size_t at = 0; e == OK && at < n && (int64_t)l->list.count < l->limit;) {
        size_t room = (size_t)(l->limit - (int64_t)l->list.count);
        size_t some = n - at < room ? n - at : room;
        some = some < AT_ONCE ? some : AT_ONCE;
        e = take_some(l, c->items + at, some);
        at += some;
    }
    return e;
}

/* Everything that changed after since, or as much of it as is read at once: then the next window begins at *horizon. */
static enum err list_changes(struct listing *l, int64_t since, int64_t *horizon)
{
    struct changes c = {.horizon = INT64_MAX, .items = calloc(2 * CHANGES_AT_ONCE, sizeof(struct change))};
    map_init(&c.by_id);
    enum err e = c.items ? OK : ERR_NOMEM;
    if (e == OK)
        e = read_changes(l, &c, l->conn->customers, "_id", since, INT64_MAX);
    /* Chats no further than customers were read, so that one horizon holds for both. */
    if (e == OK)
        e = read_changes(l, &c, l->conn->chats, "user_id", since, c.horizon);
    if (e == OK)
        e = take_changes(l, &c);
    *horizon = c.horizon;
    map_fini(&c.by_id);
    free(c.items);
    return e;
}

enum err mongo_changed_customers(struct store_reader *reader, int64_t since, int64_t limit, struct arena *a,
                                 struct customer **out, size_t *count)
{
    struct listing l = begin(reader, 0, limit, a);
    enum err e = mongo_counters_settle(l.counters);
    int64_t position = since;
    while (e == OK && position != INT64_MAX && (int64_t)l.list.count < l.limit)
        e = list_changes(&l, position, &position);
    return give(&l, e, out, count);
}

/* --- chats --- */

/* {user_id: {$in: the customers with this email}}; NULL in *only: all chats. */
static enum err by_email(struct listing *l, struct slice email, bson_t **only)
{
    *only = NULL;
    if (email.len == 0)
        return OK;
    struct mongo_find how = {.fields = "{\"_id\":1}", .limit = AT_ONCE, .primary = true};
    bson_t *filter = mongo_filter_by(CUSTOMER_BY_EMAIL, email);
    mongoc_cursor_t *cursor = mongo_find(l->conn, l->conn->customers, filter, &how);
    const bson_t *doc;
    bson_iter_t id;
    char room[BSON_ROOM];
    struct bson_array in;
    bson_in_begin(&in, "user_id");
    while (mongoc_cursor_next(cursor, &doc))
        if (bson_iter_init_find(&id, doc, "_id") && bson_scalar(&id, room).len > 0)
            array_id(&in, bson_scalar(&id, room));
    *only = bson_in_end(&in);
    return mongo_done(l->conn, "finding customers by email", cursor, OK);
}

static enum err take_chats(struct listing *l, const bson_t *only, struct chat_ref *refs, size_t *count)
{
    *count = 0;
    if (l->limit == 0)
        return OK;
    struct mongo_merge *m = mongo_merge_open(l->conn, MONGO_CHATS_BY_ACTIVITY, only, l->skip + l->limit, l->scratch);
    enum err e = m ? OK : ERR_NOMEM;
    for (int64_t place = 0; e == OK && (int64_t)*count < l->limit; place++) {
        struct mongo_merged row;
        e = mongo_merge_next(m, &row);
        if (e != OK || place < l->skip)
            continue;
        struct chat_ref *ref = &refs[(*count)++];
        *ref = (struct chat_ref){.chat_id = arena_slice(l->a, row.chat_id),
                                 .customer_id = arena_slice(l->a, row.customer_id)};
        e = ref->chat_id.ptr && ref->customer_id.ptr ? OK : ERR_NOMEM;
    }
    mongo_merge_close(m);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err mongo_list_chats(struct store_reader *reader, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                          struct chat_ref **out, size_t *count, int64_t *total)
{
    struct listing l = begin(reader, skip, limit, a);
    bson_t *only = NULL;
    mongo_counters_settle_or_not(l.counters);
    enum err e = slice_is_utf8(email) ? by_email(&l, email, &only) : ERR_INVALID;
    if (e == OK)
        e = count_documents(&l, l.conn->chats, only, total);
    if (e == OK) {
        int64_t left = *total > l.skip ? *total - l.skip : 0;
        l.limit = l.limit < left ? l.limit : left;
        *out = arena_alloc(a, ((size_t)l.limit + 1) * sizeof(**out));
        e = *out ? take_chats(&l, only, *out, count) : ERR_NOMEM;
    }
    bson_destroy(only);
    return e;
}
