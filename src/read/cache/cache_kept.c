/* Listings that were composed, kept for whoever asks the same while nothing has changed. */
#include "cache_int.h"

struct kept_list *kept_find(struct cache *c, uint64_t question)
{
    for (unsigned i = 0; i < KEPT_MAX; i++)
        if (c->kept[i].question == question) {
            c->kept[i].last_use = ++c->kept_clock;
            return &c->kept[i];
        }
    return NULL;
}

static void clear(struct cache *c, struct kept_list *v)
{
    if (v->body)
        c->kept_bytes -= v->body->len;
    blob_drop(v->body);
    v->body = NULL;
}

struct kept_list *kept_pick(struct cache *c, uint64_t question, struct slice owner)
{
    struct kept_list *v = kept_find(c, question);
    if (v || owner.len > sizeof(v->owner))
        return v;
    v = &c->kept[0];
    for (unsigned i = 1; i < KEPT_MAX; i++)
        if (c->kept[i].last_use < v->last_use)
            v = &c->kept[i];
    clear(c, v);
    v->question = question;
    v->version = 0;
    v->last_use = ++c->kept_clock;
    v->owner_len = owner.len;
    if (owner.len > 0)
        memcpy(v->owner, owner.ptr, owner.len);
    return v;
}

void kept_put(struct cache *c, struct kept_list *v, struct blob *body, uint64_t version)
{
    if (v->body && version <= v->version)
        return;
    clear(c, v);
    v->body = blob_hold(body);
    v->version = version;
    c->kept_bytes += body->len;
}

bool kept_drop(struct cache *c, bool only_stale)
{
    for (unsigned i = 0; i < KEPT_MAX; i++) {
        struct kept_list *v = &c->kept[i];
        if (v->body && !(only_stale && v->version == list_version(c, slice_of(v->owner, v->owner_len)))) {
            clear(c, v);
            return true;
        }
    }
    return false;
}
