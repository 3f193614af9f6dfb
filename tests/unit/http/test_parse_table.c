/* Every request of the two tables, whole, byte by byte and cut at every point: one verdict however it comes. */
#include "feed.h"
#include "suites.h"

#include <stdio.h>

static bool same(const struct verdict *a, const struct verdict *b)
{
    return a->result == b->result && a->status == b->status && a->consumed == b->consumed &&
           slice_eq(buf_slice(&a->text), buf_slice(&b->text));
}

static void check_same(const struct http_case *c, size_t cut, size_t step, const struct verdict *whole)
{
    struct verdict v;
    feed(c->in, cut, step, &feed_limits, &v);
    if (!same(whole, &v))
        printf("\n    %s: cut at %zu by %zu: %s instead of %s", c->name, cut, step, buf_cstr(&v.text),
               slice_eq(buf_slice(&whole->text), (struct slice){0}) ? "more" : whole->text.ptr);
    CU_ASSERT(same(whole, &v));
    verdict_fini(&v);
}

static void check_every_cut(const struct http_case *c, struct verdict *whole)
{
    (void)buf_cstr(&whole->text);
    check_same(c, 1, 1, whole);
    check_same(c, 0, 3, whole);
    size_t step = c->in.len > 1000 ? 37 : 1;
    for (size_t cut = 0; cut < c->in.len; cut += step)
        check_same(c, cut, 0, whole);
}

static void test_accepted(void)
{
    for (size_t i = 0; i < accepted_count; i++) {
        const struct http_case *c = &accepted_cases[i];
        struct verdict v;
        struct buf body;
        feed(c->in, c->in.len, 0, &feed_limits, &v);
        if (v.result != HTTP_PARSE_REQUEST)
            printf("\n    %s: %s", c->name, v.status ? buf_cstr(&v.text) : "incomplete");
        CU_ASSERT_EQUAL(v.result, HTTP_PARSE_REQUEST);
        CU_ASSERT_EQUAL(v.consumed, c->in.len);
        buf_init(&body);
        buf_printf(&body, "\nbody=[%s]\n", c->body);
        bool right_body = strstr(buf_cstr(&v.text), buf_cstr(&body)) != NULL;
        if (!right_body)
            printf("\n    %s: not the body expected: %s", c->name, buf_cstr(&v.text));
        CU_ASSERT(right_body);
        check_every_cut(c, &v);
        buf_fini(&body);
        verdict_fini(&v);
    }
}

static void test_refused(void)
{
    for (size_t i = 0; i < refused_count; i++) {
        const struct http_case *c = &refused_cases[i];
        struct verdict v;
        feed(c->in, c->in.len, 0, &feed_limits, &v);
        bool right =
            c->status == FEED_MORE ? v.result == HTTP_PARSE_MORE : v.result == HTTP_PARSE_BAD && v.status == c->status;
        if (!right)
            printf("\n    %s: %s", c->name, v.result == HTTP_PARSE_MORE ? "incomplete" : buf_cstr(&v.text));
        CU_ASSERT(right);
        check_every_cut(c, &v);
        verdict_fini(&v);
    }
}

/* A request followed by another: the first ends where it ends, whatever comes after. */
static void test_pipelined(void)
{
    static const char next[] = "POST /next HTTP/1.1\r\nHost: y\r\nContent-Length: 3\r\n\r\nabc";
    for (size_t i = 0; i < accepted_count; i++) {
        const struct http_case *c = &accepted_cases[i];
        struct buf both;
        struct verdict alone, first, second;
        buf_init(&both);
        buf_append_slice(&both, c->in);
        buf_append_lit(&both, next);
        feed(c->in, c->in.len, 0, &feed_limits, &alone);
        feed(buf_slice(&both), both.len, 0, &feed_limits, &first);
        CU_ASSERT(same(&alone, &first));
        feed(slice_of(both.ptr + first.consumed, both.len - first.consumed), 0, 0, &feed_limits, &second);
        CU_ASSERT_EQUAL(second.result, HTTP_PARSE_REQUEST);
        CU_ASSERT_EQUAL(second.consumed, sizeof next - 1);
        verdict_fini(&alone);
        verdict_fini(&first);
        verdict_fini(&second);
        buf_fini(&both);
    }
}

/* No request of the table is accepted when it is cut short: its end is where it ends, not before. */
static void test_no_early_end(void)
{
    for (size_t i = 0; i < accepted_count; i++) {
        for (size_t len = 0; len < accepted_cases[i].in.len; len++) {
            struct verdict v;
            feed(slice_of(accepted_cases[i].in.ptr, len), len, 0, &feed_limits, &v);
            CU_ASSERT_EQUAL(v.result, HTTP_PARSE_MORE);
            verdict_fini(&v);
        }
    }
}

const CU_TestInfo parse_table_tests[] = {
    {"accepted", test_accepted},         {"refused", test_refused}, {"pipelined", test_pipelined},
    {"no early end", test_no_early_end}, CU_TEST_INFO_NULL,
};
