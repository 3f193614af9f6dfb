/* mark_read.h: a side of a chat has read up to a message. Costs no write of its own (store.h: set_mark). */
#pragma once
#include "write/kind.h"

struct mark_read {
    struct op op;
    struct slice chat_id;
    struct slice message_id; /* as the client said it */
    enum chat_side side;
    int64_t mark; /* that message's (chat/model.h) */
    /* from the writer */
    struct chat_link link;
};

extern const struct write_kind write_mark_read;

static inline struct mark_read *mark_read_of(struct op *op)
{
    return (struct mark_read *)op;
}
