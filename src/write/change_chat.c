/* Who was first: the writer takes one change after the other, so the one whose expected_rev is still the row's wins, and the
 * next one finds another rev. A try whose answer was lost may have been stored: then the row has this op's rev, or that of
 * one behind it in the same batch, and what that try decided is the answer. */
#include "write/change_chat.h"

static struct chat_link *link_of(struct op *op, struct slice *chat_id)
{
    *chat_id = change_chat_of(op)->chat_id;
    return &change_chat_of(op)->link;
}

/* What is asked for, put into the row. A status that is neither "open" nor "closed" is an existing deployment's, and open. */
static bool change_row(const struct change_chat *c, struct chat *row)
{
    bool changed = false;
    if (c->set_assigned && !slice_eq(c->assigned_to, row->assigned_to)) {
        row->assigned_to = c->assigned_to;
        changed = true;
    }
    if (c->set_closed && c->closed != ((row->flags & CHAT_CLOSED) != 0)) {
        row->status = c->closed ? SLICE_LIT("closed") : SLICE_LIT("open");
        row->flags ^= CHAT_CLOSED;
        changed = true;
    }
    return changed;
}

/* The chat's customer has been active: it stands in front, and who asks by a cursor is told. */
static enum err touch_customer(struct store *s, struct op *op)
{
    struct customer customer = {0};
    struct slice id = change_chat_of(op)->chat.customer_id;
    enum err err = s->vtable->find_customer(s, CUSTOMER_BY_ID, id, &op->arena, &customer);
    if (err == ERR_NOT_FOUND) /* a chat without its customer: nobody lists it */
        return OK;
    if (err != OK || customer.rev >= op->rev) /* stored by a try before */
        return err;
    customer.rev = op->rev;
    customer.activity_us = op->now_us;
    return s->vtable->put_customer(s, &customer);
}

static enum err decide(struct change_chat *c, enum err verdict, bool changed)
{
    c->decided = true;
    c->verdict = verdict;
    c->changed = changed;
    return verdict;
}

static enum err change(struct attempt *try, struct op *op)
{
    struct change_chat *c = change_chat_of(op);
    if (c->expected_rev != 0 && c->chat.rev != c->expected_rev)
        return decide(c, ERR_CHANGED, false);
    if (!change_row(c, &c->chat))
        return decide(c, OK, false);
    c->chat.rev = op->rev;
    c->chat.updated_us = op->now_us;
    enum err err = try->store->vtable->put_chat(try->store, &c->chat);
    if (err != OK)
        return err;
    try->halfway = true;
    (void)decide(c, OK, true);
    return touch_customer(try->store, op);
}

static enum err apply(struct attempt *try, struct op *op)
{
    struct change_chat *c = change_chat_of(op);
    enum err err = chat_reach_row(try->store, op, c->chat_id, &c->link, &c->chat);
    if (err != OK)
        return err;
    if (c->chat.rev == op->rev) { /* stored by a try before, but where each call is durable by itself not all of it */
        (void)decide(c, OK, true);
        return touch_customer(try->store, op);
    }
    return c->decided && c->chat.rev > op->rev ? c->verdict : change(try, op);
}

static size_t raise(struct op *op, struct event *out)
{
    const struct change_chat *c = change_chat_of(op);
    if (op->result != OK || !c->changed)
        return 0;
    *out = (struct event){.kind = EVENT_CHAT_CHANGED,
                          .rev = op->rev,
                          .at_us = op->now_us,
                          .chat_id = c->chat_id,
                          .customer_id = c->chat.customer_id};
    out->changed.now = &c->chat;
    out->changed.link = &c->link;
    return 1;
}

/* No doubt(): lists show whose a chat is, and may lack the chat, so what is in doubt is everything. */
const struct write_kind write_change_chat = {
    .op = {.bytes = sizeof(struct change_chat)}, .link = link_of, .apply = apply, .in_order = true, .raise = raise};
