/* Who a report means, what it may say of them, and what becomes of their row.
 * Order: who is meant → may the caller (access/scope.h) → what is new of address and owner → the row. */
#include "write/put_customer.h"

#include "chat/customer.h"
#include "chat/email.h"
#include "customer_rules.h"

static struct slice prefer(uint32_t set, enum customer_field field, struct slice given, struct slice stored)
{
    return set & field && given.len > 0 ? given : stored;
}

/* What the body does not name, an existing customer keeps. */
static void merge_customer(struct customer *u, const struct customer *given, uint32_t set)
{
    u->email = prefer(set, CUSTOMER_EMAIL, given->email, u->email);
    u->name = prefer(set, CUSTOMER_NAME, given->name, u->name);
    u->timestamp = prefer(set, CUSTOMER_TIMESTAMP, given->timestamp, u->timestamp);
    u->ip = prefer(set, CUSTOMER_IP, given->ip, u->ip);
    u->location = prefer(set, CUSTOMER_LOCATION, given->location, u->location);
    u->device = prefer(set, CUSTOMER_DEVICE, given->device, u->device);
    u->vibe = prefer(set, CUSTOMER_VIBE, given->vibe, u->vibe);
    u->last_chat = prefer(set, CUSTOMER_CHAT, given->last_chat, u->last_chat);
    u->category = prefer(set, CUSTOMER_CATEGORY, given->category, u->category);
    u->status = prefer(set, CUSTOMER_STATUS, given->status, u->status);
    u->owner = prefer(set, CUSTOMER_OWNER, given->owner, u->owner);
    if (given->last_seen_us)
        u->last_seen_us = given->last_seen_us;
    if (set & CUSTOMER_VISITS)
        u->total_visits = given->total_visits;
    if (set & CUSTOMER_DURATION)
        u->visit_duration = given->visit_duration;
}

/* By address, a default one too: what strangers report under it is one customer's, whom no other request finds by it. A
 * caller that is one customer means itself, under whatever address it gives. An owner's dashboard hears ERR_NOT_FOUND of an
 * address that is another's: so whether the customer is known is told apart. */
static enum err find_reported(struct store *s, struct op *op, bool *known)
{
    struct put_customer *p = put_customer_of(op);
    bool self = op->scope.kind == SCOPE_CUSTOMER;
    enum err err = self ? s->vtable->find_customer(s, CUSTOMER_BY_ID, op->scope.id, &op->arena, &p->customer)
                        : s->vtable->find_customer(s, CUSTOMER_BY_EMAIL, p->given.email, &op->arena, &p->customer);
    *known = err == OK;
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (self || email_is_default(p->given.email))
        return OK;
    p->address_alone = !*known;
    return customer_check_name(s, op, p->given.email, *known ? p->customer.id : (struct slice){0});
}

/* Whose customer one is, it may say once: then it is for dashboards to say. */
static enum err check_owner(struct op *op, const struct customer *stored)
{
    const struct put_customer *p = put_customer_of(op);
    bool other = p->set & CUSTOMER_OWNER && p->given.owner.len > 0 && !slice_eq(p->given.owner, stored->owner);
    return op->scope.kind == SCOPE_CUSTOMER && stored->owner.len > 0 && other ? ERR_DENIED : OK;
}

static enum err change_reported(struct store *s, struct op *op)
{
    struct put_customer *p = put_customer_of(op);
    bool self = op->scope.kind == SCOPE_CUSTOMER, own = email_same(p->customer.email, p->given.email);
    enum err err = scope_check(&op->scope, p->customer.id, p->customer.owner);
    if (err == OK)
        err = check_owner(op, &p->customer);
    customer_note_before(op, &p->customer, &p->before);
    if (err != OK)
        return err;
    merge_customer(&p->customer, &p->given, self ? p->set & ~(uint32_t)CUSTOMER_EMAIL : p->set);
    return self && !own && !email_is_default(p->given.email)
               ? customer_give_address(s, op, p->given.email, &p->customer)
               : OK;
}

static enum err new_reported(struct store *s, struct op *op)
{
    struct put_customer *p = put_customer_of(op);
    struct customer unknown;
    char fresh[OID_LEN];
    oid_format(&p->new_customer, fresh);
    bool self = op->scope.kind == SCOPE_CUSTOMER;
    struct slice id = arena_slice(&op->arena, self ? op->scope.id : slice_of(fresh, sizeof(fresh)));
    enum err err = customer_unknown(&op->arena, id, op->now_us, &unknown);
    p->customer = p->given;
    p->customer.key = 0;
    p->customer.chat_count = 0;
    p->customer.id = id;
    p->customer.created_us = op->now_us;
    if (!p->customer.last_seen_us)
        p->customer.last_seen_us = op->now_us;
    if (!self)
        return err;
    p->customer.email = unknown.email;
    return err == OK && !email_is_default(p->given.email) ? customer_give_address(s, op, p->given.email, &p->customer)
                                                          : err;
}

static enum err put_customer_target(struct store *s, struct op *op)
{
    struct put_customer *p = put_customer_of(op);
    p->address_alone = false;
    bool known;
    enum err err = find_reported(s, op, &known);
    if (err != OK)
        return err;
    if (known && !customer_made_by_us(&p->customer, op))
        return change_reported(s, op);
    p->before = (struct customer){0};
    return known ? OK : new_reported(s, op);
}

static enum err apply(struct attempt *try, struct op *op)
{
    struct put_customer *p = put_customer_of(op);
    enum err err = put_customer_target(try->store, op);
    return err == OK ? customer_put(try, op, &p->before, &p->customer) : err;
}

static size_t raise(struct op *op, struct event *out)
{
    struct put_customer *p = put_customer_of(op);
    if (op->result != OK)
        return 0;
    size_t count = customer_raise(op, &p->before, &p->customer, out);
    out->customer.address_alone = p->address_alone;
    return count;
}

/* No doubt(): lists may lack the customer, so what is in doubt is everything. */
const struct write_kind write_put_customer = {
    .op = {.bytes = sizeof(struct put_customer)}, .apply = apply, .raise = raise};
