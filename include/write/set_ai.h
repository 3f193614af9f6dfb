/* set_ai.h: a chat's AI agent is switched on or off. */
#pragma once
#include "write/kind.h"

struct set_ai {
    struct op op;
    struct slice chat_id;
    bool enabled;
    /* from the writer */
    struct chat_link link;
};

extern const struct write_kind write_set_ai;

static inline struct set_ai *set_ai_of(struct op *op)
{
    return (struct set_ai *)op;
}
