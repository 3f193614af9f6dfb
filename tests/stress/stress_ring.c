/* As worker × broadcaster: several producers, a ring each to one consumer, which sleeps on its mailbox and is poked
 * after each batch. Every record carries its producer and a sequence. Without overflow every record comes out once
 * and in order; with it, a gap must have been announced by the ring's flag: at the latest when the consumer has been
 * poked and has looked at everything, it knows the last sequence or knows that it lost some. */
#include "handoff/mailbox.h"
#include "handoff/ring.h"

#include "stress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCERS 3
#define CAPACITY  15 /* small, so that it is full and empty all the time */
#define BATCH_MAX 8

struct record {
    uint64_t producer;
    uint64_t sequence;
    uint64_t lost_before; /* how many the producer could not push until now */
    unsigned char bytes[21];
};

static struct {
    struct mailbox *mailbox;
    struct ring *rings[PRODUCERS];
    int64_t deadline_us;
    bool lossless; /* a full ring is tried again, not given up */
    atomic_uint producing;
    _Atomic uint64_t sleeps; /* the consumer counts */
    struct {
        _Alignas(64) _Atomic uint64_t made; /* sequences tried, told before the poke */
        _Atomic uint64_t tried;             /* the same, told before each push */
    } per[PRODUCERS];
} shared;

struct producer {
    uint64_t sequence, lost;
    uint32_t seed;
};

static void push_one(unsigned p, struct producer *state)
{
    struct record r = {.producer = p, .sequence = state->sequence, .lost_before = state->lost};
    memset(r.bytes, (int)(state->sequence * 7 + p), sizeof(r.bytes));
    /* Relaxed: the overflow flag promises to order it. */
    atomic_store_explicit(&shared.per[p].tried, state->sequence + 1, memory_order_relaxed);
    enum err err = ring_push(shared.rings[p], &r);
    while (err != OK && shared.lossless) {
        mailbox_poke(shared.mailbox);
        stress_jitter(&state->seed);
        err = ring_push(shared.rings[p], &r);
    }
    if (err != OK)
        state->lost++;
    state->sequence++;
}

static void *produce(void *arg)
{
    unsigned p = (unsigned)(uintptr_t)arg;
    struct producer state = {.seed = p * 7919 + 1};
    while (!stress_over(shared.deadline_us, &shared.sleeps) || state.sequence == 0) {
        for (uint32_t n = stress_random(&state.seed) % BATCH_MAX + 1; n > 0; n--)
            push_one(p, &state);
        /* Relaxed: mailbox_poke() promises to order it. */
        atomic_store_explicit(&shared.per[p].made, state.sequence, memory_order_relaxed);
        mailbox_poke(shared.mailbox);
        stress_jitter(&state.seed);
    }
    atomic_fetch_sub(&shared.producing, 1);
    mailbox_poke(shared.mailbox);
    return (void *)(uintptr_t)state.lost;
}

struct consumer {
    uint64_t next[PRODUCERS]; /* sequence expected if nothing is lost */
    uint64_t lost[PRODUCERS]; /* as told by the records */
    uint64_t told[PRODUCERS]; /* the flag has been seen: any sequence below this may be lost */
    uint64_t records;
};

static bool read_flag(struct consumer *c, unsigned p)
{
    if (!ring_overflowed(shared.rings[p]))
        return false;
    c->told[p] = atomic_load_explicit(&shared.per[p].tried, memory_order_relaxed);
    return true;
}

/* Takes all that is in ring p. The flag is read after the records, as a broadcaster does. */
static bool drain(struct consumer *c, unsigned p)
{
    struct record r;
    bool any = false;
    while (ring_pop(shared.rings[p], &r)) {
        any = true;
        c->records++;
        stress_check(r.producer == p, "record of producer %llu", (unsigned long long)r.producer);
        stress_check(r.sequence >= c->next[p], "producer %u: %llu again", p, (unsigned long long)r.sequence);
        uint64_t gap = r.sequence - c->next[p];
        stress_check(gap == r.lost_before - c->lost[p], "producer %u: %llu lost silently", p, (unsigned long long)gap);
        for (size_t i = 0; i < sizeof(r.bytes); i++)
            stress_check(r.bytes[i] == (unsigned char)(r.sequence * 7 + p), "producer %u: torn record", p);
        (void)read_flag(c, p);
        stress_check(gap == 0 || c->told[p] >= r.sequence, "producer %u: a loss without a flag", p);
        c->next[p] = r.sequence + 1;
        c->lost[p] = r.lost_before;
    }
    return read_flag(c, p) || any;
}

/* Everything that was announced before the look began must have come out, or its loss must have been flagged. */
static bool look(struct consumer *c)
{
    bool any = false;
    for (unsigned p = 0; p < PRODUCERS; p++) {
        uint64_t made = atomic_load_explicit(&shared.per[p].made, memory_order_acquire);
        any = drain(c, p) || any;
        stress_check(c->next[p] >= made || !shared.lossless, "producer %u: %llu of %llu announced", p,
                     (unsigned long long)c->next[p], (unsigned long long)made);
    }
    return any;
}

static void consume(struct consumer *c)
{
    uint32_t seed = 4711;
    for (;;) {
        bool over = atomic_load(&shared.producing) == 0; /* before the look: nothing comes after it */
        if (look(c)) {
            stress_jitter(&seed);
            continue;
        }
        if (over)
            return;
        mailbox_sleeping(shared.mailbox);
        if (look(c)) {
            mailbox_awake(shared.mailbox);
            continue;
        }
        atomic_fetch_add(&shared.sleeps, 1);
        /* What came just when the wait ended has its wake-up on the way. */
        int fd = mailbox_fd(shared.mailbox);
        stress_check(stress_wait(fd, STRESS_WAIT_MS) || !look(c) || stress_wait(fd, STRESS_LATE_MS),
                     "a wake-up was lost");
        mailbox_awake(shared.mailbox);
    }
}

static void run(bool lossless, int64_t deadline_us)
{
    shared.mailbox = mailbox_new();
    shared.deadline_us = deadline_us;
    shared.lossless = lossless;
    atomic_store(&shared.producing, PRODUCERS);
    atomic_store(&shared.sleeps, 0);
    stress_check(shared.mailbox, "no mailbox");
    for (unsigned p = 0; p < PRODUCERS; p++) {
        shared.rings[p] = ring_new(sizeof(struct record), CAPACITY);
        stress_check(shared.rings[p], "no ring");
        atomic_store(&shared.per[p].made, 0);
        atomic_store(&shared.per[p].tried, 0);
    }
    pthread_t threads[PRODUCERS];
    for (unsigned p = 0; p < PRODUCERS; p++)
        stress_check(pthread_create(&threads[p], NULL, produce, (void *)(uintptr_t)p) == 0, "no thread");
    struct consumer c = {0};
    consume(&c);
    uint64_t lost = 0;
    for (unsigned p = 0; p < PRODUCERS; p++) {
        void *told;
        pthread_join(threads[p], &told);
        uint64_t made = atomic_load(&shared.per[p].made);
        lost += (uint64_t)(uintptr_t)told;
        /* What was lost at the very end has no record after it that tells. */
        stress_check(c.next[p] - c.lost[p] + (uint64_t)(uintptr_t)told == made, "producer %u: not all accounted for",
                     p);
        stress_check((uintptr_t)told == c.lost[p] || c.told[p] == made, "producer %u: losses without a flag", p);
        ring_free(shared.rings[p]);
    }
    mailbox_free(shared.mailbox);
    stress_check(!lossless || lost == 0, "%llu lost", (unsigned long long)lost);
    stress_check(c.records > 0, "nothing was tried");
    printf("%s: records %llu, lost and flagged %llu, sleeps %llu\n", lossless ? "lossless" : "overflowing",
           (unsigned long long)c.records, (unsigned long long)lost, (unsigned long long)atomic_load(&shared.sleeps));
}

int main(int argc, char **argv)
{
    int64_t deadline_us = stress_deadline_us(argc, argv, 1.5);
    run(true, deadline_us);
    run(false, stress_deadline_us(argc, argv, 1.5));
    return 0;
}
