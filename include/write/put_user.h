/* put_user.h: what a widget or a dashboard reports of a customer, who is made where the address is nobody's. */
#pragma once
#include "write/kind.h"

struct put_user {
    struct op op;
    struct user given; /* defaults filled in; given.owner = body's user_id */
    uint32_t set;      /* bits of enum user_field: which fields the body had */
    struct oid new_user;
    /* from the writer */
    struct user before; /* before.id empty = was created */
    struct user user;   /* as it is now */
    bool address_alone; /* user.email was looked up in every way: it means nobody else */
};

extern const struct write_kind write_put_user;

static inline struct put_user *put_user_of(struct op *op)
{
    return (struct put_user *)op;
}
