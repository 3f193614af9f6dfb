/* Who a create or a report means, what it may say of them, and what becomes of their row.
 * Order: who is meant (store/ident.h) → may the caller (scope.h) → what is new of name, address and owner → the row. */
#include "batch_int.h"

#include "chat/customer.h"
#include "chat/email.h"
#include "store/ident.h"

#define OPEN_STATUS "open"

/* An id of 24 hex digits is an ObjectId, whose text is lower-case; any other stays as given. */
static struct slice user_id_text(struct arena *a, struct slice given)
{
    struct oid id;
    if (!oid_parse(given, &id))
        return arena_slice(a, given);
    char text[OID_LEN];
    oid_format(&id, text);
    return arena_slice(a, slice_of(text, sizeof(text)));
}

struct lookup {
    struct store *store;
    struct arena *arena;
};

static enum err look_up(void *arg, enum user_by by, struct slice value, struct user *out)
{
    const struct lookup *l = arg;
    return l->store->vtable->find_user(l->store, by, value, l->arena, out);
}

/* Whom the id means, as everywhere; a token's own id is an id and nothing else, whoever may have it as address. Else who has
 * the address. ERR_NOT_FOUND: nobody. */
static enum err find_customer(struct store *s, struct op *op, struct slice id, struct slice address, struct user *out)
{
    struct lookup l = {s, &op->arena};
    enum err err = ERR_NOT_FOUND;
    if (id.len > 0)
        err = op->scope.kind == SCOPE_USER ? look_up(&l, USER_BY_NAME, id, out) : ident_find(look_up, &l, id, out);
    if (err == ERR_NOT_FOUND && address.len > 0)
        err = look_up(&l, USER_BY_EMAIL, address, out);
    return err;
}

/* Found, and not by this op itself in a try whose result was unclear: revs are unique, so an equal one is ours. */
static bool made_by_us(const struct user *found, int64_t rev, int64_t now_us)
{
    return found->rev == rev && found->created_us == now_us;
}

/* Without proof an address is what somebody says: kept and shown, and nobody is found by it. A dashboard's word is proof. */
static bool proves_addresses(const struct op *op)
{
    return op->scope.kind == SCOPE_ALL || op->scope.kind == SCOPE_OWNER;
}

static enum err taken_by(const struct op *op, const struct user *other)
{
    return scope_allows(&op->scope, other->id, other->owner) ? ERR_EXISTS : scope_refusal(&op->scope);
}

/* An address that is another's id or reference means that other (ident.h), and would never find who has it. */
static enum err check_names(struct store *s, struct op *op, struct slice address, struct slice own_id)
{
    struct user other = {0};
    enum err err = s->vtable->find_user(s, USER_BY_NAME, address, &op->arena, &other);
    if (err == ERR_NOT_FOUND || (err == OK && slice_eq(other.id, own_id)))
        return OK;
    return err != OK ? err : taken_by(op, &other);
}

/* An owner's dashboard must not give an address that finds another customer: lookups by it would then find this one. */
static enum err check_address(struct store *s, struct op *op, struct slice address, struct slice own_id)
{
    struct user other = {0};
    enum err err = check_names(s, op, address, own_id);
    if (err != OK || op->scope.kind == SCOPE_ALL)
        return err;
    err = s->vtable->find_user(s, USER_BY_EMAIL, address, &op->arena, &other);
    if (err == ERR_NOT_FOUND)
        return OK;
    return err == OK && !slice_eq(other.id, own_id) ? taken_by(op, &other) : err;
}

/* The customer's own from now on, or only its claim: then nobody else is looked at. */
static enum err give_address(struct store *s, struct op *op, struct slice address, struct user *u)
{
    if (!proves_addresses(op)) {
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

static enum err new_chat_user(struct store *s, struct op *op, struct slice address)
{
    struct op_create_chat *c = &op->create;
    char fresh[OID_LEN];
    oid_format(&c->new_user, fresh);
    /* A stranger chooses no id: it might be one that the site gives to somebody else tomorrow. */
    bool given = c->user_id.len > 0 && op->scope.kind != SCOPE_NOBODY;
    struct slice id =
        given ? user_id_text(&op->arena, c->user_id) : arena_slice(&op->arena, slice_of(fresh, sizeof(fresh)));
    enum err err = user_unknown(&op->arena, id, c->now_us, &c->user);
    if (err == OK && address.len > 0)
        err = give_address(s, op, address, &c->user);
    c->address_alone = err == OK && address.len > 0 && proves_addresses(op);
    if (c->name.len > 0)
        c->user.name = c->name;
    if (op->scope.kind == SCOPE_OWNER)
        c->user.owner = op->scope.id;
    return err;
}

/* A default address says nothing of who somebody is: it counts as none. Nor does one without proof; and for a stranger nobody
 * is looked up at all, so that whoever is known, the answer and the work are the same. */
static enum err chat_user(struct store *s, struct op *op)
{
    struct op_create_chat *c = &op->create;
    struct slice none = {0}, address = email_is_default(c->email) ? none : c->email;
    enum err err = ERR_NOT_FOUND;
    c->before = (struct user){0};
    c->address_alone = false;
    if (op->scope.kind != SCOPE_NOBODY)
        err = find_customer(s, op, c->user_id, proves_addresses(op) ? address : none, &c->user);
    if (err == ERR_NOT_FOUND)
        return new_chat_user(s, op, address);
    if (err != OK)
        return err;
    if (made_by_us(&c->user, c->rev, c->now_us)) {
        c->user.chat_count = 0;
        return OK;
    }
    err = scope_check(&op->scope, c->user.id, c->user.owner);
    if (err != OK)
        return err;
    c->before = c->user;
    if (user_name_is_default(c->user.name) && !user_name_is_default(c->name))
        c->user.name = c->name;
    if (address.len == 0)
        return OK;
    if (email_is_default(c->user.email))
        return give_address(s, op, address, &c->user);
    bool another = op->scope.kind == SCOPE_ALL && !email_same(c->user.email, address);
    return another ? check_names(s, op, address, c->user.id) : OK;
}

static void count_chat(struct totals *t, const struct user *owner, int64_t chats)
{
    t->chats += chats;
    t->inbox[INBOX_ALL] += chats;
    enum inbox inbox = inbox_of(owner->category, owner->status);
    if (inbox != INBOX_ALL)
        t->inbox[inbox] += chats;
}

#define STRANGER_REPEATS_US (INT64_C(3600) * 1000000)

/* A chat that an earlier request made by the same key is that request's answer, for who may see its customer. A stranger,
 * whose key holds the client's address, gets it for an hour: what a lost answer is asked again for. ERR_EXISTS: it is that. */
static enum err find_repeated(struct store *s, struct op *op, bool *found)
{
    struct op_create_chat *c = &op->create;
    struct chat chat = {0};
    struct slice id = slice_of(c->chat_id, UUID_LEN);
    enum err err = c->keyed ? s->vtable->find_chat(s, id, &op->arena, &chat) : ERR_NOT_FOUND;
    *found = err == OK && chat.rev != c->rev; /* its own rev: by this op itself, in a try whose result was unclear */
    c->repeated = false;
    if (!*found)
        return err == ERR_NOT_FOUND ? OK : err;
    const struct chat_link link = {.chat_key = chat.key, .user_key = chat.user_key, .user_id = chat.user_id};
    if (op->scope.kind != SCOPE_NOBODY)
        err = scope_check_link(s, &op->scope, &link, &op->arena);
    else if (c->now_us - chat.created_us > STRANGER_REPEATS_US)
        err = ERR_DENIED;
    c->repeated = err == OK;
    c->chat = (struct chat){.chat_id = id, .user_id = chat.user_id};
    c->user = (struct user){.id = chat.user_id};
    return c->repeated ? ERR_EXISTS : err;
}

enum err batch_create(struct attempt *try, struct op *op)
{
    struct store *s = try->store;
    struct op_create_chat *c = &op->create;
    c->customer_only = false;
    bool repeated;
    enum err err = find_repeated(s, op, &repeated);
    if (err == OK && !repeated)
        err = chat_user(s, op);
    if (err != OK)
        return err;
    bool created = c->before.id.len == 0;
    c->user.rev = c->rev;
    c->user.activity_us = c->now_us;
    err = s->vtable->put_user(s, &c->user);
    if (err != OK)
        return err;
    try->halfway = true;
    try->changed.users += created;
    try->changed.users_with_owner += created && c->user.owner.len > 0;
    c->chat = (struct chat){
        .user_key = c->user.key,
        .rev = c->rev,
        .created_us = c->now_us,
        .last_activity_us = c->now_us,
        .updated_us = c->now_us,
        .chat_id = slice_of(c->chat_id, UUID_LEN),
        .user_id = c->user.id,
        .status = SLICE_LIT(OPEN_STATUS),
    };
    err = s->vtable->insert_chat(s, &c->chat);
    c->customer_only = err != OK;
    if (err != OK)
        return err;
    try->changed.users_with_chats += c->user.chat_count == 0;
    c->user.chat_count++;
    count_chat(&try->changed, &c->user, 1);
    return OK;
}

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
    struct op_put_user *p = &op->put_user;
    bool self = op->scope.kind == SCOPE_USER;
    enum err err = self ? s->vtable->find_user(s, USER_BY_ID, op->scope.id, &op->arena, &p->user)
                        : s->vtable->find_user(s, USER_BY_EMAIL, p->given.email, &op->arena, &p->user);
    *known = err == OK;
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (self || email_is_default(p->given.email))
        return OK;
    p->address_alone = !*known;
    return check_names(s, op, p->given.email, *known ? p->user.id : (struct slice){0});
}

/* Whose customer one is, it may say once: then it is for dashboards to say. */
static enum err check_owner(const struct op *op, const struct user *stored)
{
    const struct op_put_user *p = &op->put_user;
    bool other = p->set & USER_OWNER && p->given.owner.len > 0 && !slice_eq(p->given.owner, stored->owner);
    return op->scope.kind == SCOPE_USER && stored->owner.len > 0 && other ? ERR_DENIED : OK;
}

static enum err change_reported(struct store *s, struct op *op)
{
    struct op_put_user *p = &op->put_user;
    bool self = op->scope.kind == SCOPE_USER, own = email_same(p->user.email, p->given.email);
    enum err err = scope_check(&op->scope, p->user.id, p->user.owner);
    if (err == OK)
        err = check_owner(op, &p->user);
    p->before = p->user;
    if (err != OK)
        return err;
    merge_user(&p->user, &p->given, self ? p->set & ~(uint32_t)USER_EMAIL : p->set);
    return self && !own && !email_is_default(p->given.email) ? give_address(s, op, p->given.email, &p->user) : OK;
}

static enum err new_reported(struct store *s, struct op *op)
{
    struct op_put_user *p = &op->put_user;
    struct user unknown;
    char fresh[OID_LEN];
    oid_format(&p->new_user, fresh);
    bool self = op->scope.kind == SCOPE_USER;
    struct slice id = arena_slice(&op->arena, self ? op->scope.id : slice_of(fresh, sizeof(fresh)));
    enum err err = user_unknown(&op->arena, id, p->now_us, &unknown);
    p->user = p->given;
    p->user.key = 0;
    p->user.chat_count = 0;
    p->user.id = id;
    p->user.created_us = p->now_us;
    if (!p->user.last_seen_us)
        p->user.last_seen_us = p->now_us;
    if (!self)
        return err;
    p->user.email = unknown.email;
    return err == OK && !email_is_default(p->given.email) ? give_address(s, op, p->given.email, &p->user) : err;
}

static enum err put_user_target(struct store *s, struct op *op)
{
    struct op_put_user *p = &op->put_user;
    p->before = (struct user){0};
    p->address_alone = false;
    bool known;
    enum err err = find_reported(s, op, &known);
    if (err != OK)
        return err;
    if (!known)
        return new_reported(s, op);
    return made_by_us(&p->user, p->rev, p->now_us) ? OK : change_reported(s, op);
}

enum err batch_put_user(struct attempt *try, struct op *op)
{
    struct op_put_user *p = &op->put_user;
    enum err err = put_user_target(try->store, op);
    if (err != OK)
        return err;
    p->user.rev = p->rev;
    p->user.activity_us = p->now_us;
    err = try->store->vtable->put_user(try->store, &p->user);
    if (err != OK)
        return err;
    try->changed.users += p->before.id.len == 0;
    try->changed.users_with_owner += (p->user.owner.len > 0) - (p->before.owner.len > 0);
    if (p->before.chat_count > 0) { /* its chats move to another inbox, where that changed */
        count_chat(&try->changed, &p->before, -p->before.chat_count);
        count_chat(&try->changed, &p->user, p->before.chat_count);
    }
    return OK;
}
