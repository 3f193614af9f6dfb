#include "reader_queue.h"

void reader_queue_init(struct reader_queue *q, unsigned readers, int64_t reads_max)
{
    *q = (struct reader_queue){.reads_max = reads_max, .searching_max = readers / READERS_PER_SEARCHES};
    q->searching_max += q->searching_max == 0;
    q->reads.end = &q->reads.first;
    q->searches.end = &q->searches.first;
}

static struct query *query_at(struct mailbox_node *node)
{
    return query_of((struct op *)node);
}

/* Behind *at. */
static void link_at(struct reader_line *line, struct mailbox_node **at, struct query *query)
{
    query->op.node.next = *at;
    *at = &query->op.node;
    if (line->end == at)
        line->end = &query->op.node.next;
    line->count++;
}

static struct query *unlink_first(struct reader_line *line)
{
    struct query *query = query_at(line->first);
    line->first = query->op.node.next;
    if (!line->first)
        line->end = &line->first;
    line->count--;
    return query;
}

/* In the order of turns: a client's first is due in the next turn, its second in the one after that. So of two clients each has
 * its turn, however many searches one of them asks for. */
static bool put_search(struct reader_queue *q, struct query *query)
{
    unsigned mine = 0;
    query->turn = q->turn;
    for (struct mailbox_node *n = q->searches.first; n; n = n->next)
        if (query_at(n)->client == query->client) {
            query->turn = query_at(n)->turn;
            mine++;
        }
    query->turn++;
    if (mine >= SEARCHES_OF_ONE_MAX || q->searches.count >= SEARCHES_MAX)
        return false;
    struct mailbox_node **at = &q->searches.first;
    while (*at && query_at(*at)->turn <= query->turn)
        at = &(*at)->next;
    link_at(&q->searches, at, query);
    return true;
}

bool reader_queue_put(struct reader_queue *q, struct query *query)
{
    if (query->asked.view == VIEW_SEARCH)
        return put_search(q, query);
    if (q->reads.count >= q->reads_max)
        return false;
    link_at(&q->reads, q->reads.end, query);
    return true;
}

struct query *reader_queue_take(struct reader_queue *q)
{
    bool may_search = q->searches.first && q->searching < q->searching_max;
    if (!q->reads.first && !may_search)
        return NULL;
    bool search = may_search && (!q->reads.first || q->search_next);
    q->search_next = !search;
    if (!search)
        return unlink_first(&q->reads);
    struct query *query = unlink_first(&q->searches);
    q->turn = query->turn;
    q->searching++;
    return query;
}

void reader_queue_done(struct reader_queue *q, enum view view)
{
    if (view == VIEW_SEARCH)
        q->searching--;
}
