/* Answers from memory, on the worker: never waits, never asks the store.
 * Happy path: one lookup under the lock; a body that is kept is handed out by reference. Where it has to be composed
 * and is small, a snapshot is taken under the lock and the bytes are copied after it. All else is VIEW_LOAD. */
#include "view_int.h"

#include "base/metrics.h"

/* [lock] The customer that a query is about: by ident, or as the owner of a chat. */
static struct customer_entry *customer_of(struct cache *c, const struct view_query *q, uint32_t hash,
                                          struct chat_entry **chat)
{
    *chat = NULL;
    if (q->view == VIEW_POLL || q->view == VIEW_CUSTOMER)
        return names_customer(c, q->ident, hash);
    *chat = index_chat(c, q->ident, hash);
    return *chat ? (*chat)->customer : NULL;
}

/* [lock] The body of this version, where it is kept for who asks: its cursor is the asker's own. */
static bool kept_poll(const struct customer_entry *u, const struct view_query *q, struct view_answer *out)
{
    if (q->view != VIEW_POLL || q->has_since || !u->body || u->asked != out->question)
        return false;
    out->body = blob_hold(u->body);
    out->result = VIEW_OK;
    return true;
}

static bool is_large(const struct customer_entry *u, const struct chat_entry *chat, const struct view_query *q)
{
    if (q->has_since || q->view == VIEW_HISTORY)
        return false; /* only a part of it will be shown: view_compose_one() sees how much */
    return (chat && chat->history ? chat->history->bytes : u->content->bytes) > INLINE_BYTES;
}

static void serve_one(struct cache *c, const struct view_query *asked, struct view_answer *out)
{
    struct view_query q = view_normal(asked);
    struct snap_customer seen;
    struct snap s;
    struct chat_entry *chat;
    struct cursor cursor;
    uint32_t hash = index_hash(q.ident);
    bool compose = false;
    cache_lock(c);
    cursor_take(c, &q);
    struct customer_entry *u = customer_of(c, &q, hash, &chat);
    if (u)
        out->unmarked = view_unmarked(&q, u->unmarked);
    if (u && !view_unchanged(c, &q, u->version, out)) {
        customer_touch(c, u);
        compose = u->state == CUSTOMER_LOADED && !kept_poll(u, &q, out) && !is_large(u, chat, &q);
        if (compose) {
            snap_init(&s, 1);
            snap_customer_of(u, &seen);
            cursor = poll_cursor(c, &q.viewer, &seen);
            if (!s.failed)
                snap_fill(&s, 0, &seen, view_told(&q));
        }
    }
    cache_unlock(c);
    if (!compose)
        return;
    view_compose_one(c, &q, &s, &cursor, INLINE_BYTES, out);
    snap_fini(&s);
}

static void serve_ai(struct cache *c, const struct view_query *q, struct view_answer *out)
{
    uint32_t hash = index_hash(q->ident);
    uint64_t version = 0;
    uint8_t flags = 0;
    cache_lock(c);
    const struct chat_entry *chat = index_chat(c, q->ident, hash);
    if (chat) {
        version = chat->customer->version;
        flags = chat->flags;
    }
    cache_unlock(c);
    if (chat && !view_unchanged(c, q, version, out))
        view_compose_ai(c, q->ident, flags, version, out);
}

/* [lock] Customers changed, or marked, after the cursor, oldest first, where they are few, all loaded, and all known. */
static bool pick_changed(struct cache *c, const struct view_query *q, struct snap *s)
{
    struct customer_entry *picked[REFETCH_LIMIT + MARKED_MAX];
    size_t limit = q->limit < REFETCH_LIMIT ? (size_t)q->limit : REFETCH_LIMIT, count = 0, marked;
    bool none = q->owner.len > 0 && q->since_upto == 0 && owner_unchanged(c, q->owner, q->since);
    if (!none && !view_changed(c, q, picked, limit, &count))
        return false;
    view_marked(c, q, picked + count, &marked);
    count += marked;
    if (count > limit)
        return false;
    for (size_t i = 0; i < count; i++)
        if (picked[i]->state != CUSTOMER_LOADED || !picked[i]->owner)
            return false;
    snap_init(s, count);
    struct snap_customer seen;
    for (size_t i = 0; i < count && !s->failed; i++) {
        snap_customer_of(picked[count - 1 - i], &seen);
        snap_fill(s, i, &seen, view_told(q));
    }
    return true;
}

static void serve_changes(struct cache *c, const struct view_query *q, struct snap *s, const struct cursor *cursor,
                          uint64_t version, struct view_answer *out)
{
    struct look look = view_look(c, q);
    snap_since(s, view_base(q));
    if (s->failed)
        view_fail(out, ERR_NOMEM);
    else if (snap_bytes(s) <= INLINE_BYTES)
        view_give(c, out, compose_refetch(s, &look, cursor), version);
}

static void serve_list(struct cache *c, const struct view_query *asked, struct view_answer *out)
{
    struct view_query q = view_normal(asked);
    struct snap s;
    bool compose = false;
    cache_lock(c);
    uint64_t version = list_version(c, q.owner);
    struct cursor cursor = {0};
    cursor_take(c, &q);
    if (!view_unchanged(c, &q, version, out)) {
        struct kept_list *v = q.has_since ? NULL : kept_find(c, out->question);
        if (q.has_since) {
            compose = pick_changed(c, &q, &s);
            if (compose) {
                struct told told = list_cursor(&q, &s, told_now(c), (struct told){q.since, q.since_read});
                cursor = (struct cursor){.stamp = told.stamp, .read = told.read};
                owner_learn(c, q.owner, c->applied, cursor.stamp, true);
                cursor_sign(c, &q.viewer, &cursor);
            }
        } else if (v && v->body && v->version == version) {
            out->body = blob_hold(v->body);
            out->result = VIEW_OK;
        }
    }
    cache_unlock(c);
    if (!compose)
        return;
    serve_changes(c, &q, &s, &cursor, version, out);
    snap_fini(&s);
}

static void serve_totals(struct cache *c, const struct view_query *q, struct view_answer *out)
{
    struct totals totals;
    cache_totals(c, &totals);
    view_compose_totals(c, q->view, &totals, out);
}

static void (*const serves[VIEW_COUNT])(struct cache *c, const struct view_query *q, struct view_answer *out) = {
    [VIEW_POLL] = serve_one,       [VIEW_CUSTOMER] = serve_one, [VIEW_CHAT] = serve_one,
    [VIEW_HISTORY] = serve_one,    [VIEW_AI] = serve_ai,        [VIEW_REFETCH] = serve_list,
    [VIEW_CUSTOMERS] = serve_list, [VIEW_CHATS] = serve_list,   [VIEW_REPORT] = serve_totals,
    [VIEW_AGENT] = serve_totals,
};

void cache_serve(struct cache *c, const struct view_query *query, struct view_answer *out)
{
    *out = (struct view_answer){.result = VIEW_LOAD};
    cache_question(c, query, out);
    if (c->enabled && cache_is_open(c) && serves[query->view])
        serves[query->view](c, query, out);
    metrics_add(out->result == VIEW_LOAD ? M_CACHE_MISS : M_CACHE_HIT, 1);
    if (out->result == VIEW_NOT_MODIFIED)
        metrics_add(M_NOT_MODIFIED, 1);
    if (out->result == VIEW_LOAD)
        out->etag_len = 0;
}
