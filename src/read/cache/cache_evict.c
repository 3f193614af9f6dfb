/* What goes first when the budget is spent:
 *   1. composed listings of an older version
 *   2. messages of the customer not used for longest (the entry stays: its version still answers 304)
 *   3. entries that are not in the order of activity, then the tail of that order, down to ORDER_MIN
 * The budget is for what is in use; what the slabs hold beyond it may come to cache_idle_most(). Where the sizes that are
 * wanted shift it would be more: then more is evicted, until whole pages are empty and given back.
 * Where entries alone take more than half, 3 comes before 2: else customers seen once would push out every chat in
 * use. A customer that a reader is loading is in neither chain, so it is not evicted. */
#include "cache_change.h"
#include "cache_int.h"

#include "base/metrics.h"

static bool drop_messages(struct cache *c)
{
    if (c->loaded.count == 0)
        return false;
    customer_unload(c, entry_of(c->loaded.ends.prev, struct customer_entry, lru));
    metrics_add(M_CACHE_EVICTED, 1);
    return true;
}

static bool drop_entry(struct cache *c)
{
    if (c->expendable.count > 0) {
        customer_free(c, entry_of(c->expendable.ends.prev, struct customer_entry, lru));
        return true;
    }
    if (c->order.count <= ORDER_MIN)
        return false;
    struct customer_entry *tail = entry_of(c->order.ends.prev, struct customer_entry, order);
    customer_leave_order(c, tail);
    if (tail->state == CUSTOMER_KNOWN)
        customer_relist(c, tail); /* out of the order: among the expendable now, so the next step frees it */
    return true;
}

/* More in use than the budget, or more held beyond that than is allowed for. */
static bool is_over(const struct cache *c)
{
    size_t bytes = cache_bytes(c),
           idle = slab_idle(&c->entry_memory) + slab_idle(&c->content_memory) + slab_idle(&c->packed_memory);
    return bytes > c->max_bytes || bytes + idle > c->max_bytes + (size_t)cache_idle_most((int64_t)c->max_bytes);
}

void cache_evict(struct cache *c, unsigned max_steps)
{
    for (unsigned step = 0; step < max_steps && is_over(c); step++) {
        if (kept_drop(c, true))
            continue;
        bool entries_first = c->entry_bytes > c->max_bytes / 2;
        if (entries_first && drop_entry(c))
            continue;
        if (drop_messages(c) || drop_entry(c) || kept_drop(c, false))
            continue;
        return;
    }
}

static void forget(struct cache *c, struct customer_entry *u)
{
    if (u->state != CUSTOMER_LOADING) {
        customer_free(c, u);
        return;
    }
    u->load_void = true;
    u->late = c->late;
    u->lag_us = c->lag_us;
    names_forget_customer(c, u);
    customer_leave_order(c, u);
}

/* From now on the store must say who changed before this stamp, and who was active last. */
static void lose_track(struct cache *c, int64_t stamp)
{
    c->order_all = false; /* also where the list was empty already */
    c->order_cuts++;
    c->inbox_version = ++c->version;
    owner_unowned(c, stamp);
    c->changes_floor = stamp;
}

void cache_forget_order(struct cache *c, int64_t lowest, int64_t highest)
{
    int64_t stamp = change_stamp(c, highest);
    change_lags(c, lowest);
    while (c->order.count > 0) {
        struct customer_entry *u = entry_of(c->order.ends.next, struct customer_entry, order);
        customer_leave_order(c, u);
        if (u->state == CUSTOMER_KNOWN)
            customer_relist(c, u);
    }
    lose_track(c, stamp);
}

void cache_forget_all(struct cache *c, int64_t lowest, int64_t highest)
{
    int64_t stamp = change_stamp(c, highest);
    change_lags(c, lowest);
    while (c->order.count > 0)
        forget(c, entry_of(c->order.ends.next, struct customer_entry, order));
    while (c->loaded.count > 0)
        forget(c, entry_of(c->loaded.ends.next, struct customer_entry, lru));
    while (c->expendable.count > 0)
        forget(c, entry_of(c->expendable.ends.next, struct customer_entry, lru));
    names_forget_all(c);
    lose_track(c, stamp);
}
