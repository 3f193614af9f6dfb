/* Failures, one level down: a call that says ERR_STORE fails the batch; whatever else it says is the op's own result,
 * unless the op has then been done by half, or the store has lost what came before it: then the batch is rolled back, and
 * the op alone keeps its result.
 * A retry must find the ops as they came: what a failed try has put into them is taken back (undo_try). */
#include "store/batch.h"

#include "base/map.h"
#include "base/metrics.h"
#include "chat/email.h"
#include "store/ident.h"

#include <stdlib.h>

#define DEFAULT_VIBE     "neutral"
#define DEFAULT_CATEGORY "agent-inbox"
#define DEFAULT_STATUS   "active"
#define OPEN_STATUS      "open"
#define NAME_ID_BYTES    8 /* "User <first 8 of id>" */

/* One try of one batch. */
struct attempt {
    struct store *store;
    struct op *const *ops;
    size_t count;
    struct op **sends; /* the OP_SENDs of ops, in order */
    size_t send_count;
    struct op **unlinked; /* those of them whose chat the cache did not know */
    size_t unlinked_count;
    struct op **keyed; /* those with a client key, and the revs they came with: a duplicate overwrites its own */
    int64_t *keyed_rev, *keyed_time;
    size_t keyed_count;
    bool halfway;      /* the op at work has changed the store already */
    struct op *guilty; /* for whose sake the batch is rolled back; NULL: not known, or not an op's fault */
    struct totals changed;
};

bool user_name_is_default(struct slice name)
{
    return name.len == 0 || slice_eq(name, SLICE_LIT("Widget User")) || slice_starts(name, SLICE_LIT("User "));
}

/* ---- customers ---- */

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

static char *put(char *at, struct slice s)
{
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

/* No printf: an id that stands in a database may hold a NUL. */
static struct slice join(struct arena *a, struct slice before, struct slice middle, struct slice after)
{
    size_t len = before.len + middle.len + after.len;
    char *text = arena_alloc(a, len);
    if (!text)
        return (struct slice){0};
    (void)put(put(put(text, before), middle), after);
    return slice_of(text, len);
}

/* The first bytes of the id, not cut inside a character. */
static struct slice id_prefix(struct slice id)
{
    size_t len = 0;
    while (len < id.len && len < NAME_ID_BYTES) {
        size_t step = utf8_len(slice_of(id.ptr + len, id.len - len));
        len += step > 0 ? step : 1;
    }
    return slice_of(id.ptr, len < id.len ? len : id.len);
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

enum err user_unknown(struct arena *a, struct slice id, int64_t now_us, struct user *out)
{
    *out = (struct user){
        .created_us = now_us,
        .last_seen_us = now_us,
        .total_visits = 1,
        .id = id,
        .email = join(a, SLICE_LIT(EMAIL_MADE_BEGIN), id, SLICE_LIT(EMAIL_DEFAULT_DOMAIN)),
        .name = join(a, SLICE_LIT("User "), id_prefix(id), SLICE_LIT("")),
        .vibe = SLICE_LIT(DEFAULT_VIBE),
        .category = SLICE_LIT(DEFAULT_CATEGORY),
        .status = SLICE_LIT(DEFAULT_STATUS),
    };
    return id.ptr && out->email.ptr && out->name.ptr ? OK : ERR_NOMEM;
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

static enum err apply_create(struct attempt *try, struct op *op)
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

static enum err apply_put_user(struct attempt *try, struct op *op)
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

static enum err apply_set_ai(struct attempt *try, struct op *op)
{
    struct store *s = try->store;
    struct op_set_ai *ai = &op->set_ai;
    if (!ai->link.known) {
        struct chat chat = {0};
        enum err err = s->vtable->find_chat(s, ai->chat_id, &op->arena, &chat);
        if (err != OK)
            return err == ERR_NOT_FOUND && op->scope.kind != SCOPE_ALL ? scope_refusal(&op->scope) : err;
        /* Not marked as known: a retry asks again, since a chat of this batch may then have another key. */
        ai->link = (struct chat_link){
            .flags = chat.flags, .chat_key = chat.key, .user_key = chat.user_key, .user_id = chat.user_id};
        struct user customer = {0};
        err = s->vtable->find_user(s, USER_BY_ID, chat.user_id, &op->arena, &customer);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        ai->link.owner = customer.owner;
        ai->link.owner_known = true;
    }
    enum err err = scope_check_link(s, &op->scope, &ai->link, &op->arena);
    if (err != OK)
        return err;
    unsigned kept = ai->link.flags & ~(unsigned)CHAT_AI_DISABLED;
    ai->flags = (uint8_t)(kept | (ai->enabled ? 0u : CHAT_AI_DISABLED));
    return s->vtable->set_chat_flags(s, &ai->link, ai->chat_id, ai->flags, ai->rev, ai->now_us);
}

/* ---- sends ---- */

#define LISTS_BYTES (3 * sizeof(struct op *) + 2 * sizeof(int64_t)) /* of one op in all five */

void batch_room_fini(struct batch_room *room)
{
    free(room->block);
    *room = (struct batch_room){0};
}

static bool room_reserve(struct batch_room *room, size_t ops)
{
    if (ops <= room->ops)
        return true;
    size_t more = ops > room->ops * 2 ? ops : room->ops * 2;
    void *block = malloc(more * LISTS_BYTES);
    if (!block)
        return false;
    batch_room_fini(room);
    *room = (struct batch_room){.block = block, .ops = more};
    return true;
}

static enum err sort_out(struct attempt *try, struct batch_room *room)
{
    size_t n = try->count;
    if (!room_reserve(room, n))
        return ERR_NOMEM;
    try->keyed_rev = room->block; /* the five lists, at most n each */
    try->keyed_time = try->keyed_rev + n;
    try->sends = (struct op **)(void *)(try->keyed_time + n);
    try->unlinked = try->sends + n;
    try->keyed = try->unlinked + n;
    for (size_t i = 0; i < n; i++) {
        struct op *op = try->ops[i];
        op->result = OK;
        if (op->kind != OP_SEND)
            continue;
        op->send.duplicate = false;
        try->sends[try->send_count++] = op;
        /* What memory knows of another's chat is not for a customer to learn by the clock: the store is asked as for none. */
        if (op->scope.kind == SCOPE_USER && !slice_eq(op->send.link.user_id, op->scope.id))
            op->send.link.known = false;
        if (!op->send.link.known)
            try->unlinked[try->unlinked_count++] = op;
        if (op->send.client_key.len > 0) {
            try->keyed_rev[try->keyed_count] = op->send.rev;
            try->keyed_time[try->keyed_count] = op->send.timestamp_us;
            try->keyed[try->keyed_count++] = op;
        }
    }
    return OK;
}

static enum err insert_messages(struct attempt *try)
{
    enum err err = try->store->vtable->insert_messages(try->store, try->sends, try->send_count);
    for (size_t i = 0; err != OK && err != ERR_STORE && i < try->send_count; i++)
        if (try->sends[i]->result == err)
            try->guilty = try->sends[i]; /* the last: there the store stopped */
    return err;
}

static enum err apply_sends(struct attempt *try)
{
    struct store *s = try->store;
    if (try->unlinked_count > 0) {
        enum err err = s->vtable->resolve_chats(s, try->unlinked, try->unlinked_count);
        if (err != OK)
            return err;
    }
    for (size_t i = 0; i < try->send_count; i++) {
        struct op *op = try->sends[i];
        if (op->scope.kind == SCOPE_ALL)
            continue;
        if (op->result == OK)
            op->result = scope_check_link(s, &op->scope, &op->send.link, &op->arena);
        else if (op->result == ERR_NOT_FOUND)
            op->result = scope_refusal(&op->scope);
        if (op->result == ERR_STORE)
            return ERR_STORE;
    }
    return try->send_count > 0 ? insert_messages(try) : OK;
}

/* ---- totals and flags of chats ---- */

/* A chat whose flags this batch changes, as the ops of the batch see it one after the other. */
struct flagged {
    uint8_t flags;
};

static bool changes_flags(const struct op *op)
{
    if (op->kind == OP_SET_AI)
        return op->result == OK;
    return op->kind == OP_SEND && op->result == OK && !op->send.duplicate &&
           (chat_flags_of_role(op->send.role) & ~(unsigned)op->send.link.flags) != 0;
}

static enum err flagged_get(struct map *table, struct flagged **unused, struct slice chat_id, uint8_t flags,
                            struct flagged **out)
{
    *out = map_get(table, chat_id);
    if (*out)
        return OK;
    *out = (*unused)++;
    (*out)->flags = flags;
    return map_put(table, chat_id, *out);
}

static void count_flags(struct totals *t, unsigned before, unsigned after)
{
    const unsigned either = CHAT_HAS_AGENT | CHAT_HAS_ASSISTANT;
    t->chats_with_agent += (after & CHAT_HAS_AGENT) && !(before & CHAT_HAS_AGENT);
    t->chats_with_assistant += (after & CHAT_HAS_ASSISTANT) && !(before & CHAT_HAS_ASSISTANT);
    t->chats_with_either += (after & either) && !(before & either);
}

static enum err walk_flags(struct attempt *try, struct map *table, struct flagged *unused)
{
    for (size_t i = 0; i < try->count; i++) {
        struct op *op = try->ops[i];
        if (!changes_flags(op))
            continue;
        bool send = op->kind == OP_SEND;
        struct flagged *chat;
        enum err err = flagged_get(table, &unused, send ? op->send.chat_id : op->set_ai.chat_id,
                                   send ? op->send.link.flags : op->set_ai.link.flags, &chat);
        if (err != OK)
            return err;
        unsigned before = chat->flags, after = before;
        if (send)
            after |= chat_flags_of_role(op->send.role);
        else
            after = (before & ~(unsigned)CHAT_AI_DISABLED) | (op->set_ai.enabled ? 0u : CHAT_AI_DISABLED);
        count_flags(&try->changed, before, after);
        chat->flags = (uint8_t)after;
        if (!send)
            op->set_ai.flags = (uint8_t)after;
    }
    return OK;
}

/* Once in a chat's life for each flag, so most batches end at the first loop. */
static enum err settle_flags(struct attempt *try)
{
    size_t changing = 0;
    for (size_t i = 0; i < try->count; i++)
        changing += changes_flags(try->ops[i]);
    if (changing == 0)
        return OK;
    struct map table;
    map_init(&table);
    struct flagged *states = calloc(changing, sizeof(*states));
    enum err err = states ? walk_flags(try, &table, states) : ERR_NOMEM;
    free(states);
    map_fini(&table);
    return err;
}

static enum err settle_totals(struct attempt *try)
{
    for (size_t i = 0; i < try->send_count; i++)
        try->changed.messages += try->sends[i]->result == OK && !try->sends[i]->send.duplicate;
    enum err err = settle_flags(try);
    const struct totals none = {0};
    if (err != OK || memcmp(&try->changed, &none, sizeof(none)) == 0)
        return err;
    return try->store->vtable->add_totals(try->store, &try->changed);
}

/* ---- the batch ---- */

static enum err apply_one(struct attempt *try, struct op *op)
{
    switch (op->kind) {
    case OP_CREATE_CHAT:
        return apply_create(try, op);
    case OP_PUT_USER:
        return apply_put_user(try, op);
    case OP_SET_AI:
        return apply_set_ai(try, op);
    case OP_SEND:
    case OP_VIEW:
        break;
    }
    must(false); /* a view is not a write, and sends go together */
    return ERR_INVALID;
}

/* The op's failure is not its own affair: the store has to take something back, or already did. */
static bool fails_batch(struct attempt *try, struct op *op)
{
    struct store *s = try->store;
    if (op->result == OK)
        return false;
    if (op->result == ERR_STORE)
        return true;
    if (!s->vtable->stands || (!try->halfway && s->vtable->stands(s)))
        return false;
    try->guilty = op;
    return true;
}

static enum err apply_all(struct attempt *try)
{
    for (size_t i = 0; try->send_count < try->count && i < try->count; i++) {
        struct op *op = try->ops[i];
        if (op->kind == OP_SEND)
            continue;
        try->halfway = false;
        op->result = apply_one(try, op);
        if (fails_batch(try, op))
            return op->result;
    }
    enum err err = apply_sends(try);
    return err == OK ? settle_totals(try) : err;
}

static void undo_try(struct attempt *try)
{
    for (size_t i = 0; i < try->unlinked_count; i++)
        try->unlinked[i]->send.link = (struct chat_link){0}; /* may name a chat that was rolled back */
    for (size_t i = 0; i < try->keyed_count; i++) {
        struct op_send *send = &try->keyed[i]->send;
        send->rev = try->keyed_rev[i];
        send->timestamp_us = try->keyed_time[i];
        send->duplicate = false;
    }
    for (size_t i = 0; i < try->count; i++)
        if (try->ops[i] != try->guilty)
            try->ops[i]->result = OK;
}

static void count_duplicates(const struct attempt *try)
{
    uint64_t duplicates = 0;
    for (size_t i = 0; i < try->keyed_count; i++)
        duplicates += try->keyed[i]->send.duplicate;
    if (duplicates > 0)
        metrics_add(M_DEDUPLICATED, duplicates);
}

enum err batch_apply(struct store *s, struct batch_room *room, struct op *const *ops, size_t count,
                     struct totals *changed)
{
    struct attempt try = {.store = s, .ops = ops, .count = count};
    *changed = (struct totals){0};
    if (count == 0)
        return OK;
    enum err err = sort_out(&try, room);
    if (err != OK)
        return err;
    err = s->vtable->begin(s);
    if (err == OK) {
        err = apply_all(&try);
        if (err == OK)
            err = s->vtable->commit(s);
        if (err != OK)
            s->vtable->rollback(s);
    }
    if (err == OK) {
        *changed = try.changed;
        count_duplicates(&try);
    } else {
        undo_try(&try);
    }
    return err;
}
