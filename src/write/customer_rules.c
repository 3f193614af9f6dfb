#include "customer_rules.h"

#include "chat/email.h"

bool customer_made_by_us(const struct customer *found, const struct op *op)
{
    return found->rev == op->rev && found->created_us == op->now_us;
}

bool customer_proves(const struct op *op)
{
    return op->scope.kind == SCOPE_ALL || op->scope.kind == SCOPE_OWNER;
}

static enum err taken_by(const struct op *op, const struct customer *other)
{
    return scope_allows(&op->scope, other->id, other->owner) ? ERR_EXISTS : scope_refusal(&op->scope);
}

enum err customer_check_name(struct store *s, struct op *op, struct slice address, struct slice own_id)
{
    struct customer other = {0};
    enum err err = s->vtable->find_customer(s, CUSTOMER_BY_NAME, address, &op->arena, &other);
    if (err == ERR_NOT_FOUND || (err == OK && slice_eq(other.id, own_id)))
        return OK;
    return err != OK ? err : taken_by(op, &other);
}

/* An owner's dashboard must not give an address that finds another customer: lookups by it would then find this one. */
static enum err check_address(struct store *s, struct op *op, struct slice address, struct slice own_id)
{
    struct customer other = {0};
    enum err err = customer_check_name(s, op, address, own_id);
    if (err != OK || op->scope.kind == SCOPE_ALL)
        return err;
    err = s->vtable->find_customer(s, CUSTOMER_BY_EMAIL, address, &op->arena, &other);
    if (err == ERR_NOT_FOUND)
        return OK;
    return err == OK && !slice_eq(other.id, own_id) ? taken_by(op, &other) : err;
}

enum err customer_give_address(struct store *s, struct op *op, struct slice address, struct customer *u)
{
    if (!customer_proves(op)) {
        u->claimed_email = address;
        return OK;
    }
    enum err err = check_address(s, op, address, u->id);
    if (err != OK)
        return err;
    u->email = address;
    if (email_same(u->claimed_email, address))
        u->claimed_email = (struct slice){0};
    return OK;
}

void customer_count_chats(struct totals *t, const struct customer *owner, int64_t chats)
{
    t->chats += chats;
    t->inbox[INBOX_ALL] += chats;
    enum inbox inbox = inbox_of(owner->category, owner->status);
    if (inbox != INBOX_ALL)
        t->inbox[inbox] += chats;
}
