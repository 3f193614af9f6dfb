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

/* Whom a text means, as everywhere (store/ident.h). ERR_NOT_FOUND: nobody. */
NODISCARD enum err customer_meant(struct store *s, struct op *op, struct slice ident, struct customer *out);

/* As it was before this op: what is found, unless a try whose answer was lost has stored the change; then what that try
 * found. before: that, or zeroed. */
void customer_note_before(const struct op *op, const struct customer *found, struct customer *before);

/* The customer's row, changed by this op now, and what that changes in the counts. before->id empty: it is new. */
NODISCARD enum err customer_put(struct attempt *try, const struct op *op, const struct customer *before,
                                struct customer *now);

/* EVENT_CUSTOMER, which points to both. Returns 1. */
size_t customer_raise(const struct op *op, const struct customer *before, const struct customer *now,
                      struct event *out);

/* That many more chats are in the inbox of this customer. */
void customer_count_chats(struct totals *t, const struct customer *owner, int64_t chats);
