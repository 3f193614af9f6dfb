#include "http/cors.h"
#include "suites.h"

static const struct slice listed[] = {{"http://localhost:3000", 21}, {"http://127.0.0.1:3001", 21}};
#define DATE SLICE_LIT("Tue, 24 Nov 2026 21:56:00 GMT")

static struct cors_policy policy(void)
{
    return (struct cors_policy){.origins = listed, .count = 2};
}

static void test_allowlist(void)
{
    struct cors_policy p = policy();
    CU_ASSERT(cors_allows(&p, slice_cstr("http://localhost:3000")));
    CU_ASSERT(cors_allows(&p, slice_cstr("http://127.0.0.1:3001")));
    static const char *const others[] = {"http://localhost:3001",
                                         "http://localhost:3000/",
                                         "https://localhost:3000",
                                         "HTTP://localhost:3000",
                                         "http://localhost:30000",
                                         "http://localhost:300",
                                         "null",
                                         "*",
                                         ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CU_ASSERT_FALSE(cors_allows(&p, slice_cstr(others[i])));
    CU_ASSERT_FALSE(cors_allows(&p, (struct slice){0}));
}

static void check_head(const struct http_reply *r, const char *expected)
{
    struct buf b;
    buf_init(&b);
    reply_write_head(&b, r, DATE);
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), expected);
    buf_fini(&b);
}

static void test_simple(void)
{
    struct cors_policy p = policy();
    struct http_request req = {.method = METHOD_GET, .origin = slice_cstr("http://localhost:3000")};
    struct http_reply r = {.status = 404, .minor = 1};
    cors_apply(&p, &req, &r);
    check_head(&r, "HTTP/1.1 404 Not Found\r\nDate: Tue, 24 Nov 2026 21:56:00 GMT\r\nContent-Length: 0\r\n"
                   "Access-Control-Allow-Origin: http://localhost:3000\r\nAccess-Control-Allow-Credentials: true\r\n"
                   "Access-Control-Expose-Headers: ETag, Retry-After, Location\r\n"
                   "Vary: Origin\r\n\r\n");
    req.origin = slice_cstr("http://evil.example");
    cors_apply(&p, &req, &r);
    check_head(&r, "HTTP/1.1 404 Not Found\r\nDate: Tue, 24 Nov 2026 21:56:00 GMT\r\nContent-Length: 0\r\n"
                   "Vary: Origin\r\n\r\n");
    req.origin = (struct slice){0};
    cors_apply(&p, &req, &r);
    check_head(&r, "HTTP/1.1 404 Not Found\r\nDate: Tue, 24 Nov 2026 21:56:00 GMT\r\nContent-Length: 0\r\n\r\n");
}

static void test_preflight(void)
{
    struct cors_policy p = policy();
    struct http_request req = {.method = METHOD_OPTIONS,
                               .origin = slice_cstr("http://127.0.0.1:3001"),
                               .access_control_request_method = slice_cstr("POST"),
                               .access_control_request_headers = slice_cstr("content-type,x-y")};
    struct http_reply r = {.minor = 1};
    CU_ASSERT(cors_is_preflight(&req));
    cors_preflight(&p, &req, false, &r);
    CU_ASSERT(slice_eq(r.small, SLICE_LIT("OK")));
    check_head(&r,
               "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 21:56:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Length: 2\r\nAccess-Control-Allow-Origin: http://127.0.0.1:3001\r\n"
               "Access-Control-Allow-Credentials: true\r\n"
               "Access-Control-Allow-Methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n"
               "Access-Control-Max-Age: 600\r\nAccess-Control-Allow-Headers: content-type,x-y\r\nVary: Origin\r\n\r\n");
    req.access_control_request_headers = (struct slice){0};
    req.access_control_request_method = slice_cstr("BREW");
    cors_preflight(&p, &req, false, &r);
    CU_ASSERT_EQUAL(r.status, 400);
    CU_ASSERT(slice_eq(r.small, SLICE_LIT("Disallowed CORS method")));
    req.access_control_request_method = slice_cstr("GET");
    req.origin = slice_cstr("http://chat.example");
    cors_preflight(&p, &req, true, &r); /* the server's own page */
    CU_ASSERT_EQUAL(r.status, 200);
    CU_ASSERT(slice_eq(r.cors.allow_origin, req.origin));
    req.origin = slice_cstr("http://evil.example");
    cors_preflight(&p, &req, false, &r);
    CU_ASSERT(slice_eq(r.small, SLICE_LIT("Disallowed CORS origin")));
    check_head(&r, "HTTP/1.1 400 Bad Request\r\nDate: Tue, 24 Nov 2026 21:56:00 GMT\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 22\r\nVary: Origin\r\n\r\n");
}

static void test_what_is_a_preflight(void)
{
    struct http_request req = {.method = METHOD_OPTIONS, .origin = slice_cstr("http://localhost:3000")};
    CU_ASSERT_FALSE(cors_is_preflight(&req));
    req.access_control_request_method = slice_cstr("GET");
    CU_ASSERT(cors_is_preflight(&req));
    req.method = METHOD_GET;
    CU_ASSERT_FALSE(cors_is_preflight(&req));
    req.method = METHOD_OPTIONS;
    req.origin = (struct slice){0};
    CU_ASSERT_FALSE(cors_is_preflight(&req));
}

const CU_TestInfo cors_tests[] = {
    {"allowlist", test_allowlist},
    {"simple", test_simple},
    {"preflight", test_preflight},
    {"what is a preflight", test_what_is_a_preflight},
    CU_TEST_INFO_NULL,
};
