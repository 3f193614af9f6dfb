#include "write/producer.h"

enum err producer_init(struct producer *p, size_t max_ops, size_t max_bytes_each)
{
    p->ops = op_pool_new(max_ops, max_bytes_each);
    p->inbox = mailbox_new();
    return p->ops && p->inbox ? OK : ERR_NOMEM;
}

void producer_fini(struct producer *p)
{
    op_pool_free(p->ops);
    mailbox_free(p->inbox);
    *p = (struct producer){0};
}

struct op *producer_op(struct producer *p, const struct op_kind *kind, op_complete_fn complete)
{
    struct op *op = op_get(p->ops, kind);
    if (op) {
        op->reply_to = p;
        op->complete = complete;
    }
    return op;
}

struct op *producer_take(struct producer *p)
{
    return (struct op *)mailbox_take(p->inbox);
}

bool producer_complete(struct producer *p)
{
    struct op *op = p->inbox ? producer_take(p) : NULL;
    bool any = op != NULL;
    while (op) {
        struct op *next = (struct op *)op->node.next;
        if (op->complete)
            op->complete(op, NULL);
        op_put(p->ops, op);
        op = next;
    }
    return any;
}
