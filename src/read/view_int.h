/* view_int.h: what the view_*.c files share. view.c (readers) and view_serve.c (workers) stand on top of them, view_answer.c
 * is below.
 * Thread:  as each says; [lock] with cache.lock held. */
#pragma once
#include "cache/cache_fill.h"
#include "compose.h"
#include "read/view.h"

#define REFETCH_LIMIT 100                  /* customers, when the query says nothing */
#define LIMIT_MAX     1000                 /* rows of any answer */
#define CHANGES_MAX   2000                 /* entries looked at under the lock; past it the store is asked */
#define INLINE_BYTES  ((size_t)256 * 1024) /* more to compose than this is a reader's work, not a worker's */

/* view_answer.c */
struct view_query view_normal(const struct view_query *asked); /* the query with skip and limit within bounds */
static inline int64_t view_base(const struct view_query *q)
{
    return q->since_base > 0 ? q->since_base : q->since;
}
static inline struct told view_told(const struct view_query *q)
{
    return q->has_since ? (struct told){view_base(q), q->since_read} : told_nothing;
}

/* For whom the answer is: a poll is the customer's, whoever asks; the rest the dashboards', unless the customer asks. */
static inline struct look view_look(const struct cache *c, const struct view_query *q)
{
    bool customer = q->view == VIEW_POLL || q->viewer.kind == SCOPE_CUSTOMER;
    return (struct look){.tag = c->tag, .asker = customer ? SIDE_CUSTOMER : SIDE_AGENTS};
}

/* What view_answer.unmarked is: only a chat's tag is asked for what has changed beside marks. */
static inline uint64_t view_unmarked(const struct view_query *q, uint64_t unmarked)
{
    return q->view == VIEW_CHAT ? unmarked : 0;
}

/* Ends an answer with a body (takes the reference; NULL: ERR_NOMEM). version 0: no ETag. */
void view_give(const struct cache *c, struct view_answer *out, struct blob *body, uint64_t version);
void view_fail(struct view_answer *out, enum err e);
/* [lock] True: the answer is 304, and complete. Sets the ETag either way. */
bool view_unchanged(const struct cache *c, const struct view_query *q, uint64_t version, struct view_answer *out);

/* Up to where a listing tells, that was asked for at asked_at: an owner's shows that owner's changes and marks only. after: the
 * cursor that it goes on from, or zeros. What was shown and changed later than asked_at is told again: something older may not
 * have been there yet. */
struct told list_cursor(const struct view_query *q, const struct snap *s, struct told asked_at, struct told after);
static inline struct told told_now(const struct cache *c) /* [lock] */
{
    return (struct told){c->applied, c->marked_at};
}

/* [lock] Who changed after the cursor, newest first: the owner's that is asked for, and whose owner is not known. False: the
 * store must say, or there are more than max. */
bool view_changed(const struct cache *c, const struct view_query *q, struct customer_entry **out, size_t max,
                  size_t *count);

/* [lock] In whose chats somebody read after the cursor, newest first, but for those that have changed after it. */
void view_marked(const struct cache *c, const struct view_query *q, struct customer_entry *out[static MARKED_MAX],
                 size_t *count);

/* Of one customer's answer: that customer's last change, so that it moves with nobody else's. [lock] */
static inline struct cursor poll_cursor(const struct cache *c, const struct scope *viewer,
                                        const struct snap_customer *u)
{
    /* Data without revs: all that has one is newer. */
    struct cursor cursor = {.stamp = u->newest > 0 ? u->newest : 1, .read = u->marked};
    cursor_sign(c, viewer, &cursor);
    return cursor;
}

/* view_one.c. Of the snap's one customer, or its chat. More than max_bytes: nothing is answered. */
void view_compose_one(struct cache *c, const struct view_query *q, struct snap *s, const struct cursor *cursor,
                      uint64_t max_bytes, struct view_answer *out);
void view_compose_ai(struct cache *c, struct slice chat_id, uint8_t flags, uint64_t version, struct view_answer *out);
void view_compose_totals(struct cache *c, enum view view, const struct totals *totals, struct view_answer *out);

/* A reader's work on one query. */
struct reading {
    struct cache *cache;
    struct store_reader *reader;
    struct view_query query;
    struct arena *arena; /* the request's: not for what a long listing needs */
    struct view_answer *answer;
};

void view_search(struct reading *r); /* customers that words or a section name */
void view_one(struct reading *r);    /* a customer, a chat, or a page of it */
void view_ai(struct reading *r);
void view_totals(struct reading *r);
void view_list(struct reading *r);
void view_changes(struct reading *r);
void view_overview(struct reading *r);

/* view_owner.c [reader]: what the stores have no query for, found by paging through what they list: linear in all
 * customers of the owner, and in all chats. */
NODISCARD enum err owner_count(struct store_reader *reader, struct slice owner, int64_t *customers);
/* VIEW_CHATS of an owner's customers only: one page of it, and how many there are. */
NODISCARD enum err owner_chats(struct store_reader *reader, const struct view_query *q, struct arena *a,
                               struct chat_ref **out, size_t *count, int64_t *total);
