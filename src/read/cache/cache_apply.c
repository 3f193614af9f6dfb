/* The cache as a sink of events: what a committed batch changes, and what another process did.
 * Happy path: fragments and openings are rendered without the lock; then, a few events at a time with it, each moves its
 * customer to the front, gives it a new version, and appends to its chat if that is loaded.
 * A load may have seen this batch in the store already, or not: rev tells (a message that is there is not appended
 * again). Where content would be left incomplete it is dropped instead, and the next reader loads it anew.
 * Where there is no room for what an event brings, everything is forgotten: readers load what they are asked for.
 * A kind of event without a row in the table below changes nothing here: a new one that changes what is stored needs one. */
#include "cache_int.h"

#include "base/clock.h"

#define STRIDE    64  /* events per time that the lock is held */
#define EVICT_MAX 512 /* steps of eviction per stride: more than a stride can add (a customer's entry goes in three) */

struct prepared {
    size_t at;     /* EVENT_MESSAGE: of ",{…}" in scratch */
    uint32_t hash; /* of the chat's id, where the event has one */
    struct message_form form;
    struct blob *opening; /* of a customer's new row */
    uint32_t poll_at;
};

/* The event's chat: its entry, made of what the link says where there is none yet. NULL: no room. */
static struct chat_entry *linked_chat(struct cache *c, const struct event *e, uint32_t hash,
                                      const struct chat_link *link)
{
    struct chat_entry *chat = index_chat(c, e->chat_id, hash);
    if (chat)
        return chat;
    struct customer_entry *u = customer_get(c, link->customer_id);
    if (!u)
        return NULL;
    if (link->customer_key != 0)
        u->key = link->customer_key;
    if (link->owner_known && !u->owner)
        owner_set(c, u, link->owner);
    chat = chat_get(c, u, e->chat_id, hash, link->chat_key);
    if (!chat)
        return NULL;
    chat->flags = link->flags;
    if (u->state == CUSTOMER_LOADED)
        customer_unload(c, u); /* made elsewhere: so what is loaded is not everything */
    return chat;
}

/* While a load runs: records what is appended meanwhile, to be merged into what was loaded. */
static struct history *interim_history(struct chat_entry *chat)
{
    struct chat row = {.chat_id = slice_of(chat->id, chat->id_len)};
    return content_add_history(chat->customer->content, &row, false);
}

/* ---- messages ---- */

static void prepare_message(struct cache *c, const struct event *e, struct prepared *p)
{
    p->at = c->scratch.len;
    buf_append_char(&c->scratch, ',');
    render_message(&c->scratch, &e->message, &p->form);
}

static void append(struct cache *c, struct chat_entry *chat, const struct prepared *p, const struct event *e)
{
    struct customer_entry *u = chat->customer;
    if (u->state == CUSTOMER_KNOWN)
        return;
    size_t before = u->content->alloc_bytes;
    if (!chat->history && u->state == CUSTOMER_LOADING)
        chat->history = interim_history(chat);
    struct history *h = chat->history;
    bool done = false;
    if (h && e->rev <= h->last_rev) { /* a load saw this batch, and has it; or it belongs before what is there */
        done = history_has(h, e->rev);
    } else if (h) {
        done = history_append(u->content, h, c->scratch.ptr + p->at, &p->form, e->rev);
        h->last_activity_us = e->at_us;
        h->updated_us = e->at_us > h->updated_us ? e->at_us : h->updated_us;
    }
    if (h && e->rev > h->rev)
        h->rev = e->rev;
    c->content_bytes += u->content->alloc_bytes - before;
    if (!done)
        customer_unload(c, u);
}

/* The chat's row is another one. False: a load saw a later change of it, and has this one. */
static bool row_changed(struct chat_entry *chat, const struct event *e)
{
    struct history *h = chat->history;
    if (e->rev < chat->row_rev)
        return false;
    chat->row_rev = e->rev;
    if (h && e->rev > h->rev)
        h->rev = e->rev;
    if (h && e->at_us > h->updated_us)
        h->updated_us = e->at_us;
    return true;
}

/* Where its text cannot be kept, a load brings it. */
static void set_row(struct cache *c, struct chat_entry *chat, const struct chat *row)
{
    struct customer_entry *u = chat->customer;
    if (!chat->history)
        return;
    size_t before = u->content->alloc_bytes;
    bool done = history_set_row(u->content, chat->history, row);
    c->content_bytes += u->content->alloc_bytes - before;
    if (!done)
        customer_unload(c, u);
}

/* The customer wrote to a chat that was closed. */
static void reopen(struct cache *c, struct chat_entry *chat, const struct event *e)
{
    struct chat row = {.status = SLICE_LIT("open")};
    if (!row_changed(chat, e))
        return;
    chat->flags &= (uint8_t)~CHAT_CLOSED;
    if (chat->history)
        row.assigned_to = row_assigned(chat->history->row);
    set_row(c, chat, &row);
}

static void apply_message(struct cache *c, const struct event *e, struct prepared *p)
{
    struct chat_entry *chat = linked_chat(c, e, p->hash, e->link);
    if (!chat) {
        cache_forget_all(c, e->rev, e->rev);
        return;
    }
    chat->flags |= chat_flags_of_role(e->message.role);
    append(c, chat, p, e);
    if (e->rev > chat->last_rev)
        chat->last_rev = e->rev;
    if (p->form.flags & (FORM_USER | FORM_REPLY)) {
        enum chat_side sender = p->form.flags & FORM_USER ? SIDE_CUSTOMER : SIDE_AGENTS;
        if (e->rev > chat->marks[sender])
            chat->marks[sender] = e->rev;
    }
    if (e->reopened)
        reopen(c, chat, e);
    customer_changed(c, chat->customer, e->rev, true);
}

/* The first message by the same key may be in the store and not here: its answer was lost. Where that is known (unheard), a
 * chat whose history is not here has changed all the same, for who asks by a cursor. */
static void apply_repeated(struct cache *c, const struct event *e, struct prepared *p)
{
    struct chat_entry *chat = e->unheard ? linked_chat(c, e, p->hash, e->link) : index_chat(c, e->chat_id, p->hash);
    bool known = chat && (chat->history ? history_has(chat->history, e->rev) : !e->unheard);
    if (!chat && e->unheard)
        cache_forget_all(c, e->rev, e->rev);
    if (!chat || known)
        return;
    customer_unload(c, chat->customer);
    customer_changed(c, chat->customer, e->rev, true);
}

/* ---- customers and chats ---- */

static void prepare_customer(struct cache *c, const struct event *e, struct prepared *p)
{
    p->opening = customer_render_opening(&c->content_memory, e->customer.now, &p->poll_at);
}

/* Whom a text means may change when a customer is made or gets another address. alone: nobody else is meant by the new one,
 * so that this much is known at once. */
static void renew_names(struct cache *c, struct customer_entry *u, const struct customer *before,
                        const struct customer *now, bool alone)
{
    bool born = before->id.len == 0;
    if (born)
        names_forget_text(c, now->id);
    if (!born && slice_eq(before->email, now->email))
        return;
    names_forget_text(c, before->email);
    names_forget_text(c, now->email);
    if (alone)
        names_learn(c, u, now->email, c->names_clock);
}

/* The customer's entry with its new row. */
static void apply_customer(struct cache *c, const struct event *e, struct prepared *p)
{
    const struct customer *before = e->customer.before;
    struct customer row = *e->customer.now;
    bool fresh = index_customer(c, row.id, index_hash(row.id)) == NULL;
    struct customer_entry *u = customer_get(c, row.id);
    if (!u) {
        cache_forget_all(c, e->rev, e->rev);
        return;
    }
    if (fresh && before->id.len == 0)
        customer_bear(c, u);
    row.rev = e->rev;
    customer_set_row(c, u, &row, p->opening, p->poll_at);
    p->opening = NULL;
    renew_names(c, u, before, &row, e->customer.address_alone);
    customer_changed(c, u, e->rev, true);
}

static void apply_chat(struct cache *c, const struct event *e, struct prepared *p)
{
    struct customer_entry *u = customer_get(c, e->customer_id);
    struct chat_entry *chat = u ? chat_get(c, u, e->chat_id, p->hash, e->chat->key) : NULL;
    if (!chat || chat->customer != u) {
        cache_forget_all(c, e->rev, e->rev);
        return;
    }
    if (e->rev > chat->row_rev)
        chat->row_rev = e->rev;
    chat->marks_known = true; /* there are none */
    if (e->chat->key != 0)
        chat->key = e->chat->key;
    if (u->state != CUSTOMER_KNOWN && !chat->history) { /* else a load saw it already */
        size_t before = u->content->alloc_bytes;
        chat->history = content_add_history(u->content, e->chat, true);
        c->content_bytes += u->content->alloc_bytes - before;
        if (!chat->history)
            customer_unload(c, u);
    }
    customer_changed(c, u, e->rev, true);
}

static void apply_ai(struct cache *c, const struct event *e, struct prepared *p)
{
    struct chat_entry *chat = linked_chat(c, e, p->hash, e->ai.link);
    if (!chat) {
        cache_forget_all(c, e->rev, e->rev);
        return;
    }
    if (row_changed(chat, e))
        chat->flags = (uint8_t)((chat->flags & ~CHAT_AI_DISABLED) | (e->ai.enabled ? 0 : CHAT_AI_DISABLED));
    customer_changed(c, chat->customer, e->rev, false); /* no list shows the switch */
}

static void apply_chat_changed(struct cache *c, const struct event *e, struct prepared *p)
{
    struct chat_entry *chat = linked_chat(c, e, p->hash, e->changed.link);
    if (!chat) {
        cache_forget_all(c, e->rev, e->rev);
        return;
    }
    if (row_changed(chat, e)) {
        chat->flags = (uint8_t)((chat->flags & ~CHAT_CLOSED) | (e->changed.now->flags & CHAT_CLOSED));
        set_row(c, chat, e->changed.now);
    }
    customer_changed(c, chat->customer, e->rev, true);
}

/* A chat that is not in memory and finds no room there: what is read is written all the same, and no answer is kept. */
static void apply_read(struct cache *c, const struct event *e, struct prepared *p)
{
    struct chat_entry *chat = linked_chat(c, e, p->hash, e->read.link);
    if (!chat || e->read.mark <= chat->marks[e->read.side])
        return;
    chat->marks[e->read.side] = e->read.mark;
    if (chat->history)
        history_mark(chat->history, e->read.side, e->read.mark);
    chat_marked(c, chat, e->rev);
}

/* ---- what is not known in full ---- */

/* Another process changed something of the customer: it stands in front, and is loaded by who asks. */
static void apply_elsewhere(struct cache *c, const struct event *e, struct prepared *p)
{
    (void)p;
    struct customer_entry *u = customer_get(c, e->customer_id);
    if (!u) {
        cache_forget_all(c, e->rev, e->rev);
        return;
    }
    customer_unload(c, u);
    if (e->chat_id.len == 0) { /* it is no chat that changed: the customer's row, so perhaps its address */
        customer_forget_row(c, u);
        names_forget_all(c);
    }
    customer_changed(c, u, e->rev, true);
}

/* What the writer gave up while the store was failing may be stored all the same: the answer was lost, not the write.
 * While the store is away what is in memory is still the best there is, so it stays. */
static void apply_doubt(struct cache *c, const struct event *e, struct prepared *p)
{
    struct chat_entry *chat = e->chat_id.len > 0 ? index_chat(c, e->chat_id, p->hash) : NULL;
    if (chat)
        chain_front(&c->doubted, &chat->customer->doubt);
    c->doubt_cold |= !chat;
    c->doubt_all |= e->chat_id.len == 0;
    c->doubt_rev = e->rev > c->doubt_rev ? e->rev : c->doubt_rev;
    c->doubt_from = c->doubt_from == 0 || e->rev < c->doubt_from ? e->rev : c->doubt_from;
}

/* The store answers again: those whom a write in doubt concerns leave memory, and are loaded by who asks. */
static void apply_recovered(struct cache *c, const struct event *e, struct prepared *p)
{
    (void)e, (void)p;
    if (c->doubt_all)
        cache_forget_all(c, c->doubt_from, c->doubt_rev);
    else if (c->doubt_cold)
        cache_forget_order(c, c->doubt_from, c->doubt_rev);
    c->doubt_all = c->doubt_cold = false;
    while (c->doubted.count > 0) {
        struct customer_entry *u = entry_of(c->doubted.ends.next, struct customer_entry, doubt);
        chain_remove(&c->doubted, &u->doubt);
        customer_unload(c, u);
        customer_changed(c, u, c->doubt_rev, true);
        customer_lags(c, u, c->doubt_from);
    }
    if (c->doubt_from != 0) { /* a write in doubt may land later still: so cursors of the next while are marked "~" */
        c->late = c->change;
        c->recovered_us = clock_wall_us();
    }
    c->doubt_rev = c->doubt_from = 0;
}

/* ---- the table ---- */

/* prepare: without the lock. No apply: the event changes nothing here. */
static const struct {
    void (*prepare)(struct cache *c, const struct event *e, struct prepared *p);
    void (*apply)(struct cache *c, const struct event *e, struct prepared *p);
} reactions[EVENT_KINDS] = {
    [EVENT_MESSAGE] = {prepare_message, apply_message},
    [EVENT_REPEATED] = {NULL, apply_repeated},
    [EVENT_CHAT] = {NULL, apply_chat},
    [EVENT_CUSTOMER] = {prepare_customer, apply_customer},
    [EVENT_CHAT_CHANGED] = {NULL, apply_chat_changed},
    [EVENT_READ] = {NULL, apply_read},
    [EVENT_AI] = {NULL, apply_ai},
    [EVENT_DOUBT] = {NULL, apply_doubt},
    [EVENT_RECOVERED] = {NULL, apply_recovered},
    [EVENT_ELSEWHERE] = {NULL, apply_elsewhere},
};

static void prepare(struct cache *c, const struct event *e, struct prepared *p)
{
    *p = (struct prepared){.hash = e->chat_id.len > 0 ? index_hash(e->chat_id) : 0};
    if (reactions[e->kind].prepare)
        reactions[e->kind].prepare(c, e, p);
}

static void forget_stride(struct cache *c, const struct event *events, size_t count)
{
    int64_t lowest = INT64_MAX, highest = 0;
    for (size_t i = 0; i < count; i++) {
        highest = events[i].rev > highest ? events[i].rev : highest;
        lowest = events[i].rev > 0 && events[i].rev < lowest ? events[i].rev : lowest;
    }
    cache_forget_all(c, lowest, highest);
}

/* texts: some carry a message, so they are the writer's, and so is the scratch that takes what is rendered. */
static void apply_stride(struct cache *c, const struct event *events, size_t count, bool texts)
{
    struct prepared prepared[STRIDE];
    if (texts)
        buf_clear(&c->scratch);
    for (size_t i = 0; i < count; i++)
        prepare(c, &events[i], &prepared[i]);
    cache_lock(c);
    bool rendered = !texts || buf_ok(&c->scratch);
    for (size_t i = 0; rendered && i < count; i++)
        if (reactions[events[i].kind].apply)
            reactions[events[i].kind].apply(c, &events[i], &prepared[i]);
    if (!rendered) /* no memory for a stride's text: keep nothing that might miss it */
        forget_stride(c, events, count);
    c->stamped_rev = 0;
    cache_evict(c, EVICT_MAX);
    cache_unlock(c);
    for (size_t i = 0; i < count; i++)
        blob_drop(prepared[i].opening);
}

static void add_totals(struct cache *c, const struct totals *changed)
{
    int64_t delta[TOTALS_COUNT];
    memcpy(delta, changed, sizeof(delta));
    for (unsigned i = 0; i < TOTALS_COUNT; i++)
        if (delta[i] != 0) /* relaxed: one writer; readers need no order among them */
            atomic_fetch_add_explicit(&c->totals[i], delta[i], memory_order_relaxed);
}

/* Events of one change are of one stride: they get one stamp, which nobody sees before the last of them. */
static size_t next_stride(const struct event *events, size_t count)
{
    size_t n = count < STRIDE ? count : STRIDE;
    while (n > 1 && n < count && events[n].rev == events[n - 1].rev)
        n--;
    return n;
}

void cache_take(void *arg, const struct event *events, size_t count)
{
    struct cache *c = arg;
    bool texts = false, changes = false;
    for (size_t i = 0; i < count; i++) {
        texts |= events[i].kind == EVENT_MESSAGE;
        changes |= reactions[events[i].kind].apply != NULL;
        if (events[i].kind == EVENT_TOTALS)
            add_totals(c, events[i].totals);
    }
    for (size_t i = 0, n; c->enabled && changes && i < count; i += n) {
        n = next_stride(events + i, count - i);
        apply_stride(c, events + i, n, texts);
    }
}
