/* Whose a chat or a customer is, as far as memory knows. */
#include "cache_change.h"
#include "cache_int.h"
#include "cache_snap.h"

/* [lock] Where the entry does not know its owner, the answer is UNKNOWN, not NO. */
static enum sight sight_of(const struct customer_entry *u, const struct scope *s)
{
    if (s->kind == SCOPE_OWNER && !u->owner)
        return SIGHT_UNKNOWN;
    return scope_allows(s, slice_of(u->id, u->id_len), customer_owner(u)) ? SIGHT_YES : SIGHT_NO;
}

/* [lock] A customer that is loaded has all its chats: what is not among them is not its own. */
static enum sight sees_own_chat(const struct cache *c, const struct chat_entry *chat, struct slice customer_id)
{
    const struct customer_entry *self = index_customer(c, customer_id, index_hash(customer_id));
    if (chat && chat->customer == self)
        return SIGHT_YES;
    return self && self->state == CUSTOMER_LOADED ? SIGHT_NO : SIGHT_UNKNOWN;
}

enum sight chat_sight(const struct cache *c, const struct chat_entry *chat, const struct scope *s)
{
    if (s->kind == SCOPE_CUSTOMER)
        return sees_own_chat(c, chat, s->id);
    return chat ? sight_of(chat->customer, s) : SIGHT_UNKNOWN;
}

enum sight cache_sees_chat(struct cache *c, struct slice chat_id, const struct scope *s)
{
    uint32_t hash = index_hash(chat_id);
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    enum sight sight = chat_sight(c, index_chat(c, chat_id, hash), s);
    cache_unlock(c);
    return sight;
}

/* [lock] UNKNOWN without its row: then there may be no such customer, and its id may be another one's address. */
static enum sight sees_self(const struct cache *c, struct slice ident, struct slice customer_id)
{
    const struct customer_entry *self = index_customer(c, customer_id, index_hash(customer_id));
    if (!self || !self->self)
        return SIGHT_UNKNOWN;
    struct customer row = {.id = customer_id, .email = slice_of(self->self, self->email_len)};
    row.reference = slice_of(row.email.ptr + row.email.len, self->ref_len);
    row.claimed_email = slice_of(row.reference.ptr + row.reference.len, self->claim_len);
    return scope_names(&row, ident) ? SIGHT_YES : SIGHT_NO;
}

/* [lock] id: room for the customer's own. */
static enum sight sees_customer(const struct cache *c, struct slice ident, uint32_t hash, const struct scope *s,
                                char id[static ENTRY_ID_MAX], size_t *len)
{
    const struct customer_entry *u = names_customer(c, ident, hash);
    enum sight sight = u ? sight_of(u, s) : SIGHT_UNKNOWN;
    *len = sight == SIGHT_YES ? u->id_len : 0;
    if (*len > 0)
        memcpy(id, u->id, *len);
    return sight;
}

enum sight cache_sees_customer(struct cache *c, struct slice ident, const struct scope *s, struct arena *a,
                               struct slice *customer_id)
{
    char id[ENTRY_ID_MAX];
    size_t len = 0;
    uint32_t hash = index_hash(ident);
    bool self = s->kind == SCOPE_CUSTOMER;
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    enum sight sight = self ? sees_self(c, ident, s->id) : sees_customer(c, ident, hash, s, id, &len);
    cache_unlock(c);
    if (sight == SIGHT_YES)
        *customer_id = arena_slice(a, self ? s->id : slice_of(id, len));
    return sight;
}

enum sight cache_sees_customer_id(struct cache *c, struct slice customer_id, const struct scope *s)
{
    uint32_t hash = index_hash(customer_id);
    if (s->kind != SCOPE_OWNER)
        return scope_allows(s, customer_id, slice_of(NULL, 0)) ? SIGHT_YES : SIGHT_NO;
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    const struct customer_entry *u = index_customer(c, customer_id, hash);
    enum sight sight = u ? sight_of(u, s) : SIGHT_UNKNOWN;
    cache_unlock(c);
    return sight;
}

bool cache_owner_of(struct cache *c, struct slice customer_id, char room[static CUSTOMER_ID_MAX], size_t *len)
{
    uint32_t hash = index_hash(customer_id);
    if (!c->enabled)
        return false;
    cache_lock(c);
    const struct customer_entry *u = index_customer(c, customer_id, hash);
    struct slice owner = u ? customer_owner(u) : slice_of(NULL, 0);
    *len = owner.len <= CUSTOMER_ID_MAX ? owner.len : 0;
    if (*len > 0)
        memcpy(room, owner.ptr, *len);
    cache_unlock(c);
    return u != NULL;
}

/* [lock] */
static bool unchanged(struct cache *c, const struct scope *viewer, struct slice chat_id, uint32_t hash,
                      struct told told)
{
    if (chat_id.len > 0) {
        const struct chat_entry *chat = index_chat(c, chat_id, hash);
        const struct customer_entry *u = chat ? chat->customer : NULL;
        return u && u->state == CUSTOMER_LOADED && u->newest <= told.stamp && u->marked <= told.read;
    }
    if (viewer->kind == SCOPE_OWNER)
        return owner_unchanged(c, viewer->id, told.stamp) && owner_marked(c, viewer->id) <= told.read;
    return viewer->kind == SCOPE_ALL && c->applied <= told.stamp && c->marked_at <= told.read;
}

bool cache_up_to_date(struct cache *c, const struct scope *viewer, struct slice chat_id, struct slice cursor)
{
    struct view_query q;
    uint32_t hash = index_hash(chat_id);
    view_parse_cursor(cursor, &q);
    if (!q.has_since || q.since_base > 0 || !c->enabled || !cache_is_open(c))
        return false;
    q.view = VIEW_REFETCH;
    q.viewer = *viewer;
    cache_lock(c);
    bool current = cursor_take(c, &q) && unchanged(c, viewer, chat_id, hash, (struct told){q.since, q.since_read});
    cache_unlock(c);
    return current;
}
