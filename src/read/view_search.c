/* Customers by words and section: the store says who, memory or the store has them whole. Nothing of it is kept: a search is typed
 * once. So its version is its bytes: who asks again while nothing of it has changed gets a 304, whatever else has. */
#include "base/map.h"
#include "base/metrics.h"
#include "view_int.h"

static struct customer_filter filter_of(const struct view_query *q, struct words *words)
{
    struct customer_filter f = {.category = q->category, .status = q->status, .owner = q->owner};
    words_of_search(words, q->words);
    f.word_count = words->count;
    memcpy(f.words, words->items, words->count * sizeof(words->items[0]));
    return f;
}

/* One slot each; a customer deleted meanwhile is left out. */
static enum err load(struct reading *r, const struct customer *rows, size_t count, struct snap *snap)
{
    for (size_t i = 0; i < count; i++) {
        enum err e = cache_acquire(r->cache, r->reader, rows[i].id, told_nothing, snap, i);
        if (e != OK && e != ERR_NOT_FOUND)
            return e;
    }
    return OK;
}

static void give(struct reading *r, struct snap *snap, int64_t total)
{
    struct cache *c = r->cache;
    struct look look = view_look(c, &r->query);
    struct blob *body = compose_customers(snap, &look, &(struct page){total, r->query.skip, r->query.limit});
    uint64_t version = body ? hash_bytes(body->data, body->len) | 1 : 0;
    cache_lock(c);
    bool unchanged = body && view_unchanged(c, &r->query, version, r->answer);
    cache_evict(c, UINT8_MAX);
    cache_unlock(c);
    metrics_add(M_CACHE_COMPOSED, 1);
    if (unchanged)
        blob_drop(body);
    else
        view_give(c, r->answer, body, version);
}

void view_search(struct reading *r)
{
    const struct view_query *q = &r->query;
    struct words words;
    struct customer_filter filter = filter_of(q, &words);
    struct arena rows_arena;
    struct customer *rows;
    size_t count = 0;
    int64_t total = 0;
    struct snap snap;
    arena_init(&rows_arena, 0);
    enum err e =
        r->reader->vtable->search_customers(r->reader, &filter, q->skip, q->limit, &rows_arena, &rows, &count, &total);
    snap_init(&snap, count);
    if (e == OK)
        e = snap.failed ? ERR_NOMEM : load(r, rows, count, &snap);
    if (e == OK)
        give(r, &snap, total);
    else
        view_fail(r->answer, e);
    snap_fini(&snap);
    arena_fini(&rows_arena);
}
