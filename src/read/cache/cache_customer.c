/* The entries: customers and their chats, from KNOWN to LOADED and back. */
#include "cache_change.h"
#include "cache_int.h"

#define SELF_TEXT_MAX 4096 /* bytes; nobody asks by a longer one */

struct customer_entry *customer_get(struct cache *c, struct slice id)
{
    uint32_t hash = index_hash(id);
    struct customer_entry *u = index_customer(c, id, hash);
    if (u || id.len == 0 || id.len > ENTRY_ID_MAX)
        return u;
    u = entry_new(c, sizeof(*u) + id.len);
    if (!u)
        return NULL;
    u->id_len = (uint16_t)id.len;
    memcpy(u->id, id.ptr, id.len);
    u->version = u->unmarked = ++c->version;
    u->late = c->late; /* it may have changed late while it was not in memory */
    u->lag_us = c->lag_us;
    index_add(c, &u->by_id, INDEX_CUSTOMER, hash);
    c->customers++;
    customer_relist(c, u);
    return u;
}

struct chat_entry *chat_get(struct cache *c, struct customer_entry *u, struct slice id, uint32_t hash, int64_t key)
{
    struct chat_entry *chat = index_chat(c, id, hash);
    if (chat || id.len == 0 || id.len > ENTRY_ID_MAX)
        return chat;
    chat = entry_new(c, sizeof(*chat) + id.len);
    if (!chat)
        return NULL;
    chat->id_len = (uint16_t)id.len;
    memcpy(chat->id, id.ptr, id.len);
    chat->key = key;
    chat->customer = u;
    index_add(c, &chat->by_id, INDEX_CHAT, hash);
    if (u->last)
        u->last->next = chat;
    else
        u->first = chat;
    u->last = chat;
    u->chat_count++;
    c->chats++;
    return chat;
}

static void chat_free(struct cache *c, struct chat_entry *chat)
{
    index_remove(c, &chat->by_id);
    c->chats--;
    entry_free(c, chat, sizeof(*chat) + chat->id_len);
}

void chat_forget(struct cache *c, struct chat_entry *chat)
{
    struct customer_entry *u = chat->customer;
    struct chat_entry *before = NULL;
    for (struct chat_entry *at = u->first; at != chat; at = at->next)
        before = at;
    if (before)
        before->next = chat->next;
    else
        u->first = chat->next;
    if (u->last == chat)
        u->last = before;
    u->chat_count--;
    chat_free(c, chat);
}

struct blob *customer_render_opening(struct slab *memory, const struct customer *row, uint32_t *poll_at)
{
    struct buf b;
    buf_init(&b);
    render_customer_opening(&b, row);
    *poll_at = (uint32_t)b.len;
    render_poll_opening(&b, row);
    struct blob *opening = buf_ok(&b) ? blob_copy(memory, buf_slice(&b)) : NULL;
    buf_fini(&b);
    return opening;
}

static size_t blob_bytes(const struct blob *b)
{
    return b ? slab_size(sizeof(*b) + b->len) : 0;
}

static void set_opening(struct cache *c, struct customer_entry *u, struct blob *opening, uint32_t poll_at)
{
    c->content_bytes += blob_bytes(opening);
    c->content_bytes -= blob_bytes(u->opening);
    blob_drop(u->opening);
    u->opening = opening;
    u->poll_at = poll_at;
}

static void drop_body(struct cache *c, struct customer_entry *u)
{
    c->content_bytes -= blob_bytes(u->body);
    blob_drop(u->body);
    u->body = NULL;
}

void customer_keep_body(struct cache *c, struct customer_entry *u, struct blob *body, uint64_t asked)
{
    drop_body(c, u);
    u->body = blob_hold(body);
    u->asked = asked;
    c->content_bytes += blob_bytes(body);
}

static void drop_self(struct cache *c, struct customer_entry *u)
{
    entry_free(c, u->self, (size_t)u->email_len + u->ref_len + u->claim_len + 1);
    u->self = NULL;
}

void customer_forget_row(struct cache *c, struct customer_entry *u)
{
    u->has_row = false;
    drop_self(c, u);
}

static struct slice kept(struct slice s)
{
    return s.len > SELF_TEXT_MAX ? slice_of(NULL, 0) : s;
}

/* No memory: self is NULL, and the store is asked. */
static void set_self(struct cache *c, struct customer_entry *u, const struct customer *row)
{
    struct slice email = kept(row->email), ref = kept(row->reference), claim = kept(row->claimed_email);
    drop_self(c, u);
    u->email_len = (uint16_t)email.len;
    u->ref_len = (uint16_t)ref.len;
    u->claim_len = (uint16_t)claim.len;
    u->self = entry_new(c, email.len + ref.len + claim.len + 1);
    if (u->self)
        (void)slice_put(slice_put(slice_put(u->self, email), ref), claim);
}

void customer_set_row(struct cache *c, struct customer_entry *u, const struct customer *row, struct blob *opening,
                      uint32_t poll_at)
{
    if (u->has_row && row->rev < u->row_rev) {
        blob_drop(opening);
        return;
    }
    u->has_row = true;
    owner_set(c, u, row->owner);
    set_self(c, u, row);
    if (row->key != 0)
        u->key = row->key;
    u->row_rev = row->rev;
    u->newest = row->rev > u->newest ? row->rev : u->newest;
    u->last_seen_us = row->last_seen_us;
    if (u->state == CUSTOMER_KNOWN)
        blob_drop(opening);
    else
        set_opening(c, u, opening, poll_at);
    if (u->state == CUSTOMER_LOADED && !opening)
        customer_unload(c, u); /* no memory for the new opening: the old one would be stale */
}

bool customer_bear(struct cache *c, struct customer_entry *u)
{
    must(u->state == CUSTOMER_KNOWN && !u->content);
    u->content = content_new(&c->content_memory, slice_of(u->id, u->id_len));
    if (!u->content)
        return false;
    c->content_bytes += u->content->alloc_bytes;
    u->state = CUSTOMER_LOADED;
    customer_relist(c, u);
    return true;
}

/* Into the garbage; the state is the caller's. */
static void release_content(struct cache *c, struct customer_entry *u)
{
    struct content *content = u->content;
    if (!content)
        return;
    c->content_bytes -= content->alloc_bytes;
    for (struct chat_entry *chat = u->first; chat; chat = chat->next)
        chat->history = NULL;
    content->next_garbage = c->garbage;
    c->garbage = content;
    u->content = NULL;
}

void customer_unload(struct cache *c, struct customer_entry *u)
{
    if (u->state == CUSTOMER_LOADING) { /* the reader that loads it sees load_void, and loads again */
        u->load_void = true;
        return;
    }
    release_content(c, u);
    drop_body(c, u);
    set_opening(c, u, NULL, 0);
    u->state = CUSTOMER_KNOWN;
    customer_relist(c, u);
}

static struct chain *lru_list(struct cache *c, enum lru_list in)
{
    return in == LRU_LOADED ? &c->loaded : &c->expendable;
}

void customer_relist(struct cache *c, struct customer_entry *u)
{
    enum lru_list in = LRU_NONE;
    if (u->state == CUSTOMER_LOADED)
        in = LRU_LOADED;
    else if (u->state == CUSTOMER_KNOWN && !in_chain(&u->order))
        in = LRU_EXPENDABLE;
    if (u->lru_in != in && u->lru_in != LRU_NONE)
        chain_remove(lru_list(c, u->lru_in), &u->lru);
    u->lru_in = (uint8_t)in;
    if (in != LRU_NONE)
        chain_front(lru_list(c, in), &u->lru);
}

void customer_touch(struct cache *c, struct customer_entry *u)
{
    if (u->lru_in == LRU_LOADED)
        chain_front(&c->loaded, &u->lru);
}

void customer_lags(struct cache *c, struct customer_entry *u, int64_t lowest)
{
    change_lags(c, lowest);
    u->late = u->newest;
    if (u->newest - lowest > u->lag_us)
        u->lag_us = u->newest - lowest;
}

static void renew(struct cache *c, struct customer_entry *u)
{
    u->version = c->inbox_version = ++c->version;
    drop_body(c, u);
}

void chat_marked(struct cache *c, struct chat_entry *chat, int64_t rev)
{
    struct customer_entry *u = chat->customer;
    renew(c, u);
    owner_renewed(c, u);
    u->marked = mark_stamp(c, rev);
    if (u->owner)
        u->owner->marked = u->marked;
    if (chat->history)
        chat->history->marked = u->marked;
    chain_front(&c->marked, &u->marks);
    if (c->marked.count > MARKED_MAX)
        chain_remove(&c->marked, c->marked.ends.prev);
}

void customer_changed(struct cache *c, struct customer_entry *u, int64_t rev, bool active)
{
    int64_t stamp = change_stamp(c, rev);
    renew(c, u);
    u->unmarked = u->version;
    owner_changed(c, u, stamp);
    u->newest = stamp;
    if (stamp != rev)
        customer_lags(c, u, rev);
    if (!active)
        return;
    u->change = stamp;
    chain_front(&c->order, &u->order);
    customer_relist(c, u);
}

void customer_leave_order(struct cache *c, struct customer_entry *u)
{
    if (!in_chain(&u->order))
        return;
    chain_remove(&c->order, &u->order);
    c->order_all = false;
    c->order_cuts++;
    if (u->change > c->changes_floor)
        c->changes_floor = u->change;
}

void customer_free(struct cache *c, struct customer_entry *u)
{
    must(u->state != CUSTOMER_LOADING);
    if (u->state == CUSTOMER_LOADED)
        customer_unload(c, u);
    while (u->first) {
        struct chat_entry *next = u->first->next;
        chat_free(c, u->first);
        u->first = next;
    }
    index_remove(c, &u->by_id);
    names_forget_customer(c, u);
    drop_self(c, u);
    if (u->lru_in != LRU_NONE)
        chain_remove(lru_list(c, u->lru_in), &u->lru);
    customer_leave_order(c, u);
    c->doubt_cold |= in_chain(&u->doubt);
    chain_remove(&c->doubted, &u->doubt);
    chain_remove(&c->marked, &u->marks);
    owner_forget(c, u);
    c->customers--;
    entry_free(c, u, sizeof(*u) + u->id_len);
}
