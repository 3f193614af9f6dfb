#include "http/router.h"
#include "suites.h"

#include <stdio.h>

#define GET   METHOD_BIT(METHOD_GET)
#define POST  METHOD_BIT(METHOD_POST)
#define PATCH METHOD_BIT(METHOD_PATCH)

static const struct route table[] = {
    {GET, "/", 100},
    {GET, "/api/health", 101},
    {POST, "/api/users/data", 102},
    {GET, "/api/users/{id}", 103},
    {GET, "/api/users/{id}/chats", 104},
    {POST, "/api/users/chats/create", 105},
    {POST, "/api/users/chats/{chat_id}/send", 106},
    {GET | PATCH, "/api/chats/{chat_id}/ai-agent", 107},
    {GET, "/api/chats/{chat_id}", 108},
    {POST, "/api/chats/{chat_id}/send", 109},
    {GET, "/a/{b}/c/{d}/{e}", 110},
    {METHOD_BIT(METHOD_HEAD) | POST, "/head-only", 111},
    {GET, "/head-only/own", 112},
    {METHOD_BIT(METHOD_HEAD), "/head-only/own", 113},
};

static const struct {
    enum http_method method;
    const char *path, *query;
    enum route_kind kind;
    unsigned id;
    const char *text; /* params joined by '|', allow, or location */
} cases[] = {
    {METHOD_GET, "/", NULL, ROUTE_FOUND, 100, ""},
    {METHOD_GET, "/api/health", NULL, ROUTE_FOUND, 101, ""},
    {METHOD_HEAD, "/api/health", NULL, ROUTE_FOUND, 101, ""},
    {METHOD_POST, "/api/users/data", NULL, ROUTE_FOUND, 102, ""},
    {METHOD_GET, "/api/users/data", NULL, ROUTE_FOUND, 103, "data"}, /* GET falls through to the parameter */
    {METHOD_GET, "/api/users/data/chats", NULL, ROUTE_FOUND, 104, "data"},
    {METHOD_GET, "/api/users/chats/chats", NULL, ROUTE_FOUND, 104, "chats"},
    {METHOD_GET, "/api/users/ann@x.io/chats", NULL, ROUTE_FOUND, 104, "ann@x.io"},
    {METHOD_GET, "/api/users/ann%40x.io/chats", NULL, ROUTE_FOUND, 104, "ann@x.io"},
    {METHOD_GET, "/api/users/a%2Fb", NULL, ROUTE_FOUND, 103, "a/b"},
    {METHOD_GET, "/api/users/a+b", NULL, ROUTE_FOUND, 103, "a+b"},
    {METHOD_GET, "/%61pi/health", NULL, ROUTE_FOUND, 101, ""},
    {METHOD_POST, "/api/users/chats/create", NULL, ROUTE_FOUND, 105, ""},
    {METHOD_POST, "/api/users/chats/create/send", NULL, ROUTE_FOUND, 106, "create"},
    {METHOD_PATCH, "/api/chats/x/ai-agent", NULL, ROUTE_FOUND, 107, "x"},
    {METHOD_GET, "/a/1/c/2/3", NULL, ROUTE_FOUND, 110, "1|2|3"},
    {METHOD_HEAD, "/head-only", NULL, ROUTE_FOUND, 111, ""},
    {METHOD_HEAD, "/head-only/own", NULL, ROUTE_FOUND, 113, ""},
    {METHOD_GET, "/head-only/own", NULL, ROUTE_FOUND, 112, ""},
    {METHOD_GET, "/nope", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api/healthy", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api/healt", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/API/health", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api/health/x", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api//health", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "//api/health", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "//", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api/health//", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api/users//chats", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "*", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_OTHER, "/nope", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_POST, "/api/health", NULL, ROUTE_BAD_METHOD, 0, "GET, HEAD"},
    {METHOD_OTHER, "/api/health", NULL, ROUTE_BAD_METHOD, 0, "GET, HEAD"},
    {METHOD_OPTIONS, "/api/health", NULL, ROUTE_BAD_METHOD, 0, "GET, HEAD"},
    {METHOD_GET, "/api/chats/x/send", NULL, ROUTE_BAD_METHOD, 0, "POST"},
    {METHOD_DELETE, "/api/chats/x/ai-agent", NULL, ROUTE_BAD_METHOD, 0, "GET, HEAD, PATCH"},
    {METHOD_PUT, "/api/users/data", NULL, ROUTE_BAD_METHOD, 0, "GET, HEAD, POST"}, /* of both rows */
    {METHOD_GET, "/api/users/%zz", NULL, ROUTE_BAD_PATH, 0, ""},
    {METHOD_GET, "/api/users/%00", NULL, ROUTE_BAD_PATH, 0, ""},
    {METHOD_GET, "/api/users/%ff", NULL, ROUTE_BAD_PATH, 0, ""},
    {METHOD_GET, "/api/health/", NULL, ROUTE_REDIRECT_SLASH, 0, "/api/health"},
    {METHOD_POST, "/api/health/", NULL, ROUTE_REDIRECT_SLASH, 0, "/api/health"},
    {METHOD_GET, "/api/users/", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "/api/users/ann%40x.io/", "a=b&c", ROUTE_REDIRECT_SLASH, 0, "/api/users/ann%40x.io?a=b&c"},
    {METHOD_GET, "/api/health/", "", ROUTE_REDIRECT_SLASH, 0, "/api/health?"},
    {METHOD_GET, "/nope/", NULL, ROUTE_NOT_FOUND, 0, ""},
    {METHOD_GET, "//evil.example/", NULL, ROUTE_NOT_FOUND, 0, ""},
};

static void describe(const struct route_match *m, struct buf *b)
{
    for (unsigned i = 0; i < m->param_count; i++) {
        if (i)
            buf_append_char(b, '|');
        buf_append_slice(b, m->params[i]);
    }
    if (m->kind == ROUTE_BAD_METHOD)
        buf_append_slice(b, m->allow);
    if (m->kind == ROUTE_REDIRECT_SLASH)
        buf_append_slice(b, m->location);
}

static void test_table(void)
{
    struct router *router = NULL;
    struct arena arena;
    arena_init(&arena, 0);
    CU_ASSERT_EQUAL_FATAL(router_new(table, sizeof table / sizeof *table, &router), OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route_match m;
        struct buf text;
        buf_init(&text);
        CU_ASSERT_EQUAL(
            router_match(router, cases[i].method, slice_cstr(cases[i].path), slice_cstr(cases[i].query), &arena, &m),
            OK);
        describe(&m, &text);
        bool right = m.kind == cases[i].kind && m.id == cases[i].id && strcmp(buf_cstr(&text), cases[i].text) == 0;
        if (!right)
            printf("\n    %s: kind %d id %u [%s]", cases[i].path, (int)m.kind, m.id, buf_cstr(&text));
        CU_ASSERT(right);
        CU_ASSERT(m.kind != ROUTE_FOUND || table[m.route].id == m.id);
        buf_fini(&text);
    }
    router_free(router);
    arena_fini(&arena);
}

static void test_no_arena_when_plain(void)
{
    struct router *router = NULL;
    struct arena arena;
    struct route_match m;
    arena_init(&arena, 1); /* has room for nothing */
    CU_ASSERT_EQUAL_FATAL(router_new(table, sizeof table / sizeof *table, &router), OK);
    CU_ASSERT_EQUAL(
        router_match(router, METHOD_GET, SLICE_LIT("/api/users/ann@x.io/chats"), (struct slice){0}, &arena, &m), OK);
    CU_ASSERT_EQUAL(m.id, 104);
    CU_ASSERT_EQUAL(
        router_match(router, METHOD_GET, SLICE_LIT("/api/users/a%40x/chats"), (struct slice){0}, &arena, &m),
        ERR_NOMEM);
    router_free(router);
    router_free(NULL);
    arena_fini(&arena);
}

const CU_TestInfo router_tests[] = {
    {"table", test_table},
    {"no arena when plain", test_no_arena_when_plain},
    CU_TEST_INFO_NULL,
};
