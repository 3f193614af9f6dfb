/* A customer's way into memory: found there, or loaded and kept. cache_fill.h has the steps. */
#include "cache_change.h"
#include "cache_fill.h"

#include "base/log.h"

void snap_customer_of(const struct customer_entry *u, struct snap_customer *out)
{
    *out = (struct snap_customer){.content = u->content,
                                  .opening = u->opening,
                                  .poll_at = u->poll_at,
                                  .last_seen_us = u->last_seen_us,
                                  .version = u->version,
                                  .unmarked = u->unmarked,
                                  .newest = u->newest,
                                  .late = u->late,
                                  .lag_us = u->lag_us,
                                  .marked = u->marked};
}

/* The highest stamp that a change of what was loaded can have had; no later change gets it. */
static int64_t loaded_stamp(struct cache *c, const struct fill *f, int64_t late, int64_t lag_us)
{
    int64_t newest = fill_newest(f), latest = newest + lag_us < late ? newest + lag_us : late;
    change_loaded(c, newest);
    return latest > newest ? latest : newest;
}

/* Appends what the writer recorded while the load ran and the load did not see. False: no memory, or a message that
 * the load should have seen is missing from it (a store that reads without a snapshot). */
static bool merge_history(struct fill *f, struct history *into, const struct history *recorded)
{
    struct history_span v;
    history_span_take(recorded, &v);
    struct history_iter it = history_iter(&v, SIDE_AGENTS);
    struct message_form form;
    int64_t rev, loaded_rev = into->last_rev;
    for (const char *fragment; (fragment = history_next_raw(&it, &form, &rev));) {
        if (rev <= loaded_rev) {
            if (!history_has(into, rev))
                return false;
        } else if (!history_append(f->content, into, fragment - 1, &form, rev)) {
            return false;
        }
    }
    if (recorded->rev > into->rev)
        into->rev = recorded->rev;
    if (recorded->count > 0) {
        into->last_activity_us = recorded->last_activity_us;
        into->updated_us = recorded->updated_us;
    }
    return true;
}

static struct chat_entry *own_chat(const struct cache *c, const struct customer_entry *u, const struct history *h)
{
    struct slice id = history_chat_id(h);
    struct chat_entry *chat = index_chat(c, id, index_hash(id));
    return chat && chat->customer == u ? chat : NULL;
}

/* Adds to the fill what the entry knows beyond it; changes nothing of the entry. False: the fill lacks what the entry knows
 * to be stored, so the store must be asked again. */
static bool bring_up(struct cache *c, struct customer_entry *u, struct fill *f, bool attached)
{
    if (u->load_void || (u->has_row && u->row_rev > f->row.rev && !u->opening))
        return false;
    for (struct chat_entry *chat = u->first; chat; chat = chat->next)
        chat->found = false;
    for (size_t i = 0; i < f->count; i++) {
        struct chat_entry *chat = own_chat(c, u, f->chats[i].history);
        if (!chat)
            continue;
        chat->found = true;
        if (chat->history && !merge_history(f, f->chats[i].history, chat->history))
            return false;
        if (f->chats[i].history->last_rev < chat->last_rev || f->chats[i].rev < chat->row_rev)
            return false;
    }
    for (const struct chat_entry *chat = u->first; chat; chat = chat->next) {
        bool born_here = chat->history && chat->history->complete;
        bool gone = attached && chat->at_begin &&
                    !chat->history; /* it was known before the load, and the load did not find it */
        if (!chat->found && !born_here && !gone)
            return false;
    }
    return true;
}

static void take_chat(struct cache *c, struct customer_entry *u, const struct fill_chat *from)
{
    const uint8_t has = CHAT_HAS_AGENT | CHAT_HAS_ASSISTANT;
    struct history *h = from->history;
    struct slice id = history_chat_id(h);
    struct chat_entry *chat = chat_get(c, u, id, index_hash(id), from->key);
    if (!chat || chat->customer != u)
        return; /* a send to it finds no history, and unloads the customer */
    chat->flags = (uint8_t)((chat->flags & has) | from->flags);
    if (from->key != 0)
        chat->key = from->key;
    chat->row_rev = from->rev;
    chat->last_rev = h->last_rev;
    if (from->rev > h->rev)
        h->rev = from->rev;
    for (unsigned side = 0; side < 2; side++) {
        history_mark(h, side, chat->marks[side]); /* the store may not have the last ones yet */
        chat->marks[side] = h->marks[side];
    }
    chat->marks_known = true;
    h->marked = u->marked; /* which of its chats it was is not known any more */
    chat->history = h;
}

/* Chats that the load did not have: born while it ran, or gone from the store. */
static void sort_out_others(struct cache *c, struct customer_entry *u, struct content *old, struct content *loaded)
{
    struct chat_entry *next;
    for (struct chat_entry *chat = u->first; chat; chat = next) {
        next = chat->next;
        if (chat->found)
            continue;
        if (chat->history)
            history_move(old, loaded, chat->history);
        else
            chat_forget(c, chat);
    }
}

/* After bring_up(): the fill's content becomes the entry's. */
static void take_over(struct cache *c, struct customer_entry *u, struct fill *f)
{
    struct content *old = u->content;
    if (old)
        c->content_bytes -= old->alloc_bytes;
    sort_out_others(c, u, old, f->content);
    for (size_t i = 0; i < f->count; i++)
        take_chat(c, u, &f->chats[i]);
    u->content = content_hold(f->content);
    c->content_bytes += u->content->alloc_bytes;
    if (old) {
        old->next_garbage = c->garbage;
        c->garbage = old;
    }
    u->state = CUSTOMER_LOADED;
    u->load_void = false;
    if (c->doubt_cold) /* it may be the one in doubt, and the write may land yet */
        chain_front(&c->doubted, &u->doubt);
    int64_t stamp = loaded_stamp(c, f, u->late, u->lag_us);
    u->newest = stamp > u->newest ? stamp : u->newest;
    struct blob *opening =
        blob_hold(f->opening); /* a reference of its own: if it cannot be installed, the fill answers */
    bool newer = !u->has_row || !u->opening || f->row.rev >= u->row_rev;
    if (newer)
        customer_set_row(c, u, &f->row, opening, f->poll_at);
    else
        blob_drop(opening);
    if (u->state == CUSTOMER_LOADED && !u->opening) /* no memory for the row */
        customer_unload(c, u);
    else
        customer_relist(c, u);
}

/* False: no memory, the entry stays as it is. */
static bool load_begin(struct cache *c, struct customer_entry *u)
{
    u->content = content_new(&c->content_memory, slice_of(u->id, u->id_len));
    if (!u->content)
        return false;
    c->content_bytes += u->content->alloc_bytes;
    u->state = CUSTOMER_LOADING;
    u->load_void = false;
    for (struct chat_entry *chat = u->first; chat; chat = chat->next)
        chat->at_begin = true;
    customer_relist(c, u);
    return true;
}

/* Back to KNOWN: nothing was installed. */
static void load_abort(struct cache *c, struct customer_entry *u)
{
    u->state = CUSTOMER_LOADED;
    u->load_void = false;
    customer_unload(c, u);
}

/* One cache_acquire() on its way. */
struct acquire {
    struct cache *cache;
    struct store_reader *reader;
    struct slice ident;    /* an id; of an existing chat it may be another form of it */
    char id[ENTRY_ID_MAX]; /* the customer's own, once a load has told it: ident points here then */
    struct told told;
    struct snap *snap;
    size_t slot;
    uint64_t cuts; /* order_cuts before the store was asked */
};

static void fill_slot(struct acquire *a, struct customer_entry *u)
{
    struct snap_customer seen;
    customer_touch(a->cache, u);
    snap_customer_of(u, &seen);
    snap_fill(a->snap, a->slot, &seen, a->told);
}

/* One load's end. u: the entry that was LOADING meanwhile, or NULL. True: the slot is filled. */
static bool install(struct acquire *a, struct customer_entry *u, struct fill *f)
{
    struct cache *c = a->cache;
    struct customer_entry *target = customer_get(c, f->row.id);
    if (!target || (u && target != u) || (!u && target->state == CUSTOMER_LOADING))
        return false;
    if (target->state != CUSTOMER_LOADED) {
        if (!u && a->cuts != c->order_cuts) /* an entry that knew of a newer change may have come and gone since */
            return false;
        if (!bring_up(c, target, f, u != NULL))
            return false;
        take_over(c, target, f);
        if (target->state != CUSTOMER_LOADED)
            return false;
    }
    fill_slot(a, target);
    return true;
}

enum attempt { ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_AGAIN };

/* Loads once and installs if it can; f is left filled when it cannot. u: LOADING, or NULL. */
static enum attempt load_once(struct acquire *a, struct customer_entry *u, struct fill *f, enum err *e)
{
    struct cache *c = a->cache;
    /* A LOADING entry is not freed, and its id never changes. */
    *e = fill_load(f, a->reader, u ? slice_of(u->id, u->id_len) : a->ident);
    if (!c->enabled)
        return *e == OK ? ATTEMPT_AGAIN : ATTEMPT_FAILED;
    cache_lock(c);
    bool installed = *e == OK && install(a, u, f);
    if (u && u->state == CUSTOMER_LOADING)
        load_abort(c, u);
    if (u)
        must(pthread_cond_broadcast(&c->load_done) == 0);
    cache_evict(c, UINT8_MAX);
    cache_unlock(c);
    return installed ? ATTEMPT_DONE : *e != OK ? ATTEMPT_FAILED : ATTEMPT_AGAIN;
}

/* True: the slot is filled from memory. Else *loading is the entry that this reader loads now, or NULL for none. */
static bool from_memory(struct acquire *a, struct customer_entry **loading)
{
    struct cache *c = a->cache;
    uint32_t hash = index_hash(a->ident);
    *loading = NULL;
    if (!c->enabled)
        return false;
    cache_lock(c);
    struct customer_entry *u = index_customer(c, a->ident, hash);
    while (u && u->state == CUSTOMER_LOADING) { /* by another reader: its result is ours */
        must(pthread_cond_wait(&c->load_done, &c->lock) == 0);
        u = index_customer(c, a->ident, hash);
    }
    bool loaded = u && u->state == CUSTOMER_LOADED;
    if (loaded)
        fill_slot(a, u);
    else if (u && load_begin(c, u))
        *loading = u;
    a->cuts = c->order_cuts;
    cache_unlock(c);
    return loaded;
}

/* What could not be installed was still read after the question was asked. Its version is new, so that its ETag
 * matches nothing later. */
static void answer_from_fill(struct acquire *a, const struct fill *f)
{
    struct snap_customer seen;
    fill_customer(f, &seen);
    cache_lock(a->cache);
    seen.version = seen.unmarked = ++a->cache->version;
    seen.late = a->cache->late;
    seen.lag_us = a->cache->lag_us;
    seen.newest = loaded_stamp(a->cache, f, seen.late, seen.lag_us);
    cache_unlock(a->cache);
    snap_fill(a->snap, a->slot, &seen, a->told);
}

static void remember_id(struct acquire *a, const struct fill *f)
{
    if (f->row.id.len > sizeof(a->id))
        return;
    memcpy(a->id, f->row.id.ptr, f->row.id.len);
    a->ident = slice_of(a->id, f->row.id.len);
}

enum err cache_acquire(struct cache *c, struct store_reader *reader, struct slice ident, struct told told,
                       struct snap *s, size_t slot)
{
    struct acquire a = {.cache = c, .reader = reader, .ident = ident, .told = told, .snap = s, .slot = slot};
    enum err e = OK;
    enum attempt attempt = ATTEMPT_AGAIN;
    for (int i = 1; attempt == ATTEMPT_AGAIN; i++) {
        struct customer_entry *loading;
        if (from_memory(&a, &loading))
            break;
        struct fill f;
        fill_init(&f, &c->content_memory);
        attempt = load_once(&a, loading, &f, &e);
        if (attempt == ATTEMPT_AGAIN && (!c->enabled || i == FILL_TRIES)) {
            answer_from_fill(&a, &f);
            attempt = ATTEMPT_DONE;
            if (c->enabled)
                log_warn("customer not cached", "tries=%d", i);
        }
        if (attempt == ATTEMPT_AGAIN)
            remember_id(&a, &f);
        fill_fini(&f);
    }
    return e == OK && s->failed ? ERR_NOMEM : e;
}

enum err cache_load_customer(struct cache *c, struct store_reader *reader, struct slice id)
{
    struct snap s;
    if (!c->enabled)
        return OK;
    snap_init(&s, 1);
    enum err e = s.failed ? ERR_NOMEM : cache_acquire(c, reader, id, told_all, &s, 0); /* so the snap stays empty */
    snap_fini(&s);
    return e;
}
