/* customer_rules.h: what holds for every write that makes or changes a customer. Private to src/write.
 * Thread:  the writer.
 * Fails:   as kind.h's apply. */
#pragma once
#include "write/kind.h"

/* Found, and not by this op itself in a try whose result was unclear: revs are unique, so an equal one is ours. */
bool customer_made_by_us(const struct customer *found, const struct op *op);

/* Without proof an address is what somebody says: kept and shown, and nobody is found by it. A dashboard's word is proof. */
bool customer_proves(const struct op *op);

/* An address that is another's id or reference means that other (ident.h), and would never find who has it. */
NODISCARD enum err customer_check_name(struct store *s, struct op *op, struct slice address, struct slice own_id);

/* The customer's own from now on, or only its claim: then nobody else is looked at. */
NODISCARD enum err customer_give_address(struct store *s, struct op *op, struct slice address, struct customer *u);

/* That many more chats are in the inbox of this customer. */
void customer_count_chats(struct totals *t, const struct customer *owner, int64_t chats);
