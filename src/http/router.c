/* A trie over path segments. A path is walked with the literal child first and the parameter child second, and
 * the walk goes on past a place that has the path but not the method: POST /users/data and GET /users/{id}
 * both exist, and GET /users/data is the second. Methods met on the way are what Allow lists. */
#include "http/router.h"

#include <stdlib.h>

#define SEGMENTS_MAX 16 /* deeper paths match nothing */
#define MASKS        (1u << METHOD_OTHER)
#define NO_ROUTE     UINT32_MAX

struct node {
    struct slice segment;  /* of this node; a parameter's is empty */
    struct node *children; /* literals; linked by next */
    struct node *next;
    struct node *param;
    uint32_t routes[METHOD_OTHER]; /* index in the table, or NO_ROUTE */
    unsigned methods;              /* bits of routes[] */
};

struct allow_text {
    char text[ROUTE_ALLOW_MAX];
    uint8_t len;
};

struct router {
    const struct route *table;
    struct node root;
    struct allow_text allow[MASKS]; /* for each set of methods */
};

static void node_init(struct node *n, struct slice segment)
{
    *n = (struct node){.segment = segment};
    for (unsigned m = 0; m < METHOD_OTHER; m++)
        n->routes[m] = NO_ROUTE;
}

static void node_free(struct node *n)
{
    if (!n)
        return;
    for (struct node *child = n->children, *next; child; child = next) {
        next = child->next;
        node_free(child);
        free(child);
    }
    node_free(n->param);
    free(n->param);
}

/* The child for that segment of a pattern, made if it is not there; NULL without memory. */
static struct node *node_child(struct node *n, struct slice segment)
{
    bool param = segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
    must(segment.len > 0 && (param || !memchr(segment.ptr, '{', segment.len)));
    if (param && n->param)
        return n->param;
    for (struct node *child = n->children; !param && child; child = child->next)
        if (slice_eq(child->segment, segment))
            return child;
    struct node *made = malloc(sizeof *made);
    if (!made)
        return NULL;
    node_init(made, param ? (struct slice){0} : segment);
    if (param) {
        n->param = made;
    } else {
        made->next = n->children;
        n->children = made;
    }
    return made;
}

static enum err add_route(struct router *r, uint32_t index)
{
    const struct route *route = &r->table[index];
    struct slice rest = slice_cstr(route->pattern);
    struct node *n = &r->root;
    unsigned params = 0, depth = 0;
    must(rest.len > 0 && rest.ptr[0] == '/' && (rest.len == 1 || rest.ptr[rest.len - 1] != '/'));
    must(route->methods != 0 && route->methods < MASKS);
    rest = slice_of(rest.ptr + 1, rest.len - 1);
    for (struct slice segment; slice_take(&rest, '/', &segment);) {
        params += segment.ptr[0] == '{';
        must(params <= ROUTE_PARAMS_MAX && ++depth <= SEGMENTS_MAX);
        n = node_child(n, segment);
        if (!n)
            return ERR_NOMEM;
    }
    must((n->methods & route->methods) == 0); /* doubled row */
    n->methods |= route->methods;
    for (unsigned m = 0; m < METHOD_OTHER; m++)
        if (route->methods & METHOD_BIT(m))
            n->routes[m] = index;
    return OK;
}

/* HEAD is answered wherever GET is. */
static void add_head(struct node *n)
{
    if (n->routes[METHOD_HEAD] == NO_ROUTE && n->routes[METHOD_GET] != NO_ROUTE) {
        n->routes[METHOD_HEAD] = n->routes[METHOD_GET];
        n->methods |= METHOD_BIT(METHOD_HEAD);
    }
    for (struct node *child = n->children; child; child = child->next)
        add_head(child);
    if (n->param)
        add_head(n->param);
}

static void make_allow(struct allow_text *a, unsigned mask)
{
    for (unsigned m = 0; m < METHOD_OTHER; m++) {
        if (!(mask & METHOD_BIT(m)))
            continue;
        struct slice name = slice_cstr(http_method_name((enum http_method)m));
        size_t comma = a->len ? 2 : 0;
        must(a->len + comma + name.len <= sizeof a->text);
        memcpy(a->text + a->len, ", ", comma);
        memcpy(a->text + a->len + comma, name.ptr, name.len);
        a->len = (uint8_t)(a->len + comma + name.len);
    }
}

enum err router_new(const struct route *table, unsigned count, struct router **out)
{
    struct router *r = calloc(1, sizeof *r);
    enum err e = r ? OK : ERR_NOMEM;
    *out = NULL;
    if (e)
        return e;
    r->table = table;
    node_init(&r->root, (struct slice){0});
    for (unsigned i = 0; !e && i < count; i++)
        e = add_route(r, i);
    if (e) {
        router_free(r);
        return e;
    }
    add_head(&r->root);
    for (unsigned mask = 0; mask < MASKS; mask++)
        make_allow(&r->allow[mask], mask);
    *out = r;
    return OK;
}

void router_free(struct router *r)
{
    if (!r)
        return;
    node_free(&r->root);
    free(r);
}

struct walk {
    enum http_method method;
    struct slice segments[SEGMENTS_MAX];
    unsigned count;
    unsigned methods;         /* of all places that have this path */
    const struct node *found; /* has the method too */
    struct slice params[ROUTE_PARAMS_MAX];
    unsigned param_count;
};

/* Depth is bounded by the table's longest pattern. */
static void walk_from(struct walk *w, const struct node *n, unsigned at)
{
    if (at == w->count) {
        w->methods |= n->methods;
        if (w->method < METHOD_OTHER && n->routes[w->method] != NO_ROUTE)
            w->found = n;
        return;
    }
    struct slice segment = w->segments[at];
    if (segment.len == 0)
        return;
    for (const struct node *child = n->children; child && !w->found; child = child->next)
        if (slice_eq(child->segment, segment))
            walk_from(w, child, at + 1);
    if (!n->param || w->found)
        return;
    w->params[w->param_count++] = segment;
    walk_from(w, n->param, at + 1);
    if (!w->found)
        w->param_count--;
}

/* ERR_TOO_LARGE: more segments than any pattern has. */
static enum err split_path(struct walk *w, struct slice path, struct arena *a)
{
    struct slice rest = slice_of(path.ptr + 1, path.len - 1);
    for (struct slice segment; slice_take(&rest, '/', &segment);) {
        if (w->count == SEGMENTS_MAX)
            return ERR_TOO_LARGE;
        enum err e = http_percent_decode(segment, a, &w->segments[w->count++]);
        if (e)
            return e;
    }
    return OK;
}

static enum err make_location(struct slice path, struct slice query, struct arena *a, struct slice *out)
{
    size_t len = path.len + (query.ptr ? 1 + query.len : 0);
    char *text = arena_alloc(a, len);
    if (!text)
        return ERR_NOMEM;
    memcpy(text, path.ptr, path.len);
    if (query.ptr) {
        text[path.len] = '?';
        memcpy(text + path.len + 1, query.ptr, query.len);
    }
    *out = slice_of(text, len);
    return OK;
}

static enum err conclude(const struct router *r, const struct walk *w, struct route_match *out)
{
    if (w->found) {
        out->kind = ROUTE_FOUND;
        out->route = w->found->routes[w->method];
        out->id = r->table[out->route].id;
        out->param_count = w->param_count;
        memcpy(out->params, w->params, sizeof out->params);
    } else if (w->methods) {
        const struct allow_text *allow = &r->allow[w->methods];
        out->kind = ROUTE_BAD_METHOD;
        out->allow = slice_of(allow->text, allow->len);
    }
    return OK;
}

enum err router_match(const struct router *r, enum http_method method, struct slice path, struct slice query,
                      struct arena *a, struct route_match *out)
{
    struct walk w = {.method = method};
    *out = (struct route_match){.kind = ROUTE_NOT_FOUND};
    if (path.len == 0 || path.ptr[0] != '/')
        return OK;
    bool slash = path.len > 1 && path.ptr[path.len - 1] == '/';
    if (slash)
        path.len--;
    if (slash && path.ptr[path.len - 1] == '/') /* only one is ours to forgive */
        return OK;
    enum err e = split_path(&w, path, a);
    if (e == ERR_INVALID)
        out->kind = ROUTE_BAD_PATH;
    if (e)
        return e == ERR_NOMEM ? e : OK;
    walk_from(&w, &r->root, 0);
    if (!slash)
        return conclude(r, &w, out);
    if (!w.methods)
        return OK;
    e = make_location(path, query, a, &out->location);
    if (!e)
        out->kind = ROUTE_REDIRECT_SLASH;
    return e;
}
