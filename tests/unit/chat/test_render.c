#include "chat_suites.h"

#include "chat/render.h"

#include <stdio.h>

#define T INT64_C(1795557360588000) /* 2026-11-24T21:56:00.588000Z */

static void check(struct buf *b, const char *expected)
{
    if (strcmp(buf_cstr(b), expected) != 0)
        fprintf(stderr, "\n  actual:   %s\n  expected: %s\n", buf_cstr(b), expected);
    CU_ASSERT_STRING_EQUAL(buf_cstr(b), expected);
    buf_fini(b);
}

static void test_time(void)
{
    struct buf b;
    buf_init(&b);
    render_time(&b, T);
    buf_append_char(&b, ' ');
    render_time(&b, 0);
    check(&b, "\"2026-11-24T21:56:00.588000Z\" null");
}

static void test_customer_full(void)
{
    struct buf b;
    struct customer u = {
        .id = SLICE_LIT("id\"1"),
        .email = SLICE_LIT("a@x.io"),
        .name = SLICE_LIT("An\nn"),
        .ip = SLICE_LIT("10.0.0.1"),
        .vibe = SLICE_LIT("happy"),
        .category = SLICE_LIT("human-chats"),
        .status = SLICE_LIT("escalated"),
        .owner = SLICE_LIT("o1"),
        .location = SLICE_LIT("{\"city\":\"Ulm\"}"),
        .device = SLICE_LIT("{\"os\":1}"),
    };
    buf_init(&b);
    render_customer_opening(&b, &u);
    render_last_seen(&b, T);
    check(&b, "{\"_id\":\"id\\\"1\",\"name\":\"An\\nn\",\"email\":\"a@x.io\",\"ip\":\"10.0.0.1\",\"vibe\":\"happy\","
              "\"category\":\"human-chats\",\"status\":\"escalated\",\"location\":{\"city\":\"Ulm\"},"
              "\"device\":{\"os\":1},\"dashboard_user_id\":\"o1\",\"last_seen\":\"2026-11-24T21:56:00.588000Z\"");
    buf_init(&b);
    render_poll_opening(&b, &u);
    check(&b, "{\"user_id\":\"id\\\"1\",\"user_name\":\"An\\nn\",\"user_email\":\"a@x.io\",\"chats\":[");
    u.claimed_email = SLICE_LIT("b\"@x.io");
    buf_init(&b);
    render_customer_opening(&b, &u);
    CU_ASSERT(slice_ends(buf_slice(&b), SLICE_LIT(",\"dashboard_user_id\":\"o1\",\"claimed_email\":\"b\\\"@x.io\"")));
    buf_fini(&b);
}

/* A document of an existing deployment with nothing in it but its id: every key is there. */
static void test_customer_empty(void)
{
    struct buf b;
    struct customer u = {.id = SLICE_LIT("x"), .location = SLICE_LIT("[1]"), .device = SLICE_LIT("null")};
    buf_init(&b);
    render_customer_opening(&b, &u);
    render_last_seen(&b, 0);
    check(&b, "{\"_id\":\"x\",\"name\":\"Unknown User\",\"email\":\"unknown@example.com\",\"ip\":null,"
              "\"vibe\":\"neutral\",\"category\":null,\"status\":null,\"location\":{},\"device\":{},"
              "\"dashboard_user_id\":null,\"last_seen\":null");
}

static void test_chat(void)
{
    struct buf b;
    struct chat c = {.chat_id = SLICE_LIT("c\\1"), .customer_id = SLICE_LIT("u"), .created_us = T, .updated_us = T + 1};
    buf_init(&b);
    render_chat_start(&b, &c);
    render_chat_rest(&b, T + 2, 12, &(struct chat_read){0});
    check(&b, "{\"chat_id\":\"c\\\\1\",\"status\":\"open\",\"created_at\":\"2026-11-24T21:56:00.588000Z\","
              "\"assigned_to\":null,\"last_activity\":\"2026-11-24T21:56:00.588002Z\",\"total_messages\":12,"
              "\"unread\":0,\"read_up_to\":{\"user\":null,\"agent\":null},\"messages\":[");
    c.status = SLICE_LIT("closed");
    c.assigned_to = SLICE_LIT("a\"nn");
    buf_init(&b);
    render_chat_object(&b, &c, &(struct chat_read){.unread = 3, .user = SLICE_LIT("m1"), .agent = SLICE_LIT("m2")});
    buf_append_lit(&b, RENDER_CHAT_OBJECT_END);
    check(&b, "{\"chat_id\":\"c\\\\1\",\"user_id\":\"u\",\"status\":\"closed\","
              "\"created_at\":\"2026-11-24T21:56:00.588000Z\",\"updated_at\":\"2026-11-24T21:56:00.588001Z\","
              "\"assigned_to\":\"a\\\"nn\",\"unread\":3,\"read_up_to\":{\"user\":\"m1\",\"agent\":\"m2\"},"
              "\"messages\":[],\"state\":{}}");
}

static void test_answers(void)
{
    struct buf b;
    struct totals t = {.chats = 9, .chats_with_either = 4, .chats_with_assistant = 3};
    buf_init(&b);
    render_ai(&b, SLICE_LIT("c\"1"), false);
    check(&b, "{\"success\":true,\"ai_agent_enabled\":false,\"chat_id\":\"c\\\"1\"}");
    buf_init(&b);
    render_report(&b, &t, T);
    check(&b, "{\"success\":true,\"total_chats\":9,\"agent_chats\":4,\"channels\":{\"whatsapp\":0,\"instagram\":0,"
              "\"website\":9},\"timestamp\":\"2026-11-24T21:56:00.588000Z\"}");
    buf_init(&b);
    render_agent(&b, &t, T);
    check(&b, "{\"success\":true,\"chats_responded_to\":3,\"model\":null,\"status\":\"offline\","
              "\"initialized\":false,\"timestamp\":\"2026-11-24T21:56:00.588000Z\"}");
}

const CU_TestInfo render_tests[] = {
    {"time", test_time},
    {"customer with everything", test_customer_full},
    {"customer with nothing", test_customer_empty},
    {"chat", test_chat},
    {"AI switch and reports", test_answers},
    CU_TEST_INFO_NULL,
};
