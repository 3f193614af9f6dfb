/* Owners: whose a customer is, and when anything of an owner's customers last changed.
 * An owner without an entry has the version of the moment at which any owner's entry was last dropped: since then nothing of
 * that owner changed, or there would be an entry. A change of a customer whose owner is not known counts as every owner's. */
#include "cache_int.h"

#define OWNER_MAX 4096 /* bytes; a longer one is nobody's */
#define ASKED_MAX 256  /* owners that stay though no customer of theirs is in memory */

static struct owner_entry *find(const struct cache *c, struct slice id)
{
    struct index_node *n = index_find(c, INDEX_OWNER, id, index_hash(id));
    return n ? entry_of(n, struct owner_entry, by_id) : NULL;
}

static struct owner_entry *make(struct cache *c, struct slice id)
{
    struct owner_entry *o = entry_new(c, sizeof(*o) + id.len);
    if (!o)
        return NULL;
    o->id_len = (uint16_t)id.len;
    if (id.len > 0)
        memcpy(o->id, id.ptr, id.len);
    o->version = c->gone_version; /* a load is no change */
    o->known_from = c->applied;
    index_add(c, &o->by_id, INDEX_OWNER, index_hash(id));
    return o;
}

static struct owner_entry *get(struct cache *c, struct slice id)
{
    struct owner_entry *o = find(c, id);
    return o ? o : make(c, id);
}

static void drop_unused(struct cache *c, struct owner_entry *o)
{
    if (o->customers > 0 || o->asked)
        return;
    index_remove(c, &o->by_id);
    entry_free(c, o, sizeof(*o) + o->id_len);
    c->gone_version = ++c->version;
}

void owners_fini(struct cache *c)
{
    while (c->asked) {
        struct owner_entry *o = c->asked;
        c->asked = o->next_asked;
        o->asked = false;
        drop_unused(c, o);
    }
}

void owner_forget(struct cache *c, struct customer_entry *u)
{
    struct owner_entry *o = u->owner;
    if (!o)
        return;
    u->owner = NULL;
    o->customers--;
    drop_unused(c, o);
}

void owner_set(struct cache *c, struct customer_entry *u, struct slice id)
{
    if (id.len > OWNER_MAX)
        id.len = 0;
    if (u->owner && slice_eq(customer_owner(u), id))
        return;
    struct owner_entry *o = get(c, id);
    if (!o) {
        owner_forget(c, u);
        owner_unowned(c, c->applied);
        return;
    }
    if (u->owner) /* both owners' listings change */
        u->owner->version = o->version = ++c->version;
    o->customers++;
    owner_forget(c, u);
    u->owner = o;
}

void owner_unowned(struct cache *c, int64_t stamp)
{
    c->unowned_version = ++c->version;
    if (stamp > c->unowned_stamp)
        c->unowned_stamp = stamp;
}

void owner_changed(struct cache *c, struct customer_entry *u, int64_t stamp)
{
    if (!u->owner) {
        owner_unowned(c, stamp);
        return;
    }
    owner_renewed(c, u);
    if (stamp > u->owner->newest)
        u->owner->newest = stamp;
}

void owner_renewed(struct cache *c, struct customer_entry *u)
{
    if (u->owner)
        u->owner->version = u->version;
    else
        c->unowned_version = u->version;
}

int64_t owner_marked(const struct cache *c, struct slice id)
{
    const struct owner_entry *o = find(c, id);
    return o ? o->marked : 0;
}

static uint64_t owner_version(const struct cache *c, struct slice id)
{
    const struct owner_entry *o = find(c, id);
    uint64_t version = o ? o->version : c->gone_version;
    return version > c->unowned_version ? version : c->unowned_version;
}

uint64_t list_version(const struct cache *c, struct slice owner)
{
    return owner.len > 0 ? owner_version(c, owner) : c->inbox_version;
}

bool owner_unchanged(const struct cache *c, struct slice id, int64_t since)
{
    const struct owner_entry *o = find(c, id);
    return o && since >= o->newest && since >= o->known_from &&
           (since >= c->unowned_stamp || (o->learned_at >= c->unowned_stamp && since >= o->learned_from));
}

int64_t owner_newest(const struct cache *c, struct slice id, int64_t told)
{
    const struct owner_entry *o = find(c, id);
    return o && o->newest <= told ? o->newest : 0;
}

void owner_learn(struct cache *c, struct slice id, int64_t asked_at, int64_t newest, bool all_told)
{
    if (id.len == 0)
        return;
    struct owner_entry *o = find(c, id);
    bool keep = c->asked_count < ASKED_MAX && id.len <= OWNER_MAX;
    if (!o && keep)
        o = make(c, id);
    if (!o)
        return;
    if (!o->asked && keep) {
        o->asked = true;
        o->next_asked = c->asked;
        c->asked = o;
        c->asked_count++;
    }
    if (all_told && (asked_at > o->learned_at || (asked_at == o->learned_at && newest < o->learned_from))) {
        o->learned_at = asked_at;
        o->learned_from = newest;
    }
    if (newest < o->known_from && asked_at >= o->known_from)
        o->known_from = newest;
}
