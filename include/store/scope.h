/* scope.h: whose data an operation may touch. It travels with every op and query of a limited principal; where nothing
 * is said (zeroed) everything is allowed, which is so for all when authentication is off.
 * Thread:  values; scope_check_link() on the writer, scope_resolve() on readers, the cache's from any thread.
 * Owns:    nothing: `id` borrows from the op's arena, or from the request.
 * A chat's customer never changes, and a customer's id never does: what was found once may be used after the lock or
 * the transaction is gone. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum scope_kind {
    SCOPE_ALL,    /* everything */
    SCOPE_NOBODY, /* no customer that exists: only a new one, for whom nobody is looked up */
    SCOPE_USER,   /* the customer `id` and its chats */
    SCOPE_OWNER   /* customers whose owner (dashboard_user_id) is `id`, and their chats */
};

struct scope {
    enum scope_kind kind;
    struct slice id;
};

bool scope_allows(const struct scope *s, struct slice user_id, struct slice owner);
/* OK, or scope_refusal(). */
NODISCARD enum err scope_check(const struct scope *s, struct slice user_id, struct slice owner);
/* What one hears of what is out of its scope, whether it exists or not: an owner's dashboard ERR_NOT_FOUND, all others
 * ERR_DENIED. */
enum err scope_refusal(const struct scope *s);
/* A customer's own words for itself, by its row: its id, its second id, an address, even one it only claims. */
struct user;
bool scope_names(const struct user *row, struct slice ident);

/* ---- memory: any thread, never waits on I/O ---- */

enum sight { SIGHT_NO, SIGHT_YES, SIGHT_UNKNOWN /* not in memory: ask the store */ };
struct cache;
/* A customer's own scope is answered from its own entry alone, so that NO and UNKNOWN neither tell nor cost more where what
 * is asked for is another's than where it does not exist. */
enum sight cache_sees_chat(struct cache *c, struct slice chat_id, const struct scope *s);
/* ident: id, second id or email. SIGHT_YES: *user_id is the customer's id, in the arena (ptr NULL: no memory). */
enum sight cache_sees_user(struct cache *c, struct slice ident, const struct scope *s, struct arena *a,
                           struct slice *user_id);

/* ---- the store ---- */

struct store;
struct store_reader;
struct chat_link;
struct view_query;
/* [writer] scope_refusal() where the chat's customer is out of scope. */
NODISCARD enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link,
                                    struct arena *a);
/* [reader] A query about one customer or chat: in scope, or scope_refusal(), or ERR_NOT_FOUND. An ident is replaced by the
 * id that it stands for, so that what is answered is what was checked; then the scope is spent. */
NODISCARD enum err scope_resolve(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a);
