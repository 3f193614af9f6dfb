#include "store/scope.h"

#include "store/cache.h"
#include "store/ident.h"

bool scope_allows(const struct scope *s, struct slice user_id, struct slice owner)
{
    switch (s->kind) {
    case SCOPE_ALL:
        return true;
    case SCOPE_NOBODY:
        return false;
    case SCOPE_USER:
        return s->id.len > 0 && slice_eq(s->id, user_id);
    case SCOPE_OWNER:
        return s->id.len > 0 && slice_eq(s->id, owner);
    }
    return false;
}

static enum err denied_unless(bool allowed)
{
    return allowed ? OK : ERR_DENIED;
}

enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link, struct arena *a)
{
    struct user u = {0};
    if (s->kind != SCOPE_OWNER) /* the customer's id says enough */
        return denied_unless(scope_allows(s, link->user_id, (struct slice){0}));
    enum err e = store->vtable->find_user(store, USER_BY_ID, link->user_id, a, &u);
    if (e == ERR_NOT_FOUND) /* a chat without its customer: nobody's */
        return ERR_DENIED;
    return e == OK ? denied_unless(scope_allows(s, u.id, u.owner)) : e;
}

static enum err resolve_user(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    struct slice id = {0};
    switch (cache_sees_user(c, q->ident, &q->scope, a, &id)) {
    case SIGHT_NO:
        return ERR_DENIED;
    case SIGHT_YES:
        q->ident = id;
        return id.ptr ? OK : ERR_NOMEM;
    case SIGHT_UNKNOWN:
        break;
    }
    struct user u;
    enum err e = cache_find_ident(c, reader, q->ident, a, &u);
    /* Whether an address is known here is nothing for a customer to find out. */
    if (e == ERR_NOT_FOUND && q->scope.kind == SCOPE_USER && !slice_eq(q->ident, q->scope.id))
        return ERR_DENIED;
    if (e != OK)
        return e;
    q->ident = u.id;
    return denied_unless(scope_allows(&q->scope, u.id, u.owner));
}

static enum err resolve_chat(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    enum sight sight = cache_sees_chat(c, q->ident, &q->scope);
    if (sight != SIGHT_UNKNOWN)
        return denied_unless(sight == SIGHT_YES);
    struct chat chat = {0};
    enum err e = reader->vtable->chat_owner(reader, q->ident, a, &chat);
    if (e != OK)
        return e;
    if (q->scope.kind != SCOPE_OWNER)
        return denied_unless(scope_allows(&q->scope, chat.user_id, (struct slice){0}));
    struct user u;
    e = ident_read(reader, chat.user_id, a, &u);
    if (e == ERR_NOT_FOUND)
        return ERR_DENIED;
    return e == OK ? denied_unless(scope_allows(&q->scope, u.id, u.owner)) : e;
}

enum err scope_resolve(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    enum err e = ERR_DENIED; /* a view that is not about one customer or chat has no business with a scope */
    if (q->scope.kind == SCOPE_ALL)
        return OK;
    switch (q->view) {
    case VIEW_POLL:
    case VIEW_USER:
        e = resolve_user(reader, c, q, a);
        break;
    case VIEW_CHAT:
    case VIEW_HISTORY:
    case VIEW_AI:
        e = resolve_chat(reader, c, q, a);
        break;
    case VIEW_REFETCH:
    case VIEW_USERS:
    case VIEW_CHATS: /* limited by query.owner instead */
    case VIEW_REPORT:
    case VIEW_AGENT:
    case VIEW_OVERVIEW:
    case VIEW_COUNT:
        break;
    }
    if (e == OK)
        q->scope = (struct scope){.kind = SCOPE_ALL};
    return e;
}
