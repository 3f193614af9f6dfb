/* Tokens good and bad, made by hand and by auth_issue(); keys good and bad. */
#include "api/auth.h"

#include "forge.h"
#include "suites.h"

#include <stdio.h>

#define NOW 1700000000

static struct auth *with_keys(const char *first, const char *second)
{
    const char *files[2];
    unsigned count = 0;
    struct buf why = {0};
    struct auth *a = NULL;
    files[count++] = forge_key_file("first", first, strlen(first), 0600);
    if (second)
        files[count++] = forge_key_file("second", second, strlen(second), 0600);
    CU_ASSERT_EQUAL_FATAL(auth_new((char *const *)files, count, &a, NULL, &why), OK);
    CU_ASSERT_EQUAL(why.len, 0);
    forge_clean();
    return a;
}

struct claim_case {
    const char *what;
    enum token_verdict verdict;
    const char *header;
    const char *claims;
};

#define WIDGET   "\"aud\":\"sakurad\",\"role\":\"widget\",\"sub\":\"ann\""
#define AUD(aud) "\"aud\":" aud ",\"role\":\"widget\",\"sub\":\"ann\""
#define UNTIL    ",\"exp\":1700000300"

static const struct claim_case claim_cases[] = {
    {"a widget", TOKEN_GOOD, HS256, "{" WIDGET UNTIL "}"},
    {"without typ", TOKEN_GOOD, "{\"alg\":\"HS256\"}", "{" WIDGET UNTIL "}"},
    {"a dashboard", TOKEN_GOOD, HS256, "{\"aud\":\"sakurad\",\"role\":\"dashboard\"" UNTIL "}"},
    {"an owner's dashboard", TOKEN_GOOD, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"dashboard\",\"owner\":\"o1\",\"sub\":\"agent 7\"" UNTIL "}"},
    {"claims of others", TOKEN_GOOD, HS256, "{" WIDGET UNTIL ",\"iss\":\"x\",\"more\":{\"a\":[1]}}"},
    {"nbf now", TOKEN_GOOD, HS256, "{" WIDGET UNTIL ",\"nbf\":1700000000,\"iat\":1700000000}"},
    {"nbf within the skew", TOKEN_GOOD, HS256, "{" WIDGET UNTIL ",\"nbf\":1700000060}"},
    {"nbf past the skew", TOKEN_EARLY, HS256, "{" WIDGET UNTIL ",\"nbf\":1700000061}"},
    {"iat past the skew", TOKEN_EARLY, HS256, "{" WIDGET UNTIL ",\"iat\":1700000061}"},
    {"nbf is text", TOKEN_UNCLEAR, HS256, "{" WIDGET UNTIL ",\"nbf\":\"1\"}"},
    {"expired within the skew", TOKEN_GOOD, HS256, "{" WIDGET ",\"exp\":1699999941}"},
    {"expired past the skew", TOKEN_EXPIRED, HS256, "{" WIDGET ",\"exp\":1699999940}"},
    {"no exp", TOKEN_UNCLEAR, HS256, "{" WIDGET "}"},
    {"exp null", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":null}"},
    {"exp text", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":\"1700000300\"}"},
    {"exp a fraction", TOKEN_GOOD, HS256, "{" WIDGET ",\"exp\":1700000300.5}"},
    {"exp a fraction past the skew", TOKEN_EXPIRED, HS256, "{" WIDGET ",\"exp\":1699999940.9}"},
    {"exp with an exponent", TOKEN_GOOD, HS256, "{" WIDGET ",\"exp\":1.7000003e9}"},
    {"exp with too large an exponent", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":1e300}"},
    {"exp a list", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":[1700000300]}"},
    {"nbf and iat fractions", TOKEN_GOOD, HS256, "{" WIDGET UNTIL ",\"nbf\":1700000000.25,\"iat\":1699999999.75}"},
    {"nbf a fraction past the skew", TOKEN_EARLY, HS256, "{" WIDGET UNTIL ",\"nbf\":1700000061.0}"},
    {"nbf a negative fraction", TOKEN_UNCLEAR, HS256, "{" WIDGET UNTIL ",\"nbf\":-0.5}"},
    {"exp true", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":true}"},
    {"exp negative", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":-1}"},
    {"exp past counting", TOKEN_UNCLEAR, HS256, "{" WIDGET ",\"exp\":9223372036854775807}"},
    {"no aud", TOKEN_FOREIGN, HS256, "{\"role\":\"widget\",\"sub\":\"ann\"" UNTIL "}"},
    {"wrong aud", TOKEN_FOREIGN, HS256, "{\"aud\":\"other\",\"role\":\"widget\",\"sub\":\"ann\"" UNTIL "}"},
    {"aud a list", TOKEN_GOOD, HS256, "{" AUD("[\"sakurad\"]") UNTIL "}"},
    {"aud a list with ours", TOKEN_GOOD, HS256, "{" AUD("[\"a\",\"sakurad\",\"b\"]") UNTIL "}"},
    {"aud a list with ours, escaped", TOKEN_GOOD, HS256, "{" AUD("[\"\\u0073akurad\"]") UNTIL "}"},
    {"aud a list without ours", TOKEN_FOREIGN, HS256, "{" AUD("[\"a\",\"Sakurad\"]") UNTIL "}"},
    {"aud a list of nothing", TOKEN_FOREIGN, HS256, "{" AUD("[]") UNTIL "}"},
    {"aud a list in a list", TOKEN_FOREIGN, HS256, "{" AUD("[[\"sakurad\"]]") UNTIL "}"},
    {"aud a list not only of texts", TOKEN_FOREIGN, HS256, "{" AUD("[\"sakurad\",7]") UNTIL "}"},
    {"aud an object", TOKEN_FOREIGN, HS256, "{" AUD("{\"sakurad\":true}") UNTIL "}"},
    {"aud null", TOKEN_FOREIGN, HS256, "{" AUD("null") UNTIL "}"},
    {"an extension that must be understood", TOKEN_CRITICAL, "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":true}",
     "{" WIDGET UNTIL "}"},
    {"crit that names what is there anyway", TOKEN_CRITICAL, "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
     "{" WIDGET UNTIL "}"},
    {"crit empty", TOKEN_CRITICAL, "{\"alg\":\"HS256\",\"crit\":[]}", "{" WIDGET UNTIL "}"},
    {"crit null", TOKEN_CRITICAL, "{\"alg\":\"HS256\",\"crit\":null}", "{" WIDGET UNTIL "}"},
    {"crit among the claims", TOKEN_GOOD, HS256, "{" WIDGET UNTIL ",\"crit\":[\"x\"]}"},
    {"aud with a tail", TOKEN_FOREIGN, HS256, "{\"aud\":\"sakurad2\",\"role\":\"widget\",\"sub\":\"ann\"" UNTIL "}"},
    {"no role", TOKEN_UNCLEAR, HS256, "{\"aud\":\"sakurad\",\"sub\":\"ann\"" UNTIL "}"},
    {"unknown role", TOKEN_UNCLEAR, HS256, "{\"aud\":\"sakurad\",\"role\":\"admin\",\"sub\":\"ann\"" UNTIL "}"},
    {"role in capitals", TOKEN_UNCLEAR, HS256, "{\"aud\":\"sakurad\",\"role\":\"Dashboard\"" UNTIL "}"},
    {"role a list", TOKEN_UNCLEAR, HS256, "{\"aud\":\"sakurad\",\"role\":[\"dashboard\"]" UNTIL "}"},
    {"a widget of nobody", TOKEN_UNCLEAR, HS256, "{\"aud\":\"sakurad\",\"role\":\"widget\"" UNTIL "}"},
    {"a widget of an empty sub", TOKEN_UNCLEAR, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"widget\",\"sub\":\"\"" UNTIL "}"},
    {"a widget whose sub is a number", TOKEN_UNCLEAR, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"widget\",\"sub\":7" UNTIL "}"},
    {"a widget with an owner", TOKEN_UNCLEAR, HS256, "{" WIDGET UNTIL ",\"owner\":\"o1\"}"},
    {"control characters", TOKEN_UNCLEAR, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"widget\",\"sub\":\"a\\u000ab\"" UNTIL "}"},
    {"an owner that is empty", TOKEN_UNCLEAR, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"dashboard\",\"owner\":\"\"" UNTIL "}"},
    {"an owner that is null", TOKEN_UNCLEAR, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"dashboard\",\"owner\":null" UNTIL "}"},
    {"an owner that is a list", TOKEN_UNCLEAR, HS256,
     "{\"aud\":\"sakurad\",\"role\":\"dashboard\",\"owner\":[]" UNTIL "}"},
    {"signed HS256, says none", TOKEN_FORGED, "{\"alg\":\"none\"}", "{" WIDGET UNTIL "}"},
    {"signed HS256, says nothing", TOKEN_FORGED, "{}", "{" WIDGET UNTIL "}"},
    {"signed HS256, says HS512", TOKEN_FORGED, "{\"alg\":\"HS512\"}", "{" WIDGET UNTIL "}"},
    {"signed HS256, says RS256", TOKEN_FORGED, "{\"alg\":\"RS256\"}", "{" WIDGET UNTIL "}"},
    {"claims are not JSON", TOKEN_FORGED, HS256, "{"},
    {"claims are a list", TOKEN_FOREIGN, HS256, "[]"},
    {"claims are nothing", TOKEN_FORGED, HS256, ""},
};

static void test_claims(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    struct buf token = {0};
    for (size_t i = 0; i < sizeof(claim_cases) / sizeof(claim_cases[0]); i++) {
        const struct claim_case *c = &claim_cases[i];
        struct principal p;
        forge(&token, c->header, c->claims, "SHA256", KEY_A);
        enum token_verdict v = auth_verify(a, buf_slice(&token), NOW, &p);
        if (v != c->verdict)
            printf("  %s: %s\n", c->what, token_verdict_text(v));
        CU_ASSERT_EQUAL(v, c->verdict);
        CU_ASSERT_EQUAL(p.kind == PRINCIPAL_NONE, v != TOKEN_GOOD);
    }
    buf_fini(&token);
    auth_free(a);
}

static void test_principals(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    struct buf token = {0};
    struct principal p, other;
    forge(&token, HS256, claim_cases[0].claims, "SHA256", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    CU_ASSERT_EQUAL(p.kind, PRINCIPAL_WIDGET);
    CU_ASSERT(slice_eq(principal_id(&p), SLICE_LIT("ann")));
    CU_ASSERT_EQUAL(p.until_s, NOW + 300 + AUTH_SKEW_S);
    /* another token of the same subject is the same client */
    forge(&token, HS256, "{" WIDGET ",\"exp\":1700000301}", "SHA256", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &other), TOKEN_GOOD);
    CU_ASSERT_EQUAL(p.client, other.client);
    forge(&token, HS256, claim_cases[3].claims, "SHA256", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    CU_ASSERT_EQUAL(p.kind, PRINCIPAL_DASHBOARD);
    CU_ASSERT(slice_eq(principal_id(&p), SLICE_LIT("o1")));
    CU_ASSERT_NOT_EQUAL(p.client, other.client);
    /* an ObjectId in capitals is the id that the store has */
    forge(&token, HS256, "{\"aud\":\"sakurad\",\"role\":\"widget\",\"sub\":\"0123456789ABCDEF01234567\"" UNTIL "}",
          "SHA256", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    CU_ASSERT(slice_eq(principal_id(&p), SLICE_LIT("0123456789abcdef01234567")));
    buf_fini(&token);
    auth_free(a);
}

#define AGENT "{\"aud\":\"sakurad\",\"role\":\"dashboard\"" UNTIL

/* What a token says of its agent. What it says in another way than ours was no matter before agents had names: it still is none. */
static void test_agents(void)
{
    static const struct {
        const char *claims, *id, *name;
    } cases[] = {
        {AGENT ",\"sub\":\"ann\",\"name\":\"Ann \\u00e9\"}", "ann", "Ann \xc3\xa9"},
        {AGENT ",\"sub\":\"ann\",\"owner\":\"o1\",\"name\":\"Ann\"}", "ann", "Ann"},
        {AGENT ",\"sub\":\"ann\"}", "ann", ""},
        {AGENT "}", "", ""},
        {AGENT ",\"name\":\"Ann\"}", "", ""},
        {AGENT ",\"sub\":\"ann\",\"name\":7}", "ann", ""},
        {AGENT ",\"sub\":\"ann\",\"name\":\"A\\nnn\"}", "ann", ""},
        {AGENT ",\"sub\":\"a\\tnn\",\"name\":\"Ann\"}", "", ""},
        {"{" WIDGET UNTIL ",\"name\":\"Ann\"}", "", ""},
    };
    struct auth *a = with_keys(KEY_A, NULL);
    struct token_cache *cache = token_cache_new(64);
    struct buf token = {0};
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) { /* each a second time from the cache */
        struct principal p;
        forge(&token, HS256, cases[i / 2].claims, "SHA256", KEY_A);
        CU_ASSERT_EQUAL(token_cache_verify(cache, a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
        CU_ASSERT(slice_eq(principal_agent_id(&p), slice_cstr(cases[i / 2].id)));
        CU_ASSERT(slice_eq(principal_agent_name(&p), slice_cstr(cases[i / 2].name)));
    }
    buf_fini(&token);
    token_cache_free(cache);
    auth_free(a);
}

/* What is issued is what is read; what would not be read is not issued. */
static void test_issued_agent(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    struct buf token = {0};
    struct principal p, read;
    char name[AGENT_NAME_MAX + 1];
    memset(name, 'n', sizeof(name));
    CU_ASSERT(principal_set(&p, PRINCIPAL_DASHBOARD, SLICE_LIT("o1")));
    CU_ASSERT_FALSE(principal_set_agent(&p, SLICE_LIT("ann"), slice_of(name, AGENT_NAME_MAX + 1)));
    CU_ASSERT_FALSE(principal_set_agent(&p, SLICE_LIT("ann"), SLICE_LIT("\xff")));
    CU_ASSERT_FALSE(principal_set_agent(&p, slice_of(NULL, 0), SLICE_LIT("Ann")));
    CU_ASSERT_EQUAL(p.agent_id_len + p.agent_name_len, 0);
    CU_ASSERT(principal_set_agent(&p, SLICE_LIT("ann"), slice_of(name, AGENT_NAME_MAX)));
    CU_ASSERT_EQUAL(auth_issue(a, &p, NOW, 300, &token), OK);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &read), TOKEN_GOOD);
    CU_ASSERT(slice_eq(principal_id(&read), SLICE_LIT("o1")));
    CU_ASSERT(slice_eq(principal_agent_id(&read), SLICE_LIT("ann")));
    CU_ASSERT(slice_eq(principal_agent_name(&read), slice_of(name, AGENT_NAME_MAX)));
    buf_fini(&token);
    auth_free(a);
}

static void test_signatures(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    struct buf token = {0};
    struct principal p;
    const char *claims = claim_cases[0].claims;
    forge(&token, HS256, claims, "SHA256", KEY_B);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_FORGED);
    forge(&token, "{\"alg\":\"HS512\"}", claims, "SHA512", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_MALFORMED);
    forge(&token, "{\"alg\":\"HS384\"}", claims, "SHA384", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_MALFORMED);
    /* none: with an empty signature, with the dot, and with none */
    forge(&token, "{\"alg\":\"none\"}", claims, "SHA256", KEY_B);
    token.len -= 43;
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_MALFORMED);
    token.len--;
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_MALFORMED);
    buf_fini(&token);
    auth_free(a);
}

/* Each bit of a good token changed, each prefix of it, and it with something added: nothing but itself is good. */
static void test_every_change(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    struct buf token = {0};
    struct principal p;
    forge(&token, HS256, claim_cases[0].claims, "SHA256", KEY_A);
    for (size_t i = 0; i < token.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            token.ptr[i] = (char)(token.ptr[i] ^ (1 << bit));
            CU_ASSERT_NOT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
            token.ptr[i] = (char)(token.ptr[i] ^ (1 << bit));
        }
        CU_ASSERT_NOT_EQUAL(auth_verify(a, slice_of(token.ptr, i), NOW, &p), TOKEN_GOOD);
    }
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    for (const char *tail = ".=AA \n"; *tail; tail++) {
        buf_append_char(&token, *tail);
        CU_ASSERT_NOT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
        token.len--;
    }
    buf_fini(&token);
    auth_free(a);
}

static void test_garbage(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    struct principal p;
    const char *words[] = {"", ".", "..", "...", "a.b.c", "Bearer", "{}", "a..b", "é.é.é"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        CU_ASSERT_EQUAL(auth_verify(a, slice_cstr(words[i]), NOW, &p), TOKEN_MALFORMED);
    struct buf big = {0};
    for (int i = 0; i <= AUTH_TOKEN_MAX; i++)
        buf_append_char(&big, i == 5 || i == AUTH_TOKEN_MAX - 43 ? '.' : 'A');
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&big), NOW, &p), TOKEN_MALFORMED);
    CU_ASSERT_EQUAL(auth_verify(a, slice_of(big.ptr + 1, big.len - 1), NOW, &p), TOKEN_FORGED);
    buf_fini(&big);
    auth_free(a);
}

static void test_rotation(void)
{
    struct auth *old = with_keys(KEY_A, NULL), *both = with_keys(KEY_B, KEY_A), *new = with_keys(KEY_B, NULL);
    struct buf by_old = {0}, by_both = {0};
    struct principal p, seen;
    CU_ASSERT(principal_set(&p, PRINCIPAL_WIDGET, SLICE_LIT("ann")));
    CU_ASSERT_EQUAL(auth_issue(old, &p, NOW, 300, &by_old), OK);
    CU_ASSERT_EQUAL(auth_issue(both, &p, NOW, 300, &by_both), OK);
    CU_ASSERT_EQUAL(auth_verify(both, buf_slice(&by_old), NOW, &seen), TOKEN_GOOD);
    CU_ASSERT(slice_eq(principal_id(&seen), SLICE_LIT("ann")));
    CU_ASSERT_EQUAL(auth_verify(both, buf_slice(&by_both), NOW, &seen), TOKEN_GOOD);
    CU_ASSERT_EQUAL(auth_verify(new, buf_slice(&by_both), NOW, &seen), TOKEN_GOOD);
    CU_ASSERT_EQUAL(auth_verify(new, buf_slice(&by_old), NOW, &seen), TOKEN_FORGED);
    CU_ASSERT_EQUAL(auth_verify(old, buf_slice(&by_both), NOW, &seen), TOKEN_FORGED);
    CU_ASSERT_EQUAL(auth_verify(new, buf_slice(&by_both), NOW + 300 + AUTH_SKEW_S, &seen), TOKEN_EXPIRED);
    buf_fini(&by_old);
    buf_fini(&by_both);
    auth_free(old);
    auth_free(both);
    auth_free(new);
}

static void test_issue(void)
{
    struct auth *a = with_keys(KEY_A, NULL);
    static const struct {
        enum principal_kind kind;
        const char *id;
    } cases[] = {{PRINCIPAL_DASHBOARD, ""}, {PRINCIPAL_DASHBOARD, "owner é \"1\""}, {PRINCIPAL_WIDGET, "a@x.io"}};
    for (size_t i = 0; i < 3; i++) {
        struct buf token = {0};
        struct principal p, seen;
        CU_ASSERT(principal_set(&p, cases[i].kind, slice_cstr(cases[i].id)));
        CU_ASSERT_EQUAL(auth_issue(a, &p, NOW, 300, &token), OK);
        CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &seen), TOKEN_GOOD);
        CU_ASSERT_EQUAL(seen.kind, cases[i].kind);
        CU_ASSERT(slice_eq(principal_id(&seen), slice_cstr(cases[i].id)));
        buf_fini(&token);
    }
    struct principal p;
    char long_id[CUSTOMER_ID_MAX + 1];
    memset(long_id, 'x', sizeof(long_id));
    CU_ASSERT_FALSE(principal_set(&p, PRINCIPAL_WIDGET, slice_of(long_id, sizeof(long_id))));
    CU_ASSERT_FALSE(principal_set(&p, PRINCIPAL_WIDGET, SLICE_LIT("")));
    CU_ASSERT_FALSE(principal_set(&p, PRINCIPAL_WIDGET, SLICE_LIT("a\nb")));
    CU_ASSERT_FALSE(principal_set(&p, PRINCIPAL_WIDGET, SLICE_LIT("\xff")));
    auth_free(a);
}

static void test_key_files(void)
{
    char big[AUTH_KEY_MAX + 2];
    memset(big, 'k', sizeof(big));
    const struct {
        const char *bytes;
        size_t len;
        int mode;
        enum err err;
        bool warned;
    } cases[] = {
        {"0123456789abcdef0123456789abcdef", 32, 0600, OK, false},
        {"0123456789abcdef0123456789abcdef\n", 33, 0400, OK, false},
        {"0123456789abcdef0123456789abcdef", 32, 0640, OK, true},
        {"0123456789abcdef0123456789abcdef", 32, 0604, OK, true},
        {"0123456789abcdef0123456789abcde\n", 32, 0600, ERR_INVALID, false},
        {"0123456789abcdef0123456789abcd\r\n", 32, 0600, ERR_INVALID, false},
        {"", 0, 0600, ERR_INVALID, false},
        {big, AUTH_KEY_MAX, 0600, OK, false},
        {big, AUTH_KEY_MAX + 1, 0600, ERR_INVALID, false},
        {big, AUTH_KEY_MAX + 2, 0600, ERR_INVALID, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *file = forge_key_file("key", cases[i].bytes, cases[i].len, cases[i].mode);
        struct buf why = {0}, warnings = {0};
        struct auth *a = NULL;
        CU_ASSERT_EQUAL(auth_new((char *const *)&file, 1, &a, &warnings, &why), cases[i].err);
        CU_ASSERT_EQUAL(why.len > 0, cases[i].err != OK);
        CU_ASSERT_EQUAL(warnings.len > 0, cases[i].warned);
        CU_ASSERT_EQUAL(cases[i].len > 8 && strstr(buf_cstr(&why), "01234567") != NULL, false);
        auth_free(a);
        buf_fini(&why);
        buf_fini(&warnings);
        forge_clean();
    }
    const char *missing[] = {"/nonexistent/key", "/"};
    for (size_t i = 0; i < 2; i++) {
        struct buf why = {0};
        struct auth *a = NULL;
        CU_ASSERT_EQUAL(auth_new((char *const *)&missing[i], 1, &a, NULL, &why), ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&why), missing[i]));
        buf_fini(&why);
    }
}

/* The line end is not part of the key: a token made with the bare key is good. */
static void test_line_end(void)
{
    const char *file = forge_key_file("key", KEY_A "\n", sizeof(KEY_A), 0600);
    struct buf token = {0}, why = {0};
    struct auth *a = NULL;
    struct principal p;
    CU_ASSERT_EQUAL_FATAL(auth_new((char *const *)&file, 1, &a, NULL, &why), OK);
    forge(&token, HS256, claim_cases[0].claims, "SHA256", KEY_A);
    CU_ASSERT_EQUAL(auth_verify(a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    buf_fini(&token);
    auth_free(a);
    forge_clean();
}

const CU_TestInfo auth_tests[] = {
    {"claims", test_claims},         {"principals", test_principals},
    {"agents", test_agents},         {"issued agent", test_issued_agent},
    {"signatures", test_signatures}, {"every change", test_every_change},
    {"garbage", test_garbage},       {"rotation", test_rotation},
    {"issue", test_issue},           {"key files", test_key_files},
    {"line end", test_line_end},     CU_TEST_INFO_NULL,
};
