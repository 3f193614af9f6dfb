/* Readers' answers about one customer or one chat, and the totals. */
#include "view_int.h"

#include "base/clock.h"
#include "chat/email.h"
#include "read/resolve.h"

/* Whom the query is about. A dashboard may look at the customer who has a default address, of several the first. */
static enum err find_asked(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
                           struct slice *id)
{
    struct user row;
    enum err e = resolve_ident(c, reader, q->ident, a, id);
    if (e != ERR_NOT_FOUND || q->view != VIEW_USER || !email_is_default(q->ident))
        return e;
    e = reader->vtable->read_user(reader, USER_BY_EMAIL, q->ident, a, &row);
    *id = e == OK ? row.id : (struct slice){0};
    return e;
}

static struct blob *compose_signed_poll(struct cache *c, const struct view_query *q, const struct snap *s)
{
    cache_lock(c);
    struct cursor cursor = poll_cursor(c, &q->viewer, &s->users[0]);
    cache_unlock(c);
    return compose_poll(s, c->tag, &cursor);
}

void view_user(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
               struct view_answer *out)
{
    struct snap s;
    struct slice id;
    snap_init(&s, 1);
    enum err e = find_asked(c, reader, q, a, &id);
    if (e == OK)
        e = cache_acquire(c, reader, id, q->has_since ? q->since : SINCE_ALL, &s, 0);
    if (e != OK) {
        view_fail(out, e);
    } else if (!c->enabled || !view_unchanged(c, q, s.users[0].version, out)) {
        const struct snap_user *u = &s.users[0];
        if (q->has_since)
            snap_since(&s, view_base(q));
        if (q->view == VIEW_USER)
            view_give(c, out, compose_user(&s), u->version);
        else
            view_give(c, out, compose_signed_poll(c, q, &s), u->version);
        if (out->result == VIEW_OK && q->view == VIEW_POLL && !q->has_since)
            view_keep_poll(c, id, u->version, out);
    }
    snap_fini(&s);
}

/* The id of the chat's customer; from the cache, else the store. row: filled only when the store was asked. */
static enum err customer_of(struct cache *c, struct store_reader *reader, struct slice chat_id, struct arena *a,
                            struct slice *user_id, struct chat *row)
{
    *row = (struct chat){0};
    if (cache_chat_user(c, chat_id, a, user_id))
        return OK;
    enum err e = reader->vtable->chat_owner(reader, chat_id, a, row);
    if (e == OK)
        *user_id = row->user_id;
    return e;
}

static void compose_one_chat(struct cache *c, const struct view_query *q, const struct snap *s, struct view_answer *out)
{
    const struct snap_user *u = &s->users[0];
    const struct history_span *found = snap_chat(s, 0, q->ident);
    if (!found) {
        view_fail(out, ERR_NOT_FOUND);
        return;
    }
    struct listed_chat chat = {.history = *found, .content = u->content};
    if (q->view == VIEW_CHAT) {
        view_give(c, out, compose_chat(&chat, c->tag), u->version);
        return;
    }
    enum err e = view_page(q, &chat.history);
    if (e == OK)
        view_give(c, out, compose_history(&chat.history, c->tag), u->version);
    else
        view_fail(out, e);
}

void view_chat(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
               struct view_answer *out)
{
    struct slice user_id;
    struct chat row;
    struct snap s;
    snap_init(&s, 1);
    enum err e = customer_of(c, reader, q->ident, a, &user_id, &row);
    if (e == OK)
        e = cache_acquire(c, reader, user_id, SINCE_ALL, &s, 0);
    if (e != OK)
        view_fail(out, e);
    else if (!c->enabled || !view_unchanged(c, q, s.users[0].version, out))
        compose_one_chat(c, q, &s, out);
    snap_fini(&s);
}

void view_ai(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
             struct view_answer *out)
{
    struct chat row;
    enum err e = reader->vtable->chat_owner(reader, q->ident, a, &row);
    if (e != OK) {
        view_fail(out, e);
        return;
    }
    struct buf b;
    body_begin(&b, 128 + q->ident.len);
    render_ai(&b, q->ident, !(row.flags & CHAT_AI_DISABLED));
    view_give(c, out, body_end(&b), 0);
}

void view_totals(struct cache *c, struct store_reader *reader, const struct view_query *q, struct view_answer *out)
{
    struct totals totals;
    enum err e = reader->vtable->read_totals(reader, &totals);
    if (e != OK) {
        view_fail(out, e);
        return;
    }
    struct buf b;
    body_begin(&b, 256);
    if (q->view == VIEW_REPORT)
        render_report(&b, &totals, clock_wall_us());
    else
        render_agent(&b, &totals, clock_wall_us());
    view_give(c, out, body_end(&b), 0);
}
