/* Who a report means, what it may say of them, and what becomes of their row.
 * Order: who is meant → may the caller (access/scope.h) → what is new of address and owner → the row. */
#include "write/put_user.h"

#include "chat/customer.h"
#include "chat/email.h"
#include "customer_rules.h"

static struct slice prefer(uint32_t set, enum user_field field, struct slice given, struct slice stored)
{
    return set & field && given.len > 0 ? given : stored;
}

/* What the body does not name, an existing customer keeps. */
static void merge_user(struct user *u, const struct user *given, uint32_t set)
{
    u->email = prefer(set, USER_EMAIL, given->email, u->email);
    u->name = prefer(set, USER_NAME, given->name, u->name);
    u->timestamp = prefer(set, USER_TIMESTAMP, given->timestamp, u->timestamp);
    u->ip = prefer(set, USER_IP, given->ip, u->ip);
    u->location = prefer(set, USER_LOCATION, given->location, u->location);
    u->device = prefer(set, USER_DEVICE, given->device, u->device);
    u->vibe = prefer(set, USER_VIBE, given->vibe, u->vibe);
    u->last_chat = prefer(set, USER_CHAT, given->last_chat, u->last_chat);
    u->category = prefer(set, USER_CATEGORY, given->category, u->category);
    u->status = prefer(set, USER_STATUS, given->status, u->status);
    u->owner = prefer(set, USER_OWNER, given->owner, u->owner);
    if (given->last_seen_us)
        u->last_seen_us = given->last_seen_us;
    if (set & USER_VISITS)
        u->total_visits = given->total_visits;
    if (set & USER_DURATION)
        u->visit_duration = given->visit_duration;
}

/* By address, a default one too: what strangers report under it is one customer's, whom no other request finds by it. A
 * caller that is one customer means itself, under whatever address it gives. An owner's dashboard hears ERR_NOT_FOUND of an
 * address that is another's: so whether the customer is known is told apart. */
static enum err find_reported(struct store *s, struct op *op, bool *known)
{
    struct put_user *p = put_user_of(op);
    bool self = op->scope.kind == SCOPE_USER;
    enum err err = self ? s->vtable->find_user(s, USER_BY_ID, op->scope.id, &op->arena, &p->user)
                        : s->vtable->find_user(s, USER_BY_EMAIL, p->given.email, &op->arena, &p->user);
    *known = err == OK;
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (self || email_is_default(p->given.email))
        return OK;
    p->address_alone = !*known;
    return customer_check_name(s, op, p->given.email, *known ? p->user.id : (struct slice){0});
}

/* Whose customer one is, it may say once: then it is for dashboards to say. */
static enum err check_owner(struct op *op, const struct user *stored)
{
    const struct put_user *p = put_user_of(op);
    bool other = p->set & USER_OWNER && p->given.owner.len > 0 && !slice_eq(p->given.owner, stored->owner);
    return op->scope.kind == SCOPE_USER && stored->owner.len > 0 && other ? ERR_DENIED : OK;
}

static enum err change_reported(struct store *s, struct op *op)
{
    struct put_user *p = put_user_of(op);
    bool self = op->scope.kind == SCOPE_USER, own = email_same(p->user.email, p->given.email);
    enum err err = scope_check(&op->scope, p->user.id, p->user.owner);
    if (err == OK)
        err = check_owner(op, &p->user);
    p->before = p->user;
    if (err != OK)
        return err;
    merge_user(&p->user, &p->given, self ? p->set & ~(uint32_t)USER_EMAIL : p->set);
    return self && !own && !email_is_default(p->given.email) ? customer_give_address(s, op, p->given.email, &p->user)
                                                             : OK;
}

static enum err new_reported(struct store *s, struct op *op)
{
    struct put_user *p = put_user_of(op);
    struct user unknown;
    char fresh[OID_LEN];
    oid_format(&p->new_user, fresh);
    bool self = op->scope.kind == SCOPE_USER;
    struct slice id = arena_slice(&op->arena, self ? op->scope.id : slice_of(fresh, sizeof(fresh)));
    enum err err = user_unknown(&op->arena, id, op->now_us, &unknown);
    p->user = p->given;
    p->user.key = 0;
    p->user.chat_count = 0;
    p->user.id = id;
    p->user.created_us = op->now_us;
    if (!p->user.last_seen_us)
        p->user.last_seen_us = op->now_us;
    if (!self)
        return err;
    p->user.email = unknown.email;
    return err == OK && !email_is_default(p->given.email) ? customer_give_address(s, op, p->given.email, &p->user)
                                                          : err;
}

static enum err put_user_target(struct store *s, struct op *op)
{
    struct put_user *p = put_user_of(op);
    p->before = (struct user){0};
    p->address_alone = false;
    bool known;
    enum err err = find_reported(s, op, &known);
    if (err != OK)
        return err;
    if (!known)
        return new_reported(s, op);
    return customer_made_by_us(&p->user, op) ? OK : change_reported(s, op);
}

static enum err apply(struct attempt *try, struct op *op)
{
    struct put_user *p = put_user_of(op);
    enum err err = put_user_target(try->store, op);
    if (err != OK)
        return err;
    p->user.rev = op->rev;
    p->user.activity_us = op->now_us;
    err = try->store->vtable->put_user(try->store, &p->user);
    if (err != OK)
        return err;
    try->changed.users += p->before.id.len == 0;
    try->changed.users_with_owner += (p->user.owner.len > 0) - (p->before.owner.len > 0);
    if (p->before.chat_count > 0) { /* its chats move to another inbox, where that changed */
        customer_count_chats(&try->changed, &p->before, -p->before.chat_count);
        customer_count_chats(&try->changed, &p->user, p->before.chat_count);
    }
    return OK;
}

static size_t raise(struct op *op, struct event *out)
{
    struct put_user *p = put_user_of(op);
    if (op->result != OK)
        return 0;
    *out = (struct event){.kind = EVENT_CUSTOMER, .rev = op->rev, .at_us = op->now_us, .customer_id = p->user.id};
    out->customer.before = &p->before;
    out->customer.now = &p->user;
    out->customer.address_alone = p->address_alone;
    return 1;
}

/* No doubt(): lists may lack the customer, so what is in doubt is everything. */
const struct write_kind write_put_user = {.op = {.bytes = sizeof(struct put_user)}, .apply = apply, .raise = raise};
