#include "mongo_table.h"

void table_init(struct table *t)
{
    arena_init(&t->a, 0);
    map_init(&t->by_chat);
    t->first_rev = 0;
}

void table_fini(struct table *t)
{
    map_fini(&t->by_chat);
    arena_fini(&t->a);
}

void table_clear(struct table *t)
{
    map_fini(&t->by_chat);
    map_init(&t->by_chat);
    arena_reset(&t->a);
    t->first_rev = 0;
}

struct pending *table_get(struct table *t, struct slice chat_id)
{
    struct pending *p = map_get(&t->by_chat, chat_id);
    if (p)
        return p;
    p = arena_zalloc(&t->a, sizeof(*p));
    struct slice id = arena_slice(&t->a, chat_id);
    if (!p || !id.ptr || map_put(&t->by_chat, id, p) != OK)
        return NULL;
    p->chat.chat_id = id;
    return p;
}

void table_add(struct table *t, struct pending *p, int64_t rev, int64_t timestamp_us, uint8_t flags, bool doubt)
{
    struct mongo_touched *c = &p->chat;
    /* A batch that failed after this comes again. Its messages are not added twice: a chat's revs ascend. One that is in
     * doubt may come again, too, and is added then. */
    bool counted = doubt || (c->added > 0 && rev <= c->rev);
    c->first_rev = c->first_rev == 0 || rev < c->first_rev ? rev : c->first_rev;
    c->rev = rev > c->rev ? rev : c->rev;
    c->timestamp_us = timestamp_us > c->timestamp_us ? timestamp_us : c->timestamp_us;
    c->flags |= flags;
    c->added += counted ? 0 : 1;
    p->doubt |= doubt;
    t->first_rev = t->first_rev == 0 || rev < t->first_rev ? rev : t->first_rev;
}

bool pending_is_due(const struct pending *p, enum part part)
{
    if (part == PART_MARKS)
        return !p->marked && (p->chat.marks[SIDE_CUSTOMER] > 0 || p->chat.marks[SIDE_AGENTS] > 0);
    return !p->done && p->chat.first_rev != 0 && p->doubt == (part == PART_COUNTED);
}
