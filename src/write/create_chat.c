/* Who a new chat is for, and what the request may say of them.
 * Order: who is meant (store/ident.h) → may the caller (access/scope.h) → what is new of name and address → the customer's
 * row → the chat. */
#include "write/create_chat.h"

#include "chat/customer.h"
#include "chat/email.h"
#include "customer_rules.h"

#define OPEN_STATUS "open"

/* An id of 24 hex digits is an ObjectId, whose text is lower-case; any other stays as given. */
static struct slice customer_id_text(struct arena *a, struct slice given)
{
    struct oid id;
    if (!oid_parse(given, &id))
        return arena_slice(a, given);
    char text[OID_LEN];
    oid_format(&id, text);
    return arena_slice(a, slice_of(text, sizeof(text)));
}

/* Whom the id means, as everywhere; a token's own id is an id and nothing else, whoever may have it as address. Else who has
 * the address. ERR_NOT_FOUND: nobody. */
static enum err find_customer(struct store *s, struct op *op, struct slice id, struct slice address,
                              struct customer *out)
{
    enum err err = ERR_NOT_FOUND;
    if (id.len > 0)
        err = op->scope.kind == SCOPE_CUSTOMER ? s->vtable->find_customer(s, CUSTOMER_BY_NAME, id, &op->arena, out)
                                               : customer_meant(s, op, id, out);
    if (err == ERR_NOT_FOUND && address.len > 0)
        err = s->vtable->find_customer(s, CUSTOMER_BY_EMAIL, address, &op->arena, out);
    return err;
}

static enum err new_chat_customer(struct store *s, struct op *op, struct slice address)
{
    struct create_chat *c = create_chat_of(op);
    char fresh[OID_LEN];
    oid_format(&c->new_customer, fresh);
    /* A stranger chooses no id: it might be one that the site gives to somebody else tomorrow. */
    bool given = c->customer_id.len > 0 && op->scope.kind != SCOPE_NOBODY;
    struct slice id =
        given ? customer_id_text(&op->arena, c->customer_id) : arena_slice(&op->arena, slice_of(fresh, sizeof(fresh)));
    enum err err = customer_unknown(&op->arena, id, op->now_us, &c->customer);
    if (err == OK && address.len > 0)
        err = customer_give_address(s, op, address, &c->customer);
    c->address_alone = err == OK && address.len > 0 && customer_proves(op);
    if (c->name.len > 0)
        c->customer.name = c->name;
    if (op->scope.kind == SCOPE_OWNER)
        c->customer.owner = op->scope.id;
    return err;
}

/* A default address says nothing of who somebody is: it counts as none. Nor does one without proof; and for a stranger nobody
 * is looked up at all, so that whoever is known, the answer and the work are the same. */
static enum err chat_customer(struct store *s, struct op *op)
{
    struct create_chat *c = create_chat_of(op);
    struct slice none = {0}, address = email_is_default(c->email) ? none : c->email;
    enum err err = ERR_NOT_FOUND;
    c->before = (struct customer){0};
    c->address_alone = false;
    if (op->scope.kind != SCOPE_NOBODY)
        err = find_customer(s, op, c->customer_id, customer_proves(op) ? address : none, &c->customer);
    if (err == ERR_NOT_FOUND)
        return new_chat_customer(s, op, address);
    if (err != OK)
        return err;
    if (customer_made_by_us(&c->customer, op)) {
        c->customer.chat_count = 0;
        return OK;
    }
    err = scope_check(&op->scope, c->customer.id, c->customer.owner);
    if (err != OK)
        return err;
    c->before = c->customer;
    if (customer_name_is_default(c->customer.name) && !customer_name_is_default(c->name))
        c->customer.name = c->name;
    if (address.len == 0)
        return OK;
    if (email_is_default(c->customer.email))
        return customer_give_address(s, op, address, &c->customer);
    bool another = op->scope.kind == SCOPE_ALL && !email_same(c->customer.email, address);
    return another ? customer_check_name(s, op, address, c->customer.id) : OK;
}

#define STRANGER_REPEATS_US (INT64_C(3600) * 1000000)

/* A chat that an earlier request made by the same key is that request's answer, for who may see its customer. A stranger,
 * whose key holds the client's address, gets it for an hour: what a lost answer is asked again for. ERR_EXISTS: it is that. */
static enum err find_repeated(struct store *s, struct op *op, bool *found)
{
    struct create_chat *c = create_chat_of(op);
    struct chat chat = {0};
    struct slice id = slice_of(c->chat_id, UUID_LEN);
    enum err err = c->keyed ? s->vtable->find_chat(s, id, &op->arena, &chat) : ERR_NOT_FOUND;
    *found = err == OK && chat.rev != op->rev; /* its own rev: by this op itself, in a try whose result was unclear */
    c->repeated = false;
    if (!*found)
        return err == ERR_NOT_FOUND ? OK : err;
    const struct chat_link link = {
        .chat_key = chat.key, .customer_key = chat.customer_key, .customer_id = chat.customer_id};
    if (op->scope.kind != SCOPE_NOBODY)
        err = scope_check_link(s, &op->scope, &link, &op->arena);
    else if (op->now_us - chat.created_us > STRANGER_REPEATS_US)
        err = ERR_DENIED;
    c->repeated = err == OK;
    c->chat = (struct chat){.chat_id = id, .customer_id = chat.customer_id};
    c->customer = (struct customer){.id = chat.customer_id};
    return c->repeated ? ERR_EXISTS : err;
}

static enum err apply(struct attempt *try, struct op *op)
{
    struct store *s = try->store;
    struct create_chat *c = create_chat_of(op);
    c->customer_only = false;
    bool repeated;
    enum err err = find_repeated(s, op, &repeated);
    if (err == OK && !repeated)
        err = chat_customer(s, op);
    if (err != OK)
        return err;
    bool created = c->before.id.len == 0;
    c->customer.rev = op->rev;
    c->customer.activity_us = op->now_us;
    err = s->vtable->put_customer(s, &c->customer);
    if (err != OK)
        return err;
    try->halfway = true;
    try->changed.customers += created;
    try->changed.customers_with_owner += created && c->customer.owner.len > 0;
    c->chat = (struct chat){
        .customer_key = c->customer.key,
        .rev = op->rev,
        .created_us = op->now_us,
        .last_activity_us = op->now_us,
        .updated_us = op->now_us,
        .chat_id = slice_of(c->chat_id, UUID_LEN),
        .customer_id = c->customer.id,
        .status = SLICE_LIT(OPEN_STATUS),
    };
    err = s->vtable->insert_chat(s, &c->chat);
    c->customer_only = err != OK;
    if (err != OK)
        return err;
    try->changed.customers_with_chats += c->customer.chat_count == 0;
    c->customer.chat_count++;
    customer_count_chats(&try->changed, &c->customer, 1);
    return OK;
}

static size_t raise(struct op *op, struct event *out)
{
    struct create_chat *c = create_chat_of(op);
    if (op->result != OK && !c->customer_only)
        return 0;
    (void)customer_raise(op, &c->before, &c->customer, out);
    out[0].customer.address_alone = c->address_alone;
    if (op->result != OK)
        return 1;
    out[1] = (struct event){.kind = EVENT_CHAT,
                            .rev = op->rev,
                            .at_us = op->now_us,
                            .chat_id = c->chat.chat_id,
                            .customer_id = c->customer.id,
                            .chat = &c->chat};
    return 2;
}

/* No doubt(): lists may lack the customer, so what is in doubt is everything. */
const struct write_kind write_create_chat = {
    .op = {.bytes = sizeof(struct create_chat)}, .apply = apply, .raise = raise};
