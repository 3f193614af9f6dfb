/* resolve.h: whom a query means, and whether the asker may see it, from memory or else from the store.
 * Thread:  readers. */
#pragma once
#include "read/cache.h"

/* Whom ident means (store/ident.h): its id in the arena, from memory or from the store, whose answer is remembered. */
NODISCARD enum err resolve_ident(struct cache *c, struct store_reader *reader, struct slice ident, struct arena *a,
                                 struct slice *id);

/* A limited principal's query about one customer or chat: in scope, or scope_refusal(), or ERR_NOT_FOUND. An ident is
 * replaced by the id that it stands for, so that what is answered is what was checked; then the scope is spent. */
NODISCARD enum err scope_resolve(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a);
