/* reader_queue.h: what waits for readers, in two lines. A search looks at every customer that a word names, so searches have a
 * line of their own: whatever is in it, some readers are left for the rest. Private to read/.
 * Thread:  any, under the caller's lock.
 * Owns:    nothing: ops are linked.
 * Fails:   false: the line is full, or this client's part of it. */
#pragma once
#include "read/query.h"

#define SEARCHES_MAX         1024 /* that wait */
#define SEARCHES_OF_ONE_MAX  32   /* of one client */
#define READERS_PER_SEARCHES 2    /* at most every second reader searches */

struct reader_line {
    struct mailbox_node *first, **end;
    int64_t count;
};

struct reader_queue {
    struct reader_line reads, searches;
    int64_t reads_max;
    unsigned searching, searching_max;
    uint64_t turn;    /* of the search that was taken last */
    bool search_next; /* where both lines wait they take turns */
};

void reader_queue_init(struct reader_queue *q, unsigned readers, int64_t reads_max);
NODISCARD bool reader_queue_put(struct reader_queue *q, struct query *query);
/* NULL: nothing that may be begun now; whoever ends a search comes back for the next. */
struct query *reader_queue_take(struct reader_queue *q);
void reader_queue_done(struct reader_queue *q, enum view view); /* of one that was taken */
