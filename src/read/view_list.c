/* Listings of the whole inbox: the refetch, customers, chats. Composed once per version and question: readers that want
 * the same wait for the one that composes, and share its bytes.
 * Freshness: the version is taken before anything is gathered, so a body may be fresher than its ETag, never staler. */
#include "base/map.h"
#include "base/metrics.h"
#include "view_int.h"

#include <stdlib.h>

/* A page further down is looked up by the store's index, not by a walk along the order with the lock held. */
#define DEEP_PAGE 5000

struct listing {
    struct cache *cache;
    struct store_reader *reader;
    const struct view_query *query;
    struct arena *arena;
    struct snap snap;
    struct slice *ids; /* of each slot */
    size_t count;
    uint64_t version;
    struct told asked_at; /* up to where everything was known when it was asked for */
};

static bool listing_room(struct listing *l, size_t slots)
{
    l->ids = arena_zalloc(l->arena, (slots > 0 ? slots : 1) * sizeof(*l->ids));
    snap_init(&l->snap, slots);
    return l->ids && !l->snap.failed;
}

/* [lock] The customers come from the order of activity: true when it reaches far enough. */
static bool order_covers(const struct cache *c, const struct view_query *q)
{
    if (q->skip + q->limit > DEEP_PAGE)
        return false;
    if (q->owner.len > 0) /* any number may have to be passed over */
        return c->order_all && c->order.count <= DEEP_PAGE;
    return c->order_all || c->order.count >= (size_t)(q->skip + q->limit);
}

/* [lock] */
static bool take_slot(struct listing *l, struct customer_entry *u)
{
    struct snap_customer seen;
    size_t slot = l->count++;
    l->ids[slot] = arena_slice(l->arena, slice_of(u->id, u->id_len));
    if (u->state == CUSTOMER_LOADED) {
        customer_touch(l->cache, u);
        snap_customer_of(u, &seen);
        snap_fill(&l->snap, slot, &seen, told_nothing);
    }
    return l->ids[slot].ptr && !l->snap.failed;
}

/* [lock] ERR_NOT_FOUND: the order does not say; ask the store. */
static enum err walk_order(struct listing *l)
{
    struct cache *c = l->cache;
    const struct view_query *q = l->query;
    if (!order_covers(c, q))
        return ERR_NOT_FOUND;
    int64_t skip = q->skip;
    for (struct chain_node *at = c->order.ends.next; at != &c->order.ends && l->count < (size_t)q->limit;
         at = at->next) {
        struct customer_entry *u = entry_of(at, struct customer_entry, order);
        if (q->owner.len > 0 && !u->owner)
            return ERR_NOT_FOUND;
        if (q->owner.len > 0 && !slice_eq(customer_owner(u), q->owner))
            continue;
        if (skip-- > 0)
            continue;
        if (!take_slot(l, u))
            return ERR_NOMEM;
    }
    return OK;
}

static enum err ask_store(struct listing *l, uint64_t cuts)
{
    struct customer *rows;
    size_t count;
    const struct view_query *q = l->query;
    enum err e = l->reader->vtable->recent_customers(l->reader, q->owner, q->skip, q->limit, l->arena, &rows, &count);
    if (e != OK)
        return e;
    if (l->cache->enabled && q->owner.len == 0 && q->skip == 0) {
        cache_lock(l->cache);
        order_extend(l->cache, rows, count, count < (size_t)q->limit, cuts);
        cache_evict(l->cache, UINT8_MAX);
        cache_unlock(l->cache);
    }
    for (size_t i = 0; i < count && i < l->snap.customer_count; i++)
        l->ids[i] = rows[i].id;
    l->count = count < l->snap.customer_count ? count : l->snap.customer_count;
    return OK;
}

/* Slots that memory did not fill. A customer deleted meanwhile is left out. */
static enum err load_missing(struct listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->snap.customers[i].content)
            continue;
        enum err e = cache_acquire(l->cache, l->reader, l->ids[i], told_nothing, &l->snap, i);
        if (e != OK && e != ERR_NOT_FOUND)
            return e;
    }
    return OK;
}

static enum err gather_customers(struct listing *l)
{
    struct cache *c = l->cache;
    if (!listing_room(l, (size_t)l->query->limit))
        return ERR_NOMEM;
    cache_lock(c);
    l->version = list_version(c, l->query->owner);
    l->asked_at = told_now(c);
    uint64_t cuts = c->order_cuts;
    enum err e = c->enabled ? walk_order(l) : ERR_NOT_FOUND;
    cache_unlock(c);
    if (e == ERR_NOT_FOUND) {
        l->count = 0;
        snap_fini(&l->snap);
        snap_init(&l->snap, (size_t)l->query->limit);
        e = l->snap.failed ? ERR_NOMEM : ask_store(l, cuts);
    }
    return e == OK ? load_missing(l) : e;
}

/* A list begins with the customer that changed last: so none of this owner's changed after the newest that is shown. */
static struct cursor learn_cursor(const struct listing *l)
{
    struct told told = list_cursor(l->query, &l->snap, l->asked_at, (struct told){0});
    struct cursor cursor = {.stamp = told.stamp, .read = told.read};
    cache_lock(l->cache);
    owner_learn(l->cache, l->query->owner, l->asked_at.stamp, cursor.stamp, false);
    cursor_sign(l->cache, &l->query->viewer, &cursor);
    cache_unlock(l->cache);
    return cursor;
}

static enum err list_customers(struct listing *l, struct blob **body)
{
    enum err e = gather_customers(l);
    if (e != OK)
        return e;
    struct look look = view_look(l->cache, l->query);
    if (l->query->view == VIEW_REFETCH) {
        struct cursor cursor = learn_cursor(l);
        *body = compose_refetch(&l->snap, &look, &cursor);
        metrics_add(M_CACHE_COMPOSED, 1);
        return OK;
    }
    struct totals totals;
    cache_totals(l->cache, &totals);
    if (l->query->owner.len > 0)
        e = owner_count(l->reader, l->query->owner, &totals.customers);
    else if (!l->cache->enabled)
        e = l->reader->vtable->read_totals(l->reader, &totals);
    if (e == OK)
        *body = compose_customers(&l->snap, &look, &(struct page){totals.customers, l->query->skip, l->query->limit});
    return e;
}

/* The chats, each with its customer: one slot per customer, however many of its chats are listed. */
static enum err gather_chats(struct listing *l, const struct chat_ref *refs, size_t count, struct listed_chat *chats,
                             size_t *found)
{
    struct map slots;
    enum err e = OK;
    map_init(&slots);
    for (size_t i = 0; i < count && e == OK; i++) {
        if (map_get(&slots, refs[i].customer_id))
            continue;
        e = cache_acquire(l->cache, l->reader, refs[i].customer_id, told_nothing, &l->snap, l->count);
        if (e == OK)
            e = map_put(&slots, refs[i].customer_id, &l->snap.customers[l->count++]);
        else if (e == ERR_NOT_FOUND)
            e = map_put(&slots, refs[i].customer_id, l); /* not a slot: nobody need be asked for again */
    }
    for (size_t i = 0; i < count && e == OK; i++) {
        const void *slot = map_get(&slots, refs[i].customer_id);
        const struct snap_customer *u = slot == l ? NULL : slot;
        const struct history_span *chat =
            u ? snap_chat(&l->snap, (size_t)(u - l->snap.customers), refs[i].chat_id) : NULL;
        if (chat)
            chats[(*found)++] = (struct listed_chat){.history = *chat, .content = u->content};
    }
    map_fini(&slots);
    return e;
}

static enum err list_chats(struct listing *l, struct blob **body)
{
    const struct view_query *q = l->query;
    struct chat_ref *refs;
    size_t count;
    int64_t total;
    cache_lock(l->cache);
    l->version = list_version(l->cache, q->owner);
    cache_unlock(l->cache);
    enum err e = q->owner.len > 0 ? owner_chats(l->reader, q, l->arena, &refs, &count, &total)
                                  : l->reader->vtable->list_chats(l->reader, q->email, q->skip, q->limit, l->arena,
                                                                  &refs, &count, &total);
    if (e != OK)
        return e;
    size_t found = 0;
    struct listed_chat *chats = calloc(count + 1, sizeof(*chats));
    e = chats && listing_room(l, count) ? gather_chats(l, refs, count, chats, &found) : ERR_NOMEM;
    struct look look = view_look(l->cache, q);
    if (e == OK)
        *body = compose_chats(chats, found, &look, &(struct page){total, q->skip, q->limit});
    free(chats);
    return e;
}

/* Composes, and keeps the body (v NULL: it is not kept). */
static void compose_listing(struct listing *l, struct kept_list *v, struct view_answer *out)
{
    struct cache *c = l->cache;
    struct blob *body = NULL;
    enum err e = l->query->view == VIEW_CHATS ? list_chats(l, &body) : list_customers(l, &body);
    if (e != OK) {
        view_fail(out, e);
    } else {
        view_give(c, out, body, l->version);
        if (body && v) {
            cache_lock(c);
            if (v->question == out->question) /* else the slot was given to another question meanwhile */
                kept_put(c, v, body, l->version);
            cache_evict(c, UINT8_MAX);
            cache_unlock(c);
        }
    }
    snap_fini(&l->snap);
}

/* What another reader has composed meanwhile answers this one too, if it is of the version `needed` or a newer one. */
static bool share(struct cache *c, const struct kept_list *v, const struct view_query *q, uint64_t needed,
                  struct view_answer *out)
{
    bool shared = false;
    cache_lock(c);
    if (v->question == out->question && v->body && v->version >= needed) {
        shared = true;
        if (!view_unchanged(c, q, v->version, out)) {
            out->result = VIEW_OK;
            out->body = blob_hold(v->body);
        }
    }
    cache_unlock(c);
    return shared;
}

void view_list(struct reading *r)
{
    struct cache *c = r->cache;
    const struct view_query *q = &r->query;
    struct view_answer *out = r->answer;
    struct arena own; /* rows of a long listing are more than a request's arena holds */
    arena_init(&own, 0);
    struct listing l = {.cache = c, .reader = r->reader, .query = q, .arena = &own};
    struct kept_list *v = NULL;
    uint64_t needed = 0;
    if (c->enabled) {
        cache_lock(c);
        v = kept_pick(c, out->question, q->owner);
        needed = list_version(c, q->owner);
        cache_unlock(c);
    }
    if (v)
        must(pthread_mutex_lock(&v->composing) == 0);
    if (!v || !share(c, v, q, needed, out))
        compose_listing(&l, v, out);
    if (v)
        must(pthread_mutex_unlock(&v->composing) == 0);
    arena_fini(&own);
}
