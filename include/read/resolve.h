/* resolve.h: a limited principal's query about one customer or chat, checked against the store where memory does not know.
 * Thread:  readers. */
#pragma once
#include "read/cache.h"

/* [reader] A query about one customer or chat: in scope, or scope_refusal(), or ERR_NOT_FOUND. An ident is replaced by the
 * id that it stands for, so that what is answered is what was checked; then the scope is spent. */
NODISCARD enum err scope_resolve(struct store_reader *reader, struct cache *c, struct view_query *q, struct arena *a);
