/* What is JSON and what is not (RFC 8259), as a table; and what every text in it does when it is cut or bent. */
#include "suites.h"
#include "json/json_in.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    struct slice text;
    enum json_type type;
} accepted[] = {
    {{"{}", 2}, JSON_OBJECT},
    {{"[]", 2}, JSON_ARRAY},
#define ACCEPT(s, type)                                                                                                \
    {                                                                                                                  \
        {(s), sizeof(s) - 1}, (type)                                                                                   \
    }
    ACCEPT(" \t\r\n{ } \t\r\n", JSON_OBJECT),
    ACCEPT("[ ]", JSON_ARRAY),
    ACCEPT("null", JSON_NULL),
    ACCEPT("true", JSON_BOOL),
    ACCEPT(" false ", JSON_BOOL),
    ACCEPT("0", JSON_NUMBER),
    ACCEPT("-0", JSON_NUMBER),
    ACCEPT("123", JSON_NUMBER),
    ACCEPT("-1.5", JSON_NUMBER),
    ACCEPT("0.25", JSON_NUMBER),
    ACCEPT("1e9", JSON_NUMBER),
    ACCEPT("1E+9", JSON_NUMBER),
    ACCEPT("1.5e-9", JSON_NUMBER),
    ACCEPT("0e0", JSON_NUMBER),
    ACCEPT("100000000000000000000000000000000000000000000000000000000000000000000000000000000", JSON_NUMBER),
    ACCEPT("\"\"", JSON_STRING),
    ACCEPT("\"a\"", JSON_STRING),
    ACCEPT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_STRING),
    ACCEPT("\"\\u0041\\u00e9\\u20AC\"", JSON_STRING),
    ACCEPT("\"\\u0000\"", JSON_STRING),
    ACCEPT("\"\\ud83d\\ude00\"", JSON_STRING),
    ACCEPT("\"\\uD800\\uDC00\"", JSON_STRING),
    ACCEPT("\"\\uDBFF\\uDFFF\"", JSON_STRING),
    ACCEPT("\"\\uD7FF\\uE000\\uFFFF\"", JSON_STRING),
    ACCEPT("\"\\ud800\"", JSON_STRING),
    ACCEPT("\"\\udc00\"", JSON_STRING),
    ACCEPT("\"\\ud800\\n\"", JSON_STRING),
    ACCEPT("\"\\ud800\\ud800\"", JSON_STRING),
    ACCEPT("{\"\\ud800\":1}", JSON_OBJECT),
    ACCEPT("\xef\xbb\xbf {\"a\":1}", JSON_OBJECT),
    ACCEPT("\"\x7f\"", JSON_STRING),
    ACCEPT("\"\xc2\x80\xdf\xbf\"", JSON_STRING),
    ACCEPT("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"", JSON_STRING),
    ACCEPT("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", JSON_STRING),
    ACCEPT("\"\xe2\x80\xa8\xe2\x80\xa9\"", JSON_STRING),
    ACCEPT("[1,2,3]", JSON_ARRAY),
    ACCEPT("[[],[[]],{}]", JSON_ARRAY),
    ACCEPT("[null,true,false,0,\"\",{},[]]", JSON_ARRAY),
    ACCEPT("{\"a\":1}", JSON_OBJECT),
    ACCEPT("{ \"a\" : 1 , \"b\" : [ 2 , { \"c\" : null } ] }", JSON_OBJECT),
    ACCEPT("{\"\":0}", JSON_OBJECT),
    ACCEPT("{\"a\":1,\"a\":2}", JSON_OBJECT),
    ACCEPT("{\"a\":{\"b\":{\"c\":[1,[2,[3]]]}},\"d\":\"e\"}", JSON_OBJECT),
    ACCEPT("{\"content\":\"Hello, where is my order 42?\",\"role\":\"user\"}", JSON_OBJECT),
};

static const struct {
    struct slice text;
    const char *reason; /* as the error text begins */
} refused[] = {
#define REFUSE(s, reason)                                                                                              \
    {                                                                                                                  \
        {(s), sizeof(s) - 1}, (reason)                                                                                 \
    }
    REFUSE("", "Expecting value: line 1 column 1 (char 0)"),
    REFUSE("   ", "Expecting value: line 1 column 4 (char 3)"),
    REFUSE("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    REFUSE("[", "Expecting value: line 1 column 2 (char 1)"),
    REFUSE("}", "Expecting value"),
    REFUSE("]", "Expecting value"),
    REFUSE("[}", "Expecting value"),
    REFUSE("{]", "Expecting property name"),
    REFUSE("[1}", "Expecting ',' delimiter"),
    REFUSE("{\"a\":1]", "Expecting ',' delimiter"),
    REFUSE("[1,]", "Expecting value: line 1 column 4 (char 3)"),
    REFUSE("[,1]", "Expecting value"),
    REFUSE("[1,,2]", "Expecting value"),
    REFUSE("[1 2]", "Expecting ',' delimiter"),
    REFUSE("[1:2]", "Expecting ',' delimiter"),
    REFUSE("{\"a\":1,}", "Expecting property name"),
    REFUSE("{,}", "Expecting property name"),
    REFUSE("{\"a\"}", "Expecting ':' delimiter"),
    REFUSE("{\"a\" 1}", "Expecting ':' delimiter"),
    REFUSE("{\"a\"::1}", "Expecting value"),
    REFUSE("{\"a\":}", "Expecting value"),
    REFUSE("{\"a\",\"b\"}", "Expecting ':' delimiter"),
    REFUSE("{\"a\":1 \"b\":2}", "Expecting ',' delimiter"),
    REFUSE("{a:1}", "Expecting property name"),
    REFUSE("{'a':1}", "Expecting property name"),
    REFUSE("{1:1}", "Expecting property name"),
    REFUSE("{null:1}", "Expecting property name"),
    REFUSE("{[]:1}", "Expecting property name"),
    REFUSE("{}{}", "Extra data: line 1 column 3 (char 2)"),
    REFUSE("[] x", "Extra data"),
    REFUSE("1 2", "Extra data"),
    REFUSE("\"a\"b", "Extra data"),
    REFUSE("null,", "Extra data"),
    REFUSE("{}\0", "Extra data"),
    REFUSE("\0", "Expecting value"),
    REFUSE("[\0]", "Expecting value"),
    REFUSE("[1]\x0c", "Extra data"),
    REFUSE("\xef\xbb\xbf", "Expecting value"),
    REFUSE("\xef\xbb\xbf\xef\xbb\xbf{}", "Expecting value"),
    REFUSE("{}\xef\xbb\xbf", "Extra data"),
    REFUSE("[\xc2\xa0]", "Expecting value"),
    REFUSE("nul", "Expecting value"),
    REFUSE("nulll", "Extra data"),
    REFUSE("True", "Expecting value"),
    REFUSE("TRUE", "Expecting value"),
    REFUSE("fals", "Expecting value"),
    REFUSE("undefined", "Expecting value"),
    REFUSE("NaN", "Expecting value"),
    REFUSE("Infinity", "Expecting value"),
    REFUSE("-Infinity", "Invalid number"),
    REFUSE("-", "Invalid number"),
    REFUSE("+1", "Expecting value"),
    REFUSE("01", "Invalid number (leading zero)"),
    REFUSE("-01", "Invalid number (leading zero)"),
    REFUSE("00", "Invalid number"),
    REFUSE(".5", "Expecting value"),
    REFUSE("1.", "Invalid number"),
    REFUSE("-.5", "Invalid number"),
    REFUSE("1.e1", "Invalid number"),
    REFUSE("1e", "Invalid number"),
    REFUSE("1e+", "Invalid number"),
    REFUSE("1ee1", "Invalid number"),
    REFUSE("1.5.5", "Extra data"),
    REFUSE("0x10", "Extra data"),
    REFUSE("1_000", "Extra data"),
    REFUSE("[1a]", "Expecting ',' delimiter"),
    REFUSE("\"", "Unterminated string starting at: line 1 column 1 (char 0)"),
    REFUSE("\"abc", "Unterminated string"),
    REFUSE("\"abc\\", "Unterminated string"),
    REFUSE("\"abc\\\"", "Unterminated string"),
    REFUSE("'abc'", "Expecting value"),
    REFUSE("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"),
    REFUSE("\"a\tb\"", "Invalid control character"),
    REFUSE("\"a\0b\"", "Invalid control character"),
    REFUSE("\"\x1f\"", "Invalid control character"),
    REFUSE("\"\\x41\"", "Invalid \\escape"),
    REFUSE("\"\\a\"", "Invalid \\escape"),
    REFUSE("\"\\'\"", "Invalid \\escape"),
    REFUSE("\"\\U0041\"", "Invalid \\escape"),
    REFUSE("\"\\\n\"", "Invalid \\escape"),
    REFUSE("\"\\u\"", "Invalid \\uXXXX escape"),
    REFUSE("\"\\u12\"", "Invalid \\uXXXX escape"),
    REFUSE("\"\\u123g\"", "Invalid \\uXXXX escape"),
    REFUSE("\"\\u 123\"", "Invalid \\uXXXX escape"),
    REFUSE("\"\\u123", "Invalid \\uXXXX escape"),
    REFUSE("\"\\ud800\\udc0\"", "Invalid \\uXXXX escape"),
    REFUSE("\"\x80\"", "Invalid UTF-8"),
    REFUSE("\"\xbf\"", "Invalid UTF-8"),
    REFUSE("\"\xc0\x80\"", "Invalid UTF-8"),
    REFUSE("\"\xc1\xbf\"", "Invalid UTF-8"),
    REFUSE("\"\xc2\"", "Invalid UTF-8"),
    REFUSE("\"\xe0\x9f\xbf\"", "Invalid UTF-8"),
    REFUSE("\"\xe2\x82\"", "Invalid UTF-8"),
    REFUSE("\"\xed\xa0\x80\"", "Invalid UTF-8"),
    REFUSE("\"\xf0\x8f\xbf\xbf\"", "Invalid UTF-8"),
    REFUSE("\"\xf4\x90\x80\x80\"", "Invalid UTF-8"),
    REFUSE("\"\xf5\x80\x80\x80\"", "Invalid UTF-8"),
    REFUSE("\"\xff\"", "Invalid UTF-8"),
    REFUSE("\"\xfe\"", "Invalid UTF-8"),
    REFUSE("{\"a\": 1 // no comments\n}", "Expecting ',' delimiter"),
    REFUSE("/* */{}", "Expecting value"),
    REFUSE("{\"a\":\n  \"\xc3\xa9\", b}",
           "Expecting property name enclosed in double quotes: line 2 column 8 (char 13)"),
};

/* In memory of exactly its size, so that a read past the end is seen by AddressSanitizer. */
static enum err parse_exact(struct slice text, struct json_error *why, enum json_type *type)
{
    struct arena a;
    struct json_doc doc;
    char *copy = malloc(text.len ? text.len : 1);
    arena_init(&a, 0);
    memcpy(copy, text.ptr, text.len);
    enum err e = json_parse(slice_of(copy, text.len), &a, &doc, why);
    *type = json_type(json_root(&doc));
    arena_fini(&a);
    free(copy);
    return e;
}

static void test_accepted(void)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct json_error why;
        enum json_type type;
        enum err e = parse_exact(accepted[i].text, &why, &type);
        if (e || type != accepted[i].type)
            printf("\n    refused: %.*s (%s)", SLICE_ARG(accepted[i].text), why.reason);
        CU_ASSERT_EQUAL(e, OK);
        CU_ASSERT_EQUAL(type, accepted[i].type);
    }
}

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct json_error why;
        enum json_type type;
        struct buf said;
        buf_init(&said);
        enum err e = parse_exact(refused[i].text, &why, &type);
        json_error_text(&said, refused[i].text, &why);
        bool worded = slice_starts(buf_slice(&said), slice_cstr(refused[i].reason));
        if (e != ERR_INVALID || !worded)
            printf("\n    %.*s: %s", SLICE_ARG(refused[i].text), e ? buf_cstr(&said) : "accepted");
        CU_ASSERT_EQUAL(e, ERR_INVALID);
        CU_ASSERT_EQUAL(type, JSON_ABSENT);
        CU_ASSERT(worded);
        buf_fini(&said);
    }
}

/* Every proper prefix of an object, array or string is no JSON, wherever it is cut. */
static void test_cut_everywhere(void)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct slice text = slice_trim(accepted[i].text, " \t\r\n");
        if (accepted[i].type != JSON_OBJECT && accepted[i].type != JSON_ARRAY && accepted[i].type != JSON_STRING)
            continue;
        for (size_t cut = 0; cut < text.len; cut++) {
            struct json_error why;
            enum json_type type;
            CU_ASSERT_EQUAL(parse_exact(slice_of(text.ptr, cut), &why, &type), ERR_INVALID);
            CU_ASSERT(why.at <= cut);
        }
    }
}

/* Each byte replaced by each of a few nasty ones: whatever the verdict, our check and jsmn must agree (must()). */
static void test_bent_everywhere(void)
{
    static const char nasty[] = "\0\"\\{}[]:,-e.0u \xff\x80";
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct slice text = accepted[i].text;
        char bent[256];
        CU_ASSERT_FATAL(text.len < sizeof bent);
        for (size_t at = 0; at < text.len; at++) {
            for (size_t k = 0; k < sizeof nasty - 1; k++) {
                struct json_error why;
                enum json_type type;
                memcpy(bent, text.ptr, text.len);
                bent[at] = nasty[k];
                enum err e = parse_exact(slice_of(bent, text.len), &why, &type);
                CU_ASSERT(e == OK || (e == ERR_INVALID && why.at <= text.len));
            }
        }
    }
}

const CU_TestInfo json_table_tests[] = {
    {"accepted", test_accepted},
    {"refused", test_refused},
    {"cut everywhere", test_cut_everywhere},
    {"bent everywhere", test_bent_everywhere},
    CU_TEST_INFO_NULL,
};
