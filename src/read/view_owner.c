/* Listings for a dashboard that is bound to an owner. */
#include "base/map.h"
#include "view_int.h"

#define PAGE_ROWS 1000

/* The ids of all the owner's customers; keys stay in `keep`. */
static enum err collect_customers(struct store_reader *reader, struct slice owner, struct arena *keep, struct map *ids,
                                  int64_t *found)
{
    struct arena rows_arena;
    enum err e = OK;
    size_t count = PAGE_ROWS;
    arena_init(&rows_arena, 0);
    *found = 0;
    for (int64_t skip = 0; e == OK && count == PAGE_ROWS; skip += PAGE_ROWS) {
        struct customer *rows;
        e = reader->vtable->recent_customers(reader, owner, skip, PAGE_ROWS, &rows_arena, &rows, &count);
        for (size_t i = 0; e == OK && i < count && ids; i++) {
            struct slice id = arena_slice(keep, rows[i].id);
            e = id.ptr ? map_put(ids, id, keep) : ERR_NOMEM;
        }
        *found += e == OK ? (int64_t)count : 0;
        arena_reset(&rows_arena);
    }
    arena_fini(&rows_arena);
    return e;
}

enum err owner_count(struct store_reader *reader, struct slice owner, int64_t *customers)
{
    return collect_customers(reader, owner, NULL, NULL, customers);
}

/* What of one page of all chats is the owner's: counted, and kept where it falls into the page asked for. */
static enum err take_page(const struct view_query *q, const struct map *ids, const struct chat_ref *rows, size_t count,
                          struct arena *a, struct chat_ref *out, size_t *taken, int64_t *total)
{
    for (size_t i = 0; i < count; i++) {
        if (!map_get(ids, rows[i].customer_id))
            continue;
        int64_t place = (*total)++;
        if (place < q->skip || *taken == (size_t)q->limit)
            continue;
        struct chat_ref *ref = &out[(*taken)++];
        *ref = (struct chat_ref){arena_slice(a, rows[i].chat_id), arena_slice(a, rows[i].customer_id)};
        if (!ref->chat_id.ptr || !ref->customer_id.ptr)
            return ERR_NOMEM;
    }
    return OK;
}

enum err owner_chats(struct store_reader *reader, const struct view_query *q, struct arena *a, struct chat_ref **out,
                     size_t *count, int64_t *total)
{
    struct map ids;
    struct arena rows_arena;
    int64_t customers;
    map_init(&ids);
    arena_init(&rows_arena, 0);
    *count = 0;
    *total = 0;
    *out = arena_zalloc(a, (size_t)q->limit * sizeof(**out));
    enum err e = *out ? collect_customers(reader, q->owner, a, &ids, &customers) : ERR_NOMEM;
    size_t got = PAGE_ROWS;
    for (int64_t skip = 0; e == OK && ids.count > 0 && got == PAGE_ROWS; skip += PAGE_ROWS) {
        struct chat_ref *rows;
        int64_t all;
        e = reader->vtable->list_chats(reader, q->email, skip, PAGE_ROWS, &rows_arena, &rows, &got, &all);
        if (e == OK)
            e = take_page(q, &ids, rows, got, a, *out, count, total);
        arena_reset(&rows_arena);
    }
    arena_fini(&rows_arena);
    map_fini(&ids);
    return e;
}
