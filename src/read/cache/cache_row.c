/* A chat's row in memory: what changes of it with the chat, and is read without the lock. So a change makes a new one, and what
 * was before stays behind it until the content goes. Somebody who changes a chat on and on would fill memory with that: then the
 * customer is unloaded instead, and loaded anew by who asks. */
#include "cache_history.h"

#define CHANGES_MAX 64

static size_t row_size(const struct history_row *row)
{
    return sizeof(*row) + row->status_len + row->assigned_len + row->start_len;
}

bool history_set_row(struct content *c, struct history *l, const struct chat *changed)
{
    struct chat row = {.chat_id = history_chat_id(l),
                       .status = changed->status,
                       .assigned_to = changed->assigned_to,
                       .created_us = l->created_us};
    struct buf start;
    buf_init(&start);
    render_chat_start(&start, &row);
    struct history_row head = {.replaced = l->row,
                               .status_len = (uint32_t)row.status.len,
                               .assigned_len = (uint32_t)row.assigned_to.len,
                               .start_len = (uint32_t)start.len,
                               .changes = l->row->changes + 1};
    bool can = buf_ok(&start) && head.changes <= CHANGES_MAX;
    struct history_row *fresh = can ? slab_get(c->memory, row_size(&head)) : NULL;
    if (fresh) {
        char *text = (char *)(fresh + 1);
        *fresh = head;
        fresh->text = text;
        (void)slice_put(slice_put(slice_put(text, row.status), row.assigned_to), buf_slice(&start));
        l->row = fresh;
        l->alloc_bytes += slab_size(row_size(fresh));
        c->alloc_bytes += slab_size(row_size(fresh));
    }
    buf_fini(&start);
    return fresh;
}

void history_rows_free(struct slab *memory, struct history *l)
{
    for (struct history_row *row = l->row, *next; row != &l->first_row; row = next) {
        next = row->replaced;
        slab_put(memory, row, row_size(row));
    }
}
