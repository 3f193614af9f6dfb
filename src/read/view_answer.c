/* What all views share: the query within its bounds, the ends of an answer, cursors and pages. */
#include "view_int.h"

struct view_query view_normal(const struct view_query *asked)
{
    struct view_query q = *asked;
    if (q.limit <= 0)
        q.limit = REFETCH_LIMIT;
    if (q.limit > LIMIT_MAX)
        q.limit = LIMIT_MAX;
    if (q.skip < 0 || q.view == VIEW_REFETCH)
        q.skip = 0;
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

enum err view_page(const struct view_query *q, struct history_span *chat)
{
    uint32_t end = chat->end;
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
    uint32_t limit = (uint32_t)q->limit;
    history_span_range(chat, end > limit ? end - limit : 0, end);
    return OK;
}

void view_keep_poll(struct cache *c, struct slice ident, uint64_t version, const struct view_answer *out)
{
    if (!c->enabled)
        return;
    uint32_t hash = index_hash(ident);
    cache_lock(c);
    struct cuser *u = names_user(c, ident, hash);
    if (u && u->state == USER_LOADED && u->version == version && !u->body)
        user_keep_body(c, u, out->body, out->question);
    cache_evict(c, 16);
    cache_unlock(c);
}
