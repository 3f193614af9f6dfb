#include "suites.h"
#include "json/json_in.h"

#include <stdlib.h>

static struct arena arena;
static struct json_doc doc;

static struct json_value parse(const char *text)
{
    arena_fini(&arena);
    arena_init(&arena, 0);
    enum err e = json_parse(slice_cstr(text), &arena, &doc, NULL);
    CU_ASSERT_EQUAL(e, OK);
    return json_root(&doc);
}

static struct json_value get(struct json_value v, const char *key)
{
    return json_get(v, slice_cstr(key));
}

static void test_strings(void)
{
    static const struct {
        const char *text;
        struct slice decoded;
    } cases[] = {
#define DECODES(json, plain)                                                                                           \
    {                                                                                                                  \
        (json),                                                                                                        \
        {                                                                                                              \
            (plain), sizeof(plain) - 1                                                                                 \
        }                                                                                                              \
    }
        DECODES("\"\"", ""),
        DECODES("\"plain\"", "plain"),
        DECODES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"),
        DECODES("\"a\\u0000b\"", "a\0b"),
        DECODES("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
        DECODES("\"\\uDBFF\\uDFFF\\u07ff\\u0800\"", "\xf4\x8f\xbf\xbf\xdf\xbf\xe0\xa0\x80"),
        DECODES("\"a\\ud83d\"", "a\xef\xbf\xbd"), /* a text cut in the middle of an emoji */
        DECODES("\"\\udc00b\\ud800\\n\\ud800\\u0041\"", "\xef\xbf\xbd"
                                                        "b\xef\xbf\xbd\n\xef\xbf\xbd"
                                                        "A"),
        DECODES("\"\\ud800\\ud83d\\ude00\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd"),
        DECODES("\"x\\ny \xe6\x97\xa5 \\\\n\"", "x\ny \xe6\x97\xa5 \\n"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice s;
        CU_ASSERT_EQUAL(json_string(parse(cases[i].text), &s), OK);
        CU_ASSERT(slice_eq(s, cases[i].decoded));
    }
}

/* Two names that differ may read alike then: who needs them to differ asks. */
static void test_half_a_pair_is_told(void)
{
    struct json_value v = parse("{\"a\":\"\\ud800\",\"b\":{\"\\udc00\":1},\"c\":\"\\ud83d\\ude00\",\"d\":1}"),
                      none = {0};
    CU_ASSERT(!json_is_paired(get(v, "a")));
    CU_ASSERT(!json_is_paired(get(v, "b")));
    CU_ASSERT(json_is_paired(get(v, "c")));
    CU_ASSERT(json_is_paired(get(v, "d")));
    CU_ASSERT(!json_is_paired(v));
    CU_ASSERT(json_is_paired(parse("{\"a\":\"\\ud83d\\ude00\"}")));
    CU_ASSERT(json_is_paired(none));
    CU_ASSERT_EQUAL(json_type(get(parse("{\"\\ud800\":1}"), "\xef\xbf\xbd")), JSON_NUMBER);
}

static void test_string_points_into_text(void)
{
    const char *text = "{\"content\":\"hello\"}";
    struct slice s;
    CU_ASSERT_EQUAL(json_string(get(parse(text), "content"), &s), OK);
    CU_ASSERT_PTR_EQUAL(s.ptr, text + 12);
    CU_ASSERT_EQUAL(json_string(get(parse("{\"content\":1}"), "content"), &s), ERR_INVALID);
    CU_ASSERT_PTR_NULL(s.ptr);
    CU_ASSERT_EQUAL(json_string(get(parse("{}"), "content"), &s), ERR_INVALID);
}

static void test_get(void)
{
    int64_t n = 0;
    struct json_value root = parse("{\"a\":1,\"b\":{\"a\":2,\"x\":[3,{\"a\":4}]},\"a\":5,\"c\\u0064\":6,\"\":7}");
    CU_ASSERT_EQUAL(json_i64(get(root, "a"), &n), OK);
    CU_ASSERT_EQUAL(n, 5); /* the last one counts */
    CU_ASSERT_EQUAL(json_i64(get(get(root, "b"), "a"), &n), OK);
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT_EQUAL(json_i64(get(root, "cd"), &n), OK); /* an escaped key */
    CU_ASSERT_EQUAL(n, 6);
    CU_ASSERT_EQUAL(json_i64(get(root, ""), &n), OK);
    CU_ASSERT_EQUAL(n, 7);
    CU_ASSERT_EQUAL(json_type(get(root, "x")), JSON_ABSENT); /* only in a child */
    CU_ASSERT_EQUAL(json_type(get(root, "c")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(get(root, "cde")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(get(get(root, "none"), "a")), JSON_ABSENT);        /* absent all the way */
    CU_ASSERT_EQUAL(json_type(get(get(get(root, "b"), "x"), "a")), JSON_ABSENT); /* an array has no names */
}

static void test_iterate(void)
{
    struct json_value root = parse("{\"a\":[1,[2,3],{\"k\":4}],\"b\":{},\"c\":\"s\"}"), key, value;
    static const char *const names[] = {"\"a\"", "\"b\"", "\"c\""};
    static const char *const raws[] = {"[1,[2,3],{\"k\":4}]", "{}", "\"s\""};
    static const char *const elements[] = {"1", "[2,3]", "{\"k\":4}"};
    size_t i = 0;
    CU_ASSERT_EQUAL(json_count(root), 3);
    for (struct json_iter it = json_iter(root); json_next(&it, &key, &value); i++) {
        CU_ASSERT_FATAL(i < 3);
        CU_ASSERT(slice_eq(json_raw(key), slice_cstr(names[i])));
        CU_ASSERT(slice_eq(json_raw(value), slice_cstr(raws[i])));
    }
    CU_ASSERT_EQUAL(i, 3);
    i = 0;
    for (struct json_iter it = json_iter(get(root, "a")); json_next(&it, &key, &value); i++) {
        CU_ASSERT_FATAL(i < 3);
        CU_ASSERT_EQUAL(json_type(key), JSON_ABSENT);
        CU_ASSERT(slice_eq(json_raw(value), slice_cstr(elements[i])));
    }
    CU_ASSERT_EQUAL(i, 3);
    CU_ASSERT_EQUAL(json_count(get(root, "b")), 0);
    CU_ASSERT_EQUAL(json_count(get(root, "c")), 0);
    CU_ASSERT_EQUAL(json_count(get(root, "none")), 0);
}

static void test_integers(void)
{
    static const struct {
        const char *text;
        enum err e;
        int64_t value;
    } cases[] = {
        {"0", OK, 0},
        {"-0", OK, 0},
        {"42", OK, 42},
        {"-42", OK, -42},
        {"1.0", OK, 1},
        {"1e2", OK, 100},
        {"120e-1", OK, 12},
        {"9223372036854775807", OK, INT64_MAX},
        {"-9223372036854775808", OK, INT64_MIN},
        {"9223372036854775808", ERR_TOO_LARGE, 0},
        {"-9223372036854775809", ERR_TOO_LARGE, 0},
        {"99999999999999999999999", ERR_TOO_LARGE, 0},
        {"1e19", ERR_TOO_LARGE, 0},
        {"1e999", ERR_TOO_LARGE, 0},
        {"1.5", ERR_INVALID, 0},
        {"1e-2", ERR_INVALID, 0},
        {"\"1\"", ERR_INVALID, 0},
        {"true", ERR_INVALID, 0},
        {"null", ERR_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        CU_ASSERT_EQUAL(json_i64(parse(cases[i].text), &value), cases[i].e);
        CU_ASSERT_EQUAL(value, cases[i].value);
    }
}

static void test_doubles_and_bools(void)
{
    double d = 0;
    bool b = false;
    CU_ASSERT_EQUAL(json_double(parse("-1.25e2"), &d), OK);
    CU_ASSERT_EQUAL(d, -125.0);
    CU_ASSERT_EQUAL(
        json_double(parse("0.0000000000000000000000000000000000000000000000000000000000000000000000001"), &d), OK);
    CU_ASSERT_EQUAL(d, 1e-73);
    CU_ASSERT_EQUAL(json_double(parse("1e400"), &d), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(json_double(parse("\"1\""), &d), ERR_INVALID);
    CU_ASSERT_EQUAL(json_bool(parse("true"), &b), OK);
    CU_ASSERT_TRUE(b);
    CU_ASSERT_EQUAL(json_bool(parse("false"), &b), OK);
    CU_ASSERT_FALSE(b);
    CU_ASSERT_EQUAL(json_bool(parse("1"), &b), ERR_INVALID);
    CU_ASSERT_EQUAL(json_bool(parse("null"), &b), ERR_INVALID);
}

static void test_depth(void)
{
    char text[2 * (JSON_DEPTH_MAX + 1) + 1];
    struct json_error why;
    for (unsigned depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        arena_reset(&arena);
        enum err e = json_parse(slice_of(text, 2 * depth), &arena, &doc, &why);
        CU_ASSERT_EQUAL(e, depth == JSON_DEPTH_MAX ? OK : ERR_TOO_LARGE);
    }
    CU_ASSERT_STRING_EQUAL(why.reason, "Nested too deeply");
    CU_ASSERT_EQUAL(why.at, JSON_DEPTH_MAX);
}

/* Shapes that make jsmn quadratic without parent links, and a limited arena that must say no. */
static void test_large(void)
{
    size_t len = 600001, at = 0;
    char *text = malloc(len);
    struct arena small;
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    text[at++] = '[';
    while (at < len - 3) {
        memcpy(text + at, "[],", 3);
        at += 3;
    }
    text[at - 1] = ']';
    arena_reset(&arena);
    CU_ASSERT_EQUAL(json_parse(slice_of(text, at), &arena, &doc, NULL), OK);
    CU_ASSERT_EQUAL(json_count(json_root(&doc)), (at - 1) / 3);
    arena_init(&small, 4096);
    CU_ASSERT_EQUAL(json_parse(slice_of(text, at), &small, &doc, NULL), ERR_NOMEM);
    CU_ASSERT_EQUAL(json_type(json_root(&doc)), JSON_ABSENT);
    arena_fini(&small);
    free(text);
    arena_fini(&arena);
}

const CU_TestInfo json_in_tests[] = {
    {"strings", test_strings},
    {"half a pair is told", test_half_a_pair_is_told},
    {"string points into text", test_string_points_into_text},
    {"get", test_get},
    {"iterate", test_iterate},
    {"integers", test_integers},
    {"doubles and bools", test_doubles_and_bools},
    {"depth", test_depth},
    {"large", test_large},
    CU_TEST_INFO_NULL,
};
