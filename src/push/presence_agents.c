/* Agents: each with an id has an entry, under its owner; of the others an owner knows how many they are. */
#include "presence_state.h"

#include <stdlib.h>

static struct owner *owner_new(struct slice id)
{
    struct owner *o = malloc(sizeof(*o) + id.len);
    if (!o)
        return NULL;
    *o = (struct owner){.id_len = id.len};
    map_init(&o->agents);
    link_init(&o->in_order);
    if (id.len > 0)
        memcpy(o->id, id.ptr, id.len);
    return o;
}

static void owner_free(struct owner *o)
{
    map_fini(&o->agents);
    free(o);
}

/* NULL: it has no agents. */
static struct owner *owner_find(const struct presence *p, struct slice id)
{
    return id.len == 0 ? p->nobody : map_get(&p->owners, id);
}

static struct owner *owner_get(struct presence *p, struct slice id)
{
    struct owner *o = owner_find(p, id);
    if (o)
        return o;
    o = owner_new(id);
    if (o && map_put(&p->owners, slice_of(o->id, o->id_len), o) != OK) {
        owner_free(o);
        return NULL;
    }
    return o;
}

static void owner_release(struct presence *p, struct owner *o)
{
    if (o->total > 0 || o == p->nobody)
        return;
    map_remove(&p->owners, slice_of(o->id, o->id_len));
    owner_free(o);
}

static struct slice owner_id(const struct ws_principal *who)
{
    return who ? who->id : slice_of(NULL, 0);
}

/* One more or one less. */
static void count(struct presence *p, const struct presence_watcher *self, struct owner *o, int delta)
{
    o->total += delta;
    p->total += delta;
    o->changed = p->agents_changed = presence_tell(p, self, PRESENCE_STATUS | PRESENCE_CHATS);
}

/* Takes the place of one that is leaving, as far as anybody can tell. */
static bool nameless_comes_back(struct owner *o)
{
    struct nameless *n = o->first;
    if (!n)
        return false;
    o->first = n->next;
    link_remove(&n->leaver.link);
    free(n);
    return true;
}

/* True: it has another name now. Without memory it keeps the one that it had. */
static bool agent_rename(struct agent *a, struct slice name)
{
    if (slice_eq(name, slice_of(a->name, a->name_len)))
        return false;
    char *copy = NULL;
    if (name.len > 0) {
        copy = malloc(name.len);
        if (!copy)
            return false;
        memcpy(copy, name.ptr, name.len);
    }
    free(a->name);
    a->name = copy;
    a->name_len = (uint8_t)name.len;
    return true;
}

static void agent_free(struct agent *a)
{
    free(a->name);
    free(a);
}

static struct agent *agent_new(struct presence *p, struct owner *o, struct slice id)
{
    struct agent *a = malloc(sizeof(*a) + id.len);
    if (!a)
        return NULL;
    *a = (struct agent){.leaver.kind = LEAVER_AGENT, .owner = o, .id_len = (uint8_t)id.len};
    memcpy(a->id, id.ptr, id.len);
    if (map_put(&o->agents, slice_of(a->id, a->id_len), a) != OK) {
        agent_free(a);
        return NULL;
    }
    link_append(&p->agents, &a->in_order);
    link_append(&o->in_order, &a->in_owner);
    return a;
}

void agent_gone(struct presence *p, const struct presence_watcher *self, struct agent *a)
{
    struct owner *o = a->owner;
    map_remove(&o->agents, slice_of(a->id, a->id_len));
    link_remove(&a->in_order);
    link_remove(&a->in_owner);
    agent_free(a);
    count(p, self, o, -1);
    owner_release(p, o);
}

void nameless_gone(struct presence *p, const struct presence_watcher *self, struct nameless *n)
{
    struct owner *o = n->owner;
    must(o->first == n); /* they left in the order in which their grace ends */
    o->first = n->next;
    free(n);
    count(p, self, o, -1);
    owner_release(p, o);
}

static enum err come(struct presence *p, const struct presence_watcher *self, const struct ws_principal *who)
{
    struct owner *o = owner_get(p, owner_id(who));
    if (!o)
        return ERR_NOMEM;
    if (!who || who->agent_id.len == 0) {
        if (!nameless_comes_back(o))
            count(p, self, o, 1);
        return OK;
    }
    struct agent *a = map_get(&o->agents, who->agent_id);
    bool is_new = !a;
    if (is_new)
        a = agent_new(p, o, who->agent_id);
    if (!a) {
        owner_release(p, o);
        return ERR_NOMEM;
    }
    bool renamed = agent_rename(a, who->name);
    if (is_new)
        count(p, self, o, 1);
    else if (renamed)
        count(p, self, o, 0);
    if (!is_new && a->connections == 0)
        link_remove(&a->leaver.link);
    a->connections++;
    return OK;
}

enum err presence_agent_come(struct presence *p, struct presence_watcher *w, const struct ws_principal *who)
{
    presence_lock(p);
    enum err e = come(p, w, who);
    presence_unlock(p);
    return e;
}

static void nameless_leaves(struct presence *p, const struct presence_watcher *self, struct owner *o, int64_t now_us)
{
    struct nameless *n = malloc(sizeof(*n));
    if (!n) {
        count(p, self, o, -1);
        owner_release(p, o);
        return;
    }
    *n = (struct nameless){.leaver.kind = LEAVER_NAMELESS, .owner = o};
    if (o->first)
        o->last->next = n;
    else
        o->first = n;
    o->last = n;
    leaver_begin(p, &n->leaver, now_us);
}

void presence_agent_leave(struct presence *p, struct presence_watcher *w, const struct ws_principal *who,
                          int64_t now_us)
{
    presence_lock(p);
    struct owner *o = owner_find(p, owner_id(who));
    must(o && o->total > 0);
    if (!who || who->agent_id.len == 0) {
        nameless_leaves(p, w, o, now_us);
    } else {
        struct agent *a = map_get(&o->agents, who->agent_id);
        must(a && a->connections > 0);
        if (--a->connections == 0)
            leaver_begin(p, &a->leaver, now_us);
    }
    presence_unlock(p);
}

static int64_t count_of(const struct presence *p, const struct presence_view *view, uint64_t *changed)
{
    const struct owner *o = view->all || view->owner.len == 0 ? NULL : owner_find(p, view->owner);
    *changed = p->nobody->changed;
    if (view->all)
        *changed = p->agents_changed;
    else if (o && o->changed > *changed)
        *changed = o->changed;
    return view->all ? p->total : p->nobody->total + (o ? o->total : 0);
}

int64_t presence_count(struct presence *p, const struct presence_view *view)
{
    uint64_t changed;
    presence_lock(p);
    int64_t total = count_of(p, view, &changed);
    presence_unlock(p);
    return total;
}

uint64_t presence_agents_version(struct presence *p, const struct presence_view *view)
{
    uint64_t changed;
    presence_lock(p);
    (void)count_of(p, view, &changed);
    presence_unlock(p);
    return changed;
}

static void copy_agent(struct presence_page *out, const struct agent *a)
{
    if (a->name_len == 0)
        return; /* an id alone is not shown */
    buf_append_char(&out->bytes, (char)a->id_len);
    buf_append(&out->bytes, a->id, a->id_len);
    buf_append_char(&out->bytes, (char)a->name_len);
    buf_append(&out->bytes, a->name, a->name_len);
    out->count++;
}

/* Both lists are in order of coming; where a view has two, the owner's own agents are told first. */
static void copy_agents(const struct presence *p, const struct presence_view *view, struct presence_page *out)
{
    const struct owner *o = view->owner.len > 0 ? owner_find(p, view->owner) : NULL;
    if (view->all) {
        for (struct link *l = p->agents.next; l != &p->agents && out->count < PRESENCE_AGENTS_MAX; l = l->next)
            copy_agent(out, link_owner(l, struct agent, in_order));
        return;
    }
    for (struct link *l = o ? o->in_order.next : NULL; l && l != &o->in_order && out->count < PRESENCE_AGENTS_MAX;
         l = l->next)
        copy_agent(out, link_owner(l, struct agent, in_owner));
    o = p->nobody;
    for (struct link *l = o->in_order.next; l != &o->in_order && out->count < PRESENCE_AGENTS_MAX; l = l->next)
        copy_agent(out, link_owner(l, struct agent, in_owner));
}

void presence_agents(struct presence *p, const struct presence_view *view, struct presence_page *out)
{
    buf_clear(&out->bytes);
    out->count = 0;
    presence_lock(p);
    out->total = count_of(p, view, &out->upto);
    copy_agents(p, view, out);
    presence_unlock(p);
}

enum err presence_agents_init(struct presence *p)
{
    link_init(&p->agents);
    map_init(&p->owners);
    p->nobody = owner_new(slice_of(NULL, 0));
    return p->nobody ? OK : ERR_NOMEM;
}

void presence_agents_fini(struct presence *p)
{
    must(p->total == 0);
    map_fini(&p->owners);
    if (p->nobody)
        owner_free(p->nobody);
}

static struct slice read_text(const struct presence_page *page, size_t *at)
{
    struct slice text = slice_of(page->bytes.ptr + *at + 1, (unsigned char)page->bytes.ptr[*at]);
    *at += 1 + text.len;
    return text;
}

bool presence_read_agent(const struct presence_page *page, size_t *at, struct slice *id, struct slice *name)
{
    if (*at >= page->bytes.len)
        return false;
    *id = read_text(page, at);
    *name = read_text(page, at);
    return true;
}
