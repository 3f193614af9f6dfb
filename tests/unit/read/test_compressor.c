/* Bodies in their other form: once for all who wait, bounded, and whole again. */
#include "cache_suites.h"

#include "base/metrics.h"
#include "read/compressor.h"
#include "write/producer.h"

#include <libdeflate.h>
#include <poll.h>
#include <stdlib.h>

struct press {
    struct slab memory;
    struct compressor *compressor;
    struct producer producer;
    int completed;
    uint64_t clients;
};

static void complete(struct op *op, void *arg)
{
    (void)op, (void)arg;
}

static bool open_kit(struct press *k)
{
    *k = (struct press){0};
    slab_init(&k->memory, 0);
    CU_ASSERT_EQUAL_FATAL(producer_init(&k->producer, 256, 0), OK);
    CU_ASSERT_EQUAL(compressor_start(&k->memory, &k->compressor), OK);
    return k->compressor != NULL;
}

/* Until `count` ops have come back. */
static void await(struct press *k, int count)
{
    while (k->completed < count) {
        struct op *list = producer_take(&k->producer);
        if (!list) {
            mailbox_sleeping(k->producer.inbox);
            list = producer_take(&k->producer);
            if (!list)
                (void)poll(&(struct pollfd){.fd = mailbox_fd(k->producer.inbox), .events = POLLIN}, 1, -1);
            mailbox_awake(k->producer.inbox);
        }
        while (list) {
            struct op *op = list;
            list = (struct op *)op->node.next;
            CU_ASSERT_EQUAL(op->result, OK);
            op_put(k->producer.ops, op);
            k->completed++;
        }
    }
}

static void close_kit(struct press *k)
{
    compressor_stop(k->compressor);
    compressor_stop(k->compressor); /* twice does no harm */
    compressor_free(k->compressor);
    producer_fini(&k->producer);
    slab_fini(&k->memory); /* every form was given back, or this ends the process */
}

static enum err want_as(struct press *k, uint64_t client, struct blob *body)
{
    struct op *op = producer_op(&k->producer, &compress_kind, complete);
    must(op != NULL);
    compress_of(op)->answer = (struct view_answer){.result = VIEW_OK, .body = blob_hold(body)};
    compress_of(op)->client = client;
    enum err e = compressor_submit(k->compressor, op);
    if (e != OK)
        op_put(k->producer.ops, op);
    return e;
}

/* Each time another client. */
static enum err want(struct press *k, struct blob *body)
{
    return want_as(k, ++k->clients, body);
}

static struct blob *text_body(size_t len)
{
    struct blob *b = blob_copy(NULL, slice_of(NULL, len));
    must(b != NULL);
    for (size_t i = 0; i < len; i++)
        b->data[i] = "{\"role\":\"user\",\"text\":\"hello\"},"[i % 31];
    return b;
}

static void expect_same(const struct blob *body)
{
    const struct blob *packed = blob_packed(body);
    CU_ASSERT_PTR_NOT_NULL_FATAL(packed);
    CU_ASSERT(packed->len > 0 && packed->len < body->len / 4);
    char *plain = malloc(body->len);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    CU_ASSERT_EQUAL(libdeflate_gzip_decompress(d, packed->data, packed->len, plain, body->len, NULL),
                    LIBDEFLATE_SUCCESS);
    CU_ASSERT_EQUAL(memcmp(plain, body->data, body->len), 0);
    libdeflate_free_decompressor(d);
    free(plain);
}

static void once_for_all_who_wait(void)
{
    struct press k;
    if (!open_kit(&k))
        return;
    uint64_t before = metrics_counter(M_COMPRESSED);
    struct blob *bodies[3] = {text_body(4096), text_body(800000), text_body(2000000)};
    int asked = 0;
    for (int i = 0; i < 100; i++) {
        enum err e = want(&k, bodies[i % 3]);
        CU_ASSERT(e == OK || (e == ERR_EXISTS && blob_packed(bodies[i % 3])));
        asked += e == OK;
    }
    await(&k, asked);
    for (int i = 0; i < 3; i++) {
        expect_same(bodies[i]);
        CU_ASSERT_EQUAL(want(&k, bodies[i]), ERR_EXISTS);
        CU_ASSERT_EQUAL(atomic_load(&bodies[i]->refs), 1);
        blob_drop(bodies[i]);
    }
    CU_ASSERT_EQUAL(metrics_counter(M_COMPRESSED) - before, 3);
    CU_ASSERT_EQUAL(atomic_load(&k.memory.used), 0);
    close_kit(&k);
}

static void what_is_too_much_is_refused(void)
{
    struct press k;
    if (!open_kit(&k))
        return;
    struct blob *huge = text_body((size_t)COMPRESS_BYTES_MAX + 1);
    CU_ASSERT_EQUAL(want(&k, huge), ERR_BUSY);
    blob_drop(huge);
    enum { MANY = 2 * COMPRESS_QUEUE_JOBS };
    struct blob *bodies[MANY];
    int asked = 0, busy = 0;
    for (int i = 0; i < MANY; i++)
        bodies[i] = text_body(1000000); /* 17 of them are more than may wait */
    for (int i = 0; i < MANY; i++) {
        enum err e = want(&k, bodies[i]);
        CU_ASSERT(e == OK || e == ERR_BUSY);
        asked += e == OK;
        busy += e == ERR_BUSY;
    }
    CU_ASSERT(asked >= 16 && busy > 0);
    await(&k, asked);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_COMPRESSOR_QUEUE), 0);
    for (int i = 0; i < MANY; i++)
        blob_drop(bodies[i]);
    close_kit(&k);
}

static void one_client_has_a_part_of_the_queue(void)
{
    struct press k;
    if (!open_kit(&k))
        return;
    enum { MANY = COMPRESS_QUEUE_JOBS };
    struct blob *bodies[MANY], *other = text_body(5000);
    int asked = 0;
    for (int i = 0; i < MANY; i++)
        bodies[i] = text_body(200000);
    for (int i = 0; i < MANY; i++)
        asked += want_as(&k, 1, bodies[i]) == OK;
    CU_ASSERT(asked >= COMPRESS_OF_ONE_MAX && asked < MANY);
    CU_ASSERT_EQUAL(want_as(&k, 2, other), OK);
    await(&k, asked + 1);
    expect_same(other);
    blob_drop(other);
    for (int i = 0; i < MANY; i++)
        blob_drop(bodies[i]);
    close_kit(&k);
}

/* Noise does not get smaller: known afterwards, so that nobody waits for it again. */
static void what_is_not_worth_it_is_known(void)
{
    struct press k;
    if (!open_kit(&k))
        return;
    struct blob *noise = text_body(20000);
    random_bytes(noise->data, noise->len);
    CU_ASSERT_EQUAL(want(&k, noise), OK);
    await(&k, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(blob_packed(noise));
    CU_ASSERT_EQUAL(blob_packed(noise)->len, 0);
    CU_ASSERT_EQUAL(want(&k, noise), ERR_EXISTS);
    blob_drop(noise);
    close_kit(&k);
}

/* What is queued at a stop is done; nothing is taken afterwards. */
static void a_stop_finishes(void)
{
    struct press k;
    if (!open_kit(&k))
        return;
    struct blob *body = text_body(3000000), *late = text_body(5000);
    CU_ASSERT_EQUAL(want(&k, body), OK);
    compressor_stop(k.compressor);
    CU_ASSERT_EQUAL(want(&k, late), ERR_BUSY);
    await(&k, 1);
    expect_same(body);
    blob_drop(body);
    blob_drop(late);
    close_kit(&k);
}

const CU_TestInfo compressor_tests[] = {
    {"once for all who wait", once_for_all_who_wait},
    {"what is too much is refused", what_is_too_much_is_refused},
    {"one client has a part of the queue", one_client_has_a_part_of_the_queue},
    {"what is not worth it is known", what_is_not_worth_it_is_known},
    {"a stop finishes", a_stop_finishes},
    CU_TEST_INFO_NULL,
};
