/* change_customer.h: a dashboard changes what a customer is called, and where its conversations stand. */
#pragma once
#include "write/kind.h"

struct change_customer {
    struct op op;
    struct slice ident; /* whom: store/ident.h */
    uint32_t set;       /* enum customer_field: CUSTOMER_NAME, CUSTOMER_CATEGORY, CUSTOMER_STATUS */
    struct slice name, category, status;
    /* from the writer */
    struct customer before, customer;
    bool changed; /* whether anything became another */
};

extern const struct write_kind write_change_customer;

static inline struct change_customer *change_customer_of(struct op *op)
{
    return (struct change_customer *)op;
}
