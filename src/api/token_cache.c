/* Two places per hash; the older of the two gives way. The token itself is kept and compared, so that a hit means the
 * very bytes that were verified. */
#include "api/auth.h"

#include "base/map.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define PLACES     2
#define CACHED_MAX 1024 /* bytes of a token; a longer one is verified each time */

struct good_token {
    uint64_t hash;
    struct principal principal;
    size_t len;
    char bytes[];
};

struct token_cache {
    size_t mask;
    struct good_token *places[]; /* PLACES per hash: the newer first */
};

static size_t set_count(size_t entries)
{
    size_t sets = 1;
    while (sets * PLACES < entries)
        sets *= 2;
    return sets;
}

size_t token_cache_bytes(size_t entries)
{
    return sizeof(struct token_cache) +
           set_count(entries) * PLACES * (sizeof(struct good_token *) + sizeof(struct good_token) + CACHED_MAX);
}

struct token_cache *token_cache_new(size_t entries)
{
    size_t sets = set_count(entries);
    struct token_cache *c = calloc(1, sizeof(*c) + sets * PLACES * sizeof(c->places[0]));
    if (c)
        c->mask = sets - 1;
    return c;
}

static void forget(struct good_token *t)
{
    if (t)
        OPENSSL_clear_free(t, sizeof(*t) + t->len);
}

void token_cache_clear(struct token_cache *c)
{
    for (size_t i = 0; c && i < (c->mask + 1) * PLACES; i++) {
        forget(c->places[i]);
        c->places[i] = NULL;
    }
}

void token_cache_free(struct token_cache *c)
{
    token_cache_clear(c);
    free(c);
}

static void keep(struct good_token **set, uint64_t hash, struct slice token, const struct principal *p)
{
    struct good_token *t = OPENSSL_malloc(sizeof(*t) + token.len);
    if (!t)
        return; /* verified again next time */
    *t = (struct good_token){.hash = hash, .principal = *p, .len = token.len};
    memcpy(t->bytes, token.ptr, token.len);
    forget(set[1]);
    set[1] = set[0];
    set[0] = t;
}

enum token_verdict token_cache_verify(struct token_cache *c, const struct auth *a, struct slice token, int64_t now_s,
                                      struct principal *out)
{
    if (!c || token.len > CACHED_MAX)
        return auth_verify(a, token, now_s, out);
    uint64_t hash = hash_bytes(token.ptr, token.len);
    struct good_token **set = &c->places[(hash & c->mask) * PLACES];
    for (unsigned i = 0; i < PLACES; i++) {
        struct good_token *t = set[i];
        if (!t || t->hash != hash || !slice_eq(slice_of(t->bytes, t->len), token))
            continue;
        if (now_s >= t->principal.until_s)
            return TOKEN_EXPIRED;
        set[i] = set[0];
        set[0] = t;
        *out = t->principal;
        return TOKEN_GOOD;
    }
    enum token_verdict v = auth_verify(a, token, now_s, out);
    if (v == TOKEN_GOOD)
        keep(set, hash, token, out);
    return v;
}
