/* Operations: a bounded pool, and every op back exactly once (docs/architecture.md, invariant 8). */
#include "read/query.h"
#include "write/producer.h"
#include "write_suites.h"

static void bounded(void)
{
    struct op_pool *p = op_pool_new(3, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    struct op *ops[3];
    for (int i = 0; i < 3; i++) {
        ops[i] = op_get(p, &write_send.op);
        CU_ASSERT_PTR_NOT_NULL_FATAL(ops[i]);
    }
    CU_ASSERT_PTR_NULL(op_get(p, &write_send.op));
    op_put(p, ops[1]);
    struct op *again = op_get(p, &write_set_ai.op);
    CU_ASSERT_PTR_EQUAL(again, ops[1]);
    CU_ASSERT_PTR_NULL(op_get(p, &write_send.op));
    op_pool_free(p); /* the sanitizer sees that ops not given back leak nothing */
}

static void recycled_zeroed_with_its_block(void)
{
    struct op_pool *p = op_pool_new(1, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    struct op *op = op_get(p, &write_create_chat.op);
    char *text = arena_dup(&op->arena, SLICE_LIT("kept"));
    memset(op + 1, 0xff, sizeof(struct create_chat) - sizeof(*op));
    op->result = ERR_STORE;
    op->deadline_us = 77;
    op_put(p, op);
    op = op_get(p, &write_send.op);
    CU_ASSERT_PTR_EQUAL(op->kind, &write_send.op);
    CU_ASSERT_EQUAL(op->result, OK);
    CU_ASSERT_EQUAL(op->deadline_us, 0);
    CU_ASSERT_EQUAL(send_of(op)->message.text.len, 0);
    CU_ASSERT_FALSE(send_of(op)->message.duplicate);
    CU_ASSERT_PTR_EQUAL(arena_dup(&op->arena, SLICE_LIT("reused")), text); /* no malloc */
    op_put(p, op);
    op_pool_free(p);
}

static void arena_is_limited(void)
{
    struct op_pool *p = op_pool_new(2, 8192);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    struct op *op = op_get(p, &write_send.op);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&op->arena, 4000));
    CU_ASSERT_PTR_NULL(arena_alloc(&op->arena, 8192));
    op_put(p, op);
    op = op_get(p, &write_send.op);
    CU_ASSERT_PTR_NULL(arena_alloc(&op->arena, 8193)); /* the limit stays with the op */
    op_put(p, op);
    op_pool_free(p);
}

static void put_drops_the_body(void)
{
    struct op_pool *p = op_pool_new(1, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    struct op *op = op_get(p, &query_kind);
    struct blob *body = blob_copy(NULL, SLICE_LIT("x"));
    query_of(op)->answer.body = blob_hold(body);
    op_put(p, op);
    CU_ASSERT_EQUAL(atomic_load(&body->refs), 1);
    blob_drop(body);
    op_pool_free(p);
}

static void finish_posts_once(void)
{
    struct producer p;
    CU_ASSERT_EQUAL_FATAL(producer_init(&p, 4, 0), OK);
    struct op *ops[2];
    for (int i = 0; i < 2; i++) {
        ops[i] = producer_op(&p, &write_send.op, NULL);
        ops[i]->in_flight = true;
    }
    op_finish(ops[0], ERR_BUSY);
    op_finish(ops[1], OK);
    struct op *list = producer_take(&p);
    CU_ASSERT_PTR_EQUAL(list, ops[0]);
    CU_ASSERT_PTR_EQUAL(list->node.next, &ops[1]->node);
    CU_ASSERT_PTR_NULL(ops[1]->node.next);
    CU_ASSERT_EQUAL(ops[0]->result, ERR_BUSY);
    CU_ASSERT_EQUAL(ops[1]->result, OK);
    CU_ASSERT_FALSE(ops[0]->in_flight || ops[1]->in_flight);
    for (int i = 0; i < 2; i++)
        op_put(p.ops, ops[i]);
    producer_fini(&p);
}

const CU_TestInfo op_tests[] = {
    {"a pool is bounded", bounded},
    {"an op comes back zeroed, its arena's block kept", recycled_zeroed_with_its_block},
    {"an op's arena is limited", arena_is_limited},
    {"a view's body is dropped", put_drops_the_body},
    {"a finished op is posted once", finish_posts_once},
    CU_TEST_INFO_NULL,
};
