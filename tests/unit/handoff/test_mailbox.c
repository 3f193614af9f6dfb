#include "handoff/mailbox.h"

#include "suites.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

struct letter {
    struct mailbox_node node; /* first */
    int number;
};

static bool readable(const struct mailbox *m)
{
    struct pollfd fd = {.fd = mailbox_fd(m), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* True when the chain is exactly the numbers first…last, in order. */
static bool holds(struct mailbox_node *node, int first, int last)
{
    for (int n = first; n <= last; n++, node = node->next)
        if (!node || ((struct letter *)node)->number != n)
            return false;
    return node == NULL;
}

static void number_letters(struct letter *letters, int first, int last)
{
    for (int n = first; n <= last; n++)
        letters[n].number = n;
}

static void test_order(void)
{
    struct letter letters[10];
    struct mailbox *m = mailbox_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_PTR_NULL(mailbox_take(m));
    number_letters(letters, 0, 9);
    for (int i = 0; i < 9; i++)
        mailbox_push(m, &letters[i].node);
    CU_ASSERT(holds(mailbox_take(m), 0, 8));
    CU_ASSERT_PTR_NULL(mailbox_take(m));
    mailbox_push(m, &letters[9].node);
    CU_ASSERT(holds(mailbox_take(m), 9, 9));
    mailbox_free(m);
    mailbox_free(NULL);
}

static void test_wakes_only_a_sleeper(void)
{
    struct letter letters[6];
    number_letters(letters, 0, 5);
    struct mailbox *m = mailbox_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    mailbox_push(m, &letters[0].node);
    CU_ASSERT_FALSE(readable(m)); /* awake: no system call */
    CU_ASSERT_PTR_NOT_NULL(mailbox_take(m));
    mailbox_sleeping(m);
    CU_ASSERT_FALSE(readable(m));
    mailbox_push(m, &letters[1].node);
    CU_ASSERT(readable(m));
    uint64_t count = 0;
    mailbox_push(m, &letters[2].node); /* one wake-up a sleep */
    CU_ASSERT_EQUAL(read(mailbox_fd(m), &count, sizeof(count)), sizeof(count));
    CU_ASSERT_EQUAL(count, 1);
    mailbox_awake(m);
    CU_ASSERT(holds(mailbox_take(m), 1, 2));
    mailbox_push(m, &letters[3].node);
    CU_ASSERT_FALSE(readable(m));
    mailbox_sleeping(m);
    mailbox_push(m, &letters[4].node);
    mailbox_push(m, &letters[5].node);
    CU_ASSERT(readable(m));
    mailbox_awake(m);
    CU_ASSERT_FALSE(readable(m)); /* drained */
    CU_ASSERT(holds(mailbox_take(m), 3, 5));
    mailbox_free(m);
}

static void test_poke_is_never_lost(void)
{
    struct mailbox *m = mailbox_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    mailbox_sleeping(m);
    mailbox_poke(m);
    CU_ASSERT(readable(m));
    mailbox_awake(m);
    CU_ASSERT_FALSE(readable(m));
    CU_ASSERT_PTR_NULL(mailbox_take(m));
    mailbox_poke(m); /* between the last look and sleeping */
    CU_ASSERT_FALSE(readable(m));
    mailbox_sleeping(m);
    CU_ASSERT(readable(m));
    mailbox_awake(m);
    mailbox_sleeping(m);
    CU_ASSERT_FALSE(readable(m)); /* one poke, one wake-up */
    mailbox_awake(m);
    mailbox_free(m);
}

static void *push_late(void *arg)
{
    static struct letter letter = {.number = 1};
    usleep(20000);
    mailbox_push(arg, &letter.node);
    return NULL;
}

static void test_wait_ends_with_a_push(void)
{
    struct mailbox *m = mailbox_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    pthread_t producer;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&producer, NULL, push_late, m), 0);
    mailbox_sleeping(m);
    struct mailbox_node *node = mailbox_take(m);
    if (!node) {
        struct pollfd fd = {.fd = mailbox_fd(m), .events = POLLIN};
        CU_ASSERT_EQUAL(poll(&fd, 1, 50000), 1);
        mailbox_awake(m);
        node = mailbox_take(m);
    }
    CU_ASSERT(holds(node, 1, 1));
    pthread_join(producer, NULL);
    mailbox_free(m);
}

const CU_TestInfo mailbox_tests[] = {
    {"oldest first, single and lists", test_order},
    {"the eventfd is written only for a sleeper, once", test_wakes_only_a_sleeper},
    {"a poke is never lost", test_poke_is_never_lost},
    {"a wait ends with a push", test_wait_ends_with_a_push},
    CU_TEST_INFO_NULL,
};
