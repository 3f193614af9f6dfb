/* What names a customer beside its id: its reference, its address, in whatever spelling it was asked for. Memory does not
 * know all customers, so it cannot tell who a text means: another one may have it as id. What it knows are the store's own
 * answers: each is kept with the customer it named, until a customer is born or gets an address that could change it.
 * All spellings of one address are of one bucket: so a change finds every answer that it may touch. */
#include "cache_int.h"

#include "chat/email.h"
#include "store/ident.h"

#define ALIKE_MAX 8 /* answers whose texts are one address: more are not kept, or one bucket could be made long */

struct name {
    struct key_node node;
    struct cuser *user;
    struct name *next; /* of the same customer */
    uint16_t len;
    char text[];
};

struct slice name_text(const struct key_node *n)
{
    const struct name *name = entry_of(n, struct name, node);
    return slice_of(name->text, name->len);
}

/* False: too long to be anybody's name here. */
static bool hash_folded(struct slice text, uint32_t *hash)
{
    char room[EMAIL_MAX];
    struct slice folded = text.len <= UINT16_MAX ? email_fold(text, room) : (struct slice){0};
    *hash = folded.ptr ? index_hash(folded) : 0;
    return folded.ptr != NULL;
}

struct cuser *names_find(const struct cache *c, struct slice text)
{
    uint32_t hash;
    if (!hash_folded(text, &hash))
        return NULL;
    struct key_node *n = index_find(c, KEY_NAME, text, hash);
    return n ? entry_of(n, struct name, node)->user : NULL;
}

static void drop(struct cache *c, struct name *name)
{
    struct name **at = &name->user->names;
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    index_remove(c, &name->node);
    entry_free(c, name, sizeof(*name) + name->len);
}

/* The last of those of this hash; past ALIKE_MAX, or where all shall go, one after the other. */
static struct name *last_alike(const struct cache *c, uint32_t hash, size_t *count)
{
    struct name *last = NULL;
    *count = 0;
    for (struct key_node *n = c->buckets[hash & c->bucket_mask]; n; n = n->next)
        if (n->kind == KEY_NAME && n->hash == hash) {
            last = entry_of(n, struct name, node);
            (*count)++;
        }
    return last;
}

static int64_t *changed_at(struct cache *c, uint32_t hash)
{
    return &c->names_changed[hash % NAME_SLOTS];
}

void names_spoil(struct cache *c, struct slice text)
{
    uint32_t hash;
    size_t count;
    struct name *name;
    if (!hash_folded(text, &hash))
        return;
    while ((name = last_alike(c, hash, &count)))
        drop(c, name);
    *changed_at(c, hash) = ++c->names_clock;
}

void names_spoil_all(struct cache *c)
{
    c->names_floor = ++c->names_clock;
}

void names_learn(struct cache *c, struct cuser *u, struct slice text, int64_t asked)
{
    uint32_t hash;
    size_t count;
    if (!hash_folded(text, &hash) || asked < c->names_floor || asked < *changed_at(c, hash) ||
        slice_eq(text, slice_of(u->id, u->id_len)))
        return;
    struct key_node *known = index_find(c, KEY_NAME, text, hash);
    if (known)
        drop(c, entry_of(known, struct name, node));
    struct name *last = last_alike(c, hash, &count);
    if (count >= ALIKE_MAX)
        drop(c, last);
    struct name *name = entry_new(c, sizeof(*name) + text.len);
    if (!name)
        return;
    name->user = u;
    name->len = (uint16_t)text.len;
    memcpy(name->text, text.ptr, text.len);
    name->next = u->names;
    u->names = name;
    index_add(c, &name->node, KEY_NAME, hash);
}

void names_forget(struct cache *c, struct cuser *u)
{
    while (u->names)
        drop(c, u->names);
}

/* ---- a text that memory does not know ---- */

enum err cache_find_ident(struct cache *c, struct store_reader *reader, struct slice ident, struct arena *a,
                          struct user *out)
{
    cache_lock(c);
    int64_t asked = c->names_clock;
    uint64_t cuts = c->order_cuts;
    cache_unlock(c);
    enum err e = ident_read(reader, ident, a, out);
    if (e != OK || !c->enabled)
        return e;
    cache_lock(c);
    struct cuser *u = user_get(c, out->id);
    bool heard_all = cuts == c->order_cuts; /* else a newer row may have come meanwhile, and be forgotten again */
    if (u && heard_all && !u->has_row && u->state == USER_KNOWN)
        user_set_row(c, u, out, NULL, 0);
    if (u)
        names_learn(c, u, ident, asked);
    cache_evict(c, UINT8_MAX);
    cache_unlock(c);
    return OK;
}

enum err cache_resolve(struct cache *c, struct store_reader *reader, struct slice ident, struct arena *a,
                       struct slice *id)
{
    char known[UINT8_MAX];
    struct user row;
    if (c->enabled) {
        uint32_t hash = index_hash(ident);
        cache_lock(c);
        const struct cuser *u = index_ident(c, ident, hash);
        size_t len = u ? u->id_len : 0;
        if (u)
            memcpy(known, u->id, len);
        cache_unlock(c);
        if (len > 0) {
            *id = arena_slice(a, slice_of(known, len));
            return id->ptr ? OK : ERR_NOMEM;
        }
    }
    enum err e = cache_find_ident(c, reader, ident, a, &row);
    *id = e == OK ? row.id : (struct slice){0};
    return e;
}
