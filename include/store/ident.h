/* ident.h: which customer a text means: in every request, from memory or from a store, one order.
 *   1. whose id it is
 *   2. whose reference it is (`user_id` of existing deployments)
 *   3. whose e-mail address it is: exactly so, else compared (chat/email.h); of several the first
 * So an address that is a customer's id means that customer. A default address means the customer it was made for, while
 * that has no other, and else nobody.
 * Thread:  any.
 * Fails:   ERR_NOT_FOUND: nobody; whatever `find` says. */
#pragma once
#include "store/store.h"

typedef enum err (*ident_find_fn)(void *arg, enum customer_by by, struct slice value, struct customer *out);
NODISCARD enum err ident_find(ident_find_fn find, void *arg, struct slice ident, struct customer *out);
NODISCARD enum err ident_read(struct store_reader *r, struct slice ident, struct arena *a,
                              struct customer *out); /* [reader] */
