#include "world.h"
#include "group.h"
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETUP_CONNECTIONS 128u

/* One pass over `total` things; each connection takes the next. */
struct setup {
    struct world *world;
    const struct group_kind *kind;
    struct template send;
    uint64_t total;
    atomic_uint_fast64_t next, done;
};

struct setup_worker {
    struct group group;
    struct text bodies[SETUP_CONNECTIONS];
    uint64_t items[SETUP_CONNECTIONS];
};

size_t world_email(const struct world *w, uint32_t customer, char out[static 64])
{
    int n = snprintf(out, 64, "b%.12s.%08u@bench.example", w->mark, customer);
    return (size_t)n;
}

static bool take_item(struct group *g, struct conn *c)
{
    struct setup *s = g->worker->load->shared;
    struct setup_worker *own = g->own;
    uint64_t item = atomic_fetch_add(&s->next, 1);
    own->items[c->index] = item;
    return item < s->total;
}

static size_t build_chat(struct group *g, struct conn *c, char *out)
{
    struct setup *s = g->worker->load->shared;
    struct setup_worker *own = g->own;
    if (!take_item(g, c))
        return 0;
    char email[64], body[160];
    uint32_t customer = (uint32_t)(own->items[c->index] % s->world->customers);
    world_email(s->world, customer, email);
    int body_len = snprintf(body, sizeof(body), "{\"email\":\"%s\",\"name\":\"Bench %u\"}", email, customer);
    struct text request = {0};
    template_post(&request, g->worker->load->options, "/api/users/chats/create", body, (size_t)body_len);
    size_t len = request.len;
    if (len > g->worker->out_cap)
        die("headers too long");
    memcpy(out, request.ptr, len);
    text_fini(&request);
    return len;
}

static void chat_made(struct group *g, struct conn *c)
{
    struct setup *s = g->worker->load->shared;
    struct setup_worker *own = g->own;
    const char *body = own->bodies[c->index].ptr;
    const char *key = body ? strstr(body, "\"chat_id\"") : NULL;
    const char *id = key ? strchr(key + 9, '"') : NULL;
    if (!id || strlen(id) < 38 || id[37] != '"')
        die("no chat_id of 36 characters in the answer: %s", body ? body : "");
    memcpy(s->world->chat_ids[own->items[c->index]], id + 1, 36);
    atomic_fetch_add(&s->done, 1);
}

static struct text *chat_sink(struct group *g, struct conn *c)
{
    struct setup_worker *own = g->own;
    own->bodies[c->index].len = 0;
    return &own->bodies[c->index];
}

static size_t build_history(struct group *g, struct conn *c, char *out)
{
    struct setup *s = g->worker->load->shared;
    struct setup_worker *own = g->own;
    if (!take_item(g, c))
        return 0;
    uint64_t item = own->items[c->index];
    return template_build_send(&s->send, s->world->chat_ids[item % s->world->chats], NULL, item, out);
}

static void history_made(struct group *g, struct conn *c)
{
    struct setup *s = g->worker->load->shared;
    (void)c;
    atomic_fetch_add(&s->done, 1);
}

static const struct group_kind CHAT_KIND = {OP_SETUP, build_chat, chat_made, chat_sink};
static const struct group_kind HISTORY_KIND = {OP_SETUP, build_history, history_made, NULL};

static void setup_start(struct worker *w)
{
    struct setup *s = w->load->shared;
    struct setup_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    group_init(&own->group, w, s->kind, SETUP_CONNECTIONS / w->load->threads, own);
}

static void setup_go(struct worker *w)
{
    struct setup_worker *own = w->own;
    group_go(&own->group, 0);
}

static int64_t setup_turn(struct worker *w)
{
    (void)w;
    return NEVER_NS;
}

static bool setup_finished(struct worker *w)
{
    struct setup *s = w->load->shared;
    const struct op_stats *stats = worker_stats(w, OP_SETUP);
    for (unsigned f = 0; f < FAIL_COUNT; f++)
        if (stats->failed[f])
            die("setup: %s", FAIL_NAMES[f]);
    return atomic_load(&s->done) >= s->total;
}

static void setup_stop(struct worker *w)
{
    struct setup_worker *own = w->own;
    for (unsigned i = 0; i < SETUP_CONNECTIONS; i++)
        text_fini(&own->bodies[i]);
    group_fini(&own->group);
    free(own);
}

static const struct mode SETUP_MODE = {.name = "setup",
                                       .primary = OP_SETUP,
                                       .start = setup_start,
                                       .go = setup_go,
                                       .turn = setup_turn,
                                       .finished = setup_finished,
                                       .stop = setup_stop};

static void setup_pass(const struct load *l, struct setup *s, const char *what)
{
    struct load pass = {.options = l->options, .mode = &SETUP_MODE, .threads = l->threads, .quiet = true, .shared = s};
    if (pass.threads > SETUP_CONNECTIONS / 8)
        pass.threads = SETUP_CONNECTIONS / 8;
    int64_t from = now_ns();
    atomic_store(&s->next, 0);
    atomic_store(&s->done, 0);
    load_run(&pass);
    if (l->options->progress)
        fprintf(stderr, "made %llu %s in %.1f s\n", (unsigned long long)s->total, what,
                (double)(now_ns() - from) / 1e9);
    load_fini(&pass);
}

static bool load_ids(struct world *w, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f && errno == ENOENT)
        return false;
    if (!f || fscanf(f, "%12s %u %u", w->mark, &w->customers, &w->chats) != 3 || w->chats == 0 || w->customers == 0)
        die("%s: not a file of chat ids", path);
    w->chat_ids = must_alloc(w->chats, sizeof(*w->chat_ids));
    for (unsigned i = 0; i < w->chats; i++)
        if (fscanf(f, "%36s", w->chat_ids[i]) != 1 || strlen(w->chat_ids[i]) != 36)
            die("%s: chat id %u is missing", path, i);
    fclose(f);
    return true;
}

static void save_ids(const struct world *w, const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f)
        die("%s: %s", path, strerror(errno));
    fprintf(f, "%s %u %u\n", w->mark, w->customers, w->chats);
    for (unsigned i = 0; i < w->chats; i++)
        fprintf(f, "%.36s\n", w->chat_ids[i]);
    if (fclose(f) != 0)
        die("%s: %s", path, strerror(errno));
}

static void make_history(struct load *l, unsigned history)
{
    struct setup s = {.world = &l->world, .kind = &HISTORY_KIND, .total = (uint64_t)l->world.chats * history};
    template_send(&s.send, l->options, false);
    setup_pass(l, &s, "messages");
    template_fini(&s.send);
}

void world_make(struct load *l, unsigned customers, unsigned chats, unsigned history)
{
    const struct options *o = l->options;
    struct world *w = &l->world;
    if (o->ids && load_ids(w, o->ids)) {
        if (o->history)
            make_history(l, o->history);
        return;
    }
    unsigned each = chats / customers; /* what is given sets what is not */
    w->customers = o->customers ? o->customers : o->chats ? (o->chats + each - 1) / each : customers;
    w->chats = o->chats ? o->chats : w->customers * each;
    snprintf(w->mark, sizeof(w->mark), "%012llx", (unsigned long long)(o->seed & 0xffffffffffff));
    w->chat_ids = must_alloc(w->chats, sizeof(*w->chat_ids));
    struct setup s = {.world = w, .kind = &CHAT_KIND, .total = w->chats};
    setup_pass(l, &s, "chats");
    if (o->history || history)
        make_history(l, o->history ? o->history : history);
    if (o->ids)
        save_ids(w, o->ids);
}

void world_fini(struct world *w)
{
    free(w->chat_ids);
    *w = (struct world){0};
}
