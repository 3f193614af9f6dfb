#include "base/buf.h"
#include "base/text.h"

#include "suites.h"

#include <stdio.h>
#include <stdlib.h>

static void test_append_grows(void)
{
    struct buf b;
    buf_init(&b);
    for (unsigned i = 0; i < 10000; i++)
        buf_append_char(&b, (char)('a' + i % 26));
    CU_ASSERT_EQUAL(b.len, 10000);
    CU_ASSERT(b.cap < 40000);
    for (unsigned i = 0; i < 10000; i++)
        CU_ASSERT_EQUAL_FATAL(b.ptr[i], (char)('a' + i % 26));
    buf_append(&b, NULL, 0);
    buf_append_lit(&b, "end");
    CU_ASSERT(slice_ends(buf_slice(&b), SLICE_LIT("end")));
    buf_fini(&b);
    CU_ASSERT(b.ptr == NULL && b.len == 0 && b.cap == 0);
    buf_fini(&b);
}

/* printf at every distance from the end of the capacity. */
static void test_printf_at_every_room(void)
{
    for (size_t before = 0; before < 80; before++) {
        struct buf b = {0};
        for (size_t i = 0; i < before; i++)
            buf_append_char(&b, '.');
        buf_printf(&b, "%d-%s", 12345, "sixteen letters.");
        CU_ASSERT_EQUAL(b.len, before + 22);
        CU_ASSERT(slice_ends(buf_slice(&b), SLICE_LIT("12345-sixteen letters.")));
        buf_fini(&b);
    }
}

static void test_failure_is_sticky(void)
{
    struct buf b = {0};
    buf_append_lit(&b, "kept");
    buf_reserve(&b, SIZE_MAX - 2);
    CU_ASSERT_FALSE(buf_ok(&b));
    buf_append_lit(&b, "not appended");
    buf_append_char(&b, 'x');
    buf_printf(&b, "%d", 1);
    buf_append_u64(&b, 1);
    CU_ASSERT_EQUAL(b.len, 4);
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "");
    buf_clear(&b);
    CU_ASSERT(buf_ok(&b));
    buf_append_lit(&b, "again");
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "again");
    buf_reserve(&b, SIZE_MAX);
    size_t len = 7;
    CU_ASSERT_PTR_NULL(buf_take(&b, &len));
    CU_ASSERT_EQUAL(len, 0);
}

static void test_numbers(void)
{
    struct buf b = {0};
    buf_append_u64(&b, 0);
    buf_append_char(&b, ' ');
    buf_append_u64(&b, UINT64_MAX);
    buf_append_char(&b, ' ');
    buf_append_i64(&b, INT64_MIN);
    buf_append_char(&b, ' ');
    buf_append_i64(&b, -1);
    buf_append_char(&b, ' ');
    buf_append_i64(&b, INT64_MAX);
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "0 18446744073709551615 -9223372036854775808 -1 9223372036854775807");
    buf_fini(&b);
}

static void test_take(void)
{
    struct buf b = {0};
    buf_append_lit(&b, "bytes");
    size_t len = 0;
    char *bytes = buf_take(&b, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    CU_ASSERT_STRING_EQUAL(bytes, "bytes");
    CU_ASSERT_EQUAL(len, 5);
    CU_ASSERT(b.ptr == NULL && b.len == 0);
    free(bytes);
    bytes = buf_take(&b, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    CU_ASSERT_STRING_EQUAL(bytes, "");
    free(bytes);
}

static void test_slices(void)
{
    CU_ASSERT(slice_eq(SLICE_LIT("abc"), slice_cstr("abc")));
    CU_ASSERT_FALSE(slice_eq(SLICE_LIT("abc"), SLICE_LIT("abd")));
    CU_ASSERT(slice_eq(slice_cstr(NULL), SLICE_LIT("")));
    CU_ASSERT(slice_eq_nocase(SLICE_LIT("Content-Type"), SLICE_LIT("cONTENT-tYPE")));
    CU_ASSERT_FALSE(slice_eq_nocase(SLICE_LIT("["), SLICE_LIT("{"))); /* 0x20 apart, and no letters */
    CU_ASSERT_FALSE(slice_eq_nocase(SLICE_LIT("a"), SLICE_LIT("ab")));
    CU_ASSERT(slice_starts(SLICE_LIT("/api/x"), SLICE_LIT("/api")));
    CU_ASSERT_FALSE(slice_starts(SLICE_LIT("/ap"), SLICE_LIT("/api")));
    CU_ASSERT(slice_starts(slice_of(NULL, 0), slice_of(NULL, 0)));
    CU_ASSERT(slice_ends(SLICE_LIT("a.db"), SLICE_LIT(".db")));
    CU_ASSERT_FALSE(slice_ends(SLICE_LIT("db"), SLICE_LIT(".db")));
    CU_ASSERT(slice_eq(slice_trim(SLICE_LIT(" \t a b\t "), " \t"), SLICE_LIT("a b")));
    CU_ASSERT_EQUAL(slice_trim(SLICE_LIT("    "), " ").len, 0);
    CU_ASSERT_EQUAL(slice_trim(slice_of("\0a\0", 3), " a").len, 3);
}

static void test_slice_take(void)
{
    struct slice rest = SLICE_LIT("a=b=c"), part;
    CU_ASSERT(slice_take(&rest, '=', &part) && slice_eq(part, SLICE_LIT("a")) && slice_eq(rest, SLICE_LIT("b=c")));
    rest = SLICE_LIT("=b");
    CU_ASSERT(slice_take(&rest, '=', &part) && part.len == 0 && slice_eq(rest, SLICE_LIT("b")));
    rest = slice_of(NULL, 0);
    CU_ASSERT(!slice_take(&rest, '=', &part) && part.len == 0);

    struct slice lines = SLICE_LIT("one\n\nlast"), line;
    CU_ASSERT(slice_take(&lines, '\n', &line) && slice_eq(line, SLICE_LIT("one")));
    CU_ASSERT(slice_take(&lines, '\n', &line) && line.len == 0);
    CU_ASSERT(slice_take(&lines, '\n', &line) && slice_eq(line, SLICE_LIT("last")));
    CU_ASSERT_FALSE(slice_take(&lines, '\n', &line));
    lines = SLICE_LIT("ended\n");
    CU_ASSERT(slice_take(&lines, '\n', &line) && slice_eq(line, SLICE_LIT("ended")));
    CU_ASSERT_FALSE(slice_take(&lines, '\n', &line));
}

static void test_to_u64(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1a", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = 4711;
        bool good = slice_to_u64(slice_cstr(cases[i].text), &value);
        CU_ASSERT_EQUAL(good, cases[i].good);
        CU_ASSERT_EQUAL(value, good ? cases[i].value : 4711);
    }
}

static void test_utf8_good(void)
{
    static const char *const good[] = {
        "",
        "plain",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "gr\xc3\xbc\xc3\x9f dich, \xf0\x9f\x8c\xb8 \xe6\xa1\x9c",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct slice s = slice_cstr(good[i]);
        CU_ASSERT(slice_is_utf8(s));
        /* Cut at every point: good exactly where the cut is between characters. */
        for (size_t cut = 0; cut < s.len; cut++) {
            bool between = ((unsigned char)s.ptr[cut] & 0xc0) != 0x80;
            CU_ASSERT_EQUAL(slice_is_utf8(slice_of(s.ptr, cut)), between);
        }
    }
    CU_ASSERT(slice_is_utf8(slice_of("a\0b", 3)));
}

static void test_utf8_bad(void)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe1\x80",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CU_ASSERT_FALSE(slice_is_utf8(slice_cstr(bad[i])));
        CU_ASSERT_EQUAL(utf8_len(slice_cstr(bad[i])), 0);
        /* At every place among ASCII: the step of eight bytes must not jump over it. */
        for (size_t before = 0; before < 20; before++) {
            char text[64];
            int n = snprintf(text, sizeof(text), "%.*s%saaaaaaaaaa", (int)before, "aaaaaaaaaaaaaaaaaaaaa", bad[i]);
            CU_ASSERT_FALSE(slice_is_utf8(slice_of(text, (size_t)n)));
        }
    }
}

/* Every code point is one sequence; surrogates are none. */
static void test_utf8_every_code_point(void)
{
    for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
        unsigned char p[4];
        size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        uint32_t rest = c;
        for (size_t i = n; i-- > 1; rest >>= 6)
            p[i] = (unsigned char)(0x80 | (rest & 0x3f));
        p[0] = (unsigned char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | rest);
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        CU_ASSERT_EQUAL_FATAL(utf8_len(slice_of((char *)p, n)), surrogate ? 0 : n);
    }
}

const CU_TestInfo buf_tests[] = {
    {"append grows", test_append_grows},
    {"printf at every distance from the capacity", test_printf_at_every_room},
    {"a failed append is sticky", test_failure_is_sticky},
    {"numbers", test_numbers},
    {"take gives the bytes away", test_take},
    {"slices", test_slices},
    {"slice_take", test_slice_take},
    {"slice_to_u64", test_to_u64},
    {"UTF-8: good, cut at every point", test_utf8_good},
    {"UTF-8: bad, at every place", test_utf8_bad},
    {"UTF-8: every code point", test_utf8_every_code_point},
    CU_TEST_INFO_NULL,
};
