/* cache_history.h: a customer's rendered messages: append-only, one history per chat, owned together by one content. Beside
 * them what is not append-only: a chat's row, and how far its sides have read.
 * Thread:  functions marked [lock] with the cache's mutex held, or on a content that nobody else has yet (a fill);
 *          struct history_span and its functions anywhere: they read only what was published when the span was taken.
 * Owns:    a content owns its histories and their chunks; a holder of a reference may read its spans as long as
 *          it has it. Nothing is freed before the last reference is dropped.
 * Layout:  a chunk holds fragments from its front (each ",{…}", rendered once) and their records from its back; what
 *          was published never changes and never moves. A fragment lies in one chunk whole. A row that was replaced
 *          stays as long as the content does, since spans point to it: history_set_row() says how often that can be.
 * Memory:  the cache's slab, which outlives every content.
 * Fails:   false or NULL when there is no memory; nothing is changed then. */
#pragma once
#include "base/slab.h"
#include "chat/render.h"
#include <stdalign.h>
#include <stdatomic.h>

struct msg_rec {
    int64_t rev;
    uint32_t len; /* of the fragment without its leading comma */
    uint16_t head_len;
    uint8_t flags; /* enum form_flag */
    uint8_t unused;
};

/* used and count grow under the lock while the chunk is its history's last; afterwards they never change. */
struct chunk {
    struct chunk *prev;
    struct chunk *next; /* set once, when a newer chunk is added */
    uint32_t cap;       /* bytes of data, a multiple of 16 */
    uint32_t used;      /* bytes of fragments */
    uint32_t count;     /* records */
    uint32_t first;     /* place in the chat of its first message */
    alignas(16) char data[];
};

/* What a change of the chat replaces whole. */
struct history_row {
    struct history_row *replaced;
    const char *text; /* status, assigned_to, render_chat_start() */
    uint32_t status_len, assigned_len, start_len;
    uint32_t changes; /* how many were before it */
};

struct history {
    struct history *next; /* the customer's next chat, oldest first */
    struct chunk *first, *last;
    uint64_t bytes;     /* of fragments, commas included */
    size_t alloc_bytes; /* of the history and its chunks, as slab_size() says */
    uint32_t count;     /* messages */
    bool complete;      /* holds the chat's whole history (false only while a load runs) */
    int64_t last_rev;   /* of the last message that is not legacy; 0: none */
    int64_t rev;        /* of the chat's last change */
    int64_t last_activity_us;
    int64_t updated_us;
    struct history_row *row;
    int64_t marks[2];   /* by enum chat_side; what a side has sent it has read too */
    int64_t marked;     /* stamp of the last mark; after a load that of any of its customer's chats */
    uint32_t unread[2]; /* by the side that has not read them; without those that are read for everybody */
    /* never change: */
    int64_t created_us;
    struct history_row first_row;
    uint32_t id_len;
    char text[]; /* chat id, and the first row's */
};

struct content {
    atomic_uint refs;
    struct slab *memory; /* of all of it */
    struct content *next_garbage;
    struct history *first, *last;
    uint32_t history_count;
    uint64_t bytes;     /* of all fragments */
    size_t alloc_bytes; /* of everything */
    uint32_t customer_id_len;
    char customer_id[];
};

struct content *content_new(struct slab *memory, struct slice customer_id);
struct content *content_hold(struct content *c);
void content_drop(struct content *c); /* accepts NULL; the last one frees, without the lock where that can be long */

/* [lock] */
struct history *content_add_history(struct content *c, const struct chat *row, bool complete);
/* fragment: ",{…}", form->len + 1 bytes. */
bool history_append(struct content *c, struct history *l, const char *fragment, const struct message_form *form,
                    int64_t rev);
/* Gives the last chunk's unused room back; before it is published. */
void history_seal(struct content *c, struct history *l);
void history_move(struct content *from, struct content *to, struct history *l); /* nobody has a span of `from` */

/* cache_row.c [lock]: the row's status and assigned_to. False: no memory, or too many changes since it was loaded. */
bool history_set_row(struct content *c, struct history *l, const struct chat *row);
void history_rows_free(struct slab *memory, struct history *l); /* all but the first, which is part of the history */

/* cache_marks.c [lock]: the side has read up to there. False: it had read that far. */
bool history_mark(struct history *l, enum chat_side side, int64_t mark);
/* A message was appended, at that place: whose it is says who has read, and who has one more to read. */
void history_count(struct history *l, const struct msg_rec *rec, uint32_t place);
bool history_has_mark(const struct history *l, int64_t mark, bool legacy); /* one of its messages */
static inline bool history_has(const struct history *l, int64_t rev)
{
    return history_has_mark(l, rev, false);
}

static inline struct slice history_chat_id(const struct history *l)
{
    return slice_of(l->text, l->id_len);
}
static inline struct slice row_status(const struct history_row *row)
{
    return slice_of(row->text, row->status_len);
}
static inline struct slice row_assigned(const struct history_row *row)
{
    return slice_of(row->text + row->status_len, row->assigned_len);
}
static inline struct slice row_start(const struct history_row *row)
{
    return slice_of(row->text + row->status_len + row->assigned_len, row->start_len);
}

/* Messages [begin, end) of a history as it was when the span was taken. */
struct history_span {
    const struct history *history; /* only what never changes in it */
    const struct history_row *row;
    const struct chunk *last;
    uint32_t last_used, last_count;
    uint32_t begin, end;      /* places in the chat */
    const struct chunk *from; /* where `begin` lies: chunk, record, byte; NULL when empty */
    uint32_t from_rec, from_at;
    uint64_t bytes; /* of the fragments in it, commas included */
    int64_t rev, last_activity_us, updated_us;
    int64_t marks[2];
    uint32_t unread[2];
    uint32_t total;
};

static inline uint32_t span_count(const struct history_span *v, const struct chunk *k)
{
    return k == v->last ? v->last_count : k->count;
}
static inline uint32_t span_used(const struct history_span *v, const struct chunk *k)
{
    return k == v->last ? v->last_used : k->used;
}
/* A message's mark (chat/model.h). */
static inline int64_t message_mark(uint8_t form_flags, int64_t rev, uint32_t place)
{
    return form_flags & FORM_LEGACY ? (int64_t)place + 1 : rev;
}
static inline struct msg_rec *chunk_rec(const struct chunk *k, uint32_t i)
{
    const struct msg_rec *end = (const struct msg_rec *)(const void *)(k->data + k->cap);
    return (struct msg_rec *)(uintptr_t)(end - 1 - i);
}

void history_span_take(const struct history *l, struct history_span *v); /* [lock] */
void history_span_since(struct history_span *v, int64_t since);          /* only messages with a higher rev */
void history_span_range(struct history_span *v, uint32_t begin, uint32_t end);
uint32_t history_span_place(const struct history_span *v,
                            int64_t rev); /* of the first message with rev or a higher one */
/* Joined by commas. asker: whose side the answer is for. */
void history_span_copy(const struct history_span *v, enum chat_side asker, struct buf *out);
/* cache_marks.c: `out` ends with the span's fragments, all read: those that are not for the asker become so. */
void history_span_unread(const struct history_span *v, enum chat_side asker, struct buf *out);
bool history_span_is_unread(const struct history_span *v, enum chat_side asker, uint8_t form_flags, int64_t mark);

struct history_iter {
    const struct history_span *span;
    const struct chunk *chunk;
    uint32_t rec, at, place;
    enum chat_side asker;
};
struct history_iter history_iter(const struct history_span *v, enum chat_side asker);
/* The next fragment, without its comma. */
const char *history_next_raw(struct history_iter *it, struct message_form *form, int64_t *rev);
/* parts (read: by the asker) and id point into the history and id_room. */
bool history_next(struct history_iter *it, const uint8_t tag[static 5], struct message_parts *parts, struct slice *id,
                  char id_room[static MESSAGE_ID_MAX]);
