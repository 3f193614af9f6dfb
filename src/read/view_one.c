/* Answers about one customer or one chat, and the totals. First how they are composed, by workers and readers alike; then how
 * a reader comes by what it composes. */
#include "view_int.h"

#include "base/clock.h"
#include "chat/email.h"
#include "read/resolve.h"

static enum err page_of(const struct view_query *q, struct history_span *chat)
{
    uint32_t end = chat->end, limit = (uint32_t)q->limit;
    if (q->view != VIEW_HISTORY)
        return OK;
    if (q->before.len > 0) {
        bool legacy;
        int64_t rev;
        uint64_t index;
        if (!message_id_parse(q->before, &legacy, &rev, &index))
            return ERR_INVALID;
        if (!legacy)
            end = history_span_place(chat, rev);
        else if (index < end)
            end = (uint32_t)index;
    }
    history_span_range(chat, end > limit ? end - limit : 0, end);
    return OK;
}

static void compose_one_chat(struct cache *c, const struct view_query *q, const struct snap *s, uint64_t max_bytes,
                             struct view_answer *out)
{
    const struct history_span *found = snap_chat(s, 0, q->ident);
    struct listed_chat chat = {.content = s->customers[0].content};
    if (found)
        chat.history = *found;
    struct look look = view_look(c, q);
    enum err e = found ? page_of(q, &chat.history) : ERR_NOT_FOUND;
    if (e != OK)
        view_fail(out, e);
    else if (chat.history.bytes <= max_bytes)
        view_give(c, out, q->view == VIEW_CHAT ? compose_chat(&chat, &look) : compose_history(&chat.history, &look),
                  s->customers[0].version);
}

/* Keeps a composed poll with its customer, if that is still at this version. */
static void keep_poll(struct cache *c, const struct snap_customer *seen, const struct view_answer *out)
{
    struct slice id = slice_of(seen->content->customer_id, seen->content->customer_id_len);
    uint32_t hash = index_hash(id);
    cache_lock(c);
    struct customer_entry *u = index_customer(c, id, hash);
    if (u && u->state == CUSTOMER_LOADED && u->version == seen->version && !u->body)
        customer_keep_body(c, u, out->body, out->question);
    cache_evict(c, 16);
    cache_unlock(c);
}

void view_compose_one(struct cache *c, const struct view_query *q, struct snap *s, const struct cursor *cursor,
                      uint64_t max_bytes, struct view_answer *out)
{
    const struct snap_customer *u = &s->customers[0];
    if (s->failed) {
        view_fail(out, ERR_NOMEM);
        return;
    }
    if (q->view == VIEW_CHAT || q->view == VIEW_HISTORY) {
        compose_one_chat(c, q, s, max_bytes, out);
        return;
    }
    if (q->has_since)
        snap_since(s, view_base(q));
    if (snap_bytes(s) > max_bytes)
        return;
    struct look look = view_look(c, q);
    view_give(c, out, q->view == VIEW_CUSTOMER ? compose_customer(s, &look) : compose_poll(s, &look, cursor),
              u->version);
    if (out->result == VIEW_OK && q->view == VIEW_POLL && !q->has_since && c->enabled)
        keep_poll(c, u, out);
}

void view_compose_ai(struct cache *c, struct slice chat_id, uint8_t flags, uint64_t version, struct view_answer *out)
{
    struct buf b;
    body_begin(&b, 128 + chat_id.len);
    render_ai(&b, chat_id, !(flags & CHAT_AI_DISABLED));
    view_give(c, out, body_end(&b), version);
}

void view_compose_totals(struct cache *c, enum view view, const struct totals *totals, struct view_answer *out)
{
    struct buf b;
    body_begin(&b, 256);
    if (view == VIEW_REPORT)
        render_report(&b, totals, clock_wall_us());
    else
        render_agent(&b, totals, clock_wall_us());
    view_give(c, out, body_end(&b), 0);
}

/* ---- readers ---- */

/* Whom the query is about. A dashboard may look at the customer who has a default address, of several the first. */
static enum err find_named(const struct reading *r, struct slice *id)
{
    struct customer row;
    enum err e = resolve_ident(r->cache, r->reader, r->query.ident, r->arena, id);
    if (e != ERR_NOT_FOUND || r->query.view != VIEW_CUSTOMER || !email_is_default(r->query.ident))
        return e;
    e = r->reader->vtable->read_customer(r->reader, CUSTOMER_BY_EMAIL, r->query.ident, r->arena, &row);
    *id = e == OK ? row.id : (struct slice){0};
    return e;
}

/* The chat's customer; from memory, else the store. */
static enum err find_customer_of_chat(const struct reading *r, struct slice *id)
{
    struct chat row = {0};
    struct chat_link link;
    bool known = cache_link(r->cache, r->query.ident, r->arena, &link);
    enum err e = known ? OK : r->reader->vtable->read_chat(r->reader, r->query.ident, r->arena, &row);
    *id = known ? link.customer_id : row.customer_id;
    return e;
}

void view_one(struct reading *r)
{
    struct cache *c = r->cache;
    const struct view_query *q = &r->query;
    struct snap s;
    struct slice id;
    bool customer = q->view == VIEW_POLL || q->view == VIEW_CUSTOMER;
    snap_init(&s, 1);
    enum err e = customer ? find_named(r, &id) : find_customer_of_chat(r, &id);
    if (e == OK)
        e = cache_acquire(c, r->reader, id, view_told(q), &s, 0);
    if (e == OK)
        r->answer->unmarked = view_unmarked(q, s.customers[0].unmarked);
    if (e != OK) {
        view_fail(r->answer, e);
    } else if (!c->enabled || !view_unchanged(c, q, s.customers[0].version, r->answer)) {
        cache_lock(c);
        struct cursor cursor = poll_cursor(c, &q->viewer, &s.customers[0]);
        cache_unlock(c);
        view_compose_one(c, q, &s, &cursor, UINT64_MAX, r->answer);
    }
    snap_fini(&s);
}

void view_ai(struct reading *r)
{
    struct chat row;
    enum err e = r->reader->vtable->read_chat(r->reader, r->query.ident, r->arena, &row);
    if (e == OK)
        view_compose_ai(r->cache, r->query.ident, row.flags, 0, r->answer);
    else
        view_fail(r->answer, e);
}

void view_totals(struct reading *r)
{
    struct totals totals;
    enum err e = r->reader->vtable->read_totals(r->reader, &totals);
    if (e == OK)
        view_compose_totals(r->cache, r->query.view, &totals, r->answer);
    else
        view_fail(r->answer, e);
}
