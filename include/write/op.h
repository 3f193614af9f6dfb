/* op.h: the travelling request: worker → writer or reader → the same worker.
 * Thread:  one at a time, whoever holds it: the worker until submit, then the writer or a reader, then (by
 *          reply_to) the worker again. After a submit that returned OK the giver forgets it.
 * Owns:    its bytes, all in op->arena: never a slice of a connection's buffer. op->body: one reference.
 * Life:    op_get() from the worker's pool → filled → submit → op_finish() exactly once (asserted) → back in
 *          the worker's mailbox → op->complete() → op_put(). The arena's first block is kept, so steady state
 *          calls no malloc. */
#pragma once
#include "access/scope.h"
#include "base/arena.h"
#include "base/blob.h"
#include "base/err.h"
#include "chat/model.h"
#include "handoff/mailbox.h"
#include "read/view.h"
#include "store/store.h"

enum op_kind {
    /* writes: to the writer */
    OP_SEND,
    OP_CREATE_CHAT,
    OP_PUT_USER,
    OP_SET_AI,
    /* reads: to a reader */
    OP_VIEW
};

/* Which connection waits: (slot, generation) of the worker that owns reply_to. A late completion for another
 * generation drops the reply, never the write. */
struct op_origin {
    uint32_t slot;
    uint32_t generation;
};

struct op_send {
    struct new_message message;
    bool unheard; /* from the writer: a duplicate of one whose answer was lost, so its notice is still due */
};

struct op_create_chat {
    struct slice user_id; /* as given; empty = none */
    struct slice email;
    struct slice name;
    char chat_id[UUID_LEN]; /* made on the worker, so that a retry cannot duplicate */
    bool keyed;             /* chat_id was made of the client's key: there may be one by this id already */
    struct oid new_user;    /* id for a customer that must be created */
    /* from the writer */
    int64_t rev;
    int64_t now_us;
    bool repeated;      /* there was: result ERR_EXISTS, and of chat and user only the ids are set */
    struct user before; /* the customer as it was; before.id empty = was created by this op */
    struct user user;   /* as it is now */
    bool address_alone; /* user.email was looked up in every way: it means nobody else */
    bool customer_only; /* refused, but the customer's row stays: the store takes nothing back */
    struct chat chat;
};

struct op_put_user {
    struct user given; /* defaults filled in; given.owner = body's user_id */
    uint32_t set;      /* bits of enum user_field: which fields the body had */
    struct oid new_user;
    /* from the writer */
    int64_t rev;
    int64_t now_us;
    struct user before; /* before.id empty = was created */
    struct user user;
    bool address_alone; /* as above */
};

struct op_set_ai {
    struct slice chat_id;
    bool enabled;
    /* from the writer */
    int64_t rev;
    int64_t now_us;
    struct chat_link link;
    uint8_t flags; /* after */
};

struct op_view {
    struct view_query query;
    struct view_answer answer;
};

struct op;
typedef void (*op_complete_fn)(struct op *op, void *worker);

struct op {
    struct mailbox_node node; /* first: a mailbox node is an op */
    enum op_kind kind;
    enum err result;
    bool in_flight; /* asserted: submitted, not yet finished */
    struct op_origin origin;
    struct mailbox *reply_to;
    op_complete_fn complete; /* runs on the worker */
    int64_t parsed_us;       /* mono: request parsed */
    int64_t queued_us;       /* mono: submitted */
    int64_t durable_us;      /* mono: committed */
    struct scope scope;      /* whose data a write may touch; zeroed: any. Its id in the arena */
    int64_t deadline_us;     /* mono: past it the writer gives up and finishes with ERR_TIMEOUT */
    size_t charged;          /* bytes of the arena counted as requests under way… */
    uint64_t lender;         /* …and whose they are */
    struct arena arena;
    union {
        struct op_send send;
        struct op_create_chat create;
        struct op_put_user put_user;
        struct op_set_ai set_ai;
        struct op_view view;
    };
};

struct op_pool; /* one per worker, bounded */
struct op_pool *op_pool_new(size_t max_ops, size_t max_bytes_each);
void op_pool_free(struct op_pool *p);
struct op *op_get(struct op_pool *p, enum op_kind kind); /* zeroed but for the arena; NULL at the bound */
void op_put(struct op_pool *p, struct op *op);           /* drops a view's body; keeps the arena's first block */

/* Finished: sets the result and posts the op to op->reply_to. */
void op_finish(struct op *op, enum err result);
