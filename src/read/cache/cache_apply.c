/* The writer's side: what a committed batch changes.
 * Happy path: fragments and heads are rendered without the lock; then, a few ops at a time with it, each op moves its
 * customer to the front, gives it a new version, and appends to its chat if that is loaded.
 * A load may have seen this batch in the store already, or not: rev tells (a message that is there is not appended
 * again). Where content would be left incomplete it is dropped instead, and the next reader loads it anew. */
#include "cache_int.h"

#define STRIDE    64  /* ops per time that the lock is held */
#define EVICT_MAX 512 /* steps of eviction per stride: more than a stride can add (a customer's entry goes in three) */

struct prepared {
    size_t at;     /* OP_SEND: of ",{…}" in scratch */
    uint32_t hash; /* OP_SEND, OP_SET_AI: of the chat id */
    struct message_form form;
    struct blob *head; /* of a customer's new row */
    uint32_t poll_at;
};

static void prepare_send(struct buf *scratch, const struct new_message *s, struct prepared *p)
{
    struct message m = {
        .rev = s->rev, .timestamp_us = s->timestamp_us, .role = s->role, .text = s->text, .via_widget = s->via_widget};
    p->hash = index_hash(s->chat_id);
    p->at = scratch->len;
    buf_append_char(scratch, ',');
    render_message(scratch, &m, &p->form);
}

/* Its chat was refused, and the customer's row is there all the same. */
static bool leaves_customer(const struct op *op)
{
    return op->kind == OP_CREATE_CHAT && op->result != OK && op->create.customer_only;
}

static void prepare(struct cache *c, const struct op *op, struct prepared *p)
{
    *p = (struct prepared){0};
    if (op->result != OK && !leaves_customer(op))
        return;
    if (op->kind == OP_SEND && !op->send.message.duplicate)
        prepare_send(&c->scratch, &op->send.message, p);
    else if (op->kind == OP_SET_AI)
        p->hash = index_hash(op->set_ai.chat_id);
    else if (op->kind == OP_CREATE_CHAT)
        p->head = user_render_head(&c->content_memory, &op->create.user, &p->poll_at);
    else if (op->kind == OP_PUT_USER)
        p->head = user_render_head(&c->content_memory, &op->put_user.user, &p->poll_at);
}

/* The chat of a link that the store resolved: a stub, where it is not known yet. */
static struct cchat *linked_chat(struct cache *c, struct slice chat_id, uint32_t hash, const struct chat_link *link)
{
    struct cchat *chat = index_chat(c, chat_id, hash);
    if (chat)
        return chat;
    struct cuser *u = user_get(c, link->user_id);
    if (!u)
        return NULL;
    if (link->user_key != 0)
        u->key = link->user_key;
    if (link->owner_known && !u->owner)
        owner_set(c, u, link->owner);
    chat = chat_get(c, u, chat_id, hash, link->chat_key);
    if (!chat)
        return NULL;
    chat->flags = link->flags;
    if (u->state == USER_LOADED)
        user_unload(c, u); /* a chat made elsewhere: what is loaded is not all */
    return chat;
}

/* While a load runs: a log for what is appended meanwhile, to be merged into what was loaded. */
static struct history *interim_history(struct cchat *chat)
{
    struct chat row = {.chat_id = slice_of(chat->id, chat->id_len)};
    return content_add_history(chat->user->content, &row, false);
}

static void append(struct cache *c, struct cchat *chat, const char *fragment, const struct prepared *p,
                   const struct new_message *s)
{
    struct cuser *u = chat->user;
    if (u->state == USER_KNOWN)
        return;
    size_t before = u->content->alloc_bytes;
    if (!chat->history && u->state == USER_LOADING)
        chat->history = interim_history(chat);
    struct history *l = chat->history;
    bool done = l != NULL;
    if (l && s->rev <= l->last_rev)
        done = history_has(l, s->rev); /* the load saw this batch: there already */
    else if (l)
        done = history_append(u->content, l, fragment, &p->form, s->rev);
    if (l) {
        l->rev = s->rev > l->rev ? s->rev : l->rev;
        l->last_activity_us = l->updated_us = s->timestamp_us;
    }
    c->content_bytes += u->content->alloc_bytes - before;
    if (!done)
        user_unload(c, u);
}

/* The first message by the same key came into the store without us: its answer was lost, and it landed late. */
static void find_first(struct cache *c, const struct new_message *s)
{
    struct cchat *chat = index_chat(c, s->chat_id, index_hash(s->chat_id));
    if (!chat || !chat->history || history_has(chat->history, s->rev))
        return;
    user_unload(c, chat->user);
    user_changed(c, chat->user, c->rev,
                 true); /* not the message's own, older rev: the front of the order is the newest */
}

static void apply_send(struct cache *c, const struct new_message *s, const struct prepared *p)
{
    if (s->duplicate) {
        find_first(c, s);
        return;
    }
    struct cchat *chat = linked_chat(c, s->chat_id, p->hash, &s->link);
    if (!chat) {
        cache_forget_all(c, s->rev);
        return;
    }
    chat->flags |= chat_flags_of_role(s->role);
    if (s->rev > chat->rev)
        chat->rev = s->rev;
    append(c, chat, c->scratch.ptr + p->at, p, s);
    if (s->rev > chat->last_rev)
        chat->last_rev = s->rev;
    user_changed(c, chat->user, s->rev, true);
}

/* What texts mean may change when a customer is born or gets another address. alone: nobody else is meant by it. */
static void tell_names(struct cache *c, struct cuser *u, const struct user *before, const struct user *now, bool alone)
{
    bool born = before->id.len == 0;
    if (born)
        names_spoil(c, now->id);
    if (!born && slice_eq(before->email, now->email))
        return;
    names_spoil(c, before->email);
    names_spoil(c, now->email);
    if (alone)
        names_learn(c, u, now->email, c->names_clock);
}

/* The customer's entry with its new row. before.id empty: it did not exist before this op. */
static struct cuser *put_row(struct cache *c, const struct user *before, struct user row, int64_t rev, bool alone,
                             struct prepared *p)
{
    bool fresh = index_user(c, row.id, index_hash(row.id)) == NULL;
    struct cuser *u = user_get(c, row.id);
    if (!u) {
        cache_forget_all(c, rev);
        return NULL;
    }
    if (fresh && before->id.len == 0)
        user_bear(c, u);
    row.rev = rev;
    user_set_row(c, u, &row, p->head, p->poll_at);
    p->head = NULL;
    tell_names(c, u, before, &row, alone);
    user_changed(c, u, rev, true);
    return u;
}

static void apply_create(struct cache *c, const struct op_create_chat *o, struct prepared *p)
{
    struct cuser *u = put_row(c, &o->before, o->user, o->rev, o->address_alone, p);
    if (!u)
        return;
    uint32_t hash = index_hash(o->chat.chat_id);
    struct cchat *chat = chat_get(c, u, o->chat.chat_id, hash, o->chat.key);
    if (!chat || chat->user != u) {
        cache_forget_all(c, o->rev);
        return;
    }
    if (o->rev > chat->rev)
        chat->rev = o->rev;
    if (o->chat.key != 0)
        chat->key = o->chat.key;
    if (u->state != USER_KNOWN && !chat->history) { /* else a load saw it already */
        size_t before = u->content->alloc_bytes;
        chat->history = content_add_history(u->content, &o->chat, true);
        c->content_bytes += u->content->alloc_bytes - before;
        if (!chat->history)
            user_unload(c, u);
    }
}

static void apply_put_user(struct cache *c, const struct op_put_user *o, struct prepared *p)
{
    (void)put_row(c, &o->before, o->user, o->rev, o->address_alone, p);
}

static void apply_set_ai(struct cache *c, const struct op_set_ai *o, uint32_t hash)
{
    struct cchat *chat = linked_chat(c, o->chat_id, hash, &o->link);
    if (!chat) {
        cache_forget_all(c, o->rev);
        return;
    }
    /* The op says how the switch stands; what was said in the chat, sends of the same batch may know better. */
    chat->flags = (uint8_t)(o->flags | (chat->flags & ~CHAT_AI_DISABLED));
    if (o->rev > chat->rev)
        chat->rev = o->rev;
    if (chat->history) {
        chat->history->rev = chat->rev;
        chat->history->updated_us = o->now_us;
    }
    user_changed(c, chat->user, o->rev, false); /* no list shows the switch */
}

static void apply_one(struct cache *c, const struct op *op, struct prepared *p)
{
    const struct op_create_chat *o = &op->create;
    if (leaves_customer(op))
        (void)put_row(c, &o->before, o->user, o->rev, o->address_alone, p);
    if (op->result != OK)
        return;
    switch (op->kind) {
    case OP_SEND:
        apply_send(c, &op->send.message, p);
        break;
    case OP_CREATE_CHAT:
        apply_create(c, &op->create, p);
        break;
    case OP_PUT_USER:
        apply_put_user(c, &op->put_user, p);
        break;
    case OP_SET_AI:
        apply_set_ai(c, &op->set_ai, p->hash);
        break;
    case OP_VIEW:
        must(false); /* a read is not applied */
    }
}

/* Chats of a busy inbox are anywhere in memory: each costs a dozen cache misses one after the other, unless those of a
 * whole stride are on their way at once. */
static void fetch_ahead(const struct cache *c, struct op *const *ops, const struct prepared *prepared, size_t count)
{
    const struct cchat *chats[STRIDE];
    for (size_t i = 0; i < count; i++)
        if (ops[i]->kind == OP_SEND)
            __builtin_prefetch(&c->buckets[prepared[i].hash & c->bucket_mask]);
    for (size_t i = 0; i < count; i++) {
        bool send = ops[i]->kind == OP_SEND && ops[i]->result == OK && !ops[i]->send.message.duplicate;
        chats[i] = send ? index_chat(c, ops[i]->send.message.chat_id, prepared[i].hash) : NULL;
        if (!chats[i])
            continue;
        __builtin_prefetch(chats[i]->user);
        __builtin_prefetch(&chats[i]->user->order);
        __builtin_prefetch(chats[i]->history);
    }
    for (size_t i = 0; i < count; i++) {
        if (!chats[i])
            continue;
        const struct cuser *u = chats[i]->user;
        __builtin_prefetch(u->order.prev);
        __builtin_prefetch(u->order.next);
        __builtin_prefetch(u->lru.prev);
        __builtin_prefetch(u->lru.next);
        __builtin_prefetch(u->content);
        if (chats[i]->history)
            __builtin_prefetch(chats[i]->history->last);
    }
    for (size_t i = 0; i < count; i++) {
        const struct chunk *last = chats[i] && chats[i]->history ? chats[i]->history->last : NULL;
        if (last)
            history_fetch_ahead(last);
    }
}

static int64_t highest_rev(struct op *const *ops, size_t count)
{
    int64_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        const struct op *op = ops[i];
        int64_t rev = op->kind == OP_SEND          ? op->send.message.rev
                      : op->kind == OP_CREATE_CHAT ? op->create.rev
                      : op->kind == OP_PUT_USER    ? op->put_user.rev
                                                   : op->set_ai.rev;
        highest = rev > highest ? rev : highest;
    }
    return highest;
}

static void apply_stride(struct cache *c, struct op *const *ops, size_t count)
{
    struct prepared prepared[STRIDE];
    buf_clear(&c->scratch);
    for (size_t i = 0; i < count; i++)
        prepare(c, ops[i], &prepared[i]);
    cache_lock(c);
    if (buf_ok(&c->scratch)) {
        fetch_ahead(c, ops, prepared, count);
        for (size_t i = 0; i < count; i++)
            apply_one(c, ops[i], &prepared[i]);
    } else {
        cache_forget_all(c,
                         highest_rev(ops, count)); /* no memory for one batch's text: keep nothing that might miss it */
    }
    cache_evict(c, EVICT_MAX);
    cache_unlock(c);
    for (size_t i = 0; i < count; i++)
        blob_drop(prepared[i].head);
}

static void add_totals(struct cache *c, const struct totals *changed)
{
    int64_t delta[TOTALS_COUNT];
    memcpy(delta, changed, sizeof(delta));
    for (unsigned i = 0; i < TOTALS_COUNT; i++)
        if (delta[i] != 0) /* relaxed: one writer; readers need no order among them */
            atomic_fetch_add_explicit(&c->totals[i], delta[i], memory_order_relaxed);
}

void cache_apply(struct cache *c, struct op *const *ops, size_t count, const struct totals *changed)
{
    if (changed)
        add_totals(c, changed);
    if (!c->enabled)
        return;
    for (size_t i = 0; i < count; i += STRIDE)
        apply_stride(c, ops + i, count - i < STRIDE ? count - i : STRIDE);
}
