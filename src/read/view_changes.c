/* The refetch with a cursor: customers changed after it, oldest change first, each with its newer messages only; then those in
 * whose chats somebody has only read. Who changed is known here as far back as changes_floor, by stamp; further back the store's index says, by rev. A turn of
 * the AI switch is no change: no list shows it.
 * Where an answer is cut, the next page goes on after the last customer's change, and shows for each customer what is newer
 * than the first page's cursor (base). A customer that changes while a client pages comes again, later; total_messages
 * tells where its messages belong.
 * Pages that the store lists are listed by it to the end, and each begins exactly where the one before stopped: what has to be
 * taken off the cursor (lag, or overlap) was taken off before the first. If it were taken off again at each, paging might not
 * end. A change that comes late between two such pages may have a rev that they have passed: then the last page's cursor is
 * the stamp that was applied at the first (upto), so that the next question is told of it. */
#include "view_int.h"

#include "base/clock.h"

#include <stdlib.h>

#define PAGES_MAX 64 /* of the store's rows, where few are of the owner asked for */

struct changed {
    struct slice id;
    int64_t at; /* stamp in memory; the store's is a rev */
};

struct changes {
    struct cache *cache;
    struct store_reader *reader;
    const struct view_query *query;
    struct arena *arena;
    struct snap snap;
    size_t included;
    bool by_store;        /* listed by the store, by rev */
    int64_t base;         /* each customer with what is newer than this */
    struct told asked_at; /* up to where everything was known when it was asked for */
    int64_t upto;         /* the same, where the pages are the store's: when the first of them was asked for */
    int64_t position;     /* of the last customer looked at */
    int64_t told;         /* of the last one included */
    bool more;
    struct changed *marked; /* by their marks' stamps, newest first */
    size_t marked_count;
    bool more_marked; /* there was no room for all of them… */
    int64_t read;     /* …and those up to this stamp are told */
};

static bool has_owner(const struct view_query *q, struct slice owner)
{
    return q->owner.len == 0 || slice_eq(owner, q->owner);
}

/* [lock] Newest first into rows; false: not known here, or too many. */
static bool list_changed(const struct cache *c, const struct view_query *q, struct changed *rows, struct arena *a,
                         size_t *count)
{
    struct customer_entry *found[CHANGES_MAX];
    if (!view_changed(c, q, found, CHANGES_MAX, count))
        return false;
    for (size_t i = 0; i < *count; i++) {
        rows[i] = (struct changed){arena_slice(a, slice_of(found[i]->id, found[i]->id_len)), found[i]->change};
        if (!rows[i].id.ptr)
            return false;
    }
    return true;
}

/* [lock] */
static bool list_marked(struct changes *w)
{
    struct customer_entry *found[MARKED_MAX];
    view_marked(w->cache, w->query, found, &w->marked_count);
    w->marked = arena_alloc(w->arena, (w->marked_count + 1) * sizeof(*w->marked));
    for (size_t i = 0; w->marked && i < w->marked_count; i++) {
        struct slice id = arena_slice(w->arena, slice_of(found[i]->id, found[i]->id_len));
        w->marked[i] = (struct changed){id, found[i]->marked};
        if (!id.ptr)
            return false;
    }
    return w->marked;
}

/* The snapshot has the owner only as part of rendered text, so the entry is asked. */
static bool cached_owner_is(struct changes *w, struct slice id)
{
    if (w->query->owner.len == 0)
        return true;
    uint32_t hash = index_hash(id);
    cache_lock(w->cache);
    const struct customer_entry *u = index_customer(w->cache, id, hash);
    bool is = u && u->owner && has_owner(w->query, customer_owner(u));
    cache_unlock(w->cache);
    return is;
}

static void leave_out(struct changes *w)
{
    struct snap_customer *u = &w->snap.customers[w->included];
    content_drop(u->content);
    blob_drop(u->opening);
    w->snap.chat_count = u->first_chat;
    *u = (struct snap_customer){0};
}

/* Loads one and keeps it in the answer, if it is the owner's. */
static enum err load(struct changes *w, struct slice id, bool owner_known, bool *kept)
{
    struct told told = {w->base, w->query->since_read};
    enum err e = cache_acquire(w->cache, w->reader, id, told, &w->snap, w->included);
    *kept = e == OK && (owner_known || cached_owner_is(w, id));
    if (*kept)
        w->included++;
    else if (e == OK)
        leave_out(w);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err include(struct changes *w, const struct changed *row, bool owner_known)
{
    bool kept;
    enum err e = load(w, row->id, owner_known, &kept);
    if (e != OK)
        return e;
    if (kept)
        w->told = row->at;
    w->position = row->at;
    return OK;
}

static bool is_included(const struct changes *w, struct slice id)
{
    for (size_t i = 0; i < w->included; i++) {
        const struct content *c = w->snap.customers[i].content;
        if (slice_eq(slice_of(c->customer_id, c->customer_id_len), id))
            return true;
    }
    return false;
}

/* Once all changes are told: as many as there is room for, oldest first. */
static enum err include_marked(struct changes *w)
{
    enum err e = OK;
    bool kept;
    w->read = w->query->since_read;
    for (size_t left = w->marked_count; e == OK && left > 0; w->read = w->marked[--left].at) {
        if (is_included(w, w->marked[left - 1].id))
            continue;
        w->more_marked = w->included == (size_t)w->query->limit;
        if (w->more_marked)
            return OK;
        e = load(w, w->marked[left - 1].id, false, &kept);
    }
    return e;
}

static enum err from_cache(struct changes *w, const struct changed *rows, size_t count)
{
    while (count > 0) {
        if (w->included == (size_t)w->query->limit) {
            w->more = true;
            return OK;
        }
        enum err e = include(w, &rows[--count], false);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err from_store(struct changes *w)
{
    const struct view_query *q = w->query;
    for (int page = 0; page < PAGES_MAX; page++) {
        struct customer *rows;
        size_t count;
        enum err e = w->reader->vtable->changed_customers(w->reader, w->position, q->limit, w->arena, &rows, &count);
        for (size_t i = 0; e == OK && i < count; w->position = rows[i++].rev) {
            if (!has_owner(q, rows[i].owner))
                continue;
            if (w->included == (size_t)q->limit) {
                w->more = true;
                return OK;
            }
            e = include(w, &(struct changed){rows[i].id, rows[i].rev}, true);
        }
        if (e != OK || count < (size_t)q->limit)
            return e;
    }
    w->more = true;
    return OK;
}

static struct told told_up_to(const struct changes *w)
{
    const struct view_query *q = w->query;
    return list_cursor(q, &w->snap, w->asked_at, (struct told){q->since, q->since_read});
}

/* Where the next page begins: after the last customer looked at. For an owner after the last one of that owner, since a
 * cursor shows nothing of others. */
static void next_page(const struct changes *w, struct cursor *out)
{
    const struct view_query *q = w->query;
    out->stamp = q->owner.len > 0 ? w->told : w->position;
    if (out->stamp <= w->asked_at.stamp || !w->cache->enabled)
        return;
    /* The store shows what memory has not been told of yet: a customer that is loaded was shown without it. And one that
     * writes chats behind may show such a change before an older one. So the next page begins at the stamp up to which
     * everything is known to have been told; if that is where this one began, it is for the next question. */
    int64_t known = w->asked_at.stamp > q->since ? w->asked_at.stamp : q->since;
    out->stamp = q->owner.len > 0 ? told_up_to(w).stamp : known;
    out->wait = out->stamp <= q->since;
}

/* [lock] */
static struct cursor next_cursor(const struct changes *w)
{
    struct cache *c = w->cache;
    const struct view_query *q = w->query;
    struct cursor cursor = {.more = w->more, .base = w->base, .read = q->since_read};
    if (w->more) {
        next_page(w, &cursor);
        cursor.upto = w->by_store ? w->upto : 0;
    } else {
        struct told told = told_up_to(w);
        cursor.stamp = told.stamp;
        cursor.read = w->more_marked ? w->read : told.read;
        int64_t newest = q->owner.len > 0 ? owner_newest(c, q->owner, w->asked_at.stamp) : 0;
        if (newest > cursor.stamp) /* it came late, and was on a page before */
            cursor.stamp = newest;
        bool passed_over = w->by_store && c->late > w->upto; /* perhaps, what came late meanwhile */
        if (!passed_over)
            owner_learn(c, q->owner, w->asked_at.stamp, cursor.stamp, true);
        else if (w->upto < cursor.stamp)
            cursor.stamp = w->upto;
        cursor.more = w->more_marked;
        cursor.base = cursor.stamp;
    }
    cursor_sign(c, &q->viewer, &cursor);
    return cursor;
}

static void answer_changes(struct changes *w, uint64_t version, struct view_answer *out)
{
    struct cache *c = w->cache;
    w->snap.customer_count = w->included;
    cache_lock(c);
    struct cursor cursor = next_cursor(w);
    cache_unlock(c);
    snap_since(&w->snap, w->base);
    struct look look = view_look(c, w->query);
    view_give(c, out, compose_refetch(&w->snap, &look, &cursor), version);
}

/* [lock] What comes late from now on gets a stamp above it. An owner is told the clock: when anybody's last change was is
 * nothing for his cursor. */
static int64_t upto_now(const struct cache *c, const struct view_query *q)
{
    int64_t before = clock_wall_us() - 1;
    return q->owner.len > 0 && before > c->applied ? before : c->applied;
}

void view_changes(struct reading *r)
{
    struct cache *c = r->cache;
    const struct view_query *q = &r->query;
    struct arena own; /* rows of a long listing are more than a request's arena holds */
    arena_init(&own, 0);
    struct changes w = {
        .cache = c, .reader = r->reader, .query = q, .arena = &own, .position = q->since, .base = view_base(q)};
    struct changed *rows = arena_alloc(&own, CHANGES_MAX * sizeof(*rows));
    size_t count = 0;
    bool known_here = false;
    snap_init(&w.snap, (size_t)q->limit + 1); /* one more: it may be loaded and then left out */
    cache_lock(c);
    uint64_t version = list_version(c, q->owner);
    w.asked_at = told_now(c);
    w.upto = q->since_upto > 0 ? q->since_upto : upto_now(c, q);
    bool room = rows && list_marked(&w);
    if (room && c->enabled)
        known_here = list_changed(c, q, rows, &own, &count);
    w.by_store = !known_here;
    if (w.by_store && q->since_ours && q->since_upto == 0) {
        int64_t after = revs_after(q->since, c->late, c->lag_us);
        w.position = after > 0 ? after : 1;
        w.base = q->since_base > 0 ? w.base : w.position;
    }
    cache_unlock(c);
    enum err e = !room || w.snap.failed ? ERR_NOMEM : known_here ? from_cache(&w, rows, count) : from_store(&w);
    if (e == OK && !w.more)
        e = include_marked(&w);
    bool lost = e == OK && w.more &&
                w.included == 0; /* too many others' changes were looked at and none of this owner's found */
    if (e != OK)
        view_fail(r->answer, e);
    else if (!lost)
        answer_changes(&w, version, r->answer);
    snap_fini(&w.snap);
    arena_fini(&own);
    if (lost) {
        r->query.has_since = false;
        view_list(r);
    }
}
