#include "cache_history.h"

#include "base/err.h"

#define CHUNK_MIN ((size_t)512)
#define CHUNK_MAX ((size_t)65536)

_Static_assert(sizeof(struct msg_rec) == 16, "an index record is 16 bytes");

static size_t align16(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

struct content *content_new(struct slab *memory, struct slice customer_id)
{
    size_t size = sizeof(struct content) + customer_id.len;
    struct content *c = slab_zget(memory, size);
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->memory = memory;
    c->alloc_bytes = slab_size(size);
    c->customer_id_len = (uint32_t)customer_id.len;
    memcpy(c->customer_id, customer_id.ptr, customer_id.len);
    return c;
}

struct content *content_hold(struct content *c)
{
    /* Relaxed: the caller has a reference, or the lock under which the cache has one. */
    unsigned before = atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    must(before > 0);
    return c;
}

static size_t history_size(const struct history *l)
{
    const struct history_row *row = &l->first_row;
    return sizeof(*l) + l->id_len + row->status_len + row->assigned_len + row->start_len;
}

static size_t chunk_size(const struct chunk *k)
{
    return sizeof(*k) + k->cap;
}

static void history_free(struct slab *memory, struct history *l)
{
    for (struct chunk *k = l->first; k;) {
        struct chunk *next = k->next;
        slab_put(memory, k, chunk_size(k));
        k = next;
    }
    history_rows_free(memory, l);
    slab_put(memory, l, history_size(l));
}

void content_drop(struct content *c)
{
    if (!c)
        return;
    /* Release: our reads come before the free; acquire: the last one frees after everybody's reads. */
    unsigned before = atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    for (struct history *l = c->first; l;) {
        struct history *next = l->next;
        history_free(c->memory, l);
        l = next;
    }
    slab_put(c->memory, c, sizeof(*c) + c->customer_id_len);
}

static void content_link(struct content *c, struct history *l)
{
    l->next = NULL;
    if (c->last)
        c->last->next = l;
    else
        c->first = l;
    c->last = l;
    c->history_count++;
    c->bytes += l->bytes;
    c->alloc_bytes += l->alloc_bytes;
}

struct history *content_add_history(struct content *c, const struct chat *row, bool complete)
{
    struct buf start;
    buf_init(&start);
    render_chat_start(&start, row);
    struct history head = {
        .id_len = (uint32_t)row->chat_id.len,
        .first_row = {.status_len = (uint32_t)row->status.len,
                      .assigned_len = (uint32_t)row->assigned_to.len,
                      .start_len = (uint32_t)start.len},
        .complete = complete,
        .rev = row->rev,
        .created_us = row->created_us,
        .last_activity_us = row->last_activity_us,
        .updated_us = row->updated_us,
        .marks = {[SIDE_CUSTOMER] = row->customer_read, [SIDE_AGENTS] = row->agents_read},
    };
    struct history *l = buf_ok(&start) ? slab_get(c->memory, history_size(&head)) : NULL;
    if (l) {
        *l = head;
        l->alloc_bytes = slab_size(history_size(&head));
        l->row = &l->first_row;
        l->row->text = l->text + l->id_len;
        char *at = slice_put(l->text, row->chat_id);
        (void)slice_put(slice_put(slice_put(at, row->status), row->assigned_to), buf_slice(&start));
        content_link(c, l);
    }
    buf_fini(&start);
    return l;
}

/* The chunk is as large as the object that the slab gives for `need` bytes anyway. */
static struct chunk *chunk_new(struct slab *memory, size_t need, uint32_t first)
{
    size_t size = sizeof(struct chunk) + align16(need);
    if (size <= SLAB_OBJECT_MAX)
        size = slab_size(size);
    struct chunk *k = slab_get(memory, size);
    if (k)
        *k = (struct chunk){.cap = (uint32_t)(size - sizeof(*k)), .first = first};
    return k;
}

/* Half of what there is already, so that the cost of growing stays constant per append; a sixteenth where half would be
 * larger than the slab's objects. */
static size_t next_cap(const struct history *l, size_t need)
{
    size_t size = (size_t)l->bytes / 2;
    if (size > SLAB_OBJECT_MAX)
        size = (size_t)l->bytes / 16 < SLAB_OBJECT_MAX ? SLAB_OBJECT_MAX : (size_t)l->bytes / 16;
    if (size < CHUNK_MIN)
        size = CHUNK_MIN;
    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    size_t cap = size - sizeof(struct chunk);
    return cap < need ? need : cap;
}

static struct chunk *room_for(struct content *c, struct history *l, size_t len)
{
    struct chunk *k = l->last;
    if (k && k->used + len + sizeof(struct msg_rec) * (k->count + 1) <= k->cap)
        return k;
    struct chunk *fresh = chunk_new(c->memory, next_cap(l, len + sizeof(struct msg_rec)), l->count);
    if (!fresh)
        return NULL;
    fresh->prev = k;
    if (k)
        k->next = fresh;
    else
        l->first = fresh;
    l->last = fresh;
    l->alloc_bytes += slab_size(chunk_size(fresh));
    c->alloc_bytes += slab_size(chunk_size(fresh));
    return fresh;
}

bool history_append(struct content *c, struct history *l, const char *fragment, const struct message_form *form,
                    int64_t rev)
{
    size_t len = (size_t)form->len + 1;
    struct chunk *k = room_for(c, l, len);
    if (!k)
        return false;
    memcpy(k->data + k->used, fragment, len);
    struct msg_rec *rec = chunk_rec(k, k->count);
    *rec = (struct msg_rec){.rev = rev, .len = form->len, .head_len = form->head_len, .flags = form->flags};
    k->used += (uint32_t)len;
    k->count++;
    l->bytes += len;
    c->bytes += len;
    history_count(l, rec, l->count++);
    if (!(form->flags & FORM_LEGACY))
        l->last_rev = rev;
    return true;
}

void history_seal(struct content *c, struct history *l)
{
    struct chunk *k = l->last;
    if (!k)
        return;
    size_t recs = k->count * sizeof(struct msg_rec);
    size_t need = align16(k->used + recs);
    size_t saved = slab_size(chunk_size(k)) - slab_size(sizeof(*k) + need);
    if (saved < slab_size(chunk_size(k)) / 8)
        return;
    struct chunk *tight = chunk_new(c->memory, need, k->first);
    if (!tight)
        return; /* no memory: the chunk stays larger than it must be */
    tight->prev = k->prev;
    tight->used = k->used;
    tight->count = k->count;
    memcpy(tight->data, k->data, k->used);
    memcpy(tight->data + tight->cap - recs, k->data + k->cap - recs, recs);
    if (k->prev)
        k->prev->next = tight;
    else
        l->first = tight;
    l->last = tight;
    l->alloc_bytes -= saved;
    c->alloc_bytes -= saved;
    slab_put(c->memory, k, chunk_size(k));
}

/* The first record of the chunk whose rev is at least `rev`; legacy ones come first in a chat and count as older. */
static uint32_t chunk_lower(const struct chunk *k, uint32_t count, int64_t rev)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct msg_rec *r = chunk_rec(k, mid);
        if (r->flags & FORM_LEGACY || r->rev < rev)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void history_move(struct content *from, struct content *to, struct history *l)
{
    struct history *before = NULL;
    for (struct history *at = from->first; at != l; at = at->next)
        before = at;
    if (before)
        before->next = l->next;
    else
        from->first = l->next;
    if (from->last == l)
        from->last = before;
    from->history_count--;
    from->bytes -= l->bytes;
    from->alloc_bytes -= l->alloc_bytes;
    content_link(to, l);
}

void history_span_take(const struct history *l, struct history_span *v)
{
    *v = (struct history_span){
        .history = l,
        .row = l->row,
        .last = l->last,
        .last_used = l->last ? l->last->used : 0,
        .last_count = l->last ? l->last->count : 0,
        .end = l->count,
        .from = l->first,
        .bytes = l->bytes,
        .rev = l->rev,
        .last_activity_us = l->last_activity_us,
        .updated_us = l->updated_us,
        .marks = {l->marks[0], l->marks[1]},
        .unread = {l->unread[0], l->unread[1]},
        .total = l->count,
    };
}

uint32_t history_span_place(const struct history_span *v, int64_t rev)
{
    for (const struct chunk *k = v->last; k; k = k->prev) {
        uint32_t i = chunk_lower(k, span_count(v, k), rev);
        if (i > 0)
            return k->first + i;
    }
    return 0;
}

/* The byte at which record i begins. */
static uint32_t chunk_at(const struct chunk *k, uint32_t i)
{
    uint32_t at = 0;
    for (uint32_t r = 0; r < i; r++)
        at += chunk_rec(k, r)->len + 1;
    return at;
}

/* Makes the span stop before `end`, which is below its present end. */
static void cut_end(struct history_span *v, uint32_t end)
{
    const struct chunk *k = v->last;
    while (k->first >= end)
        k = k->prev;
    v->last_count = end - k->first;
    v->last_used = chunk_at(k, v->last_count);
    v->last = k;
    v->end = end;
}

void history_span_range(struct history_span *v, uint32_t begin, uint32_t end)
{
    if (end > v->end)
        end = v->end;
    if (begin >= end) {
        v->begin = v->end = begin;
        v->from = NULL;
        v->bytes = 0;
        return;
    }
    if (end < v->end)
        cut_end(v, end);
    const struct chunk *k = v->last;
    uint64_t bytes = span_used(v, k);
    while (k->first > begin) {
        k = k->prev;
        bytes += k->used;
    }
    v->begin = begin;
    v->from = k;
    v->from_rec = begin - k->first;
    v->from_at = chunk_at(k, v->from_rec);
    v->bytes = bytes - v->from_at;
}

void history_span_since(struct history_span *v, int64_t since)
{
    history_span_range(v, since < INT64_MAX ? history_span_place(v, since + 1) : v->end, v->end);
}

void history_span_copy(const struct history_span *v, enum chat_side asker, struct buf *out)
{
    if (v->begin == v->end)
        return;
    uint32_t at = v->from_at + 1; /* no comma before the first */
    for (const struct chunk *k = v->from;; k = k->next, at = 0) {
        buf_append(out, k->data + at, span_used(v, k) - at);
        if (k == v->last)
            break;
    }
    history_span_unread(v, asker, out);
}

struct history_iter history_iter(const struct history_span *v, enum chat_side asker)
{
    return (struct history_iter){
        .span = v, .chunk = v->from, .rec = v->from_rec, .at = v->from_at, .place = v->begin, .asker = asker};
}

const char *history_next_raw(struct history_iter *it, struct message_form *form, int64_t *rev)
{
    const struct history_span *v = it->span;
    if (it->place >= v->end)
        return NULL;
    while (it->rec >= span_count(v, it->chunk)) {
        it->chunk = it->chunk->next;
        it->rec = it->at = 0;
    }
    const struct msg_rec *r = chunk_rec(it->chunk, it->rec);
    *form = (struct message_form){.len = r->len, .head_len = r->head_len, .flags = r->flags};
    *rev = r->rev;
    const char *fragment = it->chunk->data + it->at + 1;
    it->at += r->len + 1;
    it->rec++;
    it->place++;
    return fragment;
}

bool history_next(struct history_iter *it, const uint8_t tag[static 5], struct message_parts *parts, struct slice *id,
                  char id_room[static MESSAGE_ID_MAX])
{
    struct message_form form;
    int64_t rev;
    uint32_t place = it->place;
    const char *fragment = history_next_raw(it, &form, &rev);
    if (!fragment)
        return false;
    message_parts(fragment, &form, parts);
    parts->read = !history_span_is_unread(it->span, it->asker, form.flags, message_mark(form.flags, rev, place));
    size_t len = form.flags & FORM_LEGACY
                     ? message_id_legacy(message_seconds(parts), place, history_chat_id(it->span->history), id_room)
                     : message_id(rev, tag, id_room);
    *id = slice_of(id_room, len);
    return true;
}
