/* One hash table for all keys: ids and other names of customers, ids of chats. Chained through the entries, and made
 * once for as many entries as the cache's budget can hold: it never grows, so the lock is never held for a rehash.
 * Hashed with the process's secret, so that hostile ids cannot be made to collide. */
#include "cache_int.h"

#include "base/map.h"

#include <stdlib.h>

#define BUCKETS_MIN      1024
#define BYTES_PER_BUCKET 256

enum err index_init(struct cache *c)
{
    uint32_t buckets = BUCKETS_MIN;
    while (buckets < (1U << 30) && (size_t)buckets * BYTES_PER_BUCKET < c->max_bytes)
        buckets *= 2;
    c->buckets = calloc(buckets, sizeof(struct key_node *));
    if (!c->buckets)
        return ERR_NOMEM;
    c->bucket_mask = buckets - 1;
    c->entry_bytes += buckets * sizeof(struct key_node *);
    return OK;
}

uint32_t index_hash(struct slice key)
{
    return (uint32_t)hash_bytes(key.ptr, key.len);
}

static struct slice key_of(const struct key_node *n)
{
    struct cuser *u;
    struct cchat *chat;
    struct cowner *owner;
    switch ((enum key_kind)n->kind) {
    case KEY_USER:
        u = entry_of(n, struct cuser, by_id);
        return slice_of(u->id, u->id_len);
    case KEY_NAME:
        return name_text(n);
    case KEY_CHAT:
        chat = entry_of(n, struct cchat, by_id);
        return slice_of(chat->id, chat->id_len);
    case KEY_OWNER:
        owner = entry_of(n, struct cowner, by_id);
        return slice_of(owner->id, owner->id_len);
    case KEY_NONE:
        break;
    }
    must(false); /* a node in the index has a kind */
    return (struct slice){0};
}

struct key_node *index_find(const struct cache *c, enum key_kind kind, struct slice key, uint32_t hash)
{
    for (struct key_node *n = c->buckets[hash & c->bucket_mask]; n; n = n->next)
        if (n->hash == hash && n->kind == kind && slice_eq(key_of(n), key))
            return n;
    return NULL;
}

struct cchat *index_chat(const struct cache *c, struct slice id, uint32_t hash)
{
    struct key_node *n = index_find(c, KEY_CHAT, id, hash);
    return n ? entry_of(n, struct cchat, by_id) : NULL;
}

struct cuser *index_user(const struct cache *c, struct slice id, uint32_t hash)
{
    struct key_node *n = index_find(c, KEY_USER, id, hash);
    return n ? entry_of(n, struct cuser, by_id) : NULL;
}

/* An ObjectId's digits in capitals: whether they mean the ObjectId or a text that looks like it, the store knows. */
static bool is_other_form(struct slice ident)
{
    struct oid oid;
    char lower[OID_LEN];
    if (!oid_parse(ident, &oid))
        return false;
    oid_format(&oid, lower);
    return !slice_eq(ident, slice_of(lower, sizeof(lower)));
}

struct cuser *index_ident(const struct cache *c, struct slice ident, uint32_t hash)
{
    struct cuser *u = is_other_form(ident) ? NULL : index_user(c, ident, hash);
    return u && u->has_row ? u : names_find(c, ident); /* no row: a chat says so, and who it says may be no customer */
}

void index_add(struct cache *c, struct key_node *node, enum key_kind kind, uint32_t hash)
{
    must(node->kind == KEY_NONE);
    node->kind = (uint8_t)kind;
    node->hash = hash;
    node->next = c->buckets[hash & c->bucket_mask];
    c->buckets[hash & c->bucket_mask] = node;
}

void index_remove(struct cache *c, struct key_node *node)
{
    if (node->kind == KEY_NONE)
        return;
    struct key_node **at = &c->buckets[node->hash & c->bucket_mask];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->kind = KEY_NONE;
}
