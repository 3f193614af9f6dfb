#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_ALIGN     ((size_t)16)
#define ARENA_BLOCK_MIN ((size_t)4096)
#define ARENA_BLOCK_MAX ((size_t)65536)

/* Newest first. Only the head has room that is still given out (arena.used). */
struct arena_block {
    struct arena_block *next;
    size_t cap;
    alignas(16) char data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_fini(struct arena *a)
{
    free_blocks(a->head);
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = NULL;
    struct arena_block *block = a->head;
    while (block) {
        struct arena_block *next = block->next;
        /* The oldest is kept, unless one big request made it: an idle owner must not sit on that. */
        if (block->cap <= ARENA_BLOCK_MAX) {
            free(kept);
            kept = block;
            kept->next = NULL;
        } else {
            free(block);
        }
        block = next;
    }
    a->head = kept;
    a->used = 0;
    a->total = kept ? kept->cap : 0;
}

static size_t next_cap(const struct arena *a, size_t size)
{
    size_t cap = a->head ? a->head->cap * 2 : ARENA_BLOCK_MIN;
    if (cap > ARENA_BLOCK_MAX)
        cap = ARENA_BLOCK_MAX;
    if (a->max_bytes > 0 && cap > a->max_bytes - a->total)
        cap = a->max_bytes - a->total;
    return cap < size ? size : cap;
}

/* A new block with room for size bytes (a multiple of ARENA_ALIGN); NULL at the limit or without memory. */
static struct arena_block *add_block(struct arena *a, size_t size)
{
    if (a->max_bytes > 0 && size > a->max_bytes - a->total)
        return NULL;
    size_t cap = next_cap(a, size);
    struct arena_block *block = malloc(sizeof(*block) + cap);
    if (!block)
        return NULL;
    block->cap = cap;
    a->total += cap;
    block->next = a->head;
    a->head = block;
    a->used = 0;
    return block;
}

/* A big object gets a block of its own behind the head, so that the head's free room stays in use. */
static void *alloc_apart(struct arena *a, size_t size)
{
    struct arena_block *head = a->head;
    size_t used = a->used;
    struct arena_block *block = add_block(a, size);
    if (!block)
        return NULL;
    a->head = head;
    a->used = used;
    block->next = head->next;
    head->next = block;
    return block->data;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    if (!a->head || size > a->head->cap - a->used) {
        if (a->head && size >= ARENA_BLOCK_MAX / 2)
            return alloc_apart(a, size);
        if (!add_block(a, size))
            return NULL;
    }
    void *out = a->head->data + a->used;
    a->used += size;
    return out;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *out = arena_alloc(a, size);
    if (out)
        memset(out, 0, size);
    return out;
}

char *arena_dup(struct arena *a, struct slice s)
{
    if (s.len == SIZE_MAX)
        return NULL;
    char *out = arena_alloc(a, s.len + 1);
    if (!out)
        return NULL;
    if (s.len > 0)
        memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return out;
}

struct slice arena_slice(struct arena *a, struct slice s)
{
    char *copy = arena_dup(a, s);
    return slice_of(copy, copy ? s.len : 0);
}

void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return list;
    size_t more = count > 0 ? count * 2 : 16;
    void *grown = arena_alloc(a, more * size);
    if (grown && count > 0)
        memcpy(grown, list, count * size);
    *cap = grown ? more : 0;
    return grown;
}
