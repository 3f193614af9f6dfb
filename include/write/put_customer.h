/* put_customer.h: what a widget or a dashboard reports of a customer, who is made where the address is nobody's. */
#pragma once
#include "write/kind.h"

struct put_customer {
    struct op op;
    struct customer given; /* defaults filled in; given.owner = body's user_id */
    uint32_t set;          /* bits of enum customer_field: which fields the body had */
    struct oid new_customer;
    /* from the writer */
    struct customer before;   /* before.id empty = was created */
    struct customer customer; /* as it is now */
    bool address_alone;       /* customer.email was looked up in every way: it means nobody else */
};

extern const struct write_kind write_put_customer;

static inline struct put_customer *put_customer_of(struct op *op)
{
    return (struct put_customer *)op;
}
