/* Entries: their memory, and one hash table by which all are found (ids and other names of customers, ids of chats, owners).
 * Chained through the entries, and made once for as many as the cache's budget can hold: it never grows, so the lock is
 * never held for a rehash. Hashed with the process's secret, so that hostile ids cannot be made to collide. */
#include "cache_int.h"

#include "base/map.h"

#include <stdlib.h>

#define BUCKETS_MIN      1024
#define BYTES_PER_BUCKET 256

void *entry_new(struct cache *c, size_t bytes)
{
    void *entry = slab_zget(&c->entry_memory, bytes);
    if (entry)
        c->entry_bytes += slab_size(bytes);
    return entry;
}

void entry_free(struct cache *c, void *entry, size_t bytes)
{
    if (entry)
        c->entry_bytes -= slab_size(bytes);
    slab_put(&c->entry_memory, entry, bytes);
}

enum err index_init(struct cache *c)
{
    uint32_t buckets = BUCKETS_MIN;
    while (buckets < (1U << 30) && (size_t)buckets * BYTES_PER_BUCKET < c->max_bytes)
        buckets *= 2;
    c->buckets = calloc(buckets, sizeof(struct index_node *));
    if (!c->buckets)
        return ERR_NOMEM;
    c->bucket_mask = buckets - 1;
    c->entry_bytes += buckets * sizeof(struct index_node *);
    return OK;
}

uint32_t index_hash(struct slice text)
{
    return (uint32_t)hash_bytes(text.ptr, text.len);
}

static struct slice text_of(const struct index_node *n)
{
    struct customer_entry *u;
    struct name *name;
    struct chat_entry *chat;
    struct owner_entry *owner;
    switch ((enum index_kind)n->kind) {
    case INDEX_CUSTOMER:
        u = entry_of(n, struct customer_entry, by_id);
        return slice_of(u->id, u->id_len);
    case INDEX_NAME:
        name = entry_of(n, struct name, node);
        return slice_of(name->text, name->len);
    case INDEX_CHAT:
        chat = entry_of(n, struct chat_entry, by_id);
        return slice_of(chat->id, chat->id_len);
    case INDEX_OWNER:
        owner = entry_of(n, struct owner_entry, by_id);
        return slice_of(owner->id, owner->id_len);
    case INDEX_NONE:
        break;
    }
    must(false); /* a node in the index has a kind */
    return (struct slice){0};
}

struct index_node *index_find(const struct cache *c, enum index_kind kind, struct slice text, uint32_t hash)
{
    for (struct index_node *n = c->buckets[hash & c->bucket_mask]; n; n = n->next)
        if (n->hash == hash && n->kind == kind && slice_eq(text_of(n), text))
            return n;
    return NULL;
}

struct chat_entry *index_chat(const struct cache *c, struct slice id, uint32_t hash)
{
    struct index_node *n = index_find(c, INDEX_CHAT, id, hash);
    return n ? entry_of(n, struct chat_entry, by_id) : NULL;
}

struct customer_entry *index_customer(const struct cache *c, struct slice id, uint32_t hash)
{
    struct index_node *n = index_find(c, INDEX_CUSTOMER, id, hash);
    return n ? entry_of(n, struct customer_entry, by_id) : NULL;
}

void index_add(struct cache *c, struct index_node *node, enum index_kind kind, uint32_t hash)
{
    must(node->kind == INDEX_NONE);
    node->kind = (uint8_t)kind;
    node->hash = hash;
    node->next = c->buckets[hash & c->bucket_mask];
    c->buckets[hash & c->bucket_mask] = node;
}

void index_remove(struct cache *c, struct index_node *node)
{
    if (node->kind == INDEX_NONE)
        return;
    struct index_node **at = &c->buckets[node->hash & c->bucket_mask];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->kind = INDEX_NONE;
}
