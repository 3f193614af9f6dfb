#include "sqlite_heads.h"

#include <stdlib.h>

#define FIRST_CAP 1024
#define FORGOTTEN (-1)

static void free_slots(struct heads *h)
{
    free(h->slots);
    free(h->staged);
}

static enum err alloc_slots(struct heads *h, size_t cap)
{
    h->slots = calloc(cap, sizeof(*h->slots));
    h->staged = calloc(cap, sizeof(*h->staged));
    h->cap = cap;
    h->count = 0;
    if (h->slots && h->staged)
        return OK;
    free_slots(h);
    h->slots = NULL;
    return ERR_NOMEM;
}

enum err heads_init(struct heads *h)
{
    *h = (struct heads){0};
    if (alloc_slots(h, FIRST_CAP) != OK)
        return ERR_NOMEM;
    if (pthread_mutex_init(&h->lock, NULL) != 0) {
        free_slots(h);
        *h = (struct heads){0};
        return ERR_NOMEM;
    }
    return OK;
}

void heads_fini(struct heads *h)
{
    if (!h->slots)
        return;
    (void)pthread_mutex_destroy(&h->lock);
    free_slots(h);
    free(h->pending);
    *h = (struct heads){0};
}

/* Keys are row numbers, which no client can choose, so a multiplication spreads them well enough. */
static size_t slot_of(const struct heads *h, int64_t chat)
{
    return (size_t)((uint64_t)chat * 0x9e3779b97f4a7c15u >> 20) & (h->cap - 1);
}

struct head *heads_find(const struct heads *h, int64_t chat)
{
    for (size_t i = slot_of(h, chat);; i = (i + 1) & (h->cap - 1)) {
        struct head *slot = &h->slots[i];
        if (slot->chat == chat)
            return slot;
        if (slot->chat == 0)
            return NULL;
    }
}

static struct head *place(struct heads *h, const struct head *head)
{
    size_t i = slot_of(h, head->chat);
    while (h->slots[i].chat != 0)
        i = (i + 1) & (h->cap - 1);
    h->slots[i] = *head;
    h->count++;
    return &h->slots[i];
}

uint32_t *heads_staged(struct heads *h, const struct head *slot)
{
    return &h->staged[slot - h->slots];
}

static bool is_pending(const struct head *head)
{
    return head->rev > head->rolled;
}

static int compare_revs(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* When there are too many chats the pending ones stay, and of the others those whose head is newer than this line: half of
 * HEADS_KEPT at most. Sorting takes a few milliseconds, once in thousands of chats that were not in the table. */
static enum err eviction_line(const struct heads *h, int64_t *line)
{
    int64_t *revs = malloc(h->cap * sizeof(*revs));
    size_t count = 0;
    if (!revs)
        return ERR_NOMEM;
    for (size_t i = 0; i < h->cap; i++)
        if (h->slots[i].chat > 0 && !is_pending(&h->slots[i]))
            revs[count++] = h->slots[i].rev;
    qsort(revs, count, sizeof(*revs), compare_revs);
    size_t stay = count < HEADS_KEPT ? count / 2 : HEADS_KEPT / 2;
    *line = count > 0 ? revs[count - stay - 1] : 0;
    free(revs);
    return OK;
}

static bool stays(const struct heads *h, size_t at, int64_t line)
{
    const struct head *slot = &h->slots[at];
    return slot->chat > 0 && (is_pending(slot) || slot->listed || h->staged[at] || slot->rev > line);
}

static enum err rebuild(struct heads *h, size_t extra, bool evict)
{
    int64_t line = -1;
    if (evict && eviction_line(h, &line) != OK)
        return ERR_NOMEM;
    size_t stay = 0;
    for (size_t i = 0; i < h->cap; i++)
        stay += stays(h, i, line);
    size_t cap = FIRST_CAP;
    while (cap < (stay + extra) * 2)
        cap *= 2;
    struct heads built = {0};
    if (alloc_slots(&built, cap) != OK)
        return ERR_NOMEM;
    for (size_t i = 0; i < h->cap; i++)
        if (stays(h, i, line))
            *heads_staged(&built, place(&built, &h->slots[i])) = h->staged[i];
    struct heads old = {.slots = h->slots, .staged = h->staged};
    pthread_mutex_lock(&h->lock);
    h->slots = built.slots;
    h->staged = built.staged;
    h->cap = built.cap;
    h->count = built.count;
    pthread_mutex_unlock(&h->lock);
    free_slots(&old);
    return OK;
}

static enum err reserve_pending(struct heads *h, size_t extra)
{
    if (h->pending_count + extra <= h->pending_cap)
        return OK;
    size_t cap = h->pending_cap ? h->pending_cap : FIRST_CAP;
    while (cap < h->pending_count + extra)
        cap *= 2;
    pthread_mutex_lock(&h->lock);
    int64_t *grown = realloc(h->pending, cap * sizeof(*grown));
    if (grown) {
        h->pending = grown;
        h->pending_cap = cap;
    }
    pthread_mutex_unlock(&h->lock);
    return grown ? OK : ERR_NOMEM;
}

enum err heads_reserve(struct heads *h, size_t extra)
{
    enum err err = reserve_pending(h, extra);
    if (err != OK || (h->count + extra) * 10 <= h->cap * 6)
        return err;
    return rebuild(h, extra, h->count + extra > HEADS_KEPT);
}

enum err heads_add(struct heads *h, const struct head *head, struct head **out)
{
    must(head->chat > 0);
    enum err err = heads_reserve(h, 1);
    if (err != OK)
        return err;
    pthread_mutex_lock(&h->lock);
    *out = place(h, head);
    pthread_mutex_unlock(&h->lock);
    return OK;
}

void heads_forget(struct heads *h, int64_t chat)
{
    pthread_mutex_lock(&h->lock);
    struct head *slot = heads_find(h, chat);
    if (slot) {
        must(!slot->listed);
        *slot = (struct head){.chat = FORGOTTEN}; /* not free: a search for a chat behind it must go on */
    }
    pthread_mutex_unlock(&h->lock);
}

void heads_replace(struct heads *h, struct heads *read)
{
    pthread_mutex_lock(&h->lock);
    struct heads old = *h;
    h->slots = read->slots;
    h->staged = read->staged;
    h->cap = read->cap;
    h->count = read->count;
    h->pending = read->pending;
    h->pending_count = read->pending_count;
    h->pending_cap = read->pending_cap;
    h->totals = read->totals;
    h->last_rev = read->last_rev;
    pthread_mutex_unlock(&h->lock);
    read->slots = old.slots;
    read->staged = old.staged;
    read->pending = old.pending;
}

void heads_publish(struct heads *h, const struct staged_head *staged, size_t count, const struct totals *totals,
                   int64_t last_rev)
{
    pthread_mutex_lock(&h->lock);
    h->totals = *totals;
    h->last_rev = last_rev;
    for (size_t i = 0; i < count; i++) {
        struct head *head = heads_find(h, staged[i].chat);
        must(head != NULL);
        head->rev = staged[i].rev;
        head->ts = staged[i].ts;
        head->total = staged[i].total;
        head->first = staged[i].first;
        if (staged[i].rolled) {
            head->rolled = staged[i].rolled;
            head->first = 0;
        }
        if (is_pending(head) && !head->listed) {
            must(h->pending_count < h->pending_cap);
            h->pending[h->pending_count++] = head->chat;
            head->listed = true;
        }
    }
    pthread_mutex_unlock(&h->lock);
}

void heads_sweep_pending(struct heads *h)
{
    pthread_mutex_lock(&h->lock);
    size_t kept = 0;
    for (size_t i = 0; i < h->pending_count; i++) {
        struct head *head = heads_find(h, h->pending[i]);
        if (is_pending(head))
            h->pending[kept++] = head->chat;
        else
            head->listed = false;
    }
    h->pending_count = kept;
    pthread_mutex_unlock(&h->lock);
}

void heads_totals(struct heads *h, struct totals *out)
{
    pthread_mutex_lock(&h->lock);
    *out = h->totals;
    pthread_mutex_unlock(&h->lock);
}

void heads_get(struct heads *h, struct head *heads, size_t count)
{
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++) {
        const struct head *head = heads_find(h, heads[i].chat);
        heads[i] = head ? *head : (struct head){.chat = heads[i].chat};
    }
    pthread_mutex_unlock(&h->lock);
}

enum err heads_pending(struct heads *h, struct arena *a, struct head **out, size_t *count)
{
    enum err err = OK;
    *count = 0;
    pthread_mutex_lock(&h->lock);
    *out = arena_alloc(a, (h->pending_count + 1) * sizeof(**out));
    if (!*out)
        err = ERR_NOMEM;
    for (size_t i = 0; err == OK && i < h->pending_count; i++) {
        const struct head *head = heads_find(h, h->pending[i]);
        if (is_pending(head))
            (*out)[(*count)++] = *head;
    }
    pthread_mutex_unlock(&h->lock);
    return err;
}
