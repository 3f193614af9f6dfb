#include "push/notice_frame.h"
#include "push/ws_frame.h"
#include "suites.h"

#include "base/clock.h"
#include "base/err.h"

static void headers(void)
{
    static const struct {
        uint64_t len;
        size_t header;
        unsigned char bytes[10];
    } cases[] = {
        {0, 2, {0x81, 0}},
        {125, 2, {0x81, 125}},
        {126, 4, {0x81, 126, 0, 126}},
        {65535, 4, {0x81, 126, 0xff, 0xff}},
        {65536, 10, {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
        {16777216, 10, {0x81, 127, 0, 0, 0, 0, 1, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[WS_FRAME_HEADER_MAX];
        CU_ASSERT_EQUAL(ws_frame_header(header, WS_OP_TEXT, cases[i].len), cases[i].header);
        CU_ASSERT_EQUAL(memcmp(header, cases[i].bytes, cases[i].header), 0);
        CU_ASSERT_EQUAL(ws_frame_length(header), cases[i].header + cases[i].len);
    }
    struct buf b = {0};
    ws_frame_append(&b, WS_OP_PONG, SLICE_LIT("x"));
    ws_frame_append(&b, WS_OP_BINARY, SLICE_LIT(""));
    CU_ASSERT_EQUAL(b.len, 5);
    CU_ASSERT_EQUAL((unsigned char)b.ptr[0], 0x8a);
    CU_ASSERT_EQUAL((unsigned char)b.ptr[3], 0x82);
    CU_ASSERT_EQUAL(ws_frame_count(buf_slice(&b)), 2);
    buf_fini(&b);
}

#define WALL INT64_C(1795557360588000) /* 2026-11-24T21:56:00.588Z */

static void check(const struct buf *b, const char *want)
{
    size_t len = strlen(want), header = len < 126 ? 2 : len < 65536 ? 4 : 10;
    CU_ASSERT_EQUAL(b->len, header + len);
    CU_ASSERT_EQUAL(ws_frame_length(b->ptr), b->len);
    CU_ASSERT(b->len == header + len && memcmp(b->ptr + header, want, len) == 0);
}

static void notices_to_the_byte(void)
{
    struct buf b = {0};
    char stamp[TIME_TEXT_LEN];
    time_format(WALL, stamp);
    CU_ASSERT_EQUAL_FATAL(memcmp(stamp, "2026-11-24T21:56:00.588000Z", TIME_TEXT_LEN), 0);
    frame_message(&b, NOTICE_NESTED, SLICE_LIT("c\"1"), SLICE_LIT("user"), WALL);
    check(&b, "{\"type\":\"chat_updates\",\"data\":{\"type\":\"chat_message_notification\",\"chat_id\":\"c\\\"1\","
              "\"message_role\":\"user\",\"timestamp\":\"2026-11-24T21:56:00.588000Z\"}}");
    buf_clear(&b);
    /* The shortest frame there is: a header of two bytes where four are guessed. */
    frame_message(&b, NOTICE_FLAT, SLICE_LIT("*"), SLICE_LIT(""), WALL);
    check(&b, "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":\"*\",\"message_role\":\"\","
              "\"timestamp\":\"2026-11-24T21:56:00.588000Z\"}}");
    buf_clear(&b);
    frame_counts(&b, (int64_t[]){6, 5, 4, 3, 2, 1}, WALL);
    check(&b, "{\"type\":\"unread_counts\",\"data\":{\"counts\":{\"unified-inbox\":6,\"agent-inbox-active\":5,"
              "\"agent-inbox-resolved\":4,\"my-inbox-chats\":3,\"my-inbox-escalated\":2,\"my-inbox-resolved\":1},"
              "\"timestamp\":\"2026-11-24T21:56:00.588000Z\"}}");
    buf_fini(&b);
}

/* A usual notification stays under 300 bytes; the longest that a notice can carry is still one frame. */
static void sizes(void)
{
    struct buf b = {0};
    frame_message(&b, NOTICE_NESTED, SLICE_LIT("0f8fad5b-d9cb-469f-a165-70867728950e"), SLICE_LIT("assistant"), WALL);
    CU_ASSERT(b.len < 300);
    char control[NOTICE_ROLE_MAX];
    memset(control, 1, sizeof(control));
    buf_clear(&b);
    frame_message(&b, NOTICE_NESTED, slice_of(control, NOTICE_CHAT_ID_MAX), slice_of(control, NOTICE_ROLE_MAX), WALL);
    CU_ASSERT_EQUAL(ws_frame_length(b.ptr), b.len);
    buf_fini(&b);
    struct notice n;
    CU_ASSERT_FALSE(notice_message(&n, slice_of(control, 0), SLICE_LIT("user"), WALL, 0));
    CU_ASSERT_FALSE(notice_message(&n, SLICE_LIT("c"), slice_of(control, NOTICE_ROLE_MAX + 1), WALL, 0));
    CU_ASSERT_TRUE(notice_message(&n, slice_of(control, NOTICE_CHAT_ID_MAX), slice_of(control, NOTICE_ROLE_MAX), 1, 0));
    CU_ASSERT_EQUAL(notice_role(&n).len, NOTICE_ROLE_MAX);
}

/* Ids past the record's room travel as a hash: equal for equal ids, and shown as no chat. */
static void a_long_chat_id_is_told_as_a_hint(void)
{
    struct buf b = {0};
    struct notice n, other;
    char id[NOTICE_CHAT_ID_MAX + 1], room[NOTICE_CHAT_ID_MAX];
    memset(id, 'x', sizeof(id));
    CU_ASSERT_TRUE(notice_message(&n, slice_of(id, sizeof(id)), SLICE_LIT("user"), WALL, 0));
    CU_ASSERT_TRUE(slice_eq(notice_chat_id(&n), notice_short_id(slice_of(id, sizeof(id)), room)));
    id[0] = 'y';
    CU_ASSERT_TRUE(notice_message(&other, slice_of(id, sizeof(id)), SLICE_LIT("user"), WALL, 0));
    CU_ASSERT_FALSE(slice_eq(notice_chat_id(&n), notice_chat_id(&other)));
    frame_message(&b, NOTICE_FLAT, notice_chat_id(&n), notice_role(&n), WALL);
    check(&b, "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":\"*\",\"message_role\":\"user\","
              "\"timestamp\":\"2026-11-24T21:56:00.588000Z\"}}");
    buf_fini(&b);
}

const CU_TestInfo frame_tests[] = {{"headers", headers},
                                   {"notices to the byte", notices_to_the_byte},
                                   {"sizes", sizes},
                                   {"a long chat id is told as a hint", a_long_chat_id_is_told_as_a_hint},
                                   CU_TEST_INFO_NULL};
