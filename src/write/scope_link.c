#include "write/kind.h"

enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link, struct arena *a)
{
    struct customer u = {0};
    if (s->kind != SCOPE_OWNER) /* the customer's id says enough */
        return scope_check(s, link->customer_id, (struct slice){0});
    enum err e = store->vtable->find_customer(store, CUSTOMER_BY_ID, link->customer_id, a, &u);
    if (e == ERR_NOT_FOUND) /* a chat without its customer: nobody's */
        return scope_refusal(s);
    return e == OK ? scope_check(s, u.id, u.owner) : e;
}

/* Not marked as known: a retry asks again, since a chat of this batch may then have another key. */
static enum err link_of_row(struct store *store, struct op *op, const struct chat *row, struct chat_link *link)
{
    struct customer customer = {0};
    enum err err = store->vtable->find_customer(store, CUSTOMER_BY_ID, row->customer_id, &op->arena, &customer);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *link = (struct chat_link){.flags = row->flags,
                               .chat_key = row->key,
                               .customer_key = row->customer_key,
                               .customer_id = row->customer_id,
                               .owner = customer.owner,
                               .owner_known = true};
    return OK;
}

enum err chat_reach_row(struct store *store, struct op *op, struct slice chat_id, struct chat_link *link,
                        struct chat *row)
{
    enum err err = store->vtable->find_chat(store, chat_id, &op->arena, row);
    if (err == ERR_NOT_FOUND && op->scope.kind != SCOPE_ALL)
        return scope_refusal(&op->scope);
    if (err == OK && !link->known)
        err = link_of_row(store, op, row, link);
    return err == OK ? scope_check_link(store, &op->scope, link, &op->arena) : err;
}

/* What memory knows of another's chat is not for a customer to learn by the clock: the store is asked as for none. */
enum err chat_reach(struct store *store, struct op *op, struct slice chat_id, struct chat_link *link)
{
    struct chat row = {0};
    if (op->scope.kind == SCOPE_CUSTOMER && !slice_eq(link->customer_id, op->scope.id))
        link->known = false;
    return link->known ? scope_check_link(store, &op->scope, link, &op->arena)
                       : chat_reach_row(store, op, chat_id, link, &row);
}
