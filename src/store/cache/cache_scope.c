/* Whose a chat or a customer is, as far as memory knows. */
#include "cache_int.h"
#include "store/scope.h"

/* [lock] What a stub does not know (its owner) is not "no". */
static enum sight sight_of(const struct cuser *u, const struct scope *s)
{
    if (s->kind == SCOPE_OWNER && !u->owner)
        return SIGHT_UNKNOWN;
    return scope_allows(s, slice_of(u->id, u->id_len), user_owner(u)) ? SIGHT_YES : SIGHT_NO;
}

enum sight cache_sees_chat(struct cache *c, struct slice chat_id, const struct scope *s)
{
    uint32_t hash = index_hash(chat_id);
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    const struct cchat *chat = index_chat(c, chat_id, hash);
    enum sight sight = chat ? sight_of(chat->user, s) : SIGHT_UNKNOWN;
    cache_unlock(c);
    return sight;
}

enum sight cache_sees_user(struct cache *c, struct slice ident, const struct scope *s, struct arena *a,
                           struct slice *user_id)
{
    char id[UINT8_MAX];
    size_t len = 0;
    uint32_t hash = index_hash(ident);
    if (!c->enabled)
        return SIGHT_UNKNOWN;
    cache_lock(c);
    const struct cuser *u = index_ident(c, ident, hash);
    enum sight sight = u ? sight_of(u, s) : SIGHT_UNKNOWN;
    if (sight == SIGHT_YES) {
        len = u->id_len;
        memcpy(id, u->id, len);
    }
    cache_unlock(c);
    if (sight == SIGHT_YES)
        *user_id = arena_slice(a, slice_of(id, len));
    return sight;
}
