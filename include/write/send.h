/* send.h: a message into a chat that exists. */
#pragma once
#include "write/kind.h"

struct send {
    struct op op;
    struct new_message message;
};

extern const struct write_kind write_send;

static inline struct send *send_of(struct op *op)
{
    return (struct send *)op;
}
