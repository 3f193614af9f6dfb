#include "base/blob.h"

#include "suites.h"

#include <pthread.h>

#define HOLDERS 4

static void test_copy(void)
{
    struct blob *b = blob_copy(NULL, SLICE_LIT("body"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT(slice_eq(blob_slice(b), SLICE_LIT("body")));
    CU_ASSERT_PTR_EQUAL(blob_hold(b), b);
    blob_drop(b);
    CU_ASSERT(slice_eq(blob_slice(b), SLICE_LIT("body")));
    blob_drop(b);
    blob_drop(NULL);
    b = blob_copy(NULL, slice_of(NULL, 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT_EQUAL(b->len, 0);
    blob_drop(b);
    CU_ASSERT_PTR_NULL(blob_copy(NULL, slice_of(NULL, (size_t)UINT32_MAX + 1)));
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
    struct blob *b = blob_copy(NULL, slice_of(NULL, 1000));
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

static void test_pins(void)
{
    struct quota q;
    struct blob *small = blob_copy(NULL, slice_of(NULL, 60)), *large = blob_copy(NULL, slice_of(NULL, 100));
    quota_init(&q, 150);
    CU_ASSERT(blob_pin(large, &q));
    CU_ASSERT(blob_pin(large, &q)); /* counted once, however many hold it */
    CU_ASSERT_EQUAL(quota_used(&q), 100);
    CU_ASSERT_FALSE(blob_pin(small, &q));
    CU_ASSERT_EQUAL(quota_used(&q), 100);
    blob_unpin(large, &q);
    CU_ASSERT_EQUAL(quota_used(&q), 100);
    blob_unpin(large, &q);
    CU_ASSERT_EQUAL(quota_used(&q), 0);
    CU_ASSERT(blob_pin(small, &q));
    CU_ASSERT_EQUAL(quota_used(&q), 60);
    blob_unpin(small, &q);
    CU_ASSERT(blob_pin(small, NULL)); /* without a quota there is always room */
    blob_unpin(small, NULL);
    blob_drop(small);
    blob_drop(large);
}

struct pinning {
    struct blob *blob;
    struct quota *quota;
    unsigned pinned;
};

static void *pin_and_unpin(void *arg)
{
    struct pinning *p = arg;
    for (int i = 0; i < 20000; i++)
        if (blob_pin(p->blob, p->quota)) {
            p->pinned++;
            blob_unpin(p->blob, p->quota);
        }
    return NULL;
}

/* Two blobs, room for one: whoever wins, nothing stays counted, and the bound holds but for what is being settled. */
static void test_pins_of_threads(void)
{
    struct quota q;
    struct blob *blobs[2] = {blob_copy(NULL, slice_of(NULL, 100)), blob_copy(NULL, slice_of(NULL, 100))};
    struct pinning p[HOLDERS];
    pthread_t threads[HOLDERS];
    unsigned pinned = 0;
    quota_init(&q, 150);
    for (int i = 0; i < HOLDERS; i++) {
        p[i] = (struct pinning){.blob = blobs[i % 2], .quota = &q};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, pin_and_unpin, &p[i]), 0);
    }
    for (int i = 0; i < HOLDERS; i++) {
        pthread_join(threads[i], NULL);
        pinned += p[i].pinned;
    }
    CU_ASSERT(pinned > 0);
    CU_ASSERT_EQUAL(quota_used(&q), 0);
    blob_drop(blobs[0]);
    blob_drop(blobs[1]);
}

const CU_TestInfo blob_tests[] = {
    {"copy, hold, drop", test_copy},
    {"the last holder frees, whichever thread it is", test_threads},
    {"pins", test_pins},
    {"pins of several threads", test_pins_of_threads},
    CU_TEST_INFO_NULL,
};
