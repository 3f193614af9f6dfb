/* What was good stays good without a second HMAC, until it expires; what was not is never kept. */
#include "api/auth.h"

#include "forge.h"
#include "suites.h"

#include <stdio.h>

#define NOW 1700000000

static struct auth *with_key(const char *key)
{
    const char *file = forge_key_file("key", key, strlen(key), 0600);
    struct buf why = {0};
    struct auth *a = NULL;
    CU_ASSERT_EQUAL_FATAL(auth_new((char *const *)&file, 1, &a, NULL, &why), OK);
    forge_clean();
    return a;
}

static struct auth *one_key(void)
{
    return with_key(KEY_A);
}

static void issue(const struct auth *a, const char *id, int64_t ttl_s, struct buf *out)
{
    struct principal p;
    buf_clear(out);
    CU_ASSERT(principal_set(&p, PRINCIPAL_WIDGET, slice_cstr(id)));
    CU_ASSERT_EQUAL(auth_issue(a, &p, NOW, ttl_s, out), OK);
}

static void test_hits(void)
{
    struct auth *a = one_key();
    struct token_cache *c = token_cache_new(64);
    struct buf token = {0};
    struct principal p;
    issue(a, "ann", 300, &token);
    struct auth *other = with_key(KEY_B); /* under which it is forged: what is good all the same was kept */
    CU_ASSERT_EQUAL(token_cache_verify(c, other, buf_slice(&token), NOW, &p), TOKEN_FORGED);
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(token_cache_verify(c, i == 0 ? a : other, buf_slice(&token), NOW, &p), TOKEN_GOOD);
        CU_ASSERT(slice_eq(principal_id(&p), SLICE_LIT("ann")));
    }
    auth_free(other);
    CU_ASSERT_EQUAL(token_cache_verify(c, a, buf_slice(&token), NOW + 300 + AUTH_SKEW_S - 1, &p), TOKEN_GOOD);
    CU_ASSERT_EQUAL(token_cache_verify(c, a, buf_slice(&token), NOW + 300 + AUTH_SKEW_S, &p), TOKEN_EXPIRED);
    CU_ASSERT_EQUAL(token_cache_verify(NULL, a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    buf_fini(&token);
    token_cache_free(c);
    auth_free(a);
}

static void test_bad_is_not_kept(void)
{
    struct auth *a = one_key();
    struct token_cache *c = token_cache_new(64);
    struct buf token = {0};
    struct principal p;
    issue(a, "ann", 300, &token);
    CU_ASSERT_EQUAL(token_cache_verify(c, a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
    for (size_t i = 0; i < token.len; i++) {
        char was = token.ptr[i];
        token.ptr[i] = was == 'A' ? 'B' : 'A';
        for (unsigned again = 0; again < 2; again++)
            CU_ASSERT_NOT_EQUAL(token_cache_verify(c, a, buf_slice(&token), NOW, &p), TOKEN_GOOD);
        token.ptr[i] = was;
    }
    buf_fini(&token);
    token_cache_free(c);
    auth_free(a);
}

/* More subjects than places: each answer is its own subject's, whoever was pushed out. */
static void test_bound(void)
{
    struct auth *a = one_key(), *other = with_key(KEY_B);
    struct token_cache *c = token_cache_new(8);
    struct buf tokens[64] = {{0}};
    char id[16];
    for (unsigned i = 0; i < 64; i++) {
        snprintf(id, sizeof(id), "user-%u", i);
        issue(a, id, 300, &tokens[i]);
    }
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 64; i++) {
            struct principal p;
            snprintf(id, sizeof(id), "user-%u", i);
            for (unsigned again = 0; again < 2; again++) {
                CU_ASSERT_EQUAL(token_cache_verify(c, again ? other : a, buf_slice(&tokens[i]), NOW, &p), TOKEN_GOOD);
                CU_ASSERT(slice_eq(principal_id(&p), slice_cstr(id)));
            }
        }
    unsigned kept = 0;
    for (unsigned i = 0; i < 64; i++) {
        struct principal p;
        kept += token_cache_verify(c, other, buf_slice(&tokens[i]), NOW, &p) == TOKEN_GOOD;
    }
    CU_ASSERT(kept > 0 && kept <= 8);
    auth_free(other);
    for (unsigned i = 0; i < 64; i++)
        buf_fini(&tokens[i]);
    token_cache_free(c);
    auth_free(a);
}

const CU_TestInfo token_cache_tests[] = {
    {"hits", test_hits},
    {"bad is not kept", test_bad_is_not_kept},
    {"bound", test_bound},
    CU_TEST_INFO_NULL,
};
