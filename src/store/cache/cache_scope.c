/* Whose a chat or a customer is, as far as memory knows. */
#include "cache_int.h"
#include "store/scope.h"
#include "store/view.h"

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

/* [lock] */
static bool unchanged(struct cache *c, const struct scope *viewer, struct slice chat_id, uint32_t hash, int64_t since)
{
    if (chat_id.len > 0) {
        const struct cchat *chat = index_chat(c, chat_id, hash);
        return chat && chat->user->state == USER_LOADED && chat->user->newest <= since;
    }
    if (viewer->kind == SCOPE_OWNER)
        return owner_unchanged(c, viewer->id, since);
    return viewer->kind == SCOPE_ALL && c->rev == since; /* a later one is of another database */
}

bool cache_up_to_date(struct cache *c, const struct scope *viewer, struct slice chat_id, struct slice cursor)
{
    struct view_query q;
    uint32_t hash = index_hash(chat_id);
    view_parse_cursor(cursor, &q);
    if (!q.has_since || q.since_base > 0 || !c->enabled || !cache_is_open(c))
        return false;
    cache_lock(c);
    bool current = unchanged(c, viewer, chat_id, hash, q.since);
    cache_unlock(c);
    return current;
}
