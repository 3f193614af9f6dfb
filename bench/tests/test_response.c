#include "response.h"
#include "suite.h"

extern CU_TestInfo response_tests[];

struct sample {
    const char *text;
    int status; /* 0: must be refused */
    const char *body;
    const char *etag;
    bool to_head, close;
};

static const struct sample samples[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"v1\"\r\n\r\nhello", 200, "hello", "\"v1\"", false, false},
    {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, "", "", false, false},
    {"HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\n\r\n", 304, "", "\"abc\"", false, false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", 304, "", "", false, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 200, "", "", true, false},
    {"HTTP/1.1 404 \r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 404, "{}", "", false, true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", "", false, true},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", 200, "x", "", false, false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", "", false, false},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 101, "", "", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n", 200,
     "abc0123456789", "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nab", 0, "", "", false, false},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", 0, "", "", false, false},
    {"HTTP/1.1 200 OK\nContent-Length: 0\n\r\n\r\n", 0, "", "", false, false},
    {"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "", "", false, false},
    {"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", 0, "", "", false, false},
    {"HTTP/1.1 200 OK\r\n\r\n", 0, "", "", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, "", "", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 0, "", "", false, false},
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static enum response_step feed_in_pieces(struct response *r, const char *text, size_t len, size_t piece, size_t *used)
{
    enum response_step step = RESPONSE_MORE;
    *used = 0;
    for (size_t at = 0; at < len && step == RESPONSE_MORE;) {
        size_t n = piece < len - at ? piece : len - at;
        size_t taken = 0;
        step = response_feed(r, text + at, n, &taken);
        at += taken;
        *used = at;
        if (step == RESPONSE_MORE)
            CU_ASSERT_EQUAL_FATAL(taken, n);
    }
    return step;
}

static void check(const struct sample *s, size_t piece)
{
    struct response r = {0};
    struct text body = {0};
    size_t used;
    size_t len = strlen(s->text);
    response_begin(&r, s->to_head);
    r.sink = &body;
    enum response_step step = feed_in_pieces(&r, s->text, len, piece, &used);
    if (s->status == 0) {
        CU_ASSERT_EQUAL(step, RESPONSE_BAD);
    } else {
        CU_ASSERT_EQUAL(step, RESPONSE_DONE);
        CU_ASSERT_EQUAL(r.status, s->status);
        CU_ASSERT_EQUAL(used, len);
        CU_ASSERT_EQUAL(body.len, strlen(s->body));
        CU_ASSERT_TRUE(body.len == 0 || memcmp(body.ptr, s->body, body.len) == 0);
        CU_ASSERT_EQUAL(r.etag_len, strlen(s->etag));
        CU_ASSERT_EQUAL(memcmp(r.etag, s->etag, r.etag_len), 0);
        CU_ASSERT_EQUAL(r.close, s->close);
        CU_ASSERT_EQUAL(r.body_bytes, body.len);
    }
    response_fini(&r);
    text_fini(&body);
}

static void whole_and_in_pieces(void)
{
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t piece = 1; piece <= strlen(samples[i].text); piece++)
            check(&samples[i], piece);
}

static void what_follows_is_left_alone(void)
{
    static const char two[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 304 Not Modified\r\n\r\n";
    struct response r = {0};
    size_t used, more;
    response_begin(&r, false);
    CU_ASSERT_EQUAL(response_feed(&r, two, sizeof(two) - 1, &used), RESPONSE_DONE);
    CU_ASSERT_EQUAL(r.status, 200);
    response_begin(&r, false);
    CU_ASSERT_EQUAL(response_feed(&r, two + used, sizeof(two) - 1 - used, &more), RESPONSE_DONE);
    CU_ASSERT_EQUAL(r.status, 304);
    CU_ASSERT_EQUAL(used + more, sizeof(two) - 1);
    response_fini(&r);
}

static void cut_short_is_not_done(void)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        for (size_t cut = 0; s->status && cut < strlen(s->text); cut++) {
            struct response r = {0};
            size_t used;
            response_begin(&r, s->to_head);
            CU_ASSERT_EQUAL(feed_in_pieces(&r, s->text, cut, cut + 1, &used), RESPONSE_MORE);
            response_fini(&r);
        }
    }
}

static void a_body_nobody_wants_is_skipped(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc";
    struct response r = {0};
    size_t used;
    response_begin(&r, false);
    CU_ASSERT_EQUAL(response_skippable(&r), 0);
    CU_ASSERT_EQUAL(response_feed(&r, head, sizeof(head) - 1, &used), RESPONSE_MORE);
    CU_ASSERT_EQUAL(response_skippable(&r), 999997);
    CU_ASSERT_EQUAL(response_skipped(&r, 999996), RESPONSE_MORE);
    CU_ASSERT_EQUAL(response_skipped(&r, 1), RESPONSE_DONE);
    CU_ASSERT_EQUAL(r.body_bytes, 1000000);
    response_fini(&r);
}

static void an_endless_head_is_refused(void)
{
    struct response r = {0};
    response_begin(&r, false);
    size_t used, total = 0;
    enum response_step step = RESPONSE_MORE;
    while (step == RESPONSE_MORE && total < 4 * RESPONSE_HEAD_MAX) {
        step = response_feed(&r, "X-Filler: yes\r\n", 15, &used);
        total += 15;
    }
    CU_ASSERT_EQUAL(step, RESPONSE_BAD);
    CU_ASSERT_TRUE(total <= RESPONSE_HEAD_MAX + 30);
    response_fini(&r);
}

CU_TestInfo response_tests[] = {
    {"whole and in pieces", whole_and_in_pieces},
    {"what follows is left alone", what_follows_is_left_alone},
    {"cut short is not done", cut_short_is_not_done},
    {"a body nobody wants is skipped", a_body_nobody_wants_is_skipped},
    {"an endless head is refused", an_endless_head_is_refused},
    CU_TEST_INFO_NULL,
};
