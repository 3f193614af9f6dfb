/* cache_chain.h: entries one behind the other, as eviction and the order of change need them. The node is in the entry.
 * Thread:  [lock]. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct chain_node {
    struct chain_node *prev, *next; /* both NULL: in no list */
};

struct chain { /* ends.next is the front */
    struct chain_node ends;
    size_t count;
};

void chain_init(struct chain *l);
void chain_front(struct chain *l, struct chain_node *at); /* inserts, or moves */
void chain_back(struct chain *l, struct chain_node *at);  /* inserts where it is in none */
void chain_remove(struct chain *l, struct chain_node *at);
static inline bool in_chain(const struct chain_node *at)
{
    return at->next != NULL;
}
