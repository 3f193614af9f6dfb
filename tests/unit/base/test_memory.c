#include "base/arena.h"
#include "base/pool.h"
#include "base/slab.h"

#include "suites.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_arena_aligned_and_apart(void)
{
    struct arena a;
    arena_init(&a, 0);
    unsigned char *pieces[500];
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = arena_alloc(&a, i * 7 + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(pieces[i]);
        CU_ASSERT_EQUAL((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xff), i * 7 + 1);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < i * 7 + 1; k++)
            CU_ASSERT_EQUAL_FATAL(pieces[i][k], i & 0xff);
    arena_fini(&a);
    arena_fini(&a);
}

static void test_arena_limit(void)
{
    struct arena a;
    arena_init(&a, 10000);
    size_t got = 0;
    while (arena_alloc(&a, 100))
        got += 112;
    CU_ASSERT(got >= 9000 && got <= 10000);
    CU_ASSERT(a.total <= 10000);
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 100));
    arena_reset(&a);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 5000));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 10001));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, SIZE_MAX));
    CU_ASSERT_PTR_NULL(arena_zalloc(&a, SIZE_MAX - 8));
    CU_ASSERT_PTR_NULL(arena_slice(&a, slice_of("x", SIZE_MAX)).ptr);
    arena_fini(&a);
}

static void test_arena_reset_keeps_one_block(void)
{
    struct arena a;
    arena_init(&a, 0);
    void *first = arena_alloc(&a, 10);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 3000));
    arena_reset(&a);
    CU_ASSERT_PTR_EQUAL(arena_alloc(&a, 10), first);
    CU_ASSERT(a.total <= 4096);
    arena_fini(&a);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 1 << 20)); /* one big request must not stay for ever */
    arena_reset(&a);
    CU_ASSERT_EQUAL(a.total, 0);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 10));
    arena_fini(&a);
}

static void test_arena_big_beside_small(void)
{
    struct arena a;
    arena_init(&a, 0);
    char *before = arena_alloc(&a, 16);
    char *big = arena_alloc(&a, 100000);
    char *after = arena_alloc(&a, 16);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    memset(big, 1, 100000);
    CU_ASSERT_PTR_EQUAL(after, before + 16); /* the room left of the head is still in use */
    arena_fini(&a);
}

static void test_arena_copies(void)
{
    struct arena a;
    arena_init(&a, 0);
    CU_ASSERT_STRING_EQUAL(arena_dup(&a, slice_of("abcdef", 3)), "abc");
    CU_ASSERT_STRING_EQUAL(arena_dup(&a, slice_of(NULL, 0)), "");
    CU_ASSERT(slice_eq(arena_slice(&a, SLICE_LIT("slice")), SLICE_LIT("slice")));
    char *used = arena_alloc(&a, 64);
    memset(used, 0xff, 64);
    arena_reset(&a);
    char *zeroed = arena_zalloc(&a, 512);
    for (int i = 0; i < 512; i++)
        CU_ASSERT_EQUAL(zeroed[i], 0);
    arena_fini(&a);
}

static void test_pool_reuses(void)
{
    struct pool p;
    pool_init(&p, 40, 0);
    void *first = pool_get(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_EQUAL((uintptr_t)first % 16, 0);
    pool_put(&p, first);
    CU_ASSERT_PTR_EQUAL(pool_get(&p), first);
    CU_ASSERT_EQUAL(p.live, 1);
    size_t made = p.made;
    for (int i = 0; i < 1000; i++)
        pool_put(&p, pool_get(&p));
    CU_ASSERT_EQUAL(p.made, made);
    pool_fini(&p);
}

static void test_pool_limit(void)
{
    for (size_t limit = 1; limit < 3000; limit = limit * 3 + 1) {
        struct pool p;
        pool_init(&p, 100, limit);
        unsigned char *objects[3000];
        for (size_t i = 0; i < limit; i++) {
            objects[i] = pool_get(&p);
            CU_ASSERT_PTR_NOT_NULL_FATAL(objects[i]);
            memset(objects[i], (int)(i & 0xff), 100);
        }
        CU_ASSERT_PTR_NULL(pool_get(&p));
        for (size_t i = 0; i < limit; i++)
            CU_ASSERT_EQUAL_FATAL(objects[i][99], i & 0xff);
        pool_put(&p, objects[0]);
        CU_ASSERT_PTR_EQUAL(pool_get(&p), objects[0]);
        pool_fini(&p);
    }
}

static void test_pool_large_objects(void)
{
    struct pool p;
    pool_init(&p, 200000, 2);
    void *a = pool_get(&p), *b = pool_get(&p);
    CU_ASSERT(a && b && a != b);
    memset(a, 1, 200000);
    memset(b, 2, 200000);
    CU_ASSERT_PTR_NULL(pool_get(&p));
    pool_fini(&p);
}

#ifndef NDEBUG
static void *get_one(void *arg)
{
    return pool_get(arg);
}

static void test_pool_asserts_its_thread(void)
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        struct pool p;
        pool_init(&p, 16, 0);
        (void)pool_get(&p);
        pthread_t other;
        if (pthread_create(&other, NULL, get_one, &p) == 0)
            pthread_join(other, NULL);
        _exit(0);
    }
    int status = 0;
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
#endif

/* Every size is its own, aligned, and as large as it was asked for; what is given back is taken again. */
static void test_slab_sizes(void)
{
    struct slab s;
    slab_init(&s, 0);
    static unsigned char *objects[5000];
    for (unsigned turn = 0; turn < 3; turn++) {
        for (size_t bytes = 1; bytes < 5000; bytes++) {
            objects[bytes] = slab_get(&s, bytes);
            CU_ASSERT_PTR_NOT_NULL_FATAL(objects[bytes]);
            CU_ASSERT_EQUAL((uintptr_t)objects[bytes] % 16, 0);
            CU_ASSERT_TRUE(slab_size(bytes) >= bytes);
            memset(objects[bytes], (int)(bytes & 0xff), bytes);
        }
        CU_ASSERT_TRUE(s.footprint >= s.used);
        for (size_t bytes = 4999; bytes > 0; bytes--) {
            size_t good = 0;
            while (good < bytes && objects[bytes][good] == (bytes & 0xff))
                good++;
            CU_ASSERT_EQUAL_FATAL(good, bytes);
            slab_put(&s, objects[bytes], bytes);
        }
        CU_ASSERT_EQUAL(s.used, 0);
    }
    slab_put(&s, NULL, 7);
    unsigned char *zero = slab_zget(&s, 300);
    for (size_t i = 0; i < 300; i++)
        CU_ASSERT_EQUAL(zero[i], 0);
    slab_put(&s, zero, 300);
    slab_fini(&s);
}

/* Sizes and lifetimes that mix, as in a cache that is full: the footprint stays near what is in use. */
static void test_slab_footprint_under_churn(void)
{
    enum { OBJECTS = 20000 };
    struct slab s;
    slab_init(&s, 0);
    static void *objects[OBJECTS];
    static size_t sizes[OBJECTS];
    uint32_t random = 1;
    for (unsigned i = 0; i < 20 * OBJECTS; i++) {
        random = random * 1664525 + 1013904223;
        unsigned at = (random >> 8) % OBJECTS;
        slab_put(&s, objects[at], sizes[at]);
        sizes[at] = 40 + (random >> 16) % 1000;
        objects[at] = slab_get(&s, sizes[at]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(objects[at]);
    }
    CU_ASSERT_TRUE(s.footprint < s.used / 8 * 9);
    /* Most of them go, and the rest is of other sizes: pages change their class. */
    for (unsigned i = 0; i < OBJECTS; i++)
        slab_put(&s, objects[i], sizes[i]);
    CU_ASSERT_EQUAL(s.used, 0);
    CU_ASSERT_TRUE(s.footprint <= (size_t)1 << 20);
    for (unsigned i = 0; i < 2000; i++)
        objects[i] = slab_get(&s, 4000);
    CU_ASSERT_TRUE(s.footprint < s.used / 8 * 9);
    for (unsigned i = 0; i < 2000; i++)
        slab_put(&s, objects[i], 4000);
    slab_fini(&s);
}

static void test_slab_limit(void)
{
    enum { LIMIT = 100000, OBJECTS = LIMIT / 500 };
    struct slab s;
    slab_init(&s, LIMIT);
    void *objects[OBJECTS];
    size_t count = 0;
    while (count < OBJECTS && (objects[count] = slab_get(&s, 500)))
        count++;
    CU_ASSERT_TRUE(count > LIMIT / 512 * 9 / 10 && count < OBJECTS);
    CU_ASSERT_TRUE(s.footprint <= LIMIT);
    CU_ASSERT_PTR_NULL(slab_get(&s, LIMIT));
    CU_ASSERT_PTR_NULL(slab_zget(&s, 40)); /* another class: it needs a page */
    for (size_t i = 0; i < count; i++)
        slab_put(&s, objects[i], 500);
    void *small = slab_get(&s, 40); /* an empty page serves it */
    CU_ASSERT_PTR_NOT_NULL(small);
    CU_ASSERT_TRUE(s.footprint <= LIMIT);
    slab_put(&s, small, 40);
    slab_fini(&s);
}

struct churn {
    struct slab *slab;
    atomic_int wrong;
};

static void *slab_churn(void *arg)
{
    struct churn *c = arg;
    unsigned char *held[64] = {0};
    for (unsigned i = 0; i < 50000; i++) {
        unsigned place = i * 7 % 64;
        size_t bytes = 16 + (size_t)place * 70;
        if (held[place] && held[place][bytes - 1] != place)
            atomic_fetch_add(&c->wrong, 1);
        slab_put(c->slab, held[place], bytes);
        held[place] = slab_get(c->slab, bytes);
        if (held[place])
            held[place][bytes - 1] = (unsigned char)place;
        else
            atomic_fetch_add(&c->wrong, 1);
    }
    for (unsigned i = 0; i < 64; i++)
        slab_put(c->slab, held[i], 16 + (size_t)i * 70);
    return NULL;
}

static void test_slab_threads(void)
{
    struct slab s;
    struct churn c = {.slab = &s};
    slab_init(&s, 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, slab_churn, &c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(c.wrong, 0);
    CU_ASSERT_EQUAL(s.used, 0);
    slab_fini(&s);
}

const CU_TestInfo memory_tests[] = {
    {"arena: aligned, and pieces apart", test_arena_aligned_and_apart},
    {"arena: limit", test_arena_limit},
    {"arena: reset keeps one small block", test_arena_reset_keeps_one_block},
    {"arena: a big piece beside small ones", test_arena_big_beside_small},
    {"arena: copies", test_arena_copies},
    {"pool: reuses", test_pool_reuses},
    {"pool: limit", test_pool_limit},
    {"pool: objects larger than a slab", test_pool_large_objects},
#ifndef NDEBUG
    {"pool: another thread is caught in debug builds", test_pool_asserts_its_thread},
#endif
    {"a slab's sizes", test_slab_sizes},
    {"a slab's footprint under churn", test_slab_footprint_under_churn},
    {"a slab's limit", test_slab_limit},
    {"a slab used by threads", test_slab_threads},
    CU_TEST_INFO_NULL,
};
