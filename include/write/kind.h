/* kind.h: what the writer has to know of a kind of write. Each kind is one file in src/write with its functions and its row;
 * its struct begins with a struct op. Nothing else in write/ knows which kinds there are.
 * Thread:  the writer's.
 * Order:   give_ids, once → for each try: link, apply or message → when it is durable: raise, whatever the op's
 *          result. Or, where a try failed in a way that leaves open what the store has, and the op was given up: doubt.
 * Repeats: a try may come again with the same op, after a rollback or after one that was stored and whose answer was lost:
 *          apply must find out the second, and must not build on what an earlier try has put into the op. */
#pragma once
#include "chat/event.h"
#include "store/store.h"
#include "write/op.h"

/* One try of a batch, as an op sees it. */
struct attempt {
    struct store *store;
    struct totals changed; /* what the batch adds */
    bool halfway;          /* the op at work has changed the store already: its failure is the batch's */
};

#define WRITE_EVENTS_MAX 2

struct write_kind {
    struct op_kind op;
    /* From op->rev and op->now_us, where the kind's struct has places of its own for them. NULL: none. */
    void (*give_ids)(struct op *op);
    /* The existing chat that it changes, and the place for what is known of that. NULL: none. */
    struct chat_link *(*link)(struct op *op, struct slice *chat_id);
    /* Either it stores one message, which goes in with all the others of its batch… */
    struct new_message *(*message)(struct op *op);
    /* …or what it does, before them. ERR_STORE fails the batch, the rest is the op's own. */
    enum err (*apply)(struct attempt *try, struct op *op);
    /* It has a link, and apply builds on what messages do to that chat: those before it in the batch go in before it, and
     * what stands behind it finds the chat as it left it. */
    bool in_order;
    /* What happened, at most WRITE_EVENTS_MAX events into out[]; returns how many. They may point into the op. */
    size_t (*raise)(struct op *op, struct event *out);
    /* What may have happened: chat_id of the one chat that can be concerned, or it stays empty. NULL: empty. */
    void (*doubt)(struct op *op, struct event *out);
};

static inline const struct write_kind *write_kind_of(const struct op *op)
{
    return (const struct write_kind *)op->kind; /* its first member */
}

/* scope_refusal() where the chat's customer is out of the scope. */
NODISCARD enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link,
                                    struct arena *a);
/* The existing chat that the op changes: its link, from the store where memory does not know it, and whether the op may. No
 * such chat: scope_refusal() too, but ERR_NOT_FOUND where everything is allowed. */
NODISCARD enum err chat_reach(struct store *store, struct op *op, struct slice chat_id, struct chat_link *link);
/* The same, and the row as it is now. */
NODISCARD enum err chat_reach_row(struct store *store, struct op *op, struct slice chat_id, struct chat_link *link,
                                  struct chat *row);
