/* scope.h: whose data an operation may touch. It travels with every op and query of a limited principal; where nothing
 * is said (zeroed) everything is allowed, which is so for all when authentication is off.
 * Thread:  values; scope_check_*() on the writer, scope_resolve() on readers, the cache's from any thread.
 * Owns:    nothing: `id` borrows from the op's arena, or from the request.
 * A chat's customer never changes, and a customer's id never does: what was found once may be used after the lock or
 * the transaction is gone. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum scope_kind {
    SCOPE_ALL,    /* everything */
    SCOPE_NOBODY, /* no customer that exists: only a new one */
    SCOPE_USER,   /* the customer `id` and its chats */
    SCOPE_OWNER   /* customers whose owner (dashboard_user_id) is `id`, and their chats */
};

struct scope {
    enum scope_kind kind;
    struct slice id;
};

bool scope_allows(const struct scope *s, struct slice user_id, struct slice owner);

/* ---- memory: any thread, never waits on I/O ---- */

enum sight { SIGHT_NO, SIGHT_YES, SIGHT_UNKNOWN /* not in memory: ask the store */ };
struct cache;
enum sight cache_sees_chat(struct cache *c, struct slice chat_id, const struct scope *s);
/* ident: id, second id or email. SIGHT_YES: *user_id is the customer's id, in the arena (ptr NULL: no memory). */
enum sight cache_sees_user(struct cache *c, struct slice ident, const struct scope *s, struct arena *a,
                           struct slice *user_id);

/* ---- the store ---- */

struct store;
struct store_reader;
struct chat_link;
struct view_query;
/* [writer] ERR_DENIED where the chat's customer is out of scope. */
NODISCARD enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link,
                                    struct arena *a);
/* [reader] A query about one customer or chat: in scope, or ERR_DENIED, or ERR_NOT_FOUND. An ident is replaced by the
 * id that it stands for, so that what is answered is what was checked; then the scope is spent. */
NODISCARD enum err scope_resolve(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a);
