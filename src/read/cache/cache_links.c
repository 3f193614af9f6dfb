#include "cache_int.h"

void links_init(struct links *l)
{
    l->head.prev = l->head.next = &l->head;
    l->count = 0;
}

static void unlink_one(struct link *at)
{
    at->prev->next = at->next;
    at->next->prev = at->prev;
}

static void link_after(struct link *before, struct link *at)
{
    at->prev = before;
    at->next = before->next;
    before->next->prev = at;
    before->next = at;
}

void links_front(struct links *l, struct link *at)
{
    if (l->head.next == at)
        return;
    if (link_in(at))
        unlink_one(at);
    else
        l->count++;
    link_after(&l->head, at);
}

void links_back(struct links *l, struct link *at)
{
    if (link_in(at))
        return;
    l->count++;
    link_after(l->head.prev, at);
}

void links_remove(struct links *l, struct link *at)
{
    if (!link_in(at))
        return;
    unlink_one(at);
    at->prev = at->next = NULL;
    l->count--;
}
