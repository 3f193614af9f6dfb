/* view_build(): what a reader does for a GET that memory alone could not answer; and what it shares with cache_serve(). */
#include "view_int.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "chat/email.h"

void view_parse_cursor(struct slice text, struct view_query *q)
{
    uint64_t rev, base = 0;
    q->has_since = false;
    q->since = q->since_base = 0;
    const char *bar = text.len > 0 ? memchr(text.ptr, '-', text.len) : NULL;
    size_t rev_len = bar ? (size_t)(bar - text.ptr) : text.len;
    if (!slice_to_u64(slice_of(text.ptr, rev_len), &rev) || rev > INT64_MAX || rev == 0)
        return;
    if (bar && (!slice_to_u64(slice_of(bar + 1, text.len - rev_len - 1), &base) || base > rev || base == 0))
        return;
    q->has_since = true;
    q->since = (int64_t)rev;
    q->since_base = (int64_t)base;
}

bool view_has_cursor(const struct cache *c, const struct view_query *q)
{
    /* A cursor from the future is of another database: the whole answer is the only right one. Who may not see all is told
     * by the clock: whether a cursor lies before the last change of anybody would tell when that was. */
    int64_t now = c->rev;
    if (q->viewer.kind != SCOPE_ALL)
        now = c->start_rev > clock_wall_us() ? c->start_rev : clock_wall_us();
    return q->has_since && q->since > 0 && q->since <= now;
}

uint64_t list_version(const struct cache *c, struct slice owner)
{
    return owner.len > 0 ? owner_version(c, owner) : c->inbox_version;
}

struct view_query view_normal(struct cache *c, const struct view_query *asked)
{
    struct view_query q = *asked;
    if (q.limit <= 0)
        q.limit = REFETCH_LIMIT;
    if (q.limit > LIMIT_MAX)
        q.limit = LIMIT_MAX;
    if (q.skip < 0)
        q.skip = 0;
    cache_lock(c);
    q.has_since = (q.view == VIEW_REFETCH || q.view == VIEW_POLL) && view_has_cursor(c, &q);
    cache_unlock(c);
    return q;
}

void view_fail(struct view_answer *out, enum err e)
{
    out->result = e == ERR_NOT_FOUND ? VIEW_NOT_FOUND : VIEW_FAILED;
    out->error = e;
    out->etag_len = 0;
}

void view_give(const struct cache *c, struct view_answer *out, struct blob *body, uint64_t version)
{
    if (!body) {
        view_fail(out, ERR_NOMEM);
        return;
    }
    out->result = VIEW_OK;
    out->body = body;
    out->etag_len = 0;
    if (version > 0 && c->enabled)
        cache_etag(c, version, out);
}

bool view_unchanged(const struct cache *c, const struct view_query *q, uint64_t version, struct view_answer *out)
{
    cache_etag(c, version, out);
    if (!etag_matches(q->if_none_match, out))
        return false;
    out->result = VIEW_NOT_MODIFIED;
    return true;
}

int64_t list_cursor(const struct view_query *q, const struct snap *s, int64_t asked_at, int64_t after)
{
    int64_t newest = after > 0 ? after : 1;
    if (q->owner.len == 0)
        return asked_at;
    for (size_t i = 0; i < s->user_count; i++)
        if (s->users[i].content && s->users[i].newest > newest && s->users[i].newest <= asked_at)
            newest = s->users[i].newest;
    return newest;
}

static struct slice variant_key(const struct view_query *q)
{
    return q->view == VIEW_CHATS ? q->email : q->owner;
}

/* An owner's list of chats is not kept: its key would be two texts, and it is asked for rarely. */
static bool variant_possible(const struct view_query *q)
{
    return q->view != VIEW_CHATS || q->owner.len == 0;
}

static int64_t variant_limit(const struct view_query *q)
{
    return q->limit <= 0 ? REFETCH_LIMIT : q->limit > LIMIT_MAX ? LIMIT_MAX : q->limit;
}

static int64_t variant_skip(const struct view_query *q)
{
    return q->view == VIEW_REFETCH || q->skip < 0 ? 0 : q->skip;
}

bool variant_is(const struct variant *v, const struct view_query *q)
{
    return v->used && v->view == q->view && v->limit == variant_limit(q) && v->skip == variant_skip(q) &&
           slice_eq(slice_of(v->key, v->key_len), variant_key(q));
}

struct variant *variant_find(struct cache *c, const struct view_query *q)
{
    if (!variant_possible(q))
        return NULL;
    for (unsigned i = 0; i < VARIANTS; i++)
        if (variant_is(&c->variants[i], q)) {
            c->variants[i].last_use = ++c->variant_clock;
            return &c->variants[i];
        }
    return NULL;
}

static void variant_clear(struct cache *c, struct variant *v)
{
    if (v->body)
        c->variant_bytes -= v->body->len;
    blob_drop(v->body);
    v->body = NULL;
}

struct variant *variant_pick(struct cache *c, const struct view_query *q)
{
    struct variant *v = variant_find(c, q);
    struct slice key = variant_key(q);
    if (v || key.len > sizeof(v->key) || !variant_possible(q))
        return v;
    v = &c->variants[0];
    for (unsigned i = 1; i < VARIANTS; i++)
        if (c->variants[i].last_use < v->last_use)
            v = &c->variants[i];
    variant_clear(c, v);
    v->used = true;
    v->view = q->view;
    v->limit = variant_limit(q);
    v->skip = variant_skip(q);
    v->key_len = key.len;
    if (key.len > 0)
        memcpy(v->key, key.ptr, key.len);
    v->version = 0;
    v->last_use = ++c->variant_clock;
    return v;
}

void variant_keep(struct cache *c, struct variant *v, struct blob *body, uint64_t version)
{
    if (v->body && version <= v->version)
        return;
    variant_clear(c, v);
    v->body = blob_hold(body);
    v->version = version;
    c->variant_bytes += body->len;
}

enum err view_page(const struct view_query *q, struct history_view *chat)
{
    uint32_t end = chat->end;
    if (q->before.len > 0) {
        bool legacy;
        int64_t rev;
        uint64_t index;
        if (!message_id_parse(q->before, &legacy, &rev, &index))
            return ERR_INVALID;
        if (!legacy)
            end = history_view_place(chat, rev);
        else if (index < end)
            end = (uint32_t)index;
    }
    uint32_t limit = (uint32_t)variant_limit(q);
    history_view_range(chat, end > limit ? end - limit : 0, end);
    return OK;
}

const struct history_view *snap_chat(const struct snap *s, size_t slot, struct slice chat_id)
{
    const struct user_view *u = &s->users[slot];
    for (size_t i = 0; i < u->chats; i++)
        if (slice_eq(history_chat_id(s->chats[u->first_chat + i].history), chat_id))
            return &s->chats[u->first_chat + i];
    return NULL;
}

/* Whom the query is about. A dashboard may look at the customer who has a default address, of several the first. */
static enum err find_asked(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
                           struct slice *id)
{
    struct user row;
    enum err e = cache_resolve(c, reader, q->ident, a, id);
    if (e != ERR_NOT_FOUND || q->view != VIEW_USER || !email_is_default(q->ident))
        return e;
    e = reader->vtable->read_user(reader, USER_BY_EMAIL, q->ident, a, &row);
    *id = e == OK ? row.id : (struct slice){0};
    return e;
}

static void build_user(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
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
        const struct user_view *u = &s.users[0];
        if (q->has_since)
            snap_since(&s, view_base(q));
        if (q->view == VIEW_USER)
            view_give(c, out, compose_user(&s), u->version);
        else
            view_give(c, out, compose_poll(&s, c->tag, poll_cursor(u)), u->version);
        if (out->result == VIEW_OK && q->view == VIEW_POLL && !q->has_since)
            view_keep_poll(c, id, u->version, out->body);
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
    const struct user_view *u = &s->users[0];
    const struct history_view *found = snap_chat(s, 0, q->ident);
    if (!found) {
        view_fail(out, ERR_NOT_FOUND);
        return;
    }
    struct chat_view chat = {.history = *found, .content = u->content};
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

static void build_chat(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
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

static void build_ai(struct cache *c, struct store_reader *reader, const struct view_query *q, struct arena *a,
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

static void build_totals(struct cache *c, struct store_reader *reader, const struct view_query *q,
                         struct view_answer *out)
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

void view_build(struct store_reader *reader, struct cache *cache, const struct view_query *query, struct arena *arena,
                struct view_answer *answer)
{
    struct view_query q = view_normal(cache, query);
    *answer = (struct view_answer){.result = VIEW_FAILED, .error = ERR_UNSUPPORTED};
    cache_question(cache, query, answer);
    switch (q.view) {
    case VIEW_POLL:
    case VIEW_USER:
        build_user(cache, reader, &q, arena, answer);
        break;
    case VIEW_CHAT:
    case VIEW_HISTORY:
        build_chat(cache, reader, &q, arena, answer);
        break;
    case VIEW_AI:
        build_ai(cache, reader, &q, arena, answer);
        break;
    case VIEW_REFETCH:
        if (q.has_since)
            view_changes(cache, reader, &q, arena, answer);
        else
            view_list(cache, reader, &q, arena, answer);
        break;
    case VIEW_USERS:
    case VIEW_CHATS:
        view_list(cache, reader, &q, arena, answer);
        break;
    case VIEW_REPORT:
    case VIEW_AGENT:
        build_totals(cache, reader, &q, answer);
        break;
    case VIEW_OVERVIEW:
        view_overview(cache, reader, arena, answer);
        break;
    case VIEW_COUNT:
        break;
    }
    if (answer->result == VIEW_NOT_MODIFIED)
        metrics_add(M_NOT_MODIFIED, 1);
}
