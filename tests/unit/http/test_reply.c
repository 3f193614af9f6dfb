#include "http/parse.h"
#include "http/reply.h"
#include "suites.h"
#include "json/json_in.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATE SLICE_LIT("Tue, 24 Nov 2026 21:56:00 GMT")
#define D    "\r\nDate: Tue, 24 Nov 2026 21:56:00 GMT"

static void check_head(const struct http_reply *r, const char *expected)
{
    struct buf b;
    buf_init(&b);
    buf_append_lit(&b, "before");
    reply_write_head(&b, r, DATE);
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), expected);
    buf_fini(&b);
}

static void test_heads(void)
{
    struct blob *blob = blob_copy(NULL, SLICE_LIT("0123456789"));
    check_head(
        &(struct http_reply){.status = 200, .minor = 1, .content_type = HTTP_TYPE_JSON, .small = SLICE_LIT("{}")},
        "beforeHTTP/1.1 200 OK" D "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    check_head(&(struct http_reply){.status = 200,
                                    .minor = 1,
                                    .body = blob,
                                    .etag = SLICE_LIT("\"e\""),
                                    .cache_control = SLICE_LIT("no-cache"),
                                    .head_only = true},
               "beforeHTTP/1.1 200 OK" D "\r\nContent-Length: 10\r\nETag: \"e\"\r\nCache-Control: no-cache\r\n\r\n");
    check_head(&(struct http_reply){.status = 304, .minor = 1, .body = blob, .etag = SLICE_LIT("\"e\"")},
               "beforeHTTP/1.1 304 Not Modified" D "\r\nETag: \"e\"\r\n\r\n");
    check_head(&(struct http_reply){.status = 204, .minor = 1}, "beforeHTTP/1.1 204 No Content" D "\r\n\r\n");
    check_head(&(struct http_reply){.status = 405, .minor = 1, .allow = SLICE_LIT("GET, HEAD"), .close = true},
               "beforeHTTP/1.1 405 Method Not Allowed" D
               "\r\nContent-Length: 0\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n");
    check_head(&(struct http_reply){.status = 307, .minor = 0, .location = SLICE_LIT("/a?b")},
               "beforeHTTP/1.1 307 Temporary Redirect" D
               "\r\nContent-Length: 0\r\nLocation: /a?b\r\nConnection: keep-alive\r\n\r\n");
    check_head(&(struct http_reply){.status = 503, .minor = 0, .retry_after_s = 2, .close = true},
               "beforeHTTP/1.1 503 Service Unavailable" D
               "\r\nContent-Length: 0\r\nRetry-After: 2\r\nConnection: close\r\n\r\n");
    check_head(&(struct http_reply){.status = 101,
                                    .minor = 1,
                                    .close = true,
                                    .extra = SLICE_LIT("Upgrade: websocket\r\nConnection: Upgrade\r\n")},
               "beforeHTTP/1.1 101 Switching Protocols" D "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    blob_drop(blob);
}

/* Longer values than the fixed room, into a buf that has none. */
static void test_long_values(void)
{
    struct buf b;
    char *big = malloc(20000);
    memset(big, 'x', 20000);
    buf_init(&b);
    struct http_reply r = {.status = 200,
                           .minor = 1,
                           .location = slice_of(big, 20000),
                           .cors = {.preflight = true,
                                    .allow_origin = slice_of(big, 5000),
                                    .allow_headers = slice_of(big, 7000),
                                    .vary = true}};
    reply_write_head(&b, &r, DATE);
    CU_ASSERT(buf_ok(&b) && b.len > 32000 && b.len < 33000);
    CU_ASSERT(slice_ends(buf_slice(&b), SLICE_LIT("\r\n\r\n")));
    buf_fini(&b);
    free(big);
}

/* True where writing that head aborts. In a child, because it must. */
static bool aborts(const struct http_reply *r)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct buf b;
        (void)!freopen("/dev/null", "w", stderr);
        signal(SIGABRT, SIG_DFL);
        buf_init(&b);
        reply_write_head(&b, r, DATE);
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_no_response_splitting(void)
{
    CU_ASSERT(aborts(&(struct http_reply){.status = 200, .location = SLICE_LIT("/a\r\nSet-Cookie: x")}));
    CU_ASSERT(aborts(&(struct http_reply){.status = 200, .etag = SLICE_LIT("\"\n\"")}));
    CU_ASSERT(aborts(&(struct http_reply){.status = 200, .cors = {.allow_origin = SLICE_LIT("a\rb")}}));
    CU_ASSERT(aborts(&(struct http_reply){.status = 200, .extra = SLICE_LIT("A: b")}));
    CU_ASSERT(aborts(&(struct http_reply){.status = 200, .extra = SLICE_LIT("A: b\r\n\r\nbody\r\n")}));
    CU_ASSERT(aborts(&(struct http_reply){.status = 0}));
    CU_ASSERT_FALSE(aborts(&(struct http_reply){.status = 200, .extra = SLICE_LIT("A: b\r\nC: d\r\n")}));
}

static void test_status_text(void)
{
    static const int statuses[] = {100, 101, 200, 204, 304, 307, 400, 401, 403, 404, 405, 408, 409,
                                   413, 414, 415, 417, 422, 426, 429, 431, 500, 501, 503, 504, 505};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        CU_ASSERT_STRING_NOT_EQUAL(http_status_text(statuses[i]), "Unknown");
    CU_ASSERT_STRING_EQUAL(http_status_text(799), "Unknown");
}

const CU_TestInfo reply_tests[] = {
    {"heads", test_heads},
    {"long values", test_long_values},
    {"no response splitting", test_no_response_splitting},
    {"status text", test_status_text},
    CU_TEST_INFO_NULL,
};
