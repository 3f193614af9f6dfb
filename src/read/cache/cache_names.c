/* What names a customer beside its id: its reference, its address, in whatever spelling it was asked for. Memory does not
 * know all customers, so it cannot tell by itself whom a text means: a customer that is not in memory may have it as its id.
 * So it keeps the store's answers, each with the customer it named, until a customer is made or gets an address that could
 * change the answer. All spellings of one address have one hash: so a change finds every answer that it may touch. */
#include "cache_int.h"

#include "chat/email.h"

#define ALIKE_MAX 8 /* answers kept for spellings of one address, or a client could make one bucket long */

/* False: too long to be anybody's name here. */
static bool hash_folded(struct slice text, uint32_t *hash)
{
    char room[EMAIL_MAX];
    struct slice folded = text.len <= UINT16_MAX ? email_fold(text, room) : (struct slice){0};
    *hash = folded.ptr ? index_hash(folded) : 0;
    return folded.ptr != NULL;
}

static struct customer_entry *find(const struct cache *c, struct slice text)
{
    uint32_t hash;
    if (!hash_folded(text, &hash))
        return NULL;
    struct index_node *n = index_find(c, INDEX_NAME, text, hash);
    const struct name *name = n ? entry_of(n, struct name, node) : NULL;
    return name && name->learned >= c->names_floor ? name->customer : NULL;
}

static void drop(struct cache *c, struct name *name)
{
    struct name **at = &name->customer->names;
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    index_remove(c, &name->node);
    entry_free(c, name, sizeof(*name) + name->len);
}

/* The last answer with this hash, which is the one to drop, and how many there are. */
static struct name *last_alike(const struct cache *c, uint32_t hash, size_t *count)
{
    struct name *last = NULL;
    *count = 0;
    for (struct index_node *n = c->buckets[hash & c->bucket_mask]; n; n = n->next)
        if (n->kind == INDEX_NAME && n->hash == hash) {
            last = entry_of(n, struct name, node);
            (*count)++;
        }
    return last;
}

static int64_t *changed_at(struct cache *c, uint32_t hash)
{
    return &c->names_changed[hash % NAME_SLOTS];
}

void names_forget_text(struct cache *c, struct slice text)
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

void names_forget_all(struct cache *c)
{
    c->names_floor = ++c->names_clock;
}

void names_learn(struct cache *c, struct customer_entry *u, struct slice text, int64_t asked)
{
    uint32_t hash;
    size_t count;
    if (!hash_folded(text, &hash) || asked < c->names_floor || asked < *changed_at(c, hash) ||
        slice_eq(text, slice_of(u->id, u->id_len)))
        return;
    struct index_node *known = index_find(c, INDEX_NAME, text, hash);
    if (known)
        drop(c, entry_of(known, struct name, node));
    struct name *last = last_alike(c, hash, &count);
    if (count >= ALIKE_MAX)
        drop(c, last);
    struct name *name = entry_new(c, sizeof(*name) + text.len);
    if (!name)
        return;
    name->customer = u;
    name->learned = c->names_clock;
    name->len = (uint16_t)text.len;
    memcpy(name->text, text.ptr, text.len);
    name->next = u->names;
    u->names = name;
    index_add(c, &name->node, INDEX_NAME, hash);
}

void names_forget_customer(struct cache *c, struct customer_entry *u)
{
    while (u->names)
        drop(c, u->names);
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

struct customer_entry *names_customer(const struct cache *c, struct slice ident, uint32_t hash)
{
    struct customer_entry *u = is_other_form(ident) ? NULL : index_customer(c, ident, hash);
    return u && u->has_row ? u
                           : find(c, ident); /* no row: only a chat named this id, and there may be no such customer */
}
