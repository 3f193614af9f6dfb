#include "request.h"
#include "suite.h"

extern CU_TestInfo request_tests[];

static void marks_come_back(void)
{
    char mark[MARK_LEN];
    mark_write(mark, 0x0abc, 0x12345678);
    CU_ASSERT_EQUAL(memcmp(mark, "bn-0abc-12345678", MARK_LEN), 0);
    static const char text[] = "bn-x bn-12 {\"bn-zzzz-00000000\":\"bn-0001-000000ff\",\"bn-0002-00000003\"} bn-0003-";
    size_t at = 0;
    uint32_t publisher, sequence;
    CU_ASSERT_TRUE(mark_find(text, sizeof(text) - 1, &at, &publisher, &sequence));
    CU_ASSERT_TRUE(publisher == 1 && sequence == 255);
    CU_ASSERT_TRUE(mark_find(text, sizeof(text) - 1, &at, &publisher, &sequence));
    CU_ASSERT_TRUE(publisher == 2 && sequence == 3);
    CU_ASSERT_FALSE(mark_find(text, sizeof(text) - 1, &at, &publisher, &sequence));
}

static void a_send_is_a_whole_request(void)
{
    struct options o = {.http = {.host = "h", .port = 1}, .payload = 20};
    o.headers[o.header_count++] = "X-Y: z";
    struct template t = {0};
    template_send(&t, &o, true);
    char out[1024];
    size_t len = template_build_send(&t, "00000000-0000-4000-8000-000000000000", "bn-0001-000000ff", 0x2a, out);
    out[len] = '\0';
    CU_ASSERT_STRING_EQUAL(out, "POST /api/users/chats/00000000-0000-4000-8000-000000000000/send HTTP/1.1\r\n"
                                "Host: h:1\r\nX-Y: z\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n"
                                "{\"content\":\"000000000000002ammmm\",\"role\":\"bn-0001-000000ff\"}");
    template_fini(&t);
}

static void a_get_with_and_without_etag(void)
{
    struct options o = {.http = {.host = "h", .port = 1}};
    struct template t = {0};
    char out[256];
    template_get(&t, &o, "/a/", "/b");
    out[template_build_get(&t, "KEY", 3, NULL, 0, out)] = '\0';
    CU_ASSERT_STRING_EQUAL(out, "GET /a/KEY/b HTTP/1.1\r\nHost: h:1\r\n\r\n");
    out[template_build_get(&t, "KEY", 3, "\"e\"", 3, out)] = '\0';
    CU_ASSERT_STRING_EQUAL(out, "GET /a/KEY/b HTTP/1.1\r\nHost: h:1\r\nIf-None-Match: \"e\"\r\n\r\n");
    template_fini(&t);
}

CU_TestInfo request_tests[] = {
    {"marks come back", marks_come_back},
    {"a send is a whole request", a_send_is_a_whole_request},
    {"a get with and without etag", a_get_with_and_without_etag},
    CU_TEST_INFO_NULL,
};
