#include "cache_chain.h"

void chain_init(struct chain *l)
{
    l->ends.prev = l->ends.next = &l->ends;
    l->count = 0;
}

static void take_out(struct chain_node *at)
{
    at->prev->next = at->next;
    at->next->prev = at->prev;
}

static void put_after(struct chain_node *before, struct chain_node *at)
{
    at->prev = before;
    at->next = before->next;
    before->next->prev = at;
    before->next = at;
}

void chain_front(struct chain *l, struct chain_node *at)
{
    if (l->ends.next == at)
        return;
    if (in_chain(at))
        take_out(at);
    else
        l->count++;
    put_after(&l->ends, at);
}

void chain_back(struct chain *l, struct chain_node *at)
{
    if (in_chain(at))
        return;
    l->count++;
    put_after(l->ends.prev, at);
}

void chain_remove(struct chain *l, struct chain_node *at)
{
    if (!in_chain(at))
        return;
    take_out(at);
    at->prev = at->next = NULL;
    l->count--;
}
