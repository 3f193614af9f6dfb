/* mongo_table.h: what is not yet written to chats' documents, chat by chat: messages to add or to count, marks.
 * Thread:  its owner's lock; but `done`, `marked` and `tries` are the writing thread's alone.
 * Owns:    its entries and their ids, until it is cleared.
 * Fails:   NULL: no memory. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "mongo_recount.h"

struct pending {
    struct mongo_touched chat; /* its id in the table's arena */
    bool doubt;                /* count, do not add */
    bool done;                 /* counters are written */
    bool marked;               /* marks are written */
    uint8_t tries;             /* alone, and failed */
};

struct table {
    struct arena a;
    struct map by_chat; /* → struct pending */
    int64_t first_rev;  /* the oldest message in it; 0: none */
};

void table_init(struct table *t);
void table_fini(struct table *t);
void table_clear(struct table *t);
static inline bool table_is_empty(const struct table *t)
{
    return t->by_chat.count == 0;
}
struct pending *table_get(struct table *t, struct slice chat_id); /* its entry, made where there is none */
/* One message of that chat: rev, timestamp_us 0 where not known, flags. doubt: it may be there, and nobody adds it. */
void table_add(struct table *t, struct pending *p, int64_t rev, int64_t timestamp_us, uint8_t flags, bool doubt);

/* What is to be written of a chat. */
enum part { PART_MARKS, PART_ADDED, PART_COUNTED };
bool pending_is_due(const struct pending *p, enum part part);
