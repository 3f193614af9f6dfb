/* Lists by activity. The rows of pending chats, and of their customers, do not say yet when they were last active
 * (sqlite_rollup.c). So a list is made of two, both in the order asked for: the pending ones, as memory knows them, and all
 * others along the index of the rows.
 *   1. The pending ones are copied from memory, and only then the snapshot is opened (sqlite_store.h says why).
 *   2. settle_pending(): of a customer the row may be newer than any of its messages; who does not belong is left out.
 *   3. merge_window() takes from the two lists in turn, passes over `skip`, and keeps `limit`.
 *   4. Their rows are read in full.
 * A search's list has only those that it finds (sqlite_search.c). */
#include "sqlite_search.h"

#include <stdlib.h>

/* A search that finds no more than this: each is looked at, and they are sorted here. Of more, the list by activity is gone
 * through until the page is full, which soon is. */
#define FEW_CUSTOMERS 10000

struct recent {
    int64_t key;
    int64_t rev;
    int64_t ts;
};

struct recent_list {
    struct recent *items;
    size_t count;
};

static int by_key(const void *left, const void *right)
{
    const struct recent *a = left, *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

static int newest_first(const void *left, const void *right)
{
    const struct recent *a = left, *b = right;
    return (a->rev < b->rev) - (a->rev > b->rev);
}

static int oldest_first(const void *left, const void *right)
{
    return -newest_first(left, right);
}

static void sort(struct recent_list *list, int (*compare)(const void *, const void *))
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), compare);
}

/* `pending` sorted by key, to look up which rows to pass over. */
static enum err copy_keys(struct arena *a, const struct recent_list *pending, struct recent_list *out)
{
    out->items = arena_alloc(a, (pending->count + 1) * sizeof(*out->items));
    if (!out->items)
        return ERR_NOMEM;
    out->count = pending->count;
    if (pending->count > 0)
        memcpy(out->items, pending->items, pending->count * sizeof(*out->items));
    sort(out, by_key);
    return OK;
}

struct merge {
    sqlite3_stmt *rows;        /* bound; (key, rev) in the order of `compare` */
    const struct id_set *only; /* of the rows; NULL: all */
    struct recent_list pending;
    int (*compare)(const void *, const void *);
    int64_t skip, limit;
};

/* The next row (key, rev) that counts and is not pending; ERR_NOT_FOUND past the last. */
static enum err next_row(struct sqlite_reader *r, const struct merge *m, const struct recent_list *keys,
                         struct recent *out)
{
    enum err err;
    do {
        err = db_row(&r->conn, m->rows);
        if (err != OK)
            return err;
        *out = (struct recent){.key = sqlite3_column_int64(m->rows, 0), .rev = sqlite3_column_int64(m->rows, 1)};
    } while ((m->only && !id_set_has(m->only, out->key)) ||
             (keys->count > 0 && bsearch(out, keys->items, keys->count, sizeof(*out), by_key)));
    return OK;
}

/* The window [skip, skip + limit) of both lists merged. */
static enum err merge_window(struct sqlite_reader *r, struct merge *m, struct recent_list *out)
{
    struct recent_list keys;
    enum err err = copy_keys(&r->scratch, &m->pending, &keys);
    sort(&m->pending, m->compare);
    size_t cap = 0;
    *out = (struct recent_list){0};
    if (err != OK)
        return err;
    struct recent row;
    err = m->rows ? next_row(r, m, &keys, &row) : ERR_NOT_FOUND;
    for (size_t at = 0; (int64_t)out->count < m->limit;) {
        bool from_pending = at < m->pending.count && (err != OK || m->compare(&m->pending.items[at], &row) < 0);
        if (err == ERR_STORE || (err != OK && !from_pending))
            break;
        struct recent next = from_pending ? m->pending.items[at++] : row;
        if (!from_pending)
            err = next_row(r, m, &keys, &row);
        if (m->skip > 0) {
            m->skip--;
            continue;
        }
        out->items = arena_grow(&r->scratch, out->items, out->count, &cap, sizeof(*out->items));
        if (!out->items)
            return ERR_NOMEM;
        out->items[out->count++] = next;
    }
    db_reset(m->rows);
    return err == ERR_STORE ? err : OK;
}

/* ---- customers ---- */

static enum err pending_customers(struct sqlite_reader *r, struct recent_list *out)
{
    struct head *heads;
    size_t count;
    enum err err = heads_pending(&reader_store(&r->base)->heads, &r->scratch, &heads, &count);
    if (err != OK)
        return err;
    out->items = arena_alloc(&r->scratch, (count + 1) * sizeof(*out->items));
    out->count = 0;
    if (!out->items)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        out->items[i] = (struct recent){.key = heads[i].customer, .rev = heads[i].rev, .ts = heads[i].ts};
    struct recent_list all = {.items = out->items, .count = count};
    sort(&all, by_key);
    for (size_t i = 0; i < count; i++) { /* of several chats of one customer the newest counts */
        struct recent *last = out->count > 0 ? &out->items[out->count - 1] : NULL;
        if (!last || last->key != all.items[i].key)
            out->items[out->count++] = all.items[i];
        else if (all.items[i].rev > last->rev)
            *last = all.items[i];
    }
    return OK;
}

/* Only those of `owner` (empty: all) that changed after `since`; each by its row where that changed after its messages. */
static enum err settle_pending(struct sqlite_reader *r, struct slice owner, int64_t since, struct recent_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct recent item = list->items[i];
        sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMER_ORDER);
        bind_int(stmt, 1, item.key);
        enum err err = db_row(&r->conn, stmt);
        if (err == ERR_NOT_FOUND && item.rev == 0)
            continue; /* found by its words, which the operator has left there */
        if (err != OK)
            return err == ERR_NOT_FOUND ? ERR_STORE : err;
        int64_t rev = sqlite3_column_int64(stmt, 0), ts = sqlite3_column_int64(stmt, 1);
        bool counts = owner.len == 0 || slice_eq(owner, column_slice(stmt, 2));
        db_reset(stmt);
        item.rev = rev > item.rev ? rev : item.rev;
        item.ts = ts > item.ts ? ts : item.ts;
        if (counts && item.rev > since)
            list->items[kept++] = item;
    }
    list->count = kept;
    return OK;
}

static enum err read_customers(struct sqlite_reader *r, const struct recent_list *keys, struct arena *a,
                               struct customer **out, size_t *count)
{
    *out = arena_alloc(a, (keys->count + 1) * sizeof(**out));
    enum err err = *out ? OK : ERR_NOMEM;
    for (size_t i = 0; err == OK && i < keys->count; i++) {
        sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMER_BY_KEY);
        bind_int(stmt, 1, keys->items[i].key);
        struct customer *customer = &(*out)[i];
        err = db_row(&r->conn, stmt);
        if (err == OK)
            err = row_customer(stmt, a, customer);
        db_reset(stmt);
        if (err != OK)
            break;
        if (keys->items[i].rev > customer->rev)
            customer->rev = keys->items[i].rev;
        if (keys->items[i].ts > customer->activity_us)
            customer->activity_us = keys->items[i].ts;
        *count = i + 1;
    }
    return err == ERR_NOT_FOUND ? ERR_STORE : err;
}

struct customers_query {
    const struct customer_filter *filter; /* a search; then the owner is its own */
    int64_t *total;                       /* of it */
    struct slice owner;                   /* empty = all */
    int64_t since;                        /* -1: no bound, newest first; else oldest change first */
    int64_t skip, limit;
};

static sqlite3_stmt *customers_statement(struct sqlite_reader *r, const struct customers_query *query)
{
    if (query->since >= 0) {
        sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMERS_CHANGED);
        bind_int(stmt, 1, query->since);
        return stmt;
    }
    if (query->owner.len == 0)
        return db_stmt(&r->conn, SQL_CUSTOMERS_RECENT);
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMERS_RECENT_OF_OWNER);
    bind_text(stmt, 1, query->owner);
    return stmt;
}

/* `list` has the pending customers, by key. Of a search that finds few it becomes all that are found, where only the pending
 * ones say yet when they were active; else the pending ones among them. */
static enum err keep_found(struct sqlite_reader *r, const struct id_set *found, bool few, struct recent_list *list)
{
    size_t cap = few ? FEW_CUSTOMERS : list->count, at = 0;
    struct recent_list kept = {.items = arena_alloc(&r->scratch, (cap + 1) * sizeof(*kept.items))};
    if (!kept.items)
        return ERR_NOMEM;
    for (int64_t id = 0; few && id_set_next(found, &id);) {
        while (at < list->count && list->items[at].key < id)
            at++;
        bool pending = at < list->count && list->items[at].key == id;
        kept.items[kept.count++] = pending ? list->items[at] : (struct recent){.key = id};
    }
    for (; !few && at < list->count; at++)
        if (id_set_has(found, list->items[at].key))
            kept.items[kept.count++] = list->items[at];
    *list = kept;
    return OK;
}

/* A search: m->pending and m->only. */
static enum err search(struct sqlite_reader *r, const struct customers_query *query, struct id_set *found,
                       struct merge *m)
{
    enum err err = sqlite_select(r, query->filter, found);
    if (err != OK)
        return err;
    *query->total = id_set_count(found);
    bool few = *query->total <= FEW_CUSTOMERS;
    m->only = found;
    if (few)
        m->rows = NULL; /* all are in m->pending */
    return keep_found(r, found, few, &m->pending);
}

static enum err list_customers(struct sqlite_reader *r, const struct customers_query *query, struct arena *a,
                               struct customer **out, size_t *count)
{
    struct merge m = {
        .compare = query->since >= 0 ? oldest_first : newest_first,
        .skip = query->skip,
        .limit = query->limit,
    };
    enum err err = pending_customers(r, &m.pending);
    if (err == OK)
        err = reader_snapshot(r);
    struct recent_list window;
    struct id_set found;
    m.rows = customers_statement(r, query);
    if (err == OK && query->filter)
        err = search(r, query, &found, &m);
    if (err == OK)
        err = settle_pending(r, query->owner, query->since, &m.pending);
    if (err == OK)
        err = merge_window(r, &m, &window);
    return err == OK ? read_customers(r, &window, a, out, count) : err;
}

static enum err read_customer_list(struct store_reader *reader, const struct customers_query *query, struct arena *a,
                                   struct customer **out, size_t *count)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    *out = NULL;
    *count = 0;
    enum err err = reader_begin(r);
    return reader_end(r, err == OK ? list_customers(r, query, a, out, count) : err);
}

enum err sqlite_recent_customers(struct store_reader *reader, struct slice owner, int64_t skip, int64_t limit,
                                 struct arena *a, struct customer **out, size_t *count)
{
    struct customers_query query = {.owner = owner, .since = -1, .skip = skip, .limit = limit};
    return read_customer_list(reader, &query, a, out, count);
}

enum err sqlite_search_customers(struct store_reader *reader, const struct customer_filter *filter, int64_t skip,
                                 int64_t limit, struct arena *a, struct customer **out, size_t *count, int64_t *total)
{
    struct customers_query query = {.filter = filter, .total = total, .since = -1, .skip = skip, .limit = limit};
    *total = 0;
    return read_customer_list(reader, &query, a, out, count);
}

enum err sqlite_changed_customers(struct store_reader *reader, int64_t since, int64_t limit, struct arena *a,
                                  struct customer **out, size_t *count)
{
    struct customers_query query = {.since = since > 0 ? since : 0, .limit = limit};
    return read_customer_list(reader, &query, a, out, count);
}

/* ---- chats ---- */

static enum err all_chats(struct sqlite_reader *r, int64_t skip, int64_t limit, struct recent_list *out, int64_t *total)
{
    struct heads *shared = &reader_store(&r->base)->heads;
    struct head *heads;
    struct merge m = {.compare = newest_first, .skip = skip, .limit = limit};
    struct totals totals;
    heads_totals(shared, &totals);
    *total = totals.chats;
    enum err err = heads_pending(shared, &r->scratch, &heads, &m.pending.count);
    if (err != OK)
        return err;
    m.pending.items = arena_alloc(&r->scratch, (m.pending.count + 1) * sizeof(*m.pending.items));
    if (!m.pending.items)
        return ERR_NOMEM;
    for (size_t i = 0; i < m.pending.count; i++)
        m.pending.items[i] = (struct recent){.key = heads[i].chat, .rev = heads[i].rev};
    err = reader_snapshot(r);
    m.rows = db_stmt(&r->conn, SQL_CHATS_RECENT);
    return err == OK ? merge_window(r, &m, out) : err;
}

/* Those of one address are few: all of them are read, and sorted here. */
static enum err chats_of_email(struct sqlite_reader *r, struct slice email, struct recent_list *out)
{
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CHATS_OF_EMAIL);
    bind_text(stmt, 1, email);
    *out = (struct recent_list){0};
    size_t cap = 0;
    enum err err;
    while ((err = db_row(&r->conn, stmt)) == OK) {
        out->items = arena_grow(&r->scratch, out->items, out->count, &cap, sizeof(*out->items));
        if (!out->items) {
            err = ERR_NOMEM;
            break;
        }
        struct recent item = {.key = sqlite3_column_int64(stmt, 0), .rev = sqlite3_column_int64(stmt, 1)};
        struct head head = {.chat = item.key};
        heads_get(&reader_store(&r->base)->heads, &head, 1);
        if (head.rev > item.rev)
            item.rev = head.rev;
        out->items[out->count++] = item;
    }
    db_reset(stmt);
    sort(out, newest_first);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err read_chat_refs(struct sqlite_reader *r, const struct recent_list *keys, struct arena *a,
                               struct chat_ref **out, size_t *count)
{
    *out = arena_alloc(a, (keys->count + 1) * sizeof(**out));
    enum err err = *out ? OK : ERR_NOMEM;
    for (size_t i = 0; err == OK && i < keys->count; i++) {
        bool failed = false;
        sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CHAT_NAMES);
        bind_int(stmt, 1, keys->items[i].key);
        err = db_row(&r->conn, stmt);
        if (err == OK)
            (*out)[i] = (struct chat_ref){.chat_id = column_keep(stmt, 0, a, &failed),
                                          .customer_id = column_keep(stmt, 1, a, &failed)};
        db_reset(stmt);
        if (failed)
            err = ERR_NOMEM;
        *count = i + (err == OK);
    }
    return err == ERR_NOT_FOUND ? ERR_STORE : err;
}

enum err sqlite_list_chats(struct store_reader *reader, struct slice email, int64_t skip, int64_t limit,
                           struct arena *a, struct chat_ref **out, size_t *count, int64_t *total)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    struct recent_list keys = {0};
    *out = NULL;
    *count = 0;
    *total = 0;
    enum err err = reader_begin(r);
    if (err == OK && email.len == 0) {
        err = all_chats(r, skip, limit, &keys, total);
    } else if (err == OK) {
        err = chats_of_email(r, email, &keys);
        *total = (int64_t)keys.count;
        int64_t from = skip < *total ? skip : *total;
        keys.items += from;
        keys.count -= (size_t)from;
        keys.count = (int64_t)keys.count < limit ? keys.count : (size_t)limit;
    }
    if (err == OK)
        err = read_chat_refs(r, &keys, a, out, count);
    return reader_end(r, err);
}
