#include "write/mark_read.h"

static struct chat_link *link_of(struct op *op, struct slice *chat_id)
{
    *chat_id = mark_read_of(op)->chat_id;
    return &mark_read_of(op)->link;
}

static enum err apply(struct attempt *try, struct op *op)
{
    struct mark_read *r = mark_read_of(op);
    enum err err = chat_reach(try->store, op, r->chat_id, &r->link);
    return err == OK ? try->store->vtable->set_mark(try->store, &r->link, r->chat_id, r->side, r->mark) : err;
}

static size_t raise(struct op *op, struct event *out)
{
    const struct mark_read *r = mark_read_of(op);
    if (op->result != OK)
        return 0;
    *out = (struct event){.kind = EVENT_READ,
                          .rev = op->rev,
                          .at_us = op->now_us,
                          .chat_id = r->chat_id,
                          .customer_id = r->link.customer_id};
    out->read.side = r->side;
    out->read.mark = r->mark;
    out->read.message_id = r->message_id;
    out->read.link = &r->link;
    return 1;
}

static void doubt(struct op *op, struct event *out)
{
    out->chat_id = mark_read_of(op)->chat_id;
}

const struct write_kind write_mark_read = {
    .op = {.bytes = sizeof(struct mark_read)}, .link = link_of, .apply = apply, .raise = raise, .doubt = doubt};
