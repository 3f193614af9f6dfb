#include "response.h"
#include "suite.h"
#include "wsframe.h"

#include <stdio.h>

extern CU_TestInfo wsframe_tests[];

/* What came out, as text: "1:hello|9:|" (opcode:payload). */
static bool collect(void *arg, enum ws_opcode opcode, const char *payload, size_t len)
{
    struct text *out = arg;
    char head[8];
    int n = snprintf(head, sizeof(head), "%d:", (int)opcode);
    text_append(out, head, (size_t)n);
    text_append(out, payload, len);
    text_append(out, "|", 1);
    return true;
}

static bool refuse(void *arg, enum ws_opcode opcode, const char *payload, size_t len)
{
    (void)opcode;
    (void)payload;
    (void)len;
    ++*(int *)arg;
    return false;
}

static void feed_each_way(const char *in, size_t len, const char *expect)
{
    for (size_t piece = 1; piece <= len; piece++) {
        struct ws_in w = {0};
        struct text out = {0};
        bool ok = true;
        for (size_t at = 0; at < len && ok; at += piece)
            ok = ws_in_feed(&w, in + at, piece < len - at ? piece : len - at, collect, &out);
        CU_ASSERT_EQUAL(ok, expect != NULL);
        if (expect)
            CU_ASSERT_TRUE(out.len == strlen(expect) && (out.len == 0 || memcmp(out.ptr, expect, out.len) == 0));
        ws_in_fini(&w);
        text_fini(&out);
    }
}

#define FEED(bytes, expect) feed_each_way(bytes, sizeof(bytes) - 1, expect)

static void frames(void)
{
    FEED("\x81\x05hello", "1:hello|");
    FEED("\x81\x00", "1:|");
    FEED("\x81\x02hi\x82\x01x\x89\x00", "1:hi|2:x|9:|");
    FEED("\x81\x7e\x00\x03"
         "abc",
         "1:abc|");
    FEED("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x03"
         "abc\x88\x02\x03\xe8",
         "1:abc|8:\x03\xe8|");
}

static void fragments_with_a_ping_between(void)
{
    FEED("\x01\x03hel\x89\x01p\x80\x02lo\x81\x01x", "9:p|1:hello|1:x|");
    FEED("\x01\x00\x00\x01"
         "a\x80\x00",
         "1:a|");
}

static void breaches_are_refused(void)
{
    FEED("\x81\x81\x00\x00\x00\x00x", NULL); /* masked */
    FEED("\xc1\x01x", NULL);                 /* reserved bit */
    FEED("\x83\x01x", NULL);                 /* reserved opcode */
    FEED("\x80\x01x", NULL);                 /* continues nothing */
    FEED("\x01\x01"
         "a\x81\x01"
         "b",
         NULL);                                             /* new message inside a message */
    FEED("\x09\x00", NULL);                                 /* fragmented ping */
    FEED("\x89\x7e\x00\x7e", NULL);                         /* long ping */
    FEED("\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00", NULL); /* oversized */
}

static void stops_when_told(void)
{
    struct ws_in w = {0};
    int calls = 0;
    CU_ASSERT_FALSE(ws_in_feed(&w,
                               "\x81\x01"
                               "a\x81\x01"
                               "b",
                               6, refuse, &calls));
    CU_ASSERT_EQUAL(calls, 1);
    ws_in_fini(&w);
}

static void what_we_write_is_masked_and_whole(void)
{
    static const size_t lens[] = {0, 1, 125, 126, 65535, 65536, 70000};
    static char payload[70000], frame[70000 + WS_HEAD_MAX];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (char)(i * 7);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        size_t len = ws_frame_write(frame, WS_OP_TEXT, payload, lens[i], 0x11223344);
        size_t head = len - lens[i];
        CU_ASSERT_EQUAL(head, lens[i] < 126 ? 6 : lens[i] < 65536 ? 8 : 14);
        CU_ASSERT_EQUAL((uint8_t)frame[0], 0x81);
        CU_ASSERT_TRUE(frame[1] & 0x80);
        for (size_t b = 0; b < lens[i]; b++)
            CU_ASSERT_EQUAL_FATAL((char)(frame[head + b] ^ frame[head - 4 + (b & 3)]), payload[b]);
    }
}

CU_TestInfo wsframe_tests[] = {
    {"frames", frames},
    {"fragments with a ping between", fragments_with_a_ping_between},
    {"breaches are refused", breaches_are_refused},
    {"stops when told", stops_when_told},
    {"what we write is masked and whole", what_we_write_is_masked_and_whole},
    CU_TEST_INFO_NULL,
};
