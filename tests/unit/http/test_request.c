#include "http/request.h"
#include "suites.h"

static struct arena arena;

static void test_percent_decode(void)
{
    static const struct {
        const char *in;
        enum err e;
        const char *path, *form;
    } cases[] = {
        {"", OK, "", ""},
        {"plain", OK, "plain", "plain"},
        {"ann%40x.io", OK, "ann@x.io", "ann@x.io"},
        {"a+b%2Bc", OK, "a+b+c", "a b+c"},
        {"%e6%97%A5", OK, "\xe6\x97\xa5", "\xe6\x97\xa5"},
        {"%2f%2F", OK, "//", "//"},
        {"%25zz", OK, "%zz", "%zz"},
        {"%", ERR_INVALID, NULL, NULL},
        {"a%4", ERR_INVALID, NULL, NULL},
        {"%zz", ERR_INVALID, NULL, NULL},
        {"%4z", ERR_INVALID, NULL, NULL},
        {"%00", ERR_INVALID, NULL, NULL},
        {"a%00b", ERR_INVALID, NULL, NULL},
        {"%ff", ERR_INVALID, NULL, NULL},
        {"%e6%97", ERR_INVALID, NULL, NULL},
        {"%ed%a0%80", ERR_INVALID, NULL, NULL},
        {"\xff", ERR_INVALID, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice out;
        CU_ASSERT_EQUAL(http_percent_decode(slice_cstr(cases[i].in), &arena, &out), cases[i].e);
        CU_ASSERT(cases[i].e || slice_eq(out, slice_cstr(cases[i].path)));
        CU_ASSERT_EQUAL(http_form_decode(slice_cstr(cases[i].in), &arena, &out), cases[i].e);
        CU_ASSERT(cases[i].e || slice_eq(out, slice_cstr(cases[i].form)));
    }
}

static void test_query(void)
{
    static const struct {
        const char *query, *name;
        enum err e;
        const char *value;
    } cases[] = {
        {"skip=0&limit=100", "limit", OK, "100"},
        {"skip=0&limit=100", "skip", OK, "0"},
        {"skip=0&limit=100", "ski", ERR_NOT_FOUND, NULL},
        {"skip=0&limit=100", "skipx", ERR_NOT_FOUND, NULL},
        {"a=1&a=2", "a", OK, "2"},
        {"a=1&a", "a", OK, ""},
        {"a", "a", OK, ""},
        {"a=", "a", OK, ""},
        {"=1", "", OK, "1"},
        {"&&a=b=c&", "a", OK, "b=c"},
        {"email=ann%40x.io", "email", OK, "ann@x.io"},
        {"q=a+b", "q", OK, "a b"},
        {"%71=1", "q", OK, "1"},
        {"a%20b=1", "a b", OK, "1"},
        {"a+b=1", "a b", OK, "1"},
        {"%zz=1&q=2", "q", OK, "2"},
        {"q=%zz", "q", ERR_INVALID, NULL},
        {"q=%00", "q", ERR_INVALID, NULL},
        {"q=%ff", "q", ERR_INVALID, NULL},
        {"", "q", ERR_NOT_FOUND, NULL},
        {NULL, "q", ERR_NOT_FOUND, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_request req = {.query = slice_cstr(cases[i].query)};
        struct slice out = {0};
        CU_ASSERT_EQUAL(http_query_get(&req, slice_cstr(cases[i].name), &arena, &out), cases[i].e);
        CU_ASSERT(cases[i].e || slice_eq(out, slice_cstr(cases[i].value)));
    }
    arena_fini(&arena);
}

static void test_list(void)
{
    struct slice rest = SLICE_LIT(" a ,,\tb c\t, ,d"), item;
    static const char *const items[] = {"a", "b c", "d"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(http_list_next(&rest, &item));
        CU_ASSERT(slice_eq(item, slice_cstr(items[i])));
    }
    CU_ASSERT_FALSE(http_list_next(&rest, &item));
    CU_ASSERT(http_list_has(SLICE_LIT("keep-alive, UPGRADE"), SLICE_LIT("upgrade")));
    CU_ASSERT_FALSE(http_list_has(SLICE_LIT("keep-alive, upgrades"), SLICE_LIT("upgrade")));
    CU_ASSERT_FALSE(http_list_has((struct slice){0}, SLICE_LIT("upgrade")));
}

/* Lines of one name, the list that they are together read from its end. */
static void test_list_over_lines(void)
{
    static const char text[] = "ViaX: a\r\nVia: b,, c\r\nvIA:\r\nVIA:  ,d ,\t,\r\nVia2: e\r\n";
    static const char *const wanted[] = {"d", "c", "b"};
    struct http_request req = {.base = text};
    for (const char *line = text; *line; line = strstr(line, "\r\n") + 2) {
        const char *colon = strchr(line, ':'), *end = strstr(line, "\r\n");
        req.headers[req.header_count++] = (struct http_field){.name = (uint32_t)(line - text),
                                                              .name_len = (uint32_t)(colon - line),
                                                              .value = (uint32_t)(colon + 1 - text),
                                                              .value_len = (uint32_t)(end - colon - 1)};
    }
    struct http_list_back at = http_list_back(&req, SLICE_LIT("Via"));
    struct slice item;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        CU_ASSERT_FATAL(http_list_prev(&at, &item));
        CU_ASSERT(slice_eq(item, slice_cstr(wanted[i])));
    }
    CU_ASSERT_FALSE(http_list_prev(&at, &item));
    CU_ASSERT_FALSE(http_list_prev(&at, &item));
    at = http_list_back(&req, SLICE_LIT("None"));
    CU_ASSERT_FALSE(http_list_prev(&at, &item));
}

const CU_TestInfo request_tests[] = {
    {"percent decode", test_percent_decode},
    {"query", test_query},
    {"list", test_list},
    {"a list over several lines, from its end", test_list_over_lines},
    CU_TEST_INFO_NULL,
};
