/* The cache as a whole: its life, its lock, versions, totals, and what the writer asks of it. */
#include "cache_change.h"
#include "cache_int.h"

#include "base/metrics.h"

#include <stdlib.h>

/* Eviction keeps entries to a half of the budget, but it leaves the ORDER_MIN most active customers, however many chats they
 * have. Past twice the budget and this much an entry gets no memory, and what cannot be recorded is forgotten. */
#define ENTRY_SLACK ((size_t)16 << 20)

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    must(pthread_mutex_init(&c->lock, NULL) == 0);
    must(pthread_cond_init(&c->load_done, NULL) == 0);
    for (unsigned i = 0; i < KEPT_MAX; i++)
        must(pthread_mutex_init(&c->kept[i].composing, NULL) == 0);
    slab_init(&c->entry_memory, 2 * options->max_bytes + ENTRY_SLACK);
    slab_init(&c->content_memory, 0); /* no limit: an answer may need more for a moment than is kept */
    slab_init(&c->packed_memory, 0);
    chain_init(&c->order);
    chain_init(&c->loaded);
    chain_init(&c->expendable);
    chain_init(&c->marked);
    chain_init(&c->doubted);
    c->max_bytes = options->max_bytes;
    c->enabled = options->enabled;
    c->shared = options->shared;
    c->overlap_us = options->overlap_us;
    random_bytes(c->tag_secret, sizeof(c->tag_secret));
    c->version = c->inbox_version = c->gone_version = 1;
    for (unsigned i = 0; i < TOTALS_COUNT; i++)
        atomic_init(&c->totals[i], 0);
    atomic_init(&c->open, false);
    if (!options->later) {
        cache_begin(c, options);
        cache_open(c);
    }
    if (index_init(c) != OK) {
        cache_free(c);
        return NULL;
    }
    return c;
}

void cache_begin(struct cache *c, const struct cache_options *identity)
{
    int64_t totals[TOTALS_COUNT];
    memcpy(totals, &identity->totals, sizeof(totals));
    for (unsigned i = 0; i < TOTALS_COUNT; i++)
        atomic_store_explicit(&c->totals[i], totals[i], memory_order_relaxed);
    cache_lock(c);
    memcpy(c->tag, identity->tag, sizeof(c->tag));
    change_loaded(c, identity->max_rev);
    c->applied = c->start_rev = c->changes_floor = c->change;
    c->order_all = identity->totals.customers == 0;
    cache_unlock(c);
}

void cache_open(struct cache *c)
{
    atomic_store_explicit(&c->open, true, memory_order_release);
}

void cache_close(struct cache *c)
{
    atomic_store_explicit(&c->open, false, memory_order_release);
}

bool cache_is_open(const struct cache *c)
{
    return atomic_load_explicit(&c->open, memory_order_acquire);
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    while (c->buckets && c->order.count > 0)
        customer_free(c, entry_of(c->order.ends.next, struct customer_entry, order));
    while (c->buckets && c->loaded.count > 0)
        customer_free(c, entry_of(c->loaded.ends.next, struct customer_entry, lru));
    while (c->buckets && c->expendable.count > 0)
        customer_free(c, entry_of(c->expendable.ends.next, struct customer_entry, lru));
    owners_fini(c);
    for (unsigned i = 0; i < KEPT_MAX; i++) {
        blob_drop(c->kept[i].body);
        pthread_mutex_destroy(&c->kept[i].composing);
    }
    cache_lock(c);
    c->entry_bytes = c->content_bytes = c->kept_bytes = 0;
    cache_unlock(c);
    slab_fini(&c->entry_memory);
    slab_fini(&c->content_memory);
    slab_fini(&c->packed_memory);
    free(c->buckets);
    buf_fini(&c->scratch);
    pthread_cond_destroy(&c->load_done);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct slab *cache_packed_memory(struct cache *c)
{
    return &c->packed_memory;
}

void cache_lock(struct cache *c)
{
    must(pthread_mutex_lock(&c->lock) == 0);
}

static void report(size_t *reported, size_t now, enum metric_gauge gauge)
{
    if (*reported == now)
        return;
    metrics_gauge(gauge, (int64_t)(now - *reported));
    *reported = now;
}

void cache_unlock(struct cache *c)
{
    struct content *garbage = c->garbage;
    c->garbage = NULL;
    report(&c->reported.bytes, cache_bytes(c), G_CACHE_BYTES);
    report(&c->reported.customers, c->customers, G_CACHE_CUSTOMERS);
    report(&c->reported.chats, c->chats, G_CACHE_CHATS);
    must(pthread_mutex_unlock(&c->lock) == 0);
    while (garbage) {
        struct content *next = garbage->next_garbage;
        content_drop(garbage);
        garbage = next;
    }
}

bool cache_link(void *cache, struct slice chat_id, struct arena *a, struct chat_link *out)
{
    struct cache *c = cache;
    *out = (struct chat_link){0};
    if (!c->enabled)
        return false;
    uint32_t hash = index_hash(chat_id);
    char customer_id[ENTRY_ID_MAX];
    cache_lock(c);
    const struct chat_entry *chat = index_chat(c, chat_id, hash);
    if (chat) {
        out->known = true;
        out->flags = chat->flags;
        out->chat_key = chat->key;
        out->customer_key = chat->customer->key;
        out->customer_id = slice_of(customer_id, chat->customer->id_len);
        memcpy(customer_id, chat->customer->id, chat->customer->id_len);
    }
    cache_unlock(c);
    if (!out->known)
        return false;
    out->customer_id = arena_slice(a, out->customer_id);
    if (!out->customer_id.ptr)
        *out = (struct chat_link){0}; /* no memory: as if it were not known, so the store is asked */
    return out->known;
}

/* Each number by itself is exact; together they may be of two neighbouring batches, which nobody can tell. */
void cache_totals(struct cache *c, struct totals *out)
{
    int64_t totals[TOTALS_COUNT];
    for (unsigned i = 0; i < TOTALS_COUNT; i++) /* relaxed: an answer's memory order comes with its mailbox */
        totals[i] = atomic_load_explicit(&c->totals[i], memory_order_relaxed);
    memcpy(out, totals, sizeof(totals));
}

void cache_inbox_counts(struct cache *c, int64_t out[INBOX_COUNT])
{
    struct totals t;
    cache_totals(c, &t);
    memcpy(out, t.inbox, sizeof(t.inbox));
    out[INBOX_ALL] = t.chats;
}
