#include "base/id.h"

#include "base/clock.h"
#include "base/map.h"

#include "suites.h"
#include "uuid.h"

#include <pthread.h>
#include <stdlib.h>

static void test_random(void)
{
    static const size_t sizes[] = {0, 1, 5, 128, 129, 512, 5000};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        unsigned char bytes[5002] = {0};
        random_bytes(bytes + 1, sizes[s]);
        CU_ASSERT(bytes[0] == 0 && bytes[sizes[s] + 1] == 0); /* not one byte outside */
    }
    unsigned seen[256] = {0};
    for (int i = 0; i < 25600; i++) {
        unsigned char byte;
        random_bytes(&byte, 1);
        seen[byte]++;
    }
    for (int i = 0; i < 256; i++)
        CU_ASSERT(seen[i] > 20 && seen[i] < 300); /* 100 expected: eight deviations away */
}

static void test_uuid(void)
{
    struct map seen;
    static char ids[5000][UUID_LEN];
    map_init(&seen);
    for (size_t i = 0; i < 5000; i++) {
        uuid_v4(ids[i]);
        struct slice id = slice_of(ids[i], UUID_LEN);
        CU_ASSERT(uuid_is_valid(id));
        CU_ASSERT(id.ptr[14] == '4' && strchr("89ab", id.ptr[19]) != NULL);
        CU_ASSERT_PTR_NULL_FATAL(map_get(&seen, id));
        CU_ASSERT_EQUAL_FATAL(map_put(&seen, id, ids[i]), OK);
    }
    map_fini(&seen);
}

static void test_uuid_valid(void)
{
    CU_ASSERT(uuid_is_valid(SLICE_LIT("123e4567-E89B-12d3-a456-426614174000")));
    CU_ASSERT_FALSE(uuid_is_valid(SLICE_LIT("123e4567-e89b-12d3-a456-42661417400")));
    CU_ASSERT_FALSE(uuid_is_valid(SLICE_LIT("123e4567-e89b-12d3-a456-4266141740000")));
    CU_ASSERT_FALSE(uuid_is_valid(SLICE_LIT("123e4567xe89b-12d3-a456-426614174000")));
    CU_ASSERT_FALSE(uuid_is_valid(SLICE_LIT("123e4567-e89b-12d3-a456-42661417400g")));
    CU_ASSERT_FALSE(uuid_is_valid(SLICE_LIT("123e45678e89b-12d3-a456-42661417400-")));
    CU_ASSERT_FALSE(uuid_is_valid(SLICE_LIT("")));
}

#define OID_THREADS 4
#define OID_EACH    5000

static void *make_oids(void *arg)
{
    struct oid *ids = arg;
    for (size_t i = 0; i < OID_EACH; i++)
        oid_new(&ids[i]);
    return NULL;
}

static int compare_oids(const void *a, const void *b)
{
    return memcmp(a, b, OID_BYTES);
}

static void test_oid_unique_over_threads(void)
{
    static struct oid ids[OID_THREADS * OID_EACH];
    pthread_t threads[OID_THREADS];
    int64_t before = clock_wall_us() / 1000000;
    for (size_t i = 0; i < OID_THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, make_oids, ids + i * OID_EACH), 0);
    for (size_t i = 0; i < OID_THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < OID_THREADS * OID_EACH; i++) {
        int64_t second = oid_to_rev(&ids[i]) / 1000000;
        CU_ASSERT(second >= before && second <= before + 60);
        CU_ASSERT_EQUAL(memcmp(ids[i].bytes + 4, ids[0].bytes + 4, 5), 0);
    }
    qsort(ids, OID_THREADS * OID_EACH, sizeof(ids[0]), compare_oids);
    for (size_t i = 1; i < OID_THREADS * OID_EACH; i++)
        CU_ASSERT_FATAL(compare_oids(&ids[i - 1], &ids[i]) != 0);
}

static void test_oid_text(void)
{
    struct oid id, back;
    char text[OID_LEN];
    CU_ASSERT(oid_parse(SLICE_LIT("65a1b2c3D4e5f60718293a4b"), &id));
    CU_ASSERT(id.bytes[0] == 0x65 && id.bytes[4] == 0xd4 && id.bytes[11] == 0x4b);
    oid_format(&id, text);
    CU_ASSERT(slice_eq(slice_of(text, OID_LEN), SLICE_LIT("65a1b2c3d4e5f60718293a4b")));
    CU_ASSERT(oid_parse(slice_of(text, OID_LEN), &back));
    CU_ASSERT_EQUAL(compare_oids(&id, &back), 0);
    for (size_t cut = 0; cut < OID_LEN; cut++)
        CU_ASSERT_FALSE(oid_parse(slice_of(text, cut), &back));
    for (size_t i = 0; i < OID_LEN; i++) {
        char bad[OID_LEN];
        memcpy(bad, text, OID_LEN);
        bad[i] = "gG/:@`"[i % 6];
        CU_ASSERT_FALSE(oid_parse(slice_of(bad, OID_LEN), &back));
    }
    CU_ASSERT_FALSE(oid_parse(SLICE_LIT("65a1b2c3d4e5f60718293a4b0"), &back));
    CU_ASSERT_EQUAL(compare_oids(&id, &back), 0);
}

static void test_oid_is_a_revision(void)
{
    static const uint8_t tag[5] = {1, 2, 3, 4, 5};
    static const int64_t revs[] = {0, 1, 999999, 1000000, INT64_C(1795557360588000), INT64_C(4294967295999999)};
    struct oid before = {{0}};
    for (size_t i = 0; i < sizeof(revs) / sizeof(revs[0]); i++) {
        struct oid id = oid_from_rev(revs[i], tag);
        CU_ASSERT_EQUAL(oid_to_rev(&id), revs[i]);
        CU_ASSERT_EQUAL(memcmp(id.bytes + 4, tag, 5), 0);
        CU_ASSERT(i == 0 || compare_oids(&before, &id) < 0); /* ids sort as revisions do */
        before = id;
    }
    struct oid foreign = {{0, 0, 0, 7, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff}};
    CU_ASSERT_EQUAL(oid_to_rev(&foreign), 7999999);
}

const CU_TestInfo id_tests[] = {
    {"random bytes", test_random},
    {"UUIDs are version 4 and differ", test_uuid},
    {"UUID syntax", test_uuid_valid},
    {"ObjectIds differ over threads", test_oid_unique_over_threads},
    {"ObjectId text, cut and spoilt at every point", test_oid_text},
    {"an ObjectId is a revision and sorts as one", test_oid_is_a_revision},
    CU_TEST_INFO_NULL,
};
