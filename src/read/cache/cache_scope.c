/* Whose a chat or a customer is, as far as memory knows. */
#include "cache_change.h"
#include "cache_int.h"

/* [lock] Where the entry does not know its owner, the answer is UNKNOWN, not NO. */
static enum sight sight_of(const struct cuser *u, const struct scope *s)
{
    if (s->kind == SCOPE_OWNER && !u->owner)
        return SIGHT_UNKNOWN;
    return scope_allows(s, slice_of(u->id, u->id_len), user_owner(u)) ? SIGHT_YES : SIGHT_NO;
}

/* [lock] A customer that is loaded has all its chats: what is not among them is not its own. */
static enum sight sees_own_chat(const struct cache *c, const struct cchat *chat, struct slice user_id)
{
    const struct cuser *self = index_user(c, user_id, index_hash(user_id));
    if (chat && chat->user == self)
        return SIGHT_YES;
    return self && self->state == USER_LOADED ? SIGHT_NO : SIGHT_UNKNOWN;
}

enum sight cache_sees_chat(struct cache *c, struct slice chat_id, const struct scope *s)
{
    uint32_t hash = index_hash(chat_id);
    enum sight sight = SIGHT_UNKNOWN;
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    const struct cchat *chat = index_chat(c, chat_id, hash);
    if (s->kind == SCOPE_USER)
        sight = sees_own_chat(c, chat, s->id);
    else if (chat)
        sight = sight_of(chat->user, s);
    cache_unlock(c);
    return sight;
}

/* [lock] UNKNOWN without its row: then there may be no such customer, and its id may be another one's address. */
static enum sight sees_self(const struct cache *c, struct slice ident, struct slice user_id)
{
    const struct cuser *self = index_user(c, user_id, index_hash(user_id));
    if (!self || !self->self)
        return SIGHT_UNKNOWN;
    struct user row = {.id = user_id, .email = slice_of(self->self, self->email_len)};
    row.user_ref = slice_of(row.email.ptr + row.email.len, self->ref_len);
    row.claimed_email = slice_of(row.user_ref.ptr + row.user_ref.len, self->claim_len);
    return scope_names(&row, ident) ? SIGHT_YES : SIGHT_NO;
}

/* [lock] id: room for the customer's own. */
static enum sight sees_user(const struct cache *c, struct slice ident, uint32_t hash, const struct scope *s,
                            char id[static ENTRY_ID_MAX], size_t *len)
{
    const struct cuser *u = names_user(c, ident, hash);
    enum sight sight = u ? sight_of(u, s) : SIGHT_UNKNOWN;
    *len = sight == SIGHT_YES ? u->id_len : 0;
    if (*len > 0)
        memcpy(id, u->id, *len);
    return sight;
}

enum sight cache_sees_user(struct cache *c, struct slice ident, const struct scope *s, struct arena *a,
                           struct slice *user_id)
{
    char id[ENTRY_ID_MAX];
    size_t len = 0;
    uint32_t hash = index_hash(ident);
    bool self = s->kind == SCOPE_USER;
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    enum sight sight = self ? sees_self(c, ident, s->id) : sees_user(c, ident, hash, s, id, &len);
    cache_unlock(c);
    if (sight == SIGHT_YES)
        *user_id = arena_slice(a, self ? s->id : slice_of(id, len));
    return sight;
}

/* [lock] */
static bool unchanged(struct cache *c, const struct scope *viewer, struct slice chat_id, uint32_t hash, int64_t since)
{
    if (chat_id.len > 0) {
        const struct cchat *chat = index_chat(c, chat_id, hash);
        return chat && chat->user->state == USER_LOADED && chat->user->newest <= since;
    }
    if (viewer->kind == SCOPE_OWNER)
        return owner_unchanged(c, viewer->id, since);
    return viewer->kind == SCOPE_ALL && c->applied <= since;
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
    bool current = cursor_take(c, &q) && unchanged(c, viewer, chat_id, hash, q.since);
    cache_unlock(c);
    return current;
}
