/* Failures, one level down: a call that says ERR_STORE fails the batch; whatever else it says is the op's own result,
 * unless the op has then been done by half, or the store has lost what came before it: then the batch is rolled back, and
 * the op alone keeps its result.
 * A retry must find the ops as they came: what a failed try has put into them is taken back (undo_try). */
#include "batch_int.h"

#include "base/map.h"
#include "base/metrics.h"

#include <stdlib.h>

enum err scope_check_link(struct store *store, const struct scope *s, const struct chat_link *link, struct arena *a)
{
    struct user u = {0};
    if (s->kind != SCOPE_OWNER) /* the customer's id says enough */
        return scope_check(s, link->user_id, (struct slice){0});
    enum err e = store->vtable->find_user(store, USER_BY_ID, link->user_id, a, &u);
    if (e == ERR_NOT_FOUND) /* a chat without its customer: nobody's */
        return scope_refusal(s);
    return e == OK ? scope_check(s, u.id, u.owner) : e;
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

#define LISTS_BYTES (4 * sizeof(void *) + 2 * sizeof(int64_t)) /* of one op in all six */

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
    try->keyed_rev = room->block; /* the six lists, at most n each */
    try->keyed_time = try->keyed_rev + n;
    try->sends = (struct op **)(void *)(try->keyed_time + n);
    try->messages = (struct new_message **)(void *)(try->sends + n);
    try->unlinked = try->messages + n;
    try->keyed = try->unlinked + n;
    for (size_t i = 0; i < n; i++) {
        struct op *op = try->ops[i];
        op->result = OK;
        if (op->kind != OP_SEND)
            continue;
        struct new_message *m = &op->send.message;
        m->result = OK;
        m->duplicate = false;
        m->arena = &op->arena;
        try->messages[try->send_count] = m;
        try->sends[try->send_count++] = op;
        /* What memory knows of another's chat is not for a customer to learn by the clock: the store is asked as for none. */
        if (op->scope.kind == SCOPE_USER && !slice_eq(m->link.user_id, op->scope.id))
            m->link.known = false;
        if (!m->link.known)
            try->unlinked[try->unlinked_count++] = m;
        if (m->client_key.len > 0) {
            try->keyed_rev[try->keyed_count] = m->rev;
            try->keyed_time[try->keyed_count] = m->timestamp_us;
            try->keyed[try->keyed_count++] = m;
        }
    }
    return OK;
}

static enum err check_scopes(struct attempt *try)
{
    for (size_t i = 0; i < try->send_count; i++) {
        struct op *op = try->sends[i];
        struct new_message *m = try->messages[i];
        if (op->scope.kind == SCOPE_ALL)
            continue;
        if (m->result == OK)
            m->result = scope_check_link(try->store, &op->scope, &m->link, &op->arena);
        else if (m->result == ERR_NOT_FOUND)
            m->result = scope_refusal(&op->scope);
        if (m->result == ERR_STORE)
            return ERR_STORE;
    }
    return OK;
}

static enum err apply_sends(struct attempt *try)
{
    const struct store_vtable *store = try->store->vtable;
    if (try->send_count == 0)
        return OK;
    enum err err = OK;
    if (try->unlinked_count > 0)
        err = store->resolve_chats(try->store, try->unlinked, try->unlinked_count);
    if (err == OK)
        err = check_scopes(try);
    if (err == OK)
        err = store->insert_messages(try->store, try->messages, try->send_count);
    for (size_t i = 0; i < try->send_count; i++) {
        try->sends[i]->result = try->messages[i]->result;
        if (err != OK && err != ERR_STORE && try->messages[i]->result == err)
            try->guilty = try->sends[i]; /* the last: there the store stopped */
    }
    return err;
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
    return op->kind == OP_SEND && op->result == OK && !op->send.message.duplicate &&
           (chat_flags_of_role(op->send.message.role) & ~(unsigned)op->send.message.link.flags) != 0;
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
        enum err err = flagged_get(table, &unused, send ? op->send.message.chat_id : op->set_ai.chat_id,
                                   send ? op->send.message.link.flags : op->set_ai.link.flags, &chat);
        if (err != OK)
            return err;
        unsigned before = chat->flags, after = before;
        if (send)
            after |= chat_flags_of_role(op->send.message.role);
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
        try->changed.messages += try->sends[i]->result == OK && !try->sends[i]->send.message.duplicate;
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
        return batch_create(try, op);
    case OP_PUT_USER:
        return batch_put_user(try, op);
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
        try->unlinked[i]->link = (struct chat_link){0}; /* may name a chat that was rolled back */
    for (size_t i = 0; i < try->keyed_count; i++) {
        struct new_message *m = try->keyed[i];
        m->rev = try->keyed_rev[i];
        m->timestamp_us = try->keyed_time[i];
        m->duplicate = false;
    }
    for (size_t i = 0; i < try->count; i++)
        if (try->ops[i] != try->guilty)
            try->ops[i]->result = OK;
}

static void count_duplicates(const struct attempt *try)
{
    uint64_t duplicates = 0;
    for (size_t i = 0; i < try->keyed_count; i++)
        duplicates += try->keyed[i]->duplicate;
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
