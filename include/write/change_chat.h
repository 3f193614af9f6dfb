/* change_chat.h: a chat is given to somebody, closed, or opened again. */
#pragma once
#include "write/kind.h"

struct change_chat {
    struct op op;
    struct slice chat_id;
    bool set_assigned, set_closed; /* which of the next two are given */
    bool closed;
    struct slice assigned_to; /* empty: nobody */
    int64_t expected_rev;     /* of the chat's row: another one, and the result is ERR_CHANGED; 0: any */
    /* from the writer */
    struct chat_link link;
    struct chat chat; /* the row as it is now */
    bool decided;     /* in a try: with `verdict`… */
    enum err verdict;
    bool changed; /* …and whether anything became another */
};

extern const struct write_kind write_change_chat;

static inline struct change_chat *change_chat_of(struct op *op)
{
    return (struct change_chat *)op;
}
