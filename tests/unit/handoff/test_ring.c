#include "handoff/ring.h"

#include "suites.h"

#include <stdint.h>
#include <string.h>

struct record {
    uint64_t number;
    char text[13]; /* an odd size */
};

static struct record record_of(uint64_t number)
{
    struct record r = {.number = number};
    memset(r.text, (int)('a' + number % 26), sizeof(r.text));
    return r;
}

static bool is_record(const struct record *r, uint64_t number)
{
    struct record want = record_of(number);
    return r->number == number && memcmp(r->text, want.text, sizeof(want.text)) == 0;
}

/* Fills and empties rings of several sizes more often than their indices wrap. */
static void test_order_and_capacity(void)
{
    static const size_t capacities[] = {0, 1, 3, 4, 5, 100, 1024};
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        struct ring *r = ring_new(sizeof(struct record), capacities[c]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(r);
        struct record got;
        CU_ASSERT_FALSE(ring_pop(r, &got));
        uint64_t pushed = 0, popped = 0;
        for (int round = 0; round < 10; round++) {
            struct record in = record_of(pushed);
            while (ring_push(r, &in) == OK)
                in = record_of(++pushed);
            CU_ASSERT(pushed - popped >= capacities[c] && pushed - popped >= 3);
            CU_ASSERT_EQUAL(ring_depth(r), pushed - popped);
            memset(&in, 'x', sizeof(in)); /* copied, not kept */
            while (ring_pop(r, &got) && is_record(&got, popped))
                popped++;
            CU_ASSERT_EQUAL_FATAL(popped, pushed);
            CU_ASSERT_EQUAL(ring_depth(r), 0);
        }
        ring_free(r);
    }
    ring_free(NULL);
}

/* One in, one out at every fill level, so that the slot being read is next to the slot being written. */
static void test_every_fill_level(void)
{
    for (uint64_t level = 0; level < 7; level++) {
        struct ring *r = ring_new(sizeof(struct record), 7);
        CU_ASSERT_PTR_NOT_NULL_FATAL(r);
        struct record in, out;
        uint64_t pushed = 0;
        for (; pushed < level; pushed++) {
            in = record_of(pushed);
            CU_ASSERT_EQUAL_FATAL(ring_push(r, &in), OK);
        }
        for (uint64_t n = 0; n < 50; n++) {
            in = record_of(pushed++);
            CU_ASSERT_EQUAL_FATAL(ring_push(r, &in), OK);
            CU_ASSERT_FATAL(ring_pop(r, &out));
            CU_ASSERT_FATAL(is_record(&out, n));
        }
        ring_free(r);
    }
}

static void test_overflow_flag(void)
{
    struct ring *r = ring_new(sizeof(uint64_t), 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    uint64_t n = 0, got;
    CU_ASSERT_FALSE(ring_overflowed(r));
    while (ring_push(r, &n) == OK)
        n++;
    CU_ASSERT_EQUAL(ring_push(r, &n), ERR_BUSY);
    CU_ASSERT(ring_overflowed(r));
    CU_ASSERT_FALSE(ring_overflowed(r)); /* once */
    CU_ASSERT_EQUAL(ring_push(r, &n), ERR_BUSY);
    CU_ASSERT(ring_overflowed(r));
    CU_ASSERT(ring_pop(r, &got) && got == 0); /* what was in the ring is still there */
    CU_ASSERT_EQUAL(ring_push(r, &n), OK);
    CU_ASSERT_FALSE(ring_overflowed(r));
    ring_free(r);
}

/* A ring of 4096 takes twice as many slots, and the memory budget had counted half of them. */
static void test_bytes_of_all_that_it_takes(void)
{
    struct ring *r = ring_new(sizeof(struct record), RING_CAPACITY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    size_t taken = 0;
    for (struct record in = record_of(0); ring_push(r, &in) == OK;)
        taken++;
    CU_ASSERT(taken >= RING_CAPACITY);
    CU_ASSERT(ring_bytes(sizeof(struct record), RING_CAPACITY) > taken * (sizeof(struct record) + sizeof(void *)));
    ring_free(r);
}

const CU_TestInfo ring_tests[] = {
    {"order and capacity", test_order_and_capacity},
    {"every fill level", test_every_fill_level},
    {"overflow flag", test_overflow_flag},
    {"bytes of all that it takes", test_bytes_of_all_that_it_takes},
    CU_TEST_INFO_NULL,
};
