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
