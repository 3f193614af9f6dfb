#include "customer_rules.h"

#include "chat/email.h"
#include "store/ident.h"

bool customer_made_by_us(const struct customer *found, const struct op *op)
{
    return found->rev == op->rev && found->created_us == op->now_us;
}

bool customer_proves(const struct op *op)
{
    return op->scope.kind == SCOPE_ALL || op->scope.kind == SCOPE_OWNER;
}

struct lookup {
    struct store *store;
    struct arena *arena;
};

static enum err look_up(void *arg, enum customer_by by, struct slice value, struct customer *out)
{
    const struct lookup *l = arg;
    return l->store->vtable->find_customer(l->store, by, value, l->arena, out);
}

enum err customer_meant(struct store *s, struct op *op, struct slice ident, struct customer *out)
{
    return ident_find(look_up, &(struct lookup){s, &op->arena}, ident, out);
}

void customer_note_before(const struct op *op, const struct customer *found, struct customer *before)
{
    if (before->id.len == 0 || found->rev < op->rev)
        *before = *found;
}

enum err customer_put(struct attempt *try, const struct op *op, const struct customer *before, struct customer *now)
{
    now->rev = op->rev;
    now->activity_us = op->now_us;
    enum err err = try->store->vtable->put_customer(try->store, now);
    if (err != OK)
        return err;
    try->changed.customers += before->id.len == 0;
    try->changed.customers_with_owner += (now->owner.len > 0) - (before->owner.len > 0);
    if (before->chat_count > 0) { /* its chats move to another inbox, where that changed */
        customer_count_chats(&try->changed, before, -before->chat_count);
        customer_count_chats(&try->changed, now, before->chat_count);
    }
    return OK;
}

size_t customer_raise(const struct op *op, const struct customer *before, const struct customer *now, struct event *out)
{
    *out = (struct event){.kind = EVENT_CUSTOMER, .rev = op->rev, .at_us = op->now_us, .customer_id = now->id};
    out->customer.before = before;
    out->customer.now = now;
    return 1;
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
