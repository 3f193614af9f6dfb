#include "base/blob.h"

#include "suites.h"

#include <pthread.h>

#define HOLDERS 4

static void test_copy(void)
{
    struct blob *b = blob_copy(SLICE_LIT("body"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT(slice_eq(blob_slice(b), SLICE_LIT("body")));
    CU_ASSERT_PTR_EQUAL(blob_hold(b), b);
    blob_drop(b);
    CU_ASSERT(slice_eq(blob_slice(b), SLICE_LIT("body")));
    blob_drop(b);
    blob_drop(NULL);
    b = blob_copy(slice_of(NULL, 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT_EQUAL(b->len, 0);
    blob_drop(b);
    CU_ASSERT_PTR_NULL(blob_new((size_t)UINT32_MAX + 1));
}

static void *hold_and_drop(void *arg)
{
    struct blob *b = arg;
    for (int i = 0; i < 20000; i++)
        blob_drop(blob_hold(b));
    long sum = 0;
    for (uint32_t i = 0; i < b->len; i++)
        sum += b->data[i];
    blob_drop(b); /* the last of these frees */
    return (void *)sum;
}

static void test_threads(void)
{
    struct blob *b = blob_new(1000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    memset(b->data, 3, b->len);
    pthread_t threads[HOLDERS];
    for (int i = 0; i < HOLDERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, hold_and_drop, blob_hold(b)), 0);
    blob_drop(b);
    for (int i = 0; i < HOLDERS; i++) {
        void *sum;
        pthread_join(threads[i], &sum);
        CU_ASSERT_EQUAL((long)sum, 3000);
    }
}

const CU_TestInfo blob_tests[] = {
    {"copy, hold, drop", test_copy},
    {"the last holder frees, whichever thread it is", test_threads},
    CU_TEST_INFO_NULL,
};
