#include "base/map.h"

#include "suites.h"

#include <stdio.h>
#include <stdlib.h>

/* From CPython 3.11, whose hash(bytes) is SipHash-1-3 and whose key is 0 with PYTHONHASHSEED=0; input 0, 1, 2, … */
static void test_siphash_vectors(void)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } cases[] = {
        {1, 0x68a914128e01e473},  {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},  {9, 0x75927f9d95124362},
        {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7}, {63, 0x385d3e39e5f37359},
    };
    unsigned char input[64];
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CU_ASSERT_EQUAL(siphash13(input, cases[i].len, 0, 0), cases[i].hash);
    CU_ASSERT_NOT_EQUAL(siphash13(input, 8, 1, 0), siphash13(input, 8, 0, 0));
    CU_ASSERT_NOT_EQUAL(siphash13(input, 8, 0, 1), siphash13(input, 8, 0, 0));
    CU_ASSERT_EQUAL(hash_bytes(input, 20), hash_bytes(input, 20));
    CU_ASSERT_NOT_EQUAL(hash_bytes(input, 20), siphash13(input, 20, 0, 0)); /* keyed by a secret */
}

struct item {
    char key[16];
    size_t key_len;
    bool present;
};

static struct slice key_of(const struct item *item)
{
    return slice_of(item->key, item->key_len);
}

static void test_put_get_remove(void)
{
    struct map m;
    map_init(&m);
    int one = 1, two = 2;
    CU_ASSERT_PTR_NULL(map_get(&m, SLICE_LIT("a")));
    CU_ASSERT_PTR_NULL(map_remove(&m, SLICE_LIT("a")));
    CU_ASSERT_EQUAL(map_put(&m, SLICE_LIT("a"), &one), OK);
    CU_ASSERT_EQUAL(map_put(&m, SLICE_LIT(""), &two), OK);
    CU_ASSERT_EQUAL(map_put(&m, slice_of("a\0b", 3), &two), OK);
    CU_ASSERT_PTR_EQUAL(map_get(&m, SLICE_LIT("a")), &one);
    CU_ASSERT_PTR_EQUAL(map_get(&m, slice_of(NULL, 0)), &two);
    CU_ASSERT_PTR_EQUAL(map_get(&m, slice_of("a\0b", 3)), &two);
    CU_ASSERT_PTR_NULL(map_get(&m, slice_of("a\0c", 3)));
    CU_ASSERT_EQUAL(map_put(&m, SLICE_LIT("a"), &two), OK);
    CU_ASSERT_PTR_EQUAL(map_get(&m, SLICE_LIT("a")), &two);
    CU_ASSERT_EQUAL(m.count, 3);
    CU_ASSERT_PTR_EQUAL(map_remove(&m, SLICE_LIT("a")), &two);
    CU_ASSERT_PTR_NULL(map_get(&m, SLICE_LIT("a")));
    CU_ASSERT_EQUAL(m.count, 2);
    map_fini(&m);
    map_fini(&m);
}

/* The key that the map keeps is the new one: the old value, with its key, may be gone. */
static void test_replace_keeps_the_new_key(void)
{
    struct map m;
    map_init(&m);
    char *old = strdup("key");
    int value = 1;
    CU_ASSERT_EQUAL(map_put(&m, slice_cstr(old), &value), OK);
    CU_ASSERT_EQUAL(map_put(&m, SLICE_LIT("key"), &value), OK);
    memset(old, 'x', 3);
    free(old);
    CU_ASSERT_PTR_EQUAL(map_get(&m, SLICE_LIT("key")), &value);
    map_fini(&m);
}

/* A long random history against a plain array. */
static void test_against_a_model(void)
{
    enum { ITEMS = 2000, STEPS = 200000 };
    static struct item items[ITEMS];
    struct map m;
    size_t present = 0;
    uint32_t random = 1;
    map_init(&m);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i].key_len = (size_t)snprintf(items[i].key, sizeof(items[i].key), "%zu", i * 7919);
        items[i].present = false;
    }
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        struct item *item = &items[(random >> 8) % ITEMS];
        bool put = (random >> 24) % 2 == 0;
        CU_ASSERT_PTR_EQUAL_FATAL(map_get(&m, key_of(item)), item->present ? item : NULL);
        if (put)
            CU_ASSERT_EQUAL_FATAL(map_put(&m, key_of(item), item), OK);
        if (!put)
            CU_ASSERT_PTR_EQUAL_FATAL(map_remove(&m, key_of(item)), item->present ? item : NULL);
        present = present + (put && !item->present) - (!put && item->present);
        item->present = put;
        CU_ASSERT_EQUAL_FATAL(m.count, present);
        CU_ASSERT_FATAL((m.count + m.tombs) * 10 <= m.cap * 7);
    }
    for (size_t i = 0; i < ITEMS; i++)
        CU_ASSERT_PTR_EQUAL(map_get(&m, key_of(&items[i])), items[i].present ? &items[i] : NULL);
    map_fini(&m);
}

/* Entries that come and go must not make the table grow. */
static void test_churn_does_not_grow(void)
{
    static struct item items[100000];
    struct map m;
    map_init(&m);
    for (size_t i = 0; i < 100000; i++) {
        items[i].key_len = (size_t)snprintf(items[i].key, sizeof(items[i].key), "k%zu", i);
        CU_ASSERT_EQUAL_FATAL(map_put(&m, key_of(&items[i]), &items[i]), OK);
        if (i >= 10)
            CU_ASSERT_PTR_EQUAL_FATAL(map_remove(&m, key_of(&items[i - 10])), &items[i - 10]);
    }
    CU_ASSERT_EQUAL(m.count, 10);
    CU_ASSERT(m.cap <= 64);
    map_fini(&m);
}

static void test_iterate_and_remove(void)
{
    enum { ITEMS = 1000 };
    static struct item items[ITEMS];
    struct map m;
    map_init(&m);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i].key_len = (size_t)snprintf(items[i].key, sizeof(items[i].key), "%zu", i);
        items[i].present = false;
        CU_ASSERT_EQUAL_FATAL(map_put(&m, key_of(&items[i]), &items[i]), OK);
    }
    size_t pos = 0, visited = 0;
    for (struct item *item; (item = map_next(&m, &pos)); visited++) {
        CU_ASSERT_FALSE_FATAL(item->present); /* each once */
        item->present = true;
        if ((item - items) % 2 == 0)
            CU_ASSERT_PTR_EQUAL(map_remove(&m, key_of(item)), item);
    }
    CU_ASSERT_EQUAL(visited, ITEMS);
    CU_ASSERT_EQUAL(m.count, ITEMS / 2);
    for (size_t i = 0; i < ITEMS; i++)
        CU_ASSERT_EQUAL(map_get(&m, key_of(&items[i])) != NULL, i % 2 == 1);
    map_fini(&m);
}

const CU_TestInfo map_tests[] = {
    {"SipHash-1-3 vectors", test_siphash_vectors},
    {"put, get, remove", test_put_get_remove},
    {"replacing keeps the new key", test_replace_keeps_the_new_key},
    {"a random history against a model", test_against_a_model},
    {"churn does not grow the table", test_churn_does_not_grow},
    {"iterate and remove", test_iterate_and_remove},
    CU_TEST_INFO_NULL,
};
