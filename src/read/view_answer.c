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

/* The later one, unless that is after everything that was known. */
static int64_t later(int64_t at, int64_t other, int64_t asked_at)
{
    return other > at && other <= asked_at ? other : at;
}

struct told list_cursor(const struct view_query *q, const struct snap *s, struct told asked_at, struct told after)
{
    struct told told = {after.stamp > 0 ? after.stamp : 1, after.read};
    if (q->owner.len == 0)
        return asked_at;
    for (size_t i = 0; i < s->customer_count; i++)
        if (s->customers[i].content) {
            told.stamp = later(told.stamp, s->customers[i].newest, asked_at.stamp);
            told.read = later(told.read, s->customers[i].marked, asked_at.read);
        }
    return told;
}

void view_marked(const struct cache *c, const struct view_query *q, struct customer_entry *out[static MARKED_MAX],
                 size_t *count)
{
    *count = 0;
    if (q->owner.len > 0 && owner_marked(c, q->owner) <= q->since_read)
        return;
    for (const struct chain_node *at = c->marked.ends.next; at != &c->marked.ends; at = at->next) {
        struct customer_entry *u = entry_of(at, struct customer_entry, marks);
        if (u->marked <= q->since_read)
            return;
        bool others = q->owner.len > 0 && !(u->owner && slice_eq(customer_owner(u), q->owner));
        if (!others && u->change <= q->since)
            out[(*count)++] = u;
    }
}

bool view_changed(const struct cache *c, const struct view_query *q, struct customer_entry **out, size_t max,
                  size_t *count)
{
    size_t looked = 0;
    *count = 0;
    if (q->since < c->changes_floor || q->since_upto > 0)
        return false;
    for (const struct chain_node *at = c->order.ends.next; at != &c->order.ends; at = at->next) {
        struct customer_entry *u = entry_of(at, struct customer_entry, order);
        if (u->change <= q->since)
            return true;
        bool others = q->owner.len > 0 && u->owner && !slice_eq(customer_owner(u), q->owner);
        if (looked++ == CHANGES_MAX || (!others && *count == max))
            return false;
        if (!others)
            out[(*count)++] = u;
    }
    return true;
}
