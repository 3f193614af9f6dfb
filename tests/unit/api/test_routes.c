/* Who may call what, said a second time: a row that changes its rule, or comes without one, is seen here. */
#include "api/call.h"

#include "suites.h"

#include <stdio.h>

enum caller { NOBODY, WIDGET, BOUND, DASHBOARD, CALLERS };

/* 1: may pass the door (what it may touch is the handler's scope). In the order of enum caller. */
static const struct {
    const char *pattern;
    int may[CALLERS];
} expected[] = {
    {"/api/health", {1, 1, 1, 1}},
    {"/health", {1, 1, 1, 1}},
    {"/api/openapi.json", {1, 1, 1, 1}},
    {"/api/asyncapi.json", {1, 1, 1, 1}},
    {"/", {1, 1, 1, 1}},
    {"/demo", {1, 1, 1, 1}},
    {"/stats", {1, 1, 1, 1}},
    {"/assets/{name}", {1, 1, 1, 1}},
    {"/widget.js", {1, 1, 1, 1}},
    {"/client.js", {1, 1, 1, 1}},
    {"/dev/{folder}/{file}", {1, 1, 1, 1}},
    {"/dev/{folder}/{sub}/{file}", {1, 1, 1, 1}},
    {"/api/users/chats/create", {1, 1, 1, 1}},
    {"/api/users/data", {0, 1, 1, 1}},
    {"/api/users/chats/{chat_id}/send", {0, 1, 1, 1}},
    {"/api/users/{ident}/chats", {0, 1, 1, 1}},
    {"/api/chat", {0, 1, 1, 1}},
    {"/api/chats/{chat_id}", {0, 1, 1, 1}},
    {"PATCH /api/chats/{chat_id}", {0, 0, 1, 1}},
    {"/api/chats/{chat_id}/messages", {0, 1, 1, 1}},
    {"/api/chats/{chat_id}/read", {0, 1, 1, 1}},
    {"/ws/dashboard", {0, 1, 1, 1}},
    {"/api/debug/users-chats", {0, 0, 1, 1}},
    {"/api/users", {0, 0, 1, 1}},
    {"/api/users/{ident}", {0, 0, 1, 1}},
    {"/api/chats", {0, 0, 1, 1}},
    {"/api/dashboard/chats/{chat_id}/send", {0, 0, 1, 1}},
    {"/api/chats/{chat_id}/send", {0, 0, 1, 1}},
    {"/api/dashboard/chats/{chat_id}/ai-agent", {0, 0, 1, 1}},
    {"/api/reports/stats", {0, 0, 0, 1}},
    {"/api/agent/stats", {0, 0, 0, 1}},
    {"/api/debug/database-overview", {0, 0, 0, 1}},
    {"/metrics", {0, 0, 0, 1}},
};

static struct principal callers[CALLERS];

static const struct principal *caller(enum caller who)
{
    CU_ASSERT(principal_set(&callers[WIDGET], PRINCIPAL_WIDGET, SLICE_LIT("ann")));
    CU_ASSERT(principal_set(&callers[BOUND], PRINCIPAL_DASHBOARD, SLICE_LIT("o1")));
    CU_ASSERT(principal_set(&callers[DASHBOARD], PRINCIPAL_DASHBOARD, SLICE_LIT("")));
    return who == NOBODY ? NULL : &callers[who];
}

static void test_every_row_has_a_rule(void)
{
    for (unsigned i = 0; i < endpoint_count; i++) {
        CU_ASSERT(endpoints[i].access > ACCESS_UNSET && endpoints[i].access < ACCESS_COUNT);
        CU_ASSERT((unsigned)endpoints[i].rate < RATE_KINDS);
    }
}

/* Who may look at a chat may not always change it. */
static bool is_of(const char *expectation, const struct endpoint *row)
{
    bool patch = row->methods == METHOD_BIT(METHOD_PATCH) && strcmp(row->pattern, "/api/chats/{chat_id}") == 0;
    bool wants_patch = strncmp(expectation, "PATCH ", 6) == 0;
    return patch == wants_patch && strcmp(expectation + (wants_patch ? 6 : 0), row->pattern) == 0;
}

static void test_every_row_refuses(void)
{
    for (unsigned i = 0; i < endpoint_count; i++) {
        unsigned rules = 0;
        for (size_t k = 0; k < sizeof(expected) / sizeof(expected[0]); k++) {
            if (!is_of(expected[k].pattern, &endpoints[i]))
                continue;
            rules++;
            for (enum caller who = NOBODY; who < CALLERS; who++) {
                int status = guard_verdict(endpoints[i].access, caller(who));
                int wanted = expected[k].may[who] ? 0 : who == NOBODY ? 401 : 403;
                if (status != wanted)
                    printf("  %s as %d: %d\n", endpoints[i].pattern, who, status);
                CU_ASSERT_EQUAL(status, wanted);
            }
        }
        if (rules != 1)
            printf("  %s: %u rules in this test\n", endpoints[i].pattern, rules);
        CU_ASSERT_EQUAL(rules, 1);
    }
}

/* What writes more than its own figures draws from a bucket. */
static void test_rates(void)
{
    for (unsigned i = 0; i < endpoint_count; i++) {
        struct slice pattern = slice_cstr(endpoints[i].pattern);
        enum rate_kind wanted = RATE_NONE;
        if (slice_ends(pattern, SLICE_LIT("/send")))
            wanted = RATE_SEND;
        else if (slice_ends(pattern, SLICE_LIT("/read")))
            wanted = RATE_SIGNAL;
        else if (slice_ends(pattern, SLICE_LIT("/create")) || slice_ends(pattern, SLICE_LIT("/users/data")))
            wanted = RATE_CREATE;
        CU_ASSERT_EQUAL(endpoints[i].rate, wanted);
    }
}

static void test_no_rule_lets_nobody_in(void)
{
    for (enum caller who = NOBODY; who < CALLERS; who++) {
        CU_ASSERT_NOT_EQUAL(guard_verdict(ACCESS_UNSET, caller(who)), 0);
        CU_ASSERT_NOT_EQUAL(guard_verdict(ACCESS_COUNT, caller(who)), 0);
    }
}

static void test_scopes(void)
{
    static const struct {
        enum scope_kind kind;
        const char *id, *customer, *owner;
        bool allowed;
    } cases[] = {
        {SCOPE_ALL, "", "ann", "", true},
        {SCOPE_ALL, "", "", "", true},
        {SCOPE_NOBODY, "", "ann", "o1", false},
        {SCOPE_NOBODY, "", "", "", false},
        {SCOPE_CUSTOMER, "ann", "ann", "", true},
        {SCOPE_CUSTOMER, "ann", "ann", "o1", true},
        {SCOPE_CUSTOMER, "ann", "anna", "ann", false},
        {SCOPE_CUSTOMER, "ann", "an", "ann", false},
        {SCOPE_CUSTOMER, "", "", "", false},
        {SCOPE_OWNER, "o1", "ann", "o1", true},
        {SCOPE_OWNER, "o1", "o1", "o2", false},
        {SCOPE_OWNER, "o1", "o1", "", false},
        {SCOPE_OWNER, "", "ann", "", false},
        {(enum scope_kind)99, "ann", "ann", "ann", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scope s = {.kind = cases[i].kind, .id = slice_cstr(cases[i].id)};
        CU_ASSERT_EQUAL(scope_allows(&s, slice_cstr(cases[i].customer), slice_cstr(cases[i].owner)), cases[i].allowed);
    }
}

struct forwarded_case {
    const char *peer, *header, *client; /* header: several lines with \n between */
    bool proxied;
};

/* Our own proxies are 10.0.0.0/8 and fd00::/8. */
static const struct forwarded_case forwarded_cases[] = {
    {"203.0.113.5", NULL, "203.0.113.5", false},
    {"203.0.113.5", "1.2.3.4", "203.0.113.5", false}, /* a stranger's word */
    {"10.0.0.1", NULL, "10.0.0.1", true},
    {"10.0.0.1", "", "10.0.0.1", true},
    {"10.0.0.1", "1.2.3.4", "1.2.3.4", true},
    {"10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4", true}, /* what stands left of a stranger is his to invent */
    {"10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4", true},
    {"10.0.0.1", " 1.2.3.4\t,\t10.0.0.2 ", "1.2.3.4", true},
    {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3", true},
    {"10.0.0.1", "1.2.3.4:5678", "1.2.3.4", true},
    {"10.0.0.1", "[2001:db8::1]:5678", "2001:db8::1", true},
    {"10.0.0.1", "2001:db8::1", "2001:db8::1", true},
    {"fd00::1", "::ffff:1.2.3.4", "1.2.3.4", true},
    {"10.0.0.1", "unknown", "10.0.0.1", true},
    {"10.0.0.1", "1.2.3.4, unknown", "10.0.0.1", true},
    {"10.0.0.1", "1.2.3.4,", "1.2.3.4", true},
    {"10.0.0.1", "1.2.3.4, , 10.0.0.2", "1.2.3.4", true},
    {"10.0.0.1", ",1.2.3.4,\t,", "1.2.3.4", true},
    {"10.0.0.1", "1.2.3.4\n10.0.0.2", "1.2.3.4", true}, /* each proxy wrote a line of its own */
    {"10.0.0.1", "6.6.6.6\n1.2.3.4\n10.0.0.2, 10.0.0.3", "1.2.3.4", true},
    {"10.0.0.1", "6.6.6.6, 1.2.3.4,\n,10.0.0.2\n,\n", "1.2.3.4", true},
    {"10.0.0.1", "6.6.6.6\nunknown\n10.0.0.2", "10.0.0.2", true},
    {"203.0.113.5", "1.2.3.4\n5.6.7.8", "203.0.113.5", false},
    {"10.0.0.1", ",,,,", "10.0.0.1", true},
    {"10.0.0.1", "1.2.3.4:99999", "10.0.0.1", true},
};

/* Each line of the text as a header, and the same value under a name that only begins like it. */
static void set_forwarded(struct http_request *req, const char *lines)
{
    static char text[512];
    uint32_t at = 0;
    *req = (struct http_request){.base = text};
    for (const char *line = lines; line;) {
        uint32_t len = (uint32_t)strcspn(line, "\n");
        CU_ASSERT_FATAL(at + 15 + len <= sizeof(text));
        memcpy(text + at, "x-Forwarded-FOR", 15);
        memcpy(text + at + 15, line, len);
        struct http_field f = {.name = at, .name_len = 15, .value = at + 15, .value_len = len};
        req->headers[req->header_count++] = f;
        f.name_len = 11;
        req->headers[req->header_count++] = f;
        at += 15 + len;
        line = line[len] ? line + len + 1 : NULL;
    }
}

static void test_forwarded(void)
{
    static struct api api;
    struct network proxies[2];
    static struct http_session session;
    static struct http_request request;
    struct api_worker worker = {.api = &api};
    struct call call = {.w = &worker, .s = &session, .req = &request};
    CU_ASSERT(network_parse(SLICE_LIT("10.0.0.0/8"), &proxies[0]));
    CU_ASSERT(network_parse(SLICE_LIT("fd00::/8"), &proxies[1]));
    api.proxies = proxies;
    api.proxy_count = 2;
    for (size_t i = 0; i < sizeof(forwarded_cases) / sizeof(forwarded_cases[0]); i++) {
        const struct forwarded_case *c = &forwarded_cases[i];
        struct address wanted;
        bool proxied;
        CU_ASSERT(address_parse(slice_cstr(c->peer), false, &session.from.address));
        CU_ASSERT(address_parse(slice_cstr(c->client), false, &wanted));
        set_forwarded(&request, c->header);
        struct address got = guard_client(&call, &proxied);
        if (got.len != wanted.len || memcmp(got.bytes, wanted.bytes, got.len) != 0)
            printf("  %s from %s\n", c->header, c->peer);
        CU_ASSERT_EQUAL(got.len, wanted.len);
        CU_ASSERT_EQUAL(memcmp(got.bytes, wanted.bytes, got.len), 0);
        CU_ASSERT_EQUAL(proxied, c->proxied);
    }
}

static void test_networks(void)
{
    static const struct {
        const char *network, *address;
        bool inside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.4", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "::1", false},
        {"192.168.0.128/25", "192.168.0.129", true},
        {"192.168.0.128/25", "192.168.0.127", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::/0", "2001:db8::1", true},
        {"::1", "::1", true},
        {"::ffff:10.0.0.0/104", "10.2.3.4", true},
        {"10.0.0.0/8", "::ffff:10.2.3.4", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct network n;
        struct address a;
        CU_ASSERT(network_parse(slice_cstr(cases[i].network), &n));
        CU_ASSERT(address_parse(slice_cstr(cases[i].address), false, &a));
        CU_ASSERT_EQUAL(network_has(&n, &a), cases[i].inside);
    }
    static const char *const bad[] = {"",  "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",       "10.0.0/8",   "::/129",
                                      "x", "1.2.3.4/8x",  "/8",        "::ffff:1.2.3.4/95", "1.2.3.4.5/8"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct network n;
        CU_ASSERT_FALSE(network_parse(slice_cstr(bad[i]), &n));
    }
    struct network n;
    struct address none = {0};
    CU_ASSERT(network_parse(SLICE_LIT("0.0.0.0/0"), &n));
    CU_ASSERT_FALSE(network_has(&n, &none));
}

const CU_TestInfo routes_tests[] = {
    {"every row has a rule", test_every_row_has_a_rule},
    {"every row refuses whom it must", test_every_row_refuses},
    {"what draws from a bucket", test_rates},
    {"no rule lets nobody in", test_no_rule_lets_nobody_in},
    {"scopes", test_scopes},
    {"X-Forwarded-For", test_forwarded},
    {"networks", test_networks},
    CU_TEST_INFO_NULL,
};
