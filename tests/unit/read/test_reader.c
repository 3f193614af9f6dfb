/* Readers while searches wait: the rest goes on, clients take turns, and one has only a part of the line. */
#include "cache_suites.h"

#include "cache_kit.h"
#include "read/reader.h"
#include "write/producer.h"

#include <poll.h>
#include <semaphore.h>

#define SEARCHES 4
#define MANY     32 /* of one client that may wait */

static struct {
    sem_t begun, let;
    pthread_mutex_t lock;
    int inside, most_inside;
    char order[8 * (SEARCHES + MANY)];
} slow;

static void wait_for(sem_t *s)
{
    while (sem_wait(s) != 0)
        ;
}

/* A search that ends when the test lets it. */
static enum err search(struct store_reader *r, const struct customer_filter *filter, int64_t skip, int64_t limit,
                       struct arena *a, struct customer **out, size_t *count, int64_t *total)
{
    (void)r, (void)skip, (void)limit, (void)a;
    pthread_mutex_lock(&slow.lock);
    strncat(slow.order, filter->words[0].ptr, filter->words[0].len);
    strcat(slow.order, " ");
    slow.inside++;
    slow.most_inside = slow.inside > slow.most_inside ? slow.inside : slow.most_inside;
    pthread_mutex_unlock(&slow.lock);
    sem_post(&slow.begun);
    wait_for(&slow.let);
    pthread_mutex_lock(&slow.lock);
    slow.inside--;
    pthread_mutex_unlock(&slow.lock);
    *out = NULL;
    *count = 0;
    *total = 0;
    return OK;
}

static enum err open_reader(struct store *store, struct store_reader **out)
{
    *out = &((struct kit *)(void *)store)->reader;
    return OK;
}

static void close_reader(struct store_reader *r)
{
    (void)r;
}

struct rig {
    struct kit *kit;
    struct store_vtable vtable;
    struct readers *readers;
    struct producer producer;
};

static void open_rig(struct rig *g, int64_t readers)
{
    memset(&slow, 0, sizeof(slow));
    sem_init(&slow.begun, 0, 0);
    sem_init(&slow.let, 0, 0);
    pthread_mutex_init(&slow.lock, NULL);
    g->kit = kit_new(1 << 20);
    g->vtable = *g->kit->store.vtable;
    g->vtable.search_customers = search;
    g->vtable.reader_open = open_reader;
    g->vtable.reader_close = close_reader;
    g->kit->store.vtable = g->kit->reader.vtable = &g->vtable;
    CU_ASSERT_EQUAL_FATAL(producer_init(&g->producer, 256, 0), OK);
    CU_ASSERT_EQUAL_FATAL(readers_start(&g->kit->store, g->kit->cache, readers, 256, &g->readers), OK);
}

static void complete(struct op *op, void *arg)
{
    (void)op, (void)arg;
}

static enum err submit(struct rig *g, enum view view, uint64_t client, const char *words)
{
    struct op *op = producer_op(&g->producer, &query_kind, complete);
    must(op != NULL);
    query_of(op)->client = client;
    query_of(op)->asked = (struct view_query){.view = view, .words = slice_cstr(words), .limit = 1};
    enum err e = readers_submit(g->readers, op);
    if (e != OK)
        op_put(g->producer.ops, op);
    return e;
}

/* Until `count` have been answered. */
static void await(struct rig *g, int count)
{
    while (count > 0) {
        mailbox_sleeping(g->producer.inbox);
        struct op *op = producer_take(&g->producer);
        if (!op)
            (void)poll(&(struct pollfd){.fd = mailbox_fd(g->producer.inbox), .events = POLLIN}, 1, -1);
        mailbox_awake(g->producer.inbox);
        while (op) {
            struct op *next = (struct op *)op->node.next;
            CU_ASSERT_EQUAL(op->result, OK);
            op_put(g->producer.ops, op);
            count--;
            op = next;
        }
    }
}

static void let(int count)
{
    while (count-- > 0)
        sem_post(&slow.let);
}

static void close_rig(struct rig *g)
{
    readers_stop(g->readers);
    readers_free(g->readers);
    producer_fini(&g->producer);
    kit_free(g->kit);
    sem_destroy(&slow.begun);
    sem_destroy(&slow.let);
    pthread_mutex_destroy(&slow.lock);
}

static void searches_leave_readers_for_the_rest(void)
{
    struct rig g;
    open_rig(&g, 2);
    CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 1, "a1"), OK);
    CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 1, "a2"), OK);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(submit(&g, VIEW_REPORT, 2, ""), OK);
        await(&g, 1); /* while no search has ended */
    }
    let(2);
    await(&g, 2);
    CU_ASSERT_EQUAL(slow.most_inside, 1);
    close_rig(&g);
}

static void a_single_reader_takes_turns(void)
{
    struct rig g;
    open_rig(&g, 1);
    for (int i = 0; i < SEARCHES; i++)
        CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 1, "a"), OK);
    CU_ASSERT_EQUAL(submit(&g, VIEW_REPORT, 2, ""), OK);
    let(1);
    await(&g, 2); /* one search and the report, not all four before it */
    let(SEARCHES - 1);
    await(&g, SEARCHES - 1);
    close_rig(&g);
}

static void clients_take_turns(void)
{
    struct rig g;
    open_rig(&g, 2);
    const char *const names[] = {"a1", "a2", "a3", "a4"};
    for (int i = 0; i < SEARCHES; i++)
        CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 1, names[i]), OK);
    wait_for(&slow.begun);
    CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 2, "b1"), OK);
    CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 3, "c1"), OK);
    CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 2, "b2"), OK);
    let(7);
    await(&g, 7);
    CU_ASSERT_STRING_EQUAL(slow.order, "a1 a2 b1 c1 a3 b2 a4 ");
    CU_ASSERT_EQUAL(slow.most_inside, 1);
    close_rig(&g);
}

static void one_client_has_a_part_of_the_line(void)
{
    struct rig g;
    int asked = 0;
    open_rig(&g, 2);
    while (asked <= MANY + 1 && submit(&g, VIEW_SEARCH, 1, "a") == OK)
        asked++;
    CU_ASSERT(asked == MANY || asked == MANY + 1); /* one may have begun */
    CU_ASSERT_EQUAL(submit(&g, VIEW_SEARCH, 2, "b"), OK);
    CU_ASSERT_EQUAL(submit(&g, VIEW_REPORT, 1, ""), OK);
    await(&g, 1);
    let(asked + 1);
    readers_stop(g.readers); /* finishes what waits */
    await(&g, asked + 1);
    close_rig(&g);
}

const CU_TestInfo reader_tests[] = {{"searches leave readers for the rest", searches_leave_readers_for_the_rest},
                                    {"a single reader takes turns", a_single_reader_takes_turns},
                                    {"clients take turns", clients_take_turns},
                                    {"one client has a part of the line", one_client_has_a_part_of_the_line},
                                    CU_TEST_INFO_NULL};
