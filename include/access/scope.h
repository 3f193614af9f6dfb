/* scope.h: whose data an operation may touch. It travels with every op and query of a limited principal; where nothing
 * is said (zeroed) everything is allowed, which is so for all when authentication is off.
 * Thread:  values.
 * Owns:    nothing: `id` borrows from the op's arena, or from the request.
 * A chat's customer never changes, and a customer's id never does: what was found once may be used after the lock or
 * the transaction is gone. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum scope_kind {
    SCOPE_ALL,      /* everything */
    SCOPE_NOBODY,   /* no customer that exists: only a new one, for whom nobody is looked up */
    SCOPE_CUSTOMER, /* the customer `id` and its chats */
    SCOPE_OWNER     /* customers whose owner (dashboard_user_id) is `id`, and their chats */
};

struct scope {
    enum scope_kind kind;
    struct slice id;
};

bool scope_allows(const struct scope *s, struct slice customer_id, struct slice owner);
/* OK, or scope_refusal(). */
NODISCARD enum err scope_check(const struct scope *s, struct slice customer_id, struct slice owner);
/* What one hears of what is out of its scope, whether it exists or not: an owner's dashboard ERR_NOT_FOUND, all others
 * ERR_DENIED. */
enum err scope_refusal(const struct scope *s);
/* A customer's own words for itself, by its row: its id, its second id, an address, even one it only claims. */
struct customer;
bool scope_names(const struct customer *row, struct slice ident);
