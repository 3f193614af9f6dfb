/* Listings that were composed, kept for whoever asks the same while nothing has changed. What one is kept by is the query
 * as view_normal() leaves it: view, limit, skip, and the one text that it may name. */
#include "cache_int.h"

static struct slice text_of(const struct view_query *q)
{
    return q->view == VIEW_CHATS ? q->email : q->owner;
}

/* An owner's list of chats is not kept: its key would be two texts, and it is asked for rarely. */
static bool can_keep(const struct view_query *q)
{
    return q->view != VIEW_CHATS || q->owner.len == 0;
}

bool kept_is(const struct kept_list *v, const struct view_query *q)
{
    return v->used && v->view == q->view && v->limit == q->limit && v->skip == q->skip &&
           slice_eq(slice_of(v->text, v->text_len), text_of(q));
}

struct kept_list *kept_find(struct cache *c, const struct view_query *q)
{
    if (!can_keep(q))
        return NULL;
    for (unsigned i = 0; i < KEPT_MAX; i++)
        if (kept_is(&c->kept[i], q)) {
            c->kept[i].last_use = ++c->kept_clock;
            return &c->kept[i];
        }
    return NULL;
}

static void kept_clear(struct cache *c, struct kept_list *v)
{
    if (v->body)
        c->kept_bytes -= v->body->len;
    blob_drop(v->body);
    v->body = NULL;
}

struct kept_list *kept_pick(struct cache *c, const struct view_query *q)
{
    struct kept_list *v = kept_find(c, q);
    struct slice text = text_of(q);
    if (v || text.len > sizeof(v->text) || !can_keep(q))
        return v;
    v = &c->kept[0];
    for (unsigned i = 1; i < KEPT_MAX; i++)
        if (c->kept[i].last_use < v->last_use)
            v = &c->kept[i];
    kept_clear(c, v);
    v->used = true;
    v->view = q->view;
    v->limit = q->limit;
    v->skip = q->skip;
    v->text_len = text.len;
    if (text.len > 0)
        memcpy(v->text, text.ptr, text.len);
    v->version = 0;
    v->last_use = ++c->kept_clock;
    return v;
}

void kept_put(struct cache *c, struct kept_list *v, struct blob *body, uint64_t version)
{
    if (v->body && version <= v->version)
        return;
    kept_clear(c, v);
    v->body = blob_hold(body);
    v->version = version;
    c->kept_bytes += body->len;
}

bool kept_drop(struct cache *c, bool only_stale)
{
    for (unsigned i = 0; i < KEPT_MAX; i++) {
        struct kept_list *v = &c->kept[i];
        struct slice owner = slice_of(v->text, v->view == VIEW_CHATS ? 0 : v->text_len);
        if (v->body && !(only_stale && v->version == list_version(c, owner))) {
            kept_clear(c, v);
            return true;
        }
    }
    return false;
}
