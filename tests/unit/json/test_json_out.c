#include "suites.h"
#include "json/json_in.h"
#include "json/json_out.h"

#include <math.h>

static void test_escapes(void)
{
    static const struct {
        struct slice in;
        const char *out;
    } cases[] = {
#define WRITES(plain, json) {{(plain), sizeof(plain) - 1}, (json)}
        WRITES("", "\"\""),
        WRITES("plain text, longer than one word of eight", "\"plain text, longer than one word of eight\""),
        WRITES("a\"b\\c/d", "\"a\\\"b\\\\c/d\""),
        WRITES("\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""),
        WRITES("\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\x7f\""),
        WRITES("</script><!--", "\"</script><!--\""),
        WRITES("\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xa7", "\"\\u2028|\\u2029|\xe2\x80\xa7\""),
        WRITES("\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", "\"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\""),
        WRITES("\xff", "\"\xef\xbf\xbd\""),
        WRITES("a\xc3", "\"a\xef\xbf\xbd\""),
        WRITES("\xc3(", "\"\xef\xbf\xbd(\""),
        WRITES("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
        WRITES("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""),
        WRITES("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b);
        json_out_string(&b, cases[i].in);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&b), cases[i].out);
        buf_fini(&b);
    }
}

/* Whatever bytes go in, valid JSON comes out; valid text comes back the same. */
static void round_trip(struct slice in, bool is_text)
{
    struct buf b;
    struct arena a;
    struct json_doc doc;
    struct slice back;
    buf_init(&b);
    arena_init(&a, 0);
    json_out_string(&b, in);
    CU_ASSERT_EQUAL(json_parse(buf_slice(&b), &a, &doc, NULL), OK);
    CU_ASSERT_EQUAL(json_string(json_root(&doc), &back), OK);
    if (is_text)
        CU_ASSERT(slice_eq(back, in));
    arena_fini(&a);
    buf_fini(&b);
}

static void test_any_bytes(void)
{
    char bytes[64];
    uint32_t seed = 12345;
    for (unsigned c = 0; c < 256; c++) {
        bytes[0] = (char)c;
        round_trip(slice_of(bytes, 1), c < 0x80);
        for (unsigned pad = 0; pad < 17; pad++) { /* at every place of the eight-byte loop */
            memset(bytes, 'x', sizeof bytes);
            bytes[pad] = (char)c;
            round_trip(slice_of(bytes, 20), c < 0x80);
        }
    }
    for (unsigned round = 0; round < 5000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (char)(seed >> 24);
        }
        round_trip(slice_of(bytes, round % sizeof bytes), slice_is_utf8(slice_of(bytes, round % sizeof bytes)));
    }
}

static void test_members(void)
{
    struct buf b;
    buf_init(&b);
    buf_append_char(&b, '{');
    json_out_member_string(&b, "s", slice_cstr("x\"{"));
    json_out_member_i64(&b, "i", INT64_MIN);
    json_out_member_null(&b, "n");
    json_out_member_string(&b, "se", SLICE_LIT(""));
    json_out_member_raw(&b, "r", slice_cstr("[1]"));
    json_out_member_raw(&b, "e", (struct slice){0});
    json_out_key_lit(&b, "a");
    buf_append_char(&b, '[');
    json_out_comma(&b);
    json_out_i64(&b, INT64_MAX);
    json_out_comma(&b);
    json_out_null(&b);
    buf_append_lit(&b, "]}");
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "{\"s\":\"x\\\"{\",\"i\":-9223372036854775808,\"n\":null,"
                                         "\"se\":\"\",\"r\":[1],\"e\":null,\"a\":[9223372036854775807,null]}");
    buf_fini(&b);
}

static void test_doubles(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.1, "0.1"},
                 {-1.5, "-1.5"},
                 {1e300, "1e+300"},
                 {1.0 / 3, "0.3333333333333333"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {123456789012.0, "123456789012"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b);
        json_out_double(&b, cases[i].value);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&b), cases[i].text);
        buf_fini(&b);
    }
}

const CU_TestInfo json_out_tests[] = {
    {"escapes", test_escapes}, {"any bytes", test_any_bytes}, {"members", test_members}, {"doubles", test_doubles},
    CU_TEST_INFO_NULL,
};
