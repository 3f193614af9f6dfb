/* auth.h: who a request speaks for: keys, tokens (JWT, HS256 and nothing else), principals.
 * Thread:  auth_new/free from main; the rest from any thread (read only).
 * Owns:    the keys; they are wiped when freed.
 * Fails:   auth_new() with a sentence that names the file, never its content. A token is good or it is refused: there
 *          is no lesser trust.
 * A token's bytes reach the JWT library only after their signature was found good here (constant time, whatever the
 * library does), so that no stranger's JSON is parsed and no algorithm but HS256 is ever asked for.
 * Claims:  aud "sakurad", or a list with it; exp, required; nbf, iat, optional; role "widget" with sub (the customer's id), or role
 *          "dashboard" with an optional owner (that owner's customers only), an optional sub (which agent) and an optional
 *          name (what the agent is called; said of nobody without a sub). */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "chat/model.h"

#define AUTH_KEY_MIN   32 /* bytes: as long as the digest (RFC 7518, 3.2) */
#define AUTH_KEY_MAX   4096
#define AUTH_SKEW_S    60   /* clocks of issuers may differ by so much */
#define AUTH_TOKEN_MAX 4096 /* bytes; a longer token is refused unread */
#define AUTH_AUDIENCE  "sakurad"

enum principal_kind { PRINCIPAL_NONE, PRINCIPAL_WIDGET, PRINCIPAL_DASHBOARD };

struct principal {
    uint8_t kind; /* enum principal_kind */
    uint8_t id_len;
    uint8_t agent_id_len;
    uint8_t agent_name_len;
    char id[CUSTOMER_ID_MAX];        /* widget: its customer; dashboard: the owner it is bound to, empty: none */
    char agent_id[CUSTOMER_ID_MAX];  /* dashboard: which agent; empty: its token does not say… */
    char agent_name[AGENT_NAME_MAX]; /* …what the agent is called; empty: not known */
    uint64_t client;                 /* what rate limits count: the same for all tokens of one subject */
    int64_t until_s;                 /* wall clock: not good from then on (skew included) */
    uint64_t key;                    /* which key signed it; a number that tells nothing of the key */
};

static inline struct slice principal_id(const struct principal *p)
{
    return slice_of(p->id, p->id_len);
}

static inline struct slice principal_agent_id(const struct principal *p)
{
    return slice_of(p->agent_id, p->agent_id_len);
}

static inline struct slice principal_agent_name(const struct principal *p)
{
    return slice_of(p->agent_name, p->agent_name_len);
}

/* Which agent a dashboard's token is for; name empty: its name is not known. False: one of them is too long, holds control
 * characters or is not UTF-8, or there is a name of nobody; then nothing is set. */
bool principal_set_agent(struct principal *p, struct slice id, struct slice name);

/* A customer's id as it stands in the store: 24 hex digits are an ObjectId, whose text is lower case. False: too long
 * or not an id. */
bool principal_set(struct principal *p, enum principal_kind kind, struct slice id);

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_MALFORMED, /* not a JWT */
    TOKEN_FORGED,    /* no key of ours signed it, or not by HS256 */
    TOKEN_CRITICAL,  /* its header has `crit`: an extension that must be understood */
    TOKEN_EXPIRED,
    TOKEN_EARLY,   /* nbf, or iat, is still to come */
    TOKEN_FOREIGN, /* another audience */
    TOKEN_UNCLEAR, /* a claim is missing or not of its type */
    TOKEN_NO_MEMORY,
    TOKEN_VERDICTS
};
const char *token_verdict_text(enum token_verdict v); /* for the client */

struct auth;

/* files: the first key signs, all verify. warnings: a line for each file that others may read. */
NODISCARD enum err auth_new(char *const *files, unsigned count, struct auth **out, struct buf *warnings,
                            struct buf *why);
void auth_free(struct auth *a);                        /* accepts NULL */
bool auth_has_key(const struct auth *a, uint64_t key); /* of a principal; a NULL: none */
enum token_verdict auth_verify(const struct auth *a, struct slice token, int64_t now_s, struct principal *out);
NODISCARD enum err auth_issue(const struct auth *a, const struct principal *p, int64_t now_s, int64_t ttl_s,
                              struct buf *out);

/* Tokens found good before, so that a poll pays one hash and one comparison. One per worker. */
struct token_cache;
struct token_cache *token_cache_new(size_t entries); /* rounded up to a power of two */
void token_cache_free(struct token_cache *c);        /* accepts NULL */
void token_cache_clear(struct token_cache *c);       /* the keys have changed; accepts NULL */
/* auth_verify() through the cache; c NULL: without. */
enum token_verdict token_cache_verify(struct token_cache *c, const struct auth *a, struct slice token, int64_t now_s,
                                      struct principal *out);
#define TOKEN_CACHE_ENTRIES 4096
size_t token_cache_bytes(size_t entries); /* at most: for the memory budget */
