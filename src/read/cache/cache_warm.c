/* Before the first request: the order of activity, and as many chats as there is room for. */
#include "cache_fill.h"

#include "base/log.h"

void order_extend(struct cache *c, const struct customer *rows, size_t count, bool complete, uint64_t cuts)
{
    /* If the tail was cut off since the store was asked, there would be a gap before these rows. */
    if (c->order_cuts != cuts)
        return;
    for (size_t i = 0; i < count; i++) {
        struct customer_entry *u = customer_get(c, rows[i].id);
        if (!u)
            return; /* what follows would not be a complete prefix */
        if (!u->has_row && u->state == CUSTOMER_KNOWN)
            customer_set_row(c, u, &rows[i], NULL, 0);
        chain_back(&c->order, &u->order);
        if (u->lru_in == LRU_EXPENDABLE)
            customer_relist(c, u);
    }
    if (complete)
        c->order_all = true;
}

/* Room is left, so that the first requests need not evict what was just loaded. */
static bool has_room(struct cache *c)
{
    cache_lock(c);
    bool room = cache_bytes(c) < c->max_bytes / 4 * 3;
    cache_unlock(c);
    return room;
}

/* The most recently active ones shall be the last to be evicted. */
static void touch_backwards(struct cache *c, const struct customer *rows, size_t count)
{
    cache_lock(c);
    while (count-- > 0) {
        struct customer_entry *u = index_customer(c, rows[count].id, index_hash(rows[count].id));
        if (u)
            customer_touch(c, u);
    }
    cache_unlock(c);
}

enum err cache_warm(struct cache *c, struct store_reader *reader, int64_t customers)
{
    if (!c->enabled || customers <= 0)
        return OK;
    struct arena rows_arena;
    struct customer *rows;
    size_t count, loaded = 0;
    arena_init(&rows_arena, 0);
    cache_lock(c);
    uint64_t cuts = c->order_cuts;
    cache_unlock(c);
    enum err e = reader->vtable->recent_customers(reader, (struct slice){0}, 0, customers, &rows_arena, &rows, &count);
    if (e == OK) {
        cache_lock(c);
        order_extend(c, rows, count, count < (size_t)customers, cuts);
        cache_evict(c, UINT32_MAX);
        cache_unlock(c);
        while ((e == OK || e == ERR_NOT_FOUND) && loaded < count && has_room(c))
            e = cache_load_customer(c, reader, rows[loaded++].id);
        touch_backwards(c, rows, loaded);
        log_info("cache warmed", "customers=%zu loaded=%zu", count, loaded);
    }
    arena_fini(&rows_arena);
    return e == ERR_NOT_FOUND ? OK : e; /* one has gone since */
}
