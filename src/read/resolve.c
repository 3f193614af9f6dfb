#include "read/resolve.h"

#include "cache/cache_int.h"
#include "store/ident.h"

/* Asks the store, and remembers its answer. */
static enum err resolve_row(struct cache *c, struct store_reader *reader, struct slice ident, struct arena *a,
                            struct customer *out)
{
    cache_lock(c);
    int64_t asked = c->names_clock;
    uint64_t cuts = c->order_cuts;
    cache_unlock(c);
    enum err e = ident_read(reader, ident, a, out);
    if (e != OK || !c->enabled)
        return e;
    cache_lock(c);
    struct customer_entry *u = customer_get(c, out->id);
    bool heard_all = cuts == c->order_cuts; /* else a newer row may have come and gone since: this one could be older */
    if (u && heard_all && !u->has_row && u->state == CUSTOMER_KNOWN)
        customer_set_row(c, u, out, NULL, 0);
    if (u)
        names_learn(c, u, ident, asked);
    cache_evict(c, UINT8_MAX);
    cache_unlock(c);
    return OK;
}

enum err resolve_ident(struct cache *c, struct store_reader *reader, struct slice ident, struct arena *a,
                       struct slice *id)
{
    char known[ENTRY_ID_MAX];
    struct customer row;
    if (c->enabled) {
        uint32_t hash = index_hash(ident);
        cache_lock(c);
        const struct customer_entry *u = names_customer(c, ident, hash);
        size_t len = u ? u->id_len : 0;
        if (u)
            memcpy(known, u->id, len);
        cache_unlock(c);
        if (len > 0) {
            *id = arena_slice(a, slice_of(known, len));
            return id->ptr ? OK : ERR_NOMEM;
        }
    }
    enum err e = resolve_row(c, reader, ident, a, &row);
    *id = e == OK ? row.id : (struct slice){0};
    return e;
}

/* A customer asks: its own entry is loaded, and its row says whether the text is a name of its own. Nobody else is looked
 * for, so that an answer tells nothing of others. */
static enum err resolve_self(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    struct customer row;
    struct slice id = {0};
    enum err e = cache_load_customer(c, reader, q->scope.id);
    enum sight sight = e == OK ? cache_sees_customer(c, q->ident, &q->scope, a, &id) : SIGHT_UNKNOWN;
    if (e == OK && sight == SIGHT_UNKNOWN) /* it could not be kept in memory */
        e = reader->vtable->read_customer(reader, CUSTOMER_BY_ID, q->scope.id, a, &row);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_NOT_FOUND)
        row = (struct customer){.id = q->scope.id};
    if (sight == SIGHT_UNKNOWN)
        sight = scope_names(&row, q->ident) ? SIGHT_YES : SIGHT_NO;
    q->ident = q->scope.id;
    return sight == SIGHT_NO ? ERR_DENIED : e;
}

static enum err resolve_customer(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    struct slice id = {0};
    struct customer u;
    enum sight sight = cache_sees_customer(c, q->ident, &q->scope, a, &id);
    if (sight == SIGHT_YES) {
        q->ident = id;
        return id.ptr ? OK : ERR_NOMEM;
    }
    if (q->scope.kind == SCOPE_CUSTOMER)
        return sight == SIGHT_NO ? ERR_DENIED : resolve_self(reader, c, q, a);
    /* The store is asked even where memory says NO: else the time that it takes would tell that there is such a customer. */
    enum err e = resolve_row(c, reader, q->ident, a, &u);
    if (e != OK)
        return e;
    q->ident = u.id;
    return scope_check(&q->scope, u.id, u.owner);
}

/* A customer's chats are looked for among its own, which come into memory for that: then the next time costs nothing. */
static enum err resolve_own_chat(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    enum err e = cache_load_customer(c, reader, q->scope.id);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_DENIED : e;
    enum sight sight = cache_sees_chat(c, q->ident, &q->scope);
    if (sight != SIGHT_UNKNOWN)
        return sight == SIGHT_YES ? OK : ERR_DENIED;
    struct chat chat = {0}; /* it could not be kept in memory */
    e = reader->vtable->read_chat(reader, q->ident, a, &chat);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_DENIED : e;
    return scope_check(&q->scope, chat.customer_id, (struct slice){0});
}

static enum err resolve_chat(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    struct chat chat = {0};
    struct customer u;
    enum sight sight = cache_sees_chat(c, q->ident, &q->scope);
    if (sight == SIGHT_YES)
        return OK;
    if (q->scope.kind == SCOPE_CUSTOMER)
        return sight == SIGHT_NO ? ERR_DENIED : resolve_own_chat(reader, c, q, a);
    /* The store is asked even where memory says NO: a chat that does not exist costs one query too. */
    enum err e = reader->vtable->read_chat(reader, q->ident, a, &chat);
    if (e == OK && sight == SIGHT_NO)
        return scope_check(&q->scope, chat.customer_id, (struct slice){0});
    if (e == OK)
        e = ident_read(reader, chat.customer_id, a, &u);
    return e == OK ? scope_check(&q->scope, u.id, u.owner) : e;
}

enum err scope_resolve(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a)
{
    bool customer = q->view == VIEW_POLL || q->view == VIEW_CUSTOMER;
    bool chat = q->view == VIEW_CHAT || q->view == VIEW_HISTORY || q->view == VIEW_AI;
    if (q->scope.kind == SCOPE_ALL)
        return OK;
    if (q->scope.kind == SCOPE_NOBODY || (!customer && !chat)) /* listings are limited by query.owner instead */
        return ERR_DENIED;
    enum err e = customer ? resolve_customer(reader, c, q, a) : resolve_chat(reader, c, q, a);
    if (e == OK)
        q->scope = (struct scope){.kind = SCOPE_ALL};
    return e;
}
