/* Push: link the nodes on top of the stack, publish them with one compare-and-swap, wake the consumer if it sleeps.
 * Take: swap the whole stack for an empty one and reverse it, so that the oldest node comes first. Taking all at
 * once is also why there is no ABA problem: nobody pops a single node while others push.
 *
 * The race to get right is a push while the consumer falls asleep. Each side writes, fences, then reads what the
 * other writes (store buffering, as in Dekker's algorithm):
 *     producer: publish node;   full fence; read `sleeping`
 *     consumer: sleeping = 1;   full fence; take once more
 * At least one of the two sees the other's write: either the producer writes the eventfd or the consumer finds the
 * node. With anything weaker than a full fence between write and read, both could miss. mailbox_poke() is the same
 * with `poked` in the node's place. */
#include "handoff/mailbox.h"

#include "tsan.h"

#include <ck_md.h>
#include <ck_pr.h>
#include <ck_stack.h>
#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    alignas(CK_MD_CACHELINE) struct ck_stack stack; /* atomic: producers push, the consumer takes */
    alignas(CK_MD_CACHELINE) unsigned sleeping;     /* atomic: the consumer sets; who clears it does the wake-up */
    unsigned poked;                                 /* atomic: set by any, cleared by the consumer */
    alignas(CK_MD_CACHELINE) int fd;                /* set before start, then read-only */
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *m = aligned_alloc(alignof(struct mailbox), sizeof(*m));
    if (!m)
        return NULL;
    *m = (struct mailbox){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    ck_stack_init(&m->stack);
    if (m->fd < 0) {
        free(m);
        return NULL;
    }
    return m;
}

void mailbox_free(struct mailbox *m)
{
    if (!m)
        return;
    close(m->fd);
    free(m);
}

int mailbox_fd(const struct mailbox *m)
{
    return m->fd;
}

/* After a full fence. Of many producers that see the flag, the one that clears it writes: one wake-up a sleep. */
static void wake_if_sleeping(struct mailbox *m)
{
    if (ck_pr_load_uint(&m->sleeping) == 0 || ck_pr_fas_uint(&m->sleeping, 0) == 0)
        return;
    const uint64_t one = 1;
    ssize_t n = write(m->fd, &one, sizeof(one));
    must(n == (ssize_t)sizeof(one) || errno == EAGAIN); /* EAGAIN: the count is at its top, so it is readable */
}

/* ck_stack_push_upmc(), written out because the annotation must stand between the write of node->next and the swap. */
void mailbox_push(struct mailbox *m, struct mailbox_node *node)
{
    void *head = ck_pr_load_ptr(&m->stack.head);
    do {
        node->next = head;
        HANDOFF_RELEASE(&m->stack);
        /* Release: the node's bytes are visible before the head that leads to it. */
        ck_pr_fence_release();
    } while (!ck_pr_cas_ptr_value(&m->stack.head, head, node, &head));
    /* Full: see the top of this file. */
    ck_pr_fence_memory();
    wake_if_sleeping(m);
}

/* Turns a NULL-terminated chain round; returns the new first node. */
static struct mailbox_node *reverse(struct mailbox_node *node)
{
    struct mailbox_node *done = NULL;
    while (node) {
        struct mailbox_node *next = node->next;
        node->next = done;
        done = node;
        node = next;
    }
    return done;
}

struct mailbox_node *mailbox_take(struct mailbox *m)
{
    /* A plain load first: looking into an empty mailbox must not take the producers' line from them. Relaxed: a node
     * that is missed here is found by the take after mailbox_sleeping(), which follows a full fence. */
    if (!ck_pr_load_ptr(&m->stack.head))
        return NULL;
    /* ck's batch pop ends with a load fence: the nodes are read after the head that leads to them. */
    struct mailbox_node *newest = (void *)ck_stack_batch_pop_upmc(&m->stack);
    HANDOFF_ACQUIRE(&m->stack);
    return reverse(newest);
}

void mailbox_sleeping(struct mailbox *m)
{
    ck_pr_store_uint(&m->sleeping, 1);
    /* Full: see the top of this file. The caller's second take, and the look at `poked`, come after it. */
    ck_pr_fence_memory();
    if (ck_pr_load_uint(&m->poked) != 0)
        wake_if_sleeping(m);
}

void mailbox_awake(struct mailbox *m)
{
    ck_pr_store_uint(&m->sleeping, 0);
    /* Cleared before the caller looks at rings and flags, with a full fence between: a poke that comes after the
     * clearing is seen at the next mailbox_sleeping(), one before it has its news visible now. */
    (void)ck_pr_fas_uint(&m->poked, 0);
    ck_pr_fence_memory();
    HANDOFF_ACQUIRE(&m->poked);
    /* Read even if nobody seems to have written: a producer that cleared `sleeping` may write only now, and an
     * eventfd that stays readable would make every later wait return at once. */
    uint64_t count;
    ssize_t n = read(m->fd, &count, sizeof(count));
    must(n == (ssize_t)sizeof(count) || errno == EAGAIN || errno == EINTR);
}

void mailbox_poke(struct mailbox *m)
{
    HANDOFF_RELEASE(&m->poked);
    /* Full, before: the caller's news (a ring's index, a flag) is visible before the poke that announces it. */
    ck_pr_fence_memory();
    if (ck_pr_fas_uint(&m->poked, 1) != 0)
        return; /* who set it does the wake-up, and the consumer has not yet looked */
    /* Full, after: see the top of this file. */
    ck_pr_fence_memory();
    wake_if_sleeping(m);
}
