/* A message is rendered once and cut into the other shapes: every combination of what can differ. */
#include "chat_suites.h"

#include "chat/render.h"

#include <stdio.h>
#include <stdlib.h>

#define T INT64_C(1795557360588000)

static const uint8_t tag[5] = {1, 2, 3, 4, 5};

static void check(struct buf *b, const char *expected)
{
    if (strcmp(buf_cstr(b), expected) != 0)
        fprintf(stderr, "\n  actual:   %s\n  expected: %s\n", buf_cstr(b), expected);
    CU_ASSERT_STRING_EQUAL(buf_cstr(b), expected);
    buf_fini(b);
}

static void test_shapes(void)
{
    struct buf b, poll, chat;
    struct message m = {.rev = T, .timestamp_us = T, .role = SLICE_LIT("user"), .text = SLICE_LIT("h\"i")};
    struct message_form form;
    struct message_parts parts;
    buf_init(&b);
    buf_append_lit(&b, "before");
    render_message(&b, &m, &form);
    message_parts(b.ptr + 6, &form, &parts);
    buf_init(&poll);
    render_message_poll(&poll, SLICE_LIT("id1"), &parts);
    check(&poll, "{\"_id\":\"id1\",\"role\":\"user\",\"text\":\"h\\\"i\",\"content\":\"h\\\"i\","
                 "\"timestamp\":\"2026-11-24T21:56:00.588000Z\",\"read\":false}");
    buf_init(&chat);
    render_message_chat(&chat, SLICE_LIT("id1"), &parts);
    check(&chat, "{\"_id\":\"id1\",\"sender\":\"user\",\"content\":\"h\\\"i\","
                 "\"timestamp\":\"2026-11-24T21:56:00.588000Z\",\"status\":\"sent\",\"isLink\":false,"
                 "\"linkUrl\":null,\"tags\":[]}");
    CU_ASSERT_EQUAL(form.len, b.len - 6);
    check(&b, "before{\"role\":\"user\",\"text\":\"h\\\"i\",\"timestamp\":\"2026-11-24T21:56:00.588000Z\","
              "\"read\":true }");
}

/* Said by a customer's widget to be another's: every shape says so. */
static void test_via(void)
{
    struct buf b, poll, chat;
    struct message m = {.rev = T, .role = SLICE_LIT("assistant"), .text = SLICE_LIT("x"), .via_widget = true};
    struct message_form form;
    struct message_parts parts;
    buf_init(&b);
    render_message(&b, &m, &form);
    message_parts(b.ptr, &form, &parts);
    buf_init(&poll);
    render_message_poll(&poll, SLICE_LIT("id1"), &parts);
    check(&poll, "{\"_id\":\"id1\",\"role\":\"assistant\",\"text\":\"x\",\"content\":\"x\","
                 "\"timestamp\":null,\"read\":false,\"via\":\"widget\"}");
    buf_init(&chat);
    render_message_chat(&chat, SLICE_LIT("id1"), &parts);
    check(&chat, "{\"_id\":\"id1\",\"sender\":\"assistant\",\"content\":\"x\",\"timestamp\":null,"
                 "\"status\":\"sent\",\"isLink\":false,\"linkUrl\":null,\"tags\":[],\"via\":\"widget\"}");
    check(&b, "{\"role\":\"assistant\",\"text\":\"x\",\"timestamp\":null,\"read\":true ,\"via\":\"widget\"}");
}

/* An agent who is known stands in front of the role, and in every shape. */
static void test_agent(void)
{
    struct buf b, poll, chat;
    struct message m = {.rev = T,
                        .role = SLICE_LIT("agent"),
                        .text = SLICE_LIT("x"),
                        .agent_id = SLICE_LIT("a\"1"),
                        .agent_name = SLICE_LIT("Ann")};
    struct message_form form;
    struct message_parts parts;
    buf_init(&b);
    render_message(&b, &m, &form);
    CU_ASSERT_EQUAL(form.flags, FORM_AGENT | FORM_REPLY | FORM_NO_TIME);
    message_parts(b.ptr, &form, &parts);
    buf_init(&poll);
    render_message_poll(&poll, SLICE_LIT("id1"), &parts);
    check(&poll, "{\"_id\":\"id1\",\"role\":\"agent\",\"text\":\"x\",\"content\":\"x\",\"timestamp\":null,"
                 "\"read\":false,\"agent\":{\"id\":\"a\\\"1\",\"name\":\"Ann\"}}");
    buf_init(&chat);
    render_message_chat(&chat, SLICE_LIT("id1"), &parts);
    check(&chat, "{\"_id\":\"id1\",\"sender\":\"agent\",\"content\":\"x\",\"timestamp\":null,\"status\":\"sent\","
                 "\"isLink\":false,\"linkUrl\":null,\"tags\":[],\"agent\":{\"id\":\"a\\\"1\",\"name\":\"Ann\"}}");
    render_unread(b.ptr, &form);
    check(&b, "{\"agent\":{\"id\":\"a\\\"1\",\"name\":\"Ann\"},\"role\":\"agent\",\"text\":\"x\",\"timestamp\":null,"
              "\"read\":false}");
    /* Not known, or no agent's: a widget may say what it likes of its role. */
    static const struct {
        const char *role, *id, *name;
        bool via_widget;
        uint8_t flags;
    } others[] = {{"agent", "", "", false, FORM_REPLY},   {"agent", "a", "", false, FORM_REPLY},
                  {"agent", "a", "Ann", true, FORM_VIA},  {"assistant", "a", "Ann", false, 0},
                  {"user", "a", "Ann", false, FORM_USER}, {"user", "", "", true, FORM_USER | FORM_VIA},
                  {"Agent", "a", "Ann", false, 0}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct message o = {.rev = T, .timestamp_us = T, .via_widget = others[i].via_widget};
        o.role = slice_cstr(others[i].role);
        o.agent_id = slice_cstr(others[i].id);
        o.agent_name = slice_cstr(others[i].name);
        buf_init(&b);
        render_message(&b, &o, &form);
        CU_ASSERT_EQUAL(form.flags, others[i].flags);
        buf_append_char(&b, 0);
        CU_ASSERT_PTR_NULL(strstr(b.ptr, "Ann"));
        buf_fini(&b);
    }
}

static void test_parts(void)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "\"",
                                        "\\",
                                        "\n",
                                        "\x01\x1f",
                                        "\xe2\x80\xa8\xe2\x80\xa9",
                                        "\xf0\x9f\x98\x80",
                                        "</script>",
                                        "\",\"timestamp\":null,\"read\":true}",
                                        "\xff\xc3",
                                        "a\xed\xa0\x80z"};
    static const char *const escaped[] = {"",
                                          "x",
                                          "\\\"",
                                          "\\\\",
                                          "\\n",
                                          "\\u0001\\u001f",
                                          "\\u2028\\u2029",
                                          "\xf0\x9f\x98\x80",
                                          "</script>",
                                          "\\\",\\\"timestamp\\\":null,\\\"read\\\":true}",
                                          "\xef\xbf\xbd\xef\xbf\xbd",
                                          "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"};
    const size_t count = sizeof(texts) / sizeof(texts[0]);
    for (size_t i = 0; i < count * count * 16; i++) {
        size_t role = i / 16 % count, text = i / 16 / count;
        struct message m = {.rev = T,
                            .timestamp_us = i & 1 ? T : 0,
                            .read = i & 2,
                            .legacy = i & 4,
                            .via_widget = i & 8,
                            .role = slice_cstr(texts[role]),
                            .text = slice_cstr(texts[text])};
        struct buf b;
        struct message_form form;
        struct message_parts parts;
        buf_init(&b);
        render_message(&b, &m, &form);
        message_parts(b.ptr, &form, &parts);
        CU_ASSERT_EQUAL(form.len, b.len);
        CU_ASSERT_TRUE(slice_eq(parts.role, slice_cstr(escaped[role])));
        CU_ASSERT_TRUE(slice_eq(parts.text, slice_cstr(escaped[text])));
        CU_ASSERT_TRUE(
            slice_eq(parts.timestamp, i & 1 ? SLICE_LIT("\"2026-11-24T21:56:00.588000Z\"") : SLICE_LIT("null")));
        CU_ASSERT_EQUAL(parts.read, m.read);
        CU_ASSERT_EQUAL(parts.via_widget, m.via_widget);
        CU_ASSERT_EQUAL(form.flags & FORM_LEGACY, m.legacy ? FORM_LEGACY : 0);
        CU_ASSERT_EQUAL(message_seconds(&parts), i & 1 ? T / 1000000 : 0);
        buf_fini(&b);
    }
}

/* Roles longer than we accept come from databases only: cut, and never inside a character. */
static void test_long_role(void)
{
    char role[300];
    for (size_t at = 0; at + 3 <= sizeof(role); at += 3)
        memcpy(role + at, "\xe2\x82\xac", 3);
    struct message m = {.rev = T, .timestamp_us = T, .role = slice_of(role, sizeof(role)), .text = SLICE_LIT("x")};
    struct buf b;
    struct message_form form;
    struct message_parts parts;
    buf_init(&b);
    render_message(&b, &m, &form);
    message_parts(b.ptr, &form, &parts);
    CU_ASSERT_EQUAL(parts.role.len, ROLE_MAX_BYTES / 3 * 3);
    CU_ASSERT_TRUE(slice_is_utf8(parts.role));
    CU_ASSERT_TRUE(slice_eq(parts.text, SLICE_LIT("x")));
    buf_fini(&b);
}

static void test_ids(void)
{
    char id[MESSAGE_ID_MAX];
    bool legacy;
    int64_t rev = 0;
    uint64_t index = 0;
    size_t len = message_id(T, tag, id);
    CU_ASSERT_TRUE(slice_eq(slice_of(id, len), SLICE_LIT("6b0607f0010203040508f8e0")));
    CU_ASSERT_TRUE(message_id_parse(slice_of(id, len), &legacy, &rev, &index));
    CU_ASSERT_FALSE(legacy);
    CU_ASSERT_EQUAL(rev, T);
    len = message_id_legacy(1795557360, 10001, SLICE_LIT("a"), id);
    CU_ASSERT_TRUE(slice_eq(slice_of(id, len), SLICE_LIT("msg_1795557360_10001_e40c292c"))); /* FNV-1a's own vector */
    CU_ASSERT_TRUE(message_id_parse(slice_of(id, len), &legacy, &rev, &index));
    CU_ASSERT_TRUE(legacy);
    CU_ASSERT_EQUAL(index, 10001);
    CU_ASSERT_TRUE(message_id_parse(SLICE_LIT("msg_1795557360_7"), &legacy, &rev, &index)); /* as once given */
    CU_ASSERT_TRUE(legacy);
    CU_ASSERT_EQUAL(index, 7);
    len = message_id_legacy(-5, UINT64_MAX, SLICE_LIT(""), id);
    CU_ASSERT_TRUE(slice_eq(slice_of(id, len), SLICE_LIT("msg_0_18446744073709551615_811c9dc5")));
    CU_ASSERT_EQUAL(message_id(-1, tag, id), OID_LEN); /* a database may hold anything */
    CU_ASSERT_EQUAL(message_id(INT64_MAX, tag, id), OID_LEN);
    static const char *const bad[] = {"",
                                      "m",
                                      "msg_",
                                      "msg__",
                                      "msg_1",
                                      "msg_1_",
                                      "msg__1",
                                      "msg_1_2_3",
                                      "msg_1_2_",
                                      "msg_1__0123abcd",
                                      "msg_1_2_0123abcg",
                                      "msg_1_2_0123abcde",
                                      "msg_x_1",
                                      "msg_1_-1",
                                      "6b0607f0010203040508f8e",
                                      "6b0607f0010203040508f8e00",
                                      "6b0607f0010203040508f8eg",
                                      "msg_1_99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_FALSE(message_id_parse(slice_cstr(bad[i]), &legacy, &rev, &index));
}

const CU_TestInfo render_message_tests[] = {
    {"three shapes", test_shapes},   {"via", test_via}, {"an agent", test_agent}, {"parts", test_parts},
    {"a long role", test_long_role}, {"ids", test_ids}, CU_TEST_INFO_NULL,
};
