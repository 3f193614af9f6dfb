#include "write/op.h"

#include "base/pool.h"
#include "write/producer.h"

#include <stdlib.h>

#define IDLE_ARENA_MAX ((size_t)4096) /* what an idle op keeps; a larger first block was one large message's */

/* An op as the pool knows it: on the list of all, so that op_pool_free() finds the arenas of ops not given back. */
struct pooled_op {
    union {
        struct op op;
        unsigned char room[OP_BYTES_MAX]; /* for any kind */
    };                                    /* first */
    struct pooled_op *next_made;
};

struct op_pool {
    struct pool memory;
    struct pooled_op *made; /* all, newest first */
    struct op *idle;        /* given back, linked by node.next; their arenas keep their first block */
    size_t max_bytes_each;
    thread_mark owner;
};

struct op_pool *op_pool_new(size_t max_ops, size_t max_bytes_each)
{
    must(max_ops > 0); /* a pool without a bound is what this is not */
    struct op_pool *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    pool_init(&p->memory, sizeof(struct pooled_op), max_ops);
    p->max_bytes_each = max_bytes_each;
    return p;
}

void op_pool_free(struct op_pool *p)
{
    if (!p)
        return;
    for (struct pooled_op *each = p->made; each; each = each->next_made)
        arena_fini(&each->op.arena);
    pool_fini(&p->memory);
    free(p);
}

static struct op *make_op(struct op_pool *p)
{
    if (!p->made)
        THREAD_OWN(p->owner);
    struct pooled_op *made = pool_get(&p->memory);
    if (!made)
        return NULL;
    arena_init(&made->op.arena, p->max_bytes_each);
    made->next_made = p->made;
    p->made = made;
    return &made->op;
}

struct op *op_get(struct op_pool *p, const struct op_kind *kind)
{
    struct op *op = p->idle;
    if (op) {
        THREAD_ASSERT(p->owner);
        p->idle = (struct op *)op->node.next;
    } else {
        op = make_op(p);
    }
    if (!op)
        return NULL;
    must(kind->bytes <= OP_BYTES_MAX);
    struct arena kept = op->arena;
    memset(op, 0, kind->bytes);
    op->kind = kind;
    op->arena = kept;
    return op;
}

void op_put(struct op_pool *p, struct op *op)
{
    THREAD_ASSERT(p->owner);
    must(!op->in_flight);
    if (op->kind->drop)
        op->kind->drop(op);
    arena_reset(&op->arena);
    if (op->arena.total > IDLE_ARENA_MAX) {
        arena_fini(&op->arena);
        arena_init(&op->arena, p->max_bytes_each);
    }
    op->node.next = p->idle ? &p->idle->node : NULL;
    p->idle = op;
}

void op_finish(struct op *op, enum err result)
{
    must(op->in_flight); /* finished twice, or never submitted */
    op->in_flight = false;
    op->result = result;
    /* From the push on the op is its producer's again. */
    mailbox_push(op->reply_to->inbox, &op->node);
}
