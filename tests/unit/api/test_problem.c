#include "api/problem.h"

#include "suites.h"
#include "json/json_in.h"

static void test_errors(void)
{
    struct buf b;
    buf_init(&b);
    problem_sentence(&b, SLICE_LIT("Chat not found: \"a\\b\"\n\xff"));
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "{\"detail\":\"Chat not found: \\\"a\\\\b\\\"\\n\xef\xbf\xbd\"}");
    buf_fini(&b);
}

static void test_validation(void)
{
    static const struct {
        struct rule_break broken;
        const char *json;
    } cases[] = {
        {{.rule = RULE_MISSING, .where = "body", .field = {"message", 7}, .input = {"{\"a\":1}", 7}},
         "{\"type\":\"missing\",\"loc\":[\"body\",\"message\"],\"msg\":\"Field required\",\"input\":{\"a\":1}}"},
        {{.rule = RULE_MISSING, .where = "body"},
         "{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}"},
        {{.rule = RULE_STRING_TYPE, .where = "body", .field = {"content", 7}, .input = {"5", 1}},
         "{\"type\":\"string_type\",\"loc\":[\"body\",\"content\"],\"msg\":\"Input should be a valid string\","
         "\"input\":5}"},
        {{.rule = RULE_STRING_SHORT, .where = "body", .field = {"role", 4}, .input = {"\"\"", 2}, .limit = 1},
         "{\"type\":\"string_too_short\",\"loc\":[\"body\",\"role\"],"
         "\"msg\":\"String should have at least 1 character\",\"input\":\"\",\"ctx\":{\"min_length\":1}}"},
        {{.rule = RULE_STRING_LONG, .where = "body", .field = {"role", 4}, .input = {"\"x\"", 3}, .limit = 32},
         "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"role\"],"
         "\"msg\":\"String should have at most 32 characters\",\"input\":\"x\",\"ctx\":{\"max_length\":32}}"},
        {{.rule = RULE_GREATER_EQUAL, .where = "query", .field = {"limit", 5}, .input = {"\"0\"", 3}, .limit = 1},
         "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"limit\"],"
         "\"msg\":\"Input should be greater than or equal to 1\",\"input\":\"0\",\"ctx\":{\"ge\":1}}"},
        {{.rule = RULE_LESS_EQUAL, .where = "query", .field = {"limit", 5}, .input = {"\"2000\"", 6}, .limit = 1000},
         "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"limit\"],"
         "\"msg\":\"Input should be less than or equal to 1000\",\"input\":\"2000\",\"ctx\":{\"le\":1000}}"},
        {{.rule = RULE_JSON_INVALID, .where = "body", .reason = {"Expecting \"value\"", 17}},
         "{\"type\":\"json_invalid\",\"loc\":[\"body\"],\"msg\":\"JSON decode error\",\"input\":null,"
         "\"ctx\":{\"error\":\"Expecting \\\"value\\\"\"}}"},
        {{.rule = RULE_VALUE_ERROR, .where = "query", .field = {"since", 5}, .reason = {"not a cursor", 12}},
         "{\"type\":\"value_error\",\"loc\":[\"query\",\"since\"],\"msg\":\"Value error, not a cursor\","
         "\"input\":null,\"ctx\":{\"error\":\"not a cursor\"}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b, expected;
        buf_init(&b);
        buf_init(&expected);
        problem_rules(&b, (struct rule_break[]){cases[i].broken, cases[i].broken}, 2);
        buf_printf(&expected, "{\"detail\":[%s,%s]}", cases[i].json, cases[i].json);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&b), buf_cstr(&expected));
        buf_fini(&b);
        buf_fini(&expected);
    }
}

static void test_every_rule_is_worded(void)
{
    for (int rule = 0; rule < RULE__COUNT; rule++) {
        struct buf b;
        struct arena a;
        struct json_doc doc;
        struct rule_break broken = {.rule = (enum rule)rule, .where = "body", .field = SLICE_LIT("f"), .limit = 2};
        buf_init(&b);
        arena_init(&a, 0);
        problem_rules(&b, &broken, 1);
        CU_ASSERT_EQUAL(json_parse(buf_slice(&b), &a, &doc, NULL), OK);
        CU_ASSERT_PTR_NULL(strstr(buf_cstr(&b), "\"\""));
        arena_fini(&a);
        buf_fini(&b);
    }
}

const CU_TestInfo problem_tests[] = {
    {"errors", test_errors},
    {"validation", test_validation},
    {"every rule is worded", test_every_rule_is_worded},
    CU_TEST_INFO_NULL,
};
