/* Who gives way to whom, over two books whose holdings the test writes. All figures in units of a MiB: 64 in all, so that there
 * are 16 for requests and 24 for answers. */
#include "net/share.h"
#include "suites.h"

#include <stdlib.h>

#define MIB     ((size_t)1 << 20)
#define SLOTS   16
#define NOW     INT64_C(1000000000)
#define EARLIER (NOW - 60000000) /* whoever has not moved since is slow */

enum { ANN = 101, BOB, EVE };

struct rig {
    struct shares *shares;
    struct share_book books[2];
    unsigned woken[2];
};

static void count_wake(void *arg)
{
    ++*(unsigned *)arg;
}

static struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    CU_ASSERT_FATAL(rig != NULL);
    CU_ASSERT_FATAL(shares_new(64 << 20, 2, &rig->shares) == OK);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_FATAL(share_book_open(rig->shares, SLOTS, count_wake, &rig->woken[i], &rig->books[i]) == OK);
    return rig;
}

static void rig_free(struct rig *rig)
{
    for (unsigned i = 0; i < 2; i++)
        share_book_close(&rig->books[i]);
    shares_free(rig->shares);
    free(rig);
}

static struct holder client(uint64_t address)
{
    return (struct holder){.address = address};
}

/* A connection that keeps so much of a request. */
static void requests(struct rig *rig, unsigned book, uint32_t slot, uint64_t address, size_t mib, int64_t moved_us)
{
    share_begin(&rig->books[book], slot, client(address), moved_us);
    share_requests(&rig->books[book], slot, mib * MIB);
    quota_force(shares_pot(rig->shares, POT_REQUESTS), mib * MIB);
}

/* One that waits for a client to take a body. */
static void answer(struct rig *rig, unsigned book, uint32_t slot, struct holder who, const void *body, size_t mib,
                   int64_t moved_us)
{
    share_begin(&rig->books[book], slot, who, moved_us);
    share_body(&rig->books[book], slot, body, mib * MIB, POT_ANSWERS);
}

static bool asks(struct rig *rig, uint64_t address, enum pot pot, size_t mib)
{
    return shares_make_room(&rig->books[0], SLOTS - 1, client(address), pot, mib * MIB, NOW);
}

static unsigned marked(struct rig *rig)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 2; i++)
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            n += share_marked(&rig->books[i], slot);
    return n;
}

static void test_the_largest_account_gives_way(void)
{
    struct rig *rig = rig_new();
    for (uint32_t slot = 0; slot < 5; slot++)
        requests(rig, 1, slot, EVE, 2, NOW);
    requests(rig, 0, 0, BOB, 3, NOW); /* a larger connection of a smaller account */
    requests(rig, 0, 1, ANN, 3, NOW);
    CU_ASSERT(asks(rig, ANN, POT_REQUESTS, 1));
    CU_ASSERT_EQUAL(marked(rig), 1);
    CU_ASSERT(share_marked(&rig->books[1], 0) || share_marked(&rig->books[1], 4));
    CU_ASSERT_EQUAL(rig->woken[1], 1);
    CU_ASSERT_EQUAL(rig->woken[0], 0);
    CU_ASSERT(share_asked(&rig->books[1]));
    CU_ASSERT_FALSE(share_asked(&rig->books[1]));
    CU_ASSERT_EQUAL(shares_full_us(rig->shares), NOW);
    rig_free(rig);
}

static void test_who_has_most_is_refused(void)
{
    struct rig *rig = rig_new();
    requests(rig, 0, 0, EVE, 5, NOW);
    requests(rig, 0, 1, EVE, 5, NOW);
    requests(rig, 1, 0, ANN, 3, EARLIER); /* slow, and yet she has less than who asks */
    requests(rig, 1, 1, BOB, 3, NOW);
    CU_ASSERT_FALSE(asks(rig, EVE, POT_REQUESTS, 6)); /* its own are smaller than what it asks for, and not slow */
    CU_ASSERT_EQUAL(marked(rig), 0);
    rig_free(rig);
}

static void test_its_own_slow_ones_go_first(void)
{
    struct rig *rig = rig_new();
    requests(rig, 0, 0, EVE, 5, EARLIER);
    requests(rig, 0, 1, EVE, 5, NOW);
    requests(rig, 1, 0, ANN, 6, EARLIER);
    CU_ASSERT(asks(rig, EVE, POT_REQUESTS, 5));
    CU_ASSERT(share_marked(&rig->books[0], 0));
    CU_ASSERT_EQUAL(marked(rig), 1);
    rig_free(rig);
}

static void test_equals_who_move_keep_what_they_have(void)
{
    struct rig *rig = rig_new();
    for (uint32_t slot = 0; slot < 8; slot++)
        requests(rig, slot % 2, slot, 200 + slot, 2, NOW);
    CU_ASSERT_FALSE(asks(rig, ANN, POT_REQUESTS, 2));
    CU_ASSERT_EQUAL(marked(rig), 0);
    rig_free(rig);
}

static void test_slow_ones_make_room_for_a_modest_one(void)
{
    struct rig *rig = rig_new();
    for (uint32_t slot = 0; slot < 16; slot++)
        if (slot != SLOTS - 1)
            requests(rig, slot % 2, slot, 200 + slot, 1, slot == 7 ? EARLIER : NOW);
    requests(rig, 1, 15, 300, 1, NOW);
    CU_ASSERT(asks(rig, ANN, POT_REQUESTS, 1)); /* more than any of them has, and a sixteenth of all */
    CU_ASSERT_EQUAL(marked(rig), 1);
    CU_ASSERT(share_marked(&rig->books[1], 7));
    rig_free(rig);
}

static void test_nobody_goes_in_vain(void)
{
    struct rig *rig = rig_new();
    requests(rig, 0, 0, EVE, 3, EARLIER);
    for (uint32_t slot = 1; slot < 5; slot++)
        requests(rig, 1, slot, 200 + slot, 3, NOW);
    requests(rig, 1, 5, 300, 1, NOW);
    CU_ASSERT_FALSE(asks(rig, EVE, POT_REQUESTS, 4));  /* EVE's own 3 would not be enough */
    CU_ASSERT_FALSE(asks(rig, ANN, POT_REQUESTS, 17)); /* more than there is */
    CU_ASSERT_EQUAL(marked(rig), 0);
    rig_free(rig);
}

/* What is on its way back serves the next ones too, and is not promised twice. */
static void test_what_is_coming_counts(void)
{
    struct rig *rig = rig_new();
    for (uint32_t slot = 0; slot < 4; slot++)
        requests(rig, 1, slot, EVE, 4, EARLIER);
    for (unsigned i = 1; i <= 4; i++) {
        CU_ASSERT(asks(rig, 200 + i, POT_REQUESTS, 1));
        quota_force(shares_pot(rig->shares, POT_REQUESTS), MIB);
        CU_ASSERT_EQUAL(marked(rig), 1);
    }
    CU_ASSERT(asks(rig, 300, POT_REQUESTS, 1));
    CU_ASSERT_EQUAL(marked(rig), 2);
    CU_ASSERT_EQUAL(rig->woken[1], 1); /* it has not looked yet */
    rig_free(rig);
}

/* Until those who were marked are gone the pot is held too full, but not without a bound. */
static void test_excess_is_bounded(void)
{
    struct rig *rig = rig_new();
    for (uint32_t slot = 0; slot < 8; slot++)
        requests(rig, 1, slot, EVE, 2, EARLIER);
    struct quota *pot = shares_pot(rig->shares, POT_REQUESTS);
    unsigned given = 0;
    for (uint64_t i = 0; i < 32 && asks(rig, 200 + i, POT_REQUESTS, 1); i++, given++)
        quota_force(pot, MIB);
    CU_ASSERT_EQUAL(given, 8); /* half of 16 */
    CU_ASSERT_FALSE(asks(rig, 300, POT_REQUESTS, 2));
    rig_free(rig);
}

/* It took all of that bound where its own connections were slow to go, and the next visitor was refused. */
static void test_who_comes_again_and_again_leaves_room(void)
{
    struct rig *rig = rig_new();
    for (uint32_t slot = 0; slot < 8; slot++)
        requests(rig, 1, slot, EVE, 2, EARLIER);
    unsigned given = 0;
    for (; given < 32 && asks(rig, EVE, POT_REQUESTS, 2); given += 2)
        quota_force(shares_pot(rig->shares, POT_REQUESTS), 2 * MIB);
    CU_ASSERT_EQUAL(given, 4); /* a quarter of 16 */
    CU_ASSERT(asks(rig, ANN, POT_REQUESTS, 2));
    CU_ASSERT(asks(rig, ANN, POT_REQUESTS, 3));
    CU_ASSERT(asks(rig, EVE, POT_REQUESTS, 1)); /* from the same address, with less than each of them */
    rig_free(rig);
}

static void test_a_shared_body_is_a_part_for_each(void)
{
    struct rig *rig = rig_new();
    static const char shared, own;
    quota_force(shares_pot(rig->shares, POT_ANSWERS), 24 * MIB);
    for (uint32_t slot = 0; slot < 12; slot++) /* 12 dashboards of one office wait for one body */
        answer(rig, 0, slot, client(BOB), &shared, 12, EARLIER);
    answer(rig, 1, 0, client(EVE), &own, 12, EARLIER);
    CU_ASSERT(asks(rig, ANN, POT_ANSWERS, 1));
    CU_ASSERT_EQUAL(marked(rig), 1); /* one of EVE's frees what all of BOB's would */
    rig_free(rig);
}

static void test_many_tokens_of_one_address_are_one(void)
{
    struct rig *rig = rig_new();
    static const char bodies[12];
    quota_force(shares_pot(rig->shares, POT_ANSWERS), 24 * MIB);
    for (uint32_t slot = 0; slot < 12; slot++)
        answer(rig, 1, slot, (struct holder){.address = EVE, .principal = 500 + slot}, &bodies[slot], 1, NOW);
    answer(rig, 0, 0, (struct holder){.address = BOB, .principal = 400}, &rig->books[0], 3, NOW);
    CU_ASSERT(asks(rig, ANN, POT_ANSWERS, 2));
    CU_ASSERT_FALSE(share_marked(&rig->books[0], 0));
    CU_ASSERT_EQUAL(marked(rig), 2);
    rig_free(rig);
}

static void test_pots_are_apart(void)
{
    struct rig *rig = rig_new();
    static const char body;
    requests(rig, 1, 0, EVE, 16, EARLIER);
    quota_force(shares_pot(rig->shares, POT_ANSWERS), 24 * MIB);
    answer(rig, 1, 1, client(BOB), &body, 24, NOW);
    CU_ASSERT(asks(rig, ANN, POT_ANSWERS, 1));
    CU_ASSERT_FALSE(share_marked(&rig->books[1], 0));
    CU_ASSERT(share_marked(&rig->books[1], 1));
    CU_ASSERT_EQUAL(quota_used(shares_pot(rig->shares, POT_DASHBOARDS)), 0);
    rig_free(rig);
}

/* What was marked has been given up by itself before its worker looked: what is held now is something else. */
static void test_marks_are_for_what_was_held(void)
{
    struct rig *rig = rig_new();
    requests(rig, 1, 0, EVE, 16, EARLIER);
    CU_ASSERT(asks(rig, ANN, POT_REQUESTS, 1));
    CU_ASSERT(share_marked(&rig->books[1], 0));
    share_requests(&rig->books[1], 0, 0);
    CU_ASSERT_FALSE(share_marked(&rig->books[1], 0));
    share_begin(&rig->books[1], 0, client(BOB), NOW);
    share_requests(&rig->books[1], 0, MIB);
    CU_ASSERT_FALSE(share_marked(&rig->books[1], 0));
    rig_free(rig);
}

static bool is_slow(struct rig *rig, int64_t now_us)
{
    bool gives = shares_make_room(&rig->books[0], SLOTS - 1, client(ANN), POT_REQUESTS, MIB, now_us);
    share_begin(&rig->books[1], 1, client(EVE), now_us); /* not marked any more */
    return gives;
}

static void test_drops_are_slow(void)
{
    struct rig *rig = rig_new();
    quota_force(shares_pot(rig->shares, POT_REQUESTS), 16 * MIB);
    share_begin(&rig->books[1], 1, client(EVE), NOW);
    share_requests(&rig->books[1], 1, MIB);
    int64_t now_us = NOW;
    for (unsigned i = 0; i < 100; i++) /* 100 KB a second */
        share_moved(&rig->books[1], 1, 10000, now_us += 100000);
    CU_ASSERT_FALSE(is_slow(rig, now_us));
    for (unsigned i = 0; i < 20; i++) /* 10 bytes a second */
        share_moved(&rig->books[1], 1, 1, now_us += 100000);
    CU_ASSERT(is_slow(rig, now_us));
    share_moved(&rig->books[1], 1, 1 << 30, now_us); /* a gulp is remembered, for a while */
    CU_ASSERT_FALSE(is_slow(rig, now_us + 1000000));
    rig_free(rig);
}

static void test_operations(void)
{
    struct rig *rig = rig_new();
    struct share_book *b = &rig->books[0];
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT(share_lend(b, 0, client(EVE), MIB, NOW)); /* half of the pot: nobody else needs it */
    CU_ASSERT_FALSE(share_lend(b, 0, client(EVE), MIB, NOW));
    CU_ASSERT(share_lend(b, 0, client(ANN), 4 * MIB, NOW));
    CU_ASSERT_FALSE(share_lend(b, 0, client(ANN), MIB, NOW)); /* more than a quarter */
    CU_ASSERT(share_lend(b, 0, client(BOB), 4 * MIB, NOW));
    CU_ASSERT_FALSE(share_lend(b, 0, client(300), MIB, NOW)); /* nobody can give back what is with the writer */
    for (unsigned i = 0; i < 8; i++)
        share_give_back(rig->shares, EVE, MIB);
    CU_ASSERT(share_lend(b, 0, client(300), MIB, NOW));
    share_give_back(rig->shares, 300, MIB);
    share_give_back(rig->shares, ANN, 4 * MIB);
    share_give_back(rig->shares, BOB, 4 * MIB);
    CU_ASSERT_EQUAL(shares_used(rig->shares), 0);
    rig_free(rig);
}

const CU_TestInfo share_tests[] = {
    {"the largest account gives way", test_the_largest_account_gives_way},
    {"who has most is refused", test_who_has_most_is_refused},
    {"its own slow ones go first", test_its_own_slow_ones_go_first},
    {"equals who move keep what they have", test_equals_who_move_keep_what_they_have},
    {"slow ones make room for a modest one", test_slow_ones_make_room_for_a_modest_one},
    {"nobody goes in vain", test_nobody_goes_in_vain},
    {"what is coming counts", test_what_is_coming_counts},
    {"excess is bounded", test_excess_is_bounded},
    {"who comes again and again leaves room", test_who_comes_again_and_again_leaves_room},
    {"a shared body is a part for each", test_a_shared_body_is_a_part_for_each},
    {"many tokens of one address are one", test_many_tokens_of_one_address_are_one},
    {"pots are apart", test_pots_are_apart},
    {"marks are for what was held", test_marks_are_for_what_was_held},
    {"drops are slow", test_drops_are_slow},
    {"operations", test_operations},
    CU_TEST_INFO_NULL};
