/* create_chat.h: a chat, for a customer that is known or is made with it. */
#pragma once
#include "write/kind.h"

struct create_chat {
    struct op op;
    struct slice customer_id; /* as given; empty = none */
    struct slice email;
    struct slice name;
    char chat_id[UUID_LEN];  /* made by the producer, so that a retry cannot duplicate */
    bool keyed;              /* chat_id was made of the client's key: there may be one by this id already */
    struct oid new_customer; /* id for a customer that must be created */
    /* from the writer */
    bool repeated;            /* there was, in the last try: of chat and customer only the ids are set */
    struct customer before;   /* the customer as it was; before.id empty = was created by this op */
    struct customer customer; /* as it is now */
    bool address_alone;       /* customer.email was looked up in every way: it means nobody else */
    bool customer_only;       /* refused, but the customer's row stays: the store takes nothing back */
    struct chat chat;
};

extern const struct write_kind write_create_chat;

static inline struct create_chat *create_chat_of(struct op *op)
{
    return (struct create_chat *)op;
}

/* The chat that an earlier request made is the answer. Not where the op was given up: then what its last try found may be
 * of the same batch, and have been rolled back with it. */
static inline bool create_chat_repeats(const struct create_chat *c)
{
    return c->op.result == ERR_EXISTS && c->repeated;
}
