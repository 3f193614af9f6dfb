/* Several producers push nodes, alone and as lists, and poke; one consumer takes them by the protocol of mailbox.h
 * and sleeps whenever it may. Each node carries its producer and a sequence: every node must come out once, in its
 * producer's order, with the bytes it was given. A wake-up that gets lost shows as a wait that times out while
 * something is there.
 * First all push as fast as they can. Then one producer waits after each push or poke until the consumer has seen it:
 * so the consumer falls asleep all the time, and nobody else's push makes up for a wake-up that got lost. */
#include "handoff/mailbox.h"

#include "base/err.h"

#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PRODUCERS     4
#define BURST_MAX     5
#define AHEAD_MAX     2000 /* nodes of one producer in flight, to bound the memory */
#define BYTES_IN_NODE 24

struct letter {
    struct mailbox_node node; /* first */
    unsigned producer;
    uint64_t sequence;
    unsigned char bytes[BYTES_IN_NODE]; /* not atomic: a missing order shows under ThreadSanitizer */
};

static struct {
    struct mailbox *mailbox;
    int64_t deadline_us;
    bool alternating;
    unsigned producers;
    atomic_uint producing;
    _Atomic uint64_t sleeps; /* the consumer counts */
    struct {
        _Alignas(64) _Atomic uint64_t taken, heard; /* the consumer writes */
        _Alignas(64) _Atomic uint64_t news;         /* raised by the producer before a poke */
    } per[PRODUCERS];
} shared;

static struct letter *write_letter(unsigned producer, uint64_t sequence)
{
    struct letter *letter = malloc(sizeof(*letter));
    stress_check(letter, "no memory");
    letter->producer = producer;
    letter->sequence = sequence;
    for (size_t i = 0; i < BYTES_IN_NODE; i++)
        letter->bytes[i] = (unsigned char)(producer * 31 + sequence + i);
    return letter;
}

static uint64_t push_some(unsigned producer, uint64_t sequence, uint32_t *seed)
{
    for (uint32_t n = stress_random(seed) % BURST_MAX + 1; n > 0; n--)
        mailbox_push(shared.mailbox, &write_letter(producer, sequence++)->node);
    return sequence;
}

/* Until the consumer has seen all; spinning, since it is the moment of its falling asleep that is to be met. */
static void wait_until_seen(unsigned producer, uint64_t sequence, uint64_t news)
{
    while (atomic_load(&shared.per[producer].taken) != sequence || atomic_load(&shared.per[producer].heard) != news)
        ;
}

static void *produce(void *arg)
{
    unsigned producer = (unsigned)(uintptr_t)arg;
    uint32_t seed = producer * 7919 + 1;
    uint64_t sequence = 0, news = 0;
    while (!stress_over(shared.deadline_us, &shared.sleeps) || sequence == 0) {
        bool poke = stress_random(&seed) % (shared.alternating ? 2 : 16) == 0;
        if (sequence - atomic_load(&shared.per[producer].taken) < AHEAD_MAX && !(poke && shared.alternating))
            sequence = push_some(producer, sequence, &seed);
        if (poke) {
            /* Relaxed: mailbox_poke() promises to order it. */
            atomic_store_explicit(&shared.per[producer].news, ++news, memory_order_relaxed);
            mailbox_poke(shared.mailbox);
        }
        if (shared.alternating)
            wait_until_seen(producer, sequence, news);
        stress_jitter(&seed);
    }
    atomic_fetch_sub(&shared.producing, 1);
    mailbox_poke(shared.mailbox);
    return (void *)(uintptr_t)sequence;
}

struct consumer {
    uint64_t next[PRODUCERS];
    uint64_t news[PRODUCERS];
    uint64_t takes, nodes;
};

static void read_letters(struct consumer *c, struct mailbox_node *node)
{
    c->takes++;
    while (node) {
        struct letter *letter = (struct letter *)node;
        node = node->next;
        unsigned p = letter->producer;
        stress_check(p < PRODUCERS, "producer %u", p);
        stress_check(letter->sequence == c->next[p], "producer %u: %llu, not %llu", p,
                     (unsigned long long)letter->sequence, (unsigned long long)c->next[p]);
        for (size_t i = 0; i < BYTES_IN_NODE; i++)
            stress_check(letter->bytes[i] == (unsigned char)(p * 31 + letter->sequence + i), "producer %u", p);
        c->next[p]++;
        c->nodes++;
        atomic_store(&shared.per[p].taken, c->next[p]);
        free(letter);
    }
}

static void read_news(struct consumer *c)
{
    for (unsigned p = 0; p < PRODUCERS; p++) {
        c->news[p] = atomic_load_explicit(&shared.per[p].news, memory_order_relaxed);
        atomic_store(&shared.per[p].heard, c->news[p]);
    }
}

static bool has_news(const struct consumer *c)
{
    for (unsigned p = 0; p < PRODUCERS; p++)
        if (atomic_load(&shared.per[p].news) != c->news[p])
            return true;
    return false;
}

static void sleep_until_woken(struct consumer *c)
{
    atomic_fetch_add(&shared.sleeps, 1);
    if (stress_wait(mailbox_fd(shared.mailbox), STRESS_WAIT_MS))
        return;
    struct mailbox_node *node = mailbox_take(shared.mailbox);
    /* What came just now has its wake-up on the way. */
    if (node || has_news(c))
        stress_check(stress_wait(mailbox_fd(shared.mailbox), STRESS_LATE_MS), "a wake-up was lost");
    read_letters(c, node);
}

static void consume(struct consumer *c)
{
    uint32_t seed = 4711;
    for (;;) {
        struct mailbox_node *node = mailbox_take(shared.mailbox);
        read_news(c);
        if (node) {
            read_letters(c, node);
            stress_jitter(&seed);
            continue;
        }
        if (atomic_load(&shared.producing) == 0)
            break;
        mailbox_sleeping(shared.mailbox);
        node = mailbox_take(shared.mailbox);
        if (node) {
            mailbox_awake(shared.mailbox);
            read_letters(c, node);
            continue;
        }
        sleep_until_woken(c);
        mailbox_awake(shared.mailbox);
    }
    read_letters(c, mailbox_take(shared.mailbox)); /* pushed before the last producer said that it is done */
}

static void run(bool alternating, int64_t deadline_us)
{
    shared.mailbox = mailbox_new();
    stress_check(shared.mailbox, "no mailbox");
    shared.deadline_us = deadline_us;
    shared.alternating = alternating;
    shared.producers = alternating ? 1 : PRODUCERS;
    atomic_store(&shared.producing, shared.producers);
    atomic_store(&shared.sleeps, 0);
    for (unsigned p = 0; p < PRODUCERS; p++) {
        atomic_store(&shared.per[p].taken, 0);
        atomic_store(&shared.per[p].heard, 0);
        atomic_store(&shared.per[p].news, 0);
    }
    pthread_t threads[PRODUCERS];
    for (unsigned p = 0; p < shared.producers; p++)
        stress_check(pthread_create(&threads[p], NULL, produce, (void *)(uintptr_t)p) == 0, "no thread");
    struct consumer c = {0};
    consume(&c);
    for (unsigned p = 0; p < shared.producers; p++) {
        void *pushed;
        pthread_join(threads[p], &pushed);
        stress_check(c.next[p] == (uint64_t)(uintptr_t)pushed, "producer %u: %llu came out", p,
                     (unsigned long long)c.next[p]);
        stress_check(c.next[p] > 0, "producer %u pushed nothing", p);
    }
    printf("%s: nodes %llu, takes %llu, sleeps %llu\n", alternating ? "alternating" : "flood",
           (unsigned long long)c.nodes, (unsigned long long)c.takes, (unsigned long long)atomic_load(&shared.sleeps));
    mailbox_free(shared.mailbox);
}

int main(int argc, char **argv)
{
    run(false, stress_deadline_us(argc, argv, 1.5));
    run(true, stress_deadline_us(argc, argv, 1.5));
    return 0;
}
