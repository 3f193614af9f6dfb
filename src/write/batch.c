/* Failures, one level down: a call that says ERR_STORE fails the batch; whatever else it says is the op's own result,
 * unless the op has then been done by half, or the store has lost what came before it: then the batch is rolled back, and
 * the op alone keeps its result.
 * A retry must find the ops as they came: what a failed try has put into them is taken back (undo). */
#include "write/batch.h"

#include "base/map.h"
#include "write/kind.h"

#include <stdlib.h>

/* One try of one batch. The lists are the caller's room. */
struct batch {
    struct attempt try;
    struct op *const *ops;
    size_t count;
    struct op **senders;           /* the ops that store a message each, in order… */
    struct new_message **messages; /* …and those messages */
    size_t message_count;
    size_t inserted;               /* of the messages: those that went to the store */
    struct new_message **unlinked; /* those of them whose chat memory did not know */
    size_t unlinked_count;
    struct new_message *
        *keyed; /* those with a client key, and the revs they came with: a duplicate overwrites its own */
    int64_t *keyed_rev, *keyed_time;
    size_t keyed_count;
    struct op *guilty; /* for whose sake the batch is rolled back; NULL: not known, or not an op's fault */
};

void batch_give_ids(struct op *op, int64_t rev, int64_t now_us)
{
    op->rev = rev;
    op->now_us = now_us;
    if (write_kind_of(op)->give_ids)
        write_kind_of(op)->give_ids(op);
}

/* ---- messages ---- */

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

static void add_message(struct batch *b, struct op *op, struct new_message *m)
{
    m->result = OK;
    m->duplicate = false;
    m->arena = &op->arena;
    b->senders[b->message_count] = op;
    b->messages[b->message_count++] = m;
    /* What memory knows of another's chat is not for a customer to learn by the clock: the store is asked as for none. */
    if (op->scope.kind == SCOPE_CUSTOMER && !slice_eq(m->link.customer_id, op->scope.id))
        m->link.known = false;
    if (m->client_key.len == 0)
        return;
    b->keyed_rev[b->keyed_count] = m->rev;
    b->keyed_time[b->keyed_count] = m->timestamp_us;
    b->keyed[b->keyed_count++] = m;
}

static enum err sort_out(struct batch *b, struct batch_room *room)
{
    size_t n = b->count;
    if (!room_reserve(room, n))
        return ERR_NOMEM;
    b->keyed_rev = room->block; /* the six lists, at most n each */
    b->keyed_time = b->keyed_rev + n;
    b->senders = (struct op **)(void *)(b->keyed_time + n);
    b->messages = (struct new_message **)(void *)(b->senders + n);
    b->unlinked = b->messages + n;
    b->keyed = b->unlinked + n;
    for (size_t i = 0; i < n; i++) {
        struct op *op = b->ops[i];
        const struct write_kind *kind = write_kind_of(op);
        op->result = OK;
        if (kind->message)
            add_message(b, op, kind->message(op));
    }
    return OK;
}

static enum err resolve_links(struct batch *b, size_t end)
{
    struct store *s = b->try.store;
    size_t first = b->unlinked_count;
    for (size_t i = b->inserted; i < end; i++)
        if (!b->messages[i]->link.known)
            b->unlinked[b->unlinked_count++] = b->messages[i];
    size_t count = b->unlinked_count - first;
    return count > 0 ? s->vtable->resolve_chats(s, b->unlinked + first, count) : OK;
}

static enum err check_scopes(struct batch *b, size_t end)
{
    for (size_t i = b->inserted; i < end; i++) {
        struct op *op = b->senders[i];
        struct new_message *m = b->messages[i];
        if (op->scope.kind == SCOPE_ALL)
            continue;
        if (m->result == OK)
            m->result = scope_check_link(b->try.store, &op->scope, &m->link, &op->arena);
        else if (m->result == ERR_NOT_FOUND)
            m->result = scope_refusal(&op->scope);
        if (m->result == ERR_STORE)
            return ERR_STORE;
    }
    return OK;
}

/* The messages that are not in yet, up to `end`. */
static enum err insert_messages(struct batch *b, size_t end)
{
    struct store *s = b->try.store;
    if (b->inserted == end)
        return OK;
    enum err err = resolve_links(b, end);
    if (err == OK)
        err = check_scopes(b, end);
    if (err == OK)
        err = s->vtable->insert_messages(s, b->messages + b->inserted, end - b->inserted);
    for (; b->inserted < end; b->inserted++) {
        struct op *op = b->senders[b->inserted];
        op->result = b->messages[b->inserted]->result;
        if (err != OK && err != ERR_STORE && op->result == err)
            b->guilty = op; /* the last: there the store stopped */
    }
    return err;
}

/* ---- totals ---- */

static bool is_stored(const struct new_message *m)
{
    return m->result == OK && !m->duplicate;
}

/* Flags that the message adds to its chat, as that was before this batch. */
static unsigned adds_flags(const struct new_message *m)
{
    return is_stored(m) ? chat_flags_of_role(m->role) & ~(unsigned)m->link.flags : 0;
}

static void count_flags(struct totals *t, unsigned before, unsigned after)
{
    const unsigned either = CHAT_HAS_AGENT | CHAT_HAS_ASSISTANT;
    t->chats_with_agent += (after & CHAT_HAS_AGENT) && !(before & CHAT_HAS_AGENT);
    t->chats_with_assistant += (after & CHAT_HAS_ASSISTANT) && !(before & CHAT_HAS_ASSISTANT);
    t->chats_with_either += (after & either) && !(before & either);
}

/* Each chat's flags as the messages of the batch find them, one after the other. flags: room for every adding one. */
static enum err walk_flags(struct batch *b, struct map *by_chat, uint8_t *flags)
{
    for (size_t i = 0; i < b->message_count; i++) {
        const struct new_message *m = b->messages[i];
        if (adds_flags(m) == 0)
            continue;
        uint8_t *of_chat = map_get(by_chat, m->chat_id);
        if (!of_chat) {
            of_chat = flags++;
            *of_chat = m->link.flags;
            enum err err = map_put(by_chat, m->chat_id, of_chat);
            if (err != OK)
                return err;
        }
        unsigned before = *of_chat, after = before | chat_flags_of_role(m->role);
        count_flags(&b->try.changed, before, after);
        *of_chat = (uint8_t)after;
    }
    return OK;
}

/* Once in a chat's life for each flag, so most batches end at the first loop. */
static enum err settle_flags(struct batch *b)
{
    size_t adding = 0;
    for (size_t i = 0; i < b->message_count; i++)
        adding += adds_flags(b->messages[i]) != 0;
    if (adding == 0)
        return OK;
    struct map by_chat;
    map_init(&by_chat);
    uint8_t *flags = calloc(adding, sizeof(*flags));
    enum err err = flags ? walk_flags(b, &by_chat, flags) : ERR_NOMEM;
    free(flags);
    map_fini(&by_chat);
    return err;
}

static enum err settle_totals(struct batch *b)
{
    struct store *s = b->try.store;
    for (size_t i = 0; i < b->message_count; i++)
        b->try.changed.messages += is_stored(b->messages[i]);
    enum err err = settle_flags(b);
    const struct totals none = {0};
    if (err != OK || memcmp(&b->try.changed, &none, sizeof(none)) == 0)
        return err;
    return s->vtable->add_totals(s, &b->try.changed);
}

/* ---- the batch ---- */

/* The op's failure is not its own affair: the store has to take something back, or already did. */
static bool fails_batch(struct batch *b, struct op *op)
{
    struct store *s = b->try.store;
    if (op->result == OK)
        return false;
    if (op->result == ERR_STORE)
        return true;
    if (!s->vtable->stands || (!b->try.halfway && s->vtable->stands(s)))
        return false;
    b->guilty = op;
    return true;
}

/* What memory knows of the op's chat is not true any more: those behind it ask the store. */
static void unlink_behind(struct batch *b, size_t at)
{
    struct slice changed, chat_id;
    (void)write_kind_of(b->ops[at])->link(b->ops[at], &changed);
    for (size_t i = at + 1; i < b->count; i++) {
        const struct write_kind *kind = write_kind_of(b->ops[i]);
        struct chat_link *link = kind->link ? kind->link(b->ops[i], &chat_id) : NULL;
        if (link && slice_eq(chat_id, changed))
            link->known = false;
    }
}

/* messages: how many stand before the op in the batch. */
static enum err apply_one(struct batch *b, size_t at, size_t messages)
{
    struct op *op = b->ops[at];
    const struct write_kind *kind = write_kind_of(op);
    enum err err = kind->in_order ? insert_messages(b, messages) : OK;
    if (err != OK)
        return err;
    b->try.halfway = false;
    op->result = kind->apply(&b->try, op);
    if (fails_batch(b, op))
        return op->result;
    if (kind->in_order)
        unlink_behind(b, at);
    return OK;
}

static enum err apply_all(struct batch *b)
{
    size_t messages = 0;
    for (size_t i = 0; b->message_count < b->count && i < b->count; i++) {
        if (!write_kind_of(b->ops[i])->apply) {
            messages++;
            continue;
        }
        enum err err = apply_one(b, i, messages);
        if (err != OK)
            return err;
    }
    enum err err = insert_messages(b, b->message_count);
    return err == OK ? settle_totals(b) : err;
}

static void undo(struct batch *b)
{
    for (size_t i = 0; i < b->unlinked_count; i++)
        b->unlinked[i]->link = (struct chat_link){0}; /* may name a chat that was rolled back */
    for (size_t i = 0; i < b->keyed_count; i++) {
        struct new_message *m = b->keyed[i];
        m->rev = b->keyed_rev[i];
        m->timestamp_us = b->keyed_time[i];
        m->duplicate = false;
    }
    for (size_t i = 0; i < b->count; i++)
        if (b->ops[i] != b->guilty)
            b->ops[i]->result = OK;
}

enum err batch_apply(struct store *s, struct batch_room *room, struct op *const *ops, size_t count,
                     struct totals *changed)
{
    struct batch b = {.try = {.store = s}, .ops = ops, .count = count};
    *changed = (struct totals){0};
    if (count == 0)
        return OK;
    enum err err = sort_out(&b, room);
    if (err != OK)
        return err;
    err = s->vtable->begin(s);
    if (err == OK) {
        err = apply_all(&b);
        if (err == OK)
            err = s->vtable->commit(s);
        if (err != OK)
            s->vtable->rollback(s);
    }
    if (err == OK)
        *changed = b.try.changed;
    else
        undo(&b);
    return err;
}
