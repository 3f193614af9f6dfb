#include "api/grants.h"

#include <stdlib.h>

struct origin_text {
    struct origin_text *next;
    size_t len;
    char bytes[];
};

static void free_grants(struct grants *g)
{
    if (!g)
        return;
    auth_free(g->auth);
    free(g->origins);
    free(g);
}

void grants_board_init(struct grants_board *b)
{
    pthread_mutex_init(&b->lock, NULL);
    atomic_init(&b->current, NULL);
    b->texts = NULL;
}

void grants_board_fini(struct grants_board *b)
{
    grants_drop(b, atomic_load(&b->current));
    atomic_store(&b->current, NULL);
    while (b->texts) {
        struct origin_text *next = b->texts->next;
        free(b->texts);
        b->texts = next;
    }
}

/* The same bytes as before where it was listed before. */
static bool keep_text(struct grants_board *b, const char *text, struct slice *out)
{
    size_t len = strlen(text);
    for (struct origin_text *t = b->texts; t; t = t->next)
        if (t->len == len && memcmp(t->bytes, text, len) == 0) {
            *out = slice_of(t->bytes, t->len);
            return true;
        }
    struct origin_text *t = malloc(sizeof(*t) + len);
    if (!t)
        return false;
    *t = (struct origin_text){.next = b->texts, .len = len};
    memcpy(t->bytes, text, len);
    b->texts = t;
    *out = slice_of(t->bytes, len);
    return true;
}

enum err grants_publish(struct grants_board *b, struct auth *auth, char *const *origins, unsigned count)
{
    struct grants *g = calloc(1, sizeof(*g));
    if (!g) {
        auth_free(auth);
        return ERR_NOMEM;
    }
    *g = (struct grants){.auth = auth, .references = 1, .origins = calloc(count + 1, sizeof(struct slice))};
    bool room = g->origins != NULL;
    for (unsigned i = 0; room && i < count; i++)
        room = keep_text(b, origins[i], &g->origins[i]);
    if (!room) {
        free_grants(g);
        return ERR_NOMEM;
    }
    g->cors = (struct cors_policy){.origins = g->origins, .count = count};
    pthread_mutex_lock(&b->lock);
    struct grants *before = atomic_exchange_explicit(&b->current, g, memory_order_relaxed);
    pthread_mutex_unlock(&b->lock);
    grants_drop(b, before);
    return OK;
}

const struct grants *grants_take(struct grants_board *b, const struct grants *have)
{
    pthread_mutex_lock(&b->lock);
    struct grants *g = atomic_load_explicit(&b->current, memory_order_relaxed);
    if (g)
        g->references++;
    pthread_mutex_unlock(&b->lock);
    grants_drop(b, have);
    return g;
}

bool grants_has_key(struct grants_board *b, uint64_t key)
{
    const struct grants *g = grants_take(b, NULL);
    bool has = g && auth_has_key(g->auth, key);
    grants_drop(b, g);
    return has;
}

unsigned grants_origins(struct grants_board *b)
{
    const struct grants *g = grants_take(b, NULL);
    unsigned count = g ? g->cors.count : 0;
    grants_drop(b, g);
    return count;
}

void grants_drop(struct grants_board *b, const struct grants *have)
{
    struct grants *g = (struct grants *)(uintptr_t)have;
    if (!g)
        return;
    pthread_mutex_lock(&b->lock);
    bool last = --g->references == 0;
    pthread_mutex_unlock(&b->lock);
    if (last)
        free_grants(g);
}
