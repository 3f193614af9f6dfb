#include "write/change_customer.h"

#include "chat/customer.h"
#include "customer_rules.h"

static void change_fields(const struct change_customer *c, struct customer *u)
{
    if (c->set & CUSTOMER_NAME)
        u->name = c->name;
    if (c->set & CUSTOMER_CATEGORY)
        u->category = c->category;
    if (c->set & CUSTOMER_STATUS)
        u->status = c->status;
}

static bool same_fields(const struct customer *a, const struct customer *b)
{
    return slice_eq(a->name, b->name) && slice_eq(a->category, b->category) && slice_eq(a->status, b->status);
}

/* An agent did it: when the customer was last seen stays as it is. */
static enum err apply(struct attempt *try, struct op *op)
{
    struct change_customer *c = change_customer_of(op);
    enum err err = customer_meant(try->store, op, c->ident, &c->customer);
    if (err == ERR_NOT_FOUND && op->scope.kind != SCOPE_ALL)
        return scope_refusal(&op->scope);
    if (err == OK)
        err = scope_check(&op->scope, c->customer.id, c->customer.owner);
    if (err != OK)
        return err;
    customer_note_before(op, &c->customer, &c->before);
    struct customer wanted = c->before;
    change_fields(c, &wanted);
    c->changed = !same_fields(&wanted, &c->before);
    if (!c->changed)
        return OK;
    change_fields(c, &c->customer);
    return customer_put(try, op, &c->before, &c->customer);
}

static size_t raise(struct op *op, struct event *out)
{
    const struct change_customer *c = change_customer_of(op);
    if (op->result != OK || !c->changed)
        return 0;
    size_t count = customer_raise(op, &c->before, &c->customer, out);
    out->customer.by_agent = true;
    return count;
}

/* No doubt(): lists show the customer, so what is in doubt is everything. */
const struct write_kind write_change_customer = {
    .op = {.bytes = sizeof(struct change_customer)}, .apply = apply, .raise = raise};
