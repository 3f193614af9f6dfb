/* What the table cannot say: the request's fields, limits at their exact byte, 100-continue, reuse, pipelining
 * over one buffer, and moving the input under a request that is in use. */
#include "feed.h"
#include "suites.h"

#include <stdlib.h>

static struct http_parser parser;

static enum http_parse run(const char *in)
{
    http_parser_fini(&parser);
    http_parser_init(&parser, &feed_limits);
    return http_parser_run(&parser, in, strlen(in));
}

static bool is(struct slice s, const char *text)
{
    return s.ptr && slice_eq(s, slice_cstr(text));
}

static void test_fields(void)
{
    struct http_request *req = &parser.request;
    CU_ASSERT_EQUAL(run("PATCH /a/b%20c?d=e HTTP/1.1\r\nHost: h:1\r\nOrigin: http://o\r\nContent-Type: a/b; c=d\r\n"
                        "Authorization: Bearer t\r\nIdempotency-Key: k\r\nIf-None-Match: \"e\"\r\n"
                        "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n"
                        "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x, y\r\n"
                        "Sec-WebSocket-Key: key\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: p, q\r\n"
                        "X-Own: 1\r\nContent-Length: 2\r\n\r\nhi"),
                    HTTP_PARSE_REQUEST);
    CU_ASSERT_EQUAL(req->method, METHOD_PATCH);
    CU_ASSERT_EQUAL(req->minor, 1);
    CU_ASSERT(is(req->method_text, "PATCH") && is(req->target, "/a/b%20c?d=e"));
    CU_ASSERT(is(req->path, "/a/b%20c") && is(req->query, "d=e"));
    CU_ASSERT(is(req->host, "h:1") && is(req->origin, "http://o") && is(req->content_type, "a/b; c=d"));
    CU_ASSERT(is(req->authorization, "Bearer t") && is(req->idempotency_key, "k"));
    CU_ASSERT(is(req->if_none_match, "\"e\""));
    CU_ASSERT(is(req->access_control_request_method, "PUT") && is(req->access_control_request_headers, "x, y"));
    CU_ASSERT(is(req->ws_key, "key") && is(req->ws_version, "13") && is(req->ws_protocol, "p, q"));
    CU_ASSERT(is(req->body, "hi") && req->has_body && !req->chunked && req->keep_alive);
    CU_ASSERT(is(http_request_header(req, SLICE_LIT("x-oWN")), "1"));
    CU_ASSERT_PTR_NULL(http_request_header(req, SLICE_LIT("x-none")).ptr);
    CU_ASSERT_EQUAL(req->header_count, 15);
}

static void test_target_forms(void)
{
    struct http_request *req = &parser.request;
    CU_ASSERT_EQUAL(run("GET http://ex.com:80/a?b HTTP/1.1\r\nHost: other\r\n\r\n"), HTTP_PARSE_REQUEST);
    CU_ASSERT(is(req->host, "ex.com:80") && is(req->path, "/a") && is(req->query, "b"));
    CU_ASSERT_EQUAL(run("GET http://ex.com?b HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_PARSE_REQUEST);
    CU_ASSERT(is(req->path, "/") && is(req->query, "b"));
    CU_ASSERT_EQUAL(run("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_PARSE_REQUEST);
    CU_ASSERT(req->asterisk && is(req->path, "*"));
    CU_ASSERT_EQUAL(run("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_PARSE_REQUEST);
    CU_ASSERT(!req->asterisk && req->query.ptr == NULL);
    CU_ASSERT_EQUAL(run("GET /a? HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_PARSE_REQUEST);
    CU_ASSERT(is(req->path, "/a") && is(req->query, ""));
}

static void test_keep_alive_and_upgrade(void)
{
    static const struct {
        const char *head;
        bool keep_alive, websocket;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: a\r\nConnection: Close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", true, true},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c, WebSocket\r\nConnection: x, upgrade\r\n\r\n", true, true},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websockets\r\nConnection: Upgrade\r\n\r\n", true, false},
        {"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(run(cases[i].head), HTTP_PARSE_REQUEST);
        CU_ASSERT_EQUAL(parser.request.keep_alive, cases[i].keep_alive);
        CU_ASSERT_EQUAL(parser.request.upgrade_websocket, cases[i].websocket);
    }
}

static void test_continue(void)
{
    const char *head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi";
    size_t head_len = strlen(head) - 2;
    http_parser_init(&parser, &feed_limits);
    CU_ASSERT_EQUAL(http_parser_run(&parser, head, head_len - 1), HTTP_PARSE_MORE);
    CU_ASSERT(!parser.in_body && !parser.wants_continue && parser.started);
    CU_ASSERT_EQUAL(http_parser_run(&parser, head, head_len), HTTP_PARSE_MORE);
    CU_ASSERT(parser.in_body && parser.wants_continue);
    CU_ASSERT_EQUAL(http_parser_run(&parser, head, head_len + 1), HTTP_PARSE_MORE);
    CU_ASSERT(parser.in_body && !parser.wants_continue);
    CU_ASSERT_EQUAL(http_parser_run(&parser, head, head_len + 2), HTTP_PARSE_REQUEST);
    CU_ASSERT(!parser.in_body && !parser.wants_continue && parser.request.expect_continue);
    CU_ASSERT_EQUAL(run("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n"), HTTP_PARSE_REQUEST);
    CU_ASSERT_EQUAL(run("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"), HTTP_PARSE_MORE);
    CU_ASSERT(parser.in_body && !parser.wants_continue);
    CU_ASSERT_EQUAL(run("\r\n"), HTTP_PARSE_MORE);
    CU_ASSERT(!parser.started);
    CU_ASSERT_EQUAL(run("\r\nG"), HTTP_PARSE_MORE);
    CU_ASSERT(parser.started);
}

/* A request of n headers (Host among them), or with a head of n bytes, or a target of n bytes. */
static enum http_parse run_headers(unsigned n)
{
    struct buf b;
    struct http_limits limits = feed_limits;
    limits.max_head = 65536;
    buf_init(&b);
    buf_append_lit(&b, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 1; i < n; i++)
        buf_printf(&b, "X-%u: %u\r\n", i, i);
    buf_append_lit(&b, "\r\n");
    http_parser_fini(&parser);
    http_parser_init(&parser, &limits);
    enum http_parse result = http_parser_run(&parser, b.ptr, b.len);
    buf_fini(&b);
    return result;
}

static enum http_parse run_sized(size_t head, size_t target)
{
    static const char start[] = "GET ", middle[] = " HTTP/1.1\r\nHost: x\r\nX: ";
    struct buf b;
    buf_init(&b);
    buf_append_lit(&b, start);
    buf_append_char(&b, '/');
    for (size_t i = 1; i < target; i++)
        buf_append_char(&b, 'a');
    buf_append_lit(&b, middle);
    while (b.len + 4 < head)
        buf_append_char(&b, 'v');
    buf_append_lit(&b, "\r\n\r\n");
    http_parser_fini(&parser);
    http_parser_init(&parser, &feed_limits);
    enum http_parse result = http_parser_run(&parser, b.ptr, b.len);
    buf_fini(&b);
    return result;
}

static void test_limits(void)
{
    CU_ASSERT_EQUAL(run_headers(HTTP_HEADERS_MAX), HTTP_PARSE_REQUEST);
    CU_ASSERT_EQUAL(run_headers(HTTP_HEADERS_MAX + 1), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(parser.status, 431);
    CU_ASSERT_EQUAL(run_sized(feed_limits.max_head, 10), HTTP_PARSE_REQUEST);
    CU_ASSERT_EQUAL(parser.consumed, feed_limits.max_head);
    CU_ASSERT_EQUAL(run_sized(feed_limits.max_head + 1, 10), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(parser.status, 431);
    CU_ASSERT_EQUAL(run_sized(1000, feed_limits.max_target), HTTP_PARSE_REQUEST);
    CU_ASSERT_EQUAL(run_sized(1000, feed_limits.max_target + 1), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(parser.status, 414);
    CU_ASSERT_EQUAL(run("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"), HTTP_PARSE_MORE);
    CU_ASSERT_EQUAL(run("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(parser.status, 413);
    CU_ASSERT_STRING_EQUAL(parser.detail, "Request body is too large");
}

/* Chunks of one byte under long extensions: the framing may not outgrow the body without end. */
static void test_chunk_framing_is_bounded(void)
{
    struct buf b;
    buf_init(&b);
    buf_append_lit(&b, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 900; i++)
        buf_printf(&b, "1;x=%0200u\r\nx\r\n", i);
    http_parser_fini(&parser);
    http_parser_init(&parser, &feed_limits);
    CU_ASSERT_EQUAL(http_parser_run(&parser, b.ptr, b.len), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(parser.status, 413);
    buf_fini(&b);
}

static void test_reuse_and_pipeline(void)
{
    const char *in = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
                     "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
                     "POST /3 HTTP/1.1\r\nHost: c\r\nContent-Length: 5\r\n\r\nthree"
                     "BAD\r\n";
    static const char *const paths[] = {"/1", "/2", "/3"}, *const hosts[] = {"a", "b", "c"};
    static const char *const bodies[] = {"one", "", "three"};
    size_t left = strlen(in);
    http_parser_fini(&parser);
    http_parser_init(&parser, &feed_limits);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(http_parser_run(&parser, in, left), HTTP_PARSE_REQUEST);
        CU_ASSERT_EQUAL(http_parser_run(&parser, in, left), HTTP_PARSE_REQUEST); /* asked again: the same */
        CU_ASSERT(is(parser.request.path, paths[i]) && is(parser.request.host, hosts[i]));
        CU_ASSERT(is(parser.request.body, bodies[i]));
        CU_ASSERT_EQUAL(parser.request.header_count, i == 1 ? 1 : 2);
        in += parser.consumed;
        left -= parser.consumed;
        http_parser_reset(&parser);
    }
    CU_ASSERT_EQUAL(http_parser_run(&parser, in, left), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(http_parser_run(&parser, in, left), HTTP_PARSE_BAD);
}

/* The connection's input moves while the request waits for its answer. */
static void check_rebase(const char *text, const char *body)
{
    struct http_request *req = &parser.request;
    char *first = strdup(text), *second = strdup(text);
    http_parser_fini(&parser);
    http_parser_init(&parser, &feed_limits);
    CU_ASSERT_EQUAL(http_parser_run(&parser, first, strlen(first)), HTTP_PARSE_REQUEST);
    http_parser_rebase(&parser, second);
    memset(first, '!', strlen(text));
    free(first);
    CU_ASSERT(is(req->method_text, "POST") && is(req->path, "/") && is(req->host, "h"));
    CU_ASSERT(is(req->content_type, "text/plain") && is(req->body, body));
    CU_ASSERT(is(http_header_name(req, 1), "Content-Type") && is(http_header_value(req, 0), "x"));
    CU_ASSERT_PTR_NULL(req->origin.ptr);
    free(second);
}

static void test_rebase(void)
{
    check_rebase("POST http://h HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", "hi");
    check_rebase("POST http://h HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "2\r\nho\r\n0\r\n\r\n",
                 "ho");
    check_rebase("POST http://h HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\n", "");
    http_parser_fini(&parser);
}

/* What came before the fault can still be read, also after the input moved: for the log, and for CORS on errors. */
static void test_refused_can_be_read(void)
{
    const char *text = "POST /a HTTP/1.1\r\nHost: x\r\nOrigin: http://o\r\nContent-Length: 2000\r\n\r\n";
    char *first = strdup(text), *second = strdup(text);
    http_parser_fini(&parser);
    http_parser_init(&parser, &feed_limits);
    CU_ASSERT_EQUAL(http_parser_run(&parser, first, strlen(text) - 2), HTTP_PARSE_MORE);
    free(first);
    CU_ASSERT_EQUAL(http_parser_run(&parser, second, strlen(text)), HTTP_PARSE_BAD);
    CU_ASSERT_EQUAL(parser.status, 413);
    CU_ASSERT(is(parser.request.method_text, "POST") && is(parser.request.target, "/a"));
    CU_ASSERT(is(parser.request.origin, "http://o"));
    free(second);
    http_parser_fini(&parser);
}

const CU_TestInfo parse_tests[] = {
    {"fields", test_fields},
    {"target forms", test_target_forms},
    {"keep-alive and upgrade", test_keep_alive_and_upgrade},
    {"100-continue", test_continue},
    {"limits", test_limits},
    {"chunk framing is bounded", test_chunk_framing_is_bounded},
    {"reuse and pipeline", test_reuse_and_pipeline},
    {"rebase", test_rebase},
    {"refused can be read", test_refused_can_be_read},
    CU_TEST_INFO_NULL,
};
