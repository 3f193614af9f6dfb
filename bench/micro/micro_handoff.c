/* micro_handoff.c: rings and mailboxes, on one thread (the cost of the code) and across two (the cost of the cache
 * lines; on two cores shared with others it wavers). */
#include "handoff/gate.h"
#include "handoff/mailbox.h"
#include "handoff/ring.h"
#include "micro.h"
#include "push/notice.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static void ring_one_thread(uint64_t n)
{
    struct ring *r = ring_new(sizeof(struct notice), 1024);
    struct notice in = {.kind = NOTICE_MESSAGE}, out;
    for (uint64_t i = 0; i < n; i++) {
        if (ring_push(r, &in) != OK || !ring_pop(r, &out))
            must(!"a ring with room takes and gives");
        micro_sink += out.kind;
    }
    ring_free(r);
}

struct across {
    struct ring *ring;
    uint64_t n;
};

static void *pop_all(void *arg)
{
    struct across *a = arg;
    struct notice out;
    for (uint64_t i = 0; i < a->n; i++)
        while (!ring_pop(a->ring, &out))
            sched_yield();
    return NULL;
}

static void ring_two_threads(uint64_t n)
{
    struct across a = {.ring = ring_new(sizeof(struct notice), 4096), .n = n};
    struct notice in = {.kind = NOTICE_MESSAGE};
    pthread_t consumer;
    if (pthread_create(&consumer, NULL, pop_all, &a) != 0)
        must(!"a thread can be started");
    for (uint64_t i = 0; i < n; i++)
        while (ring_push(a.ring, &in) != OK)
            sched_yield();
    pthread_join(consumer, NULL);
    ring_free(a.ring);
}

#define BATCH 64

static void mailbox_batches(uint64_t n)
{
    static struct mailbox_node nodes[BATCH];
    struct mailbox *m = mailbox_new();
    for (uint64_t i = 0; i < n; i += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            mailbox_push(m, &nodes[k]);
        for (struct mailbox_node *node = mailbox_take(m); node; node = node->next)
            micro_sink++;
    }
    mailbox_free(m);
}

/* The longest way: the consumer sleeps each time, so each push is an eventfd write and each wait a read. */
static void mailbox_sleeper(uint64_t n)
{
    struct mailbox_node node;
    struct mailbox *m = mailbox_new();
    for (uint64_t i = 0; i < n; i++) {
        mailbox_sleeping(m);
        mailbox_push(m, &node);
        mailbox_awake(m);
        micro_sink += mailbox_take(m) != NULL;
    }
    mailbox_free(m);
}

static void gate_in_and_out(uint64_t n)
{
    struct gate g;
    gate_init(&g, 100);
    for (uint64_t i = 0; i < n; i++) {
        micro_sink += gate_enter(&g);
        gate_leave(&g, 1);
    }
}

const struct micro micro_handoff[] = {
    {"ring: push and pop, one thread", ring_one_thread}, {"ring: push to pop, two threads", ring_two_threads},
    {"mailbox: one of a batch of 64", mailbox_batches},  {"mailbox: consumer asleep", mailbox_sleeper},
    {"gate: enter and leave", gate_in_and_out},          {0},
};
