/* Happy path: shape → HMAC under each key until one fits → libjwt reads the claims → each claim checked → principal.
 * Failures: everything else is a refusal that says why; nothing of a token is logged. */
#include "api/auth.h"

#include "base/map.h"
#include "json/json_in.h"

#include <errno.h>
#include <fcntl.h>
#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_BYTES    32
#define AUDIENCE_MAX    (16 * AUTH_TOKEN_MAX) /* of the tokens of its JSON text */
#define SIGNATURE_CHARS 43                    /* of 32 bytes in base64url without padding */

struct key {
    size_t len;
    uint64_t name; /* the beginning of its digest */
    unsigned char bytes[AUTH_KEY_MAX];
};

struct auth {
    EVP_MD *sha256;
    unsigned count;
    struct key keys[];
};

const char *token_verdict_text(enum token_verdict v)
{
    static const char *const texts[TOKEN_VERDICTS] = {
        [TOKEN_GOOD] = "The token is good",
        [TOKEN_MALFORMED] = "The token is not a JWT",
        [TOKEN_FORGED] = "The token's signature is not good",
        [TOKEN_CRITICAL] = "The token demands an extension that is not known",
        [TOKEN_EXPIRED] = "The token has expired",
        [TOKEN_EARLY] = "The token is not valid yet",
        [TOKEN_FOREIGN] = "The token is for another audience",
        [TOKEN_UNCLEAR] = "The token's claims are not what is expected",
        [TOKEN_NO_MEMORY] = "The server is out of memory, try again",
    };
    return texts[v];
}

/* ---- keys ---- */

static enum err refuse_file(struct buf *why, const char *file, const char *what)
{
    buf_printf(why, "--auth-key %s: %s", file, what);
    return ERR_INVALID;
}

/* One line end at the end is the editor's, not the key's. */
static size_t without_line_end(const unsigned char *bytes, size_t len)
{
    if (len > 0 && bytes[len - 1] == '\n')
        len--;
    if (len > 0 && bytes[len - 1] == '\r')
        len--;
    return len;
}

static enum err read_whole(int fd, unsigned char *into, size_t room, size_t *len)
{
    *len = 0;
    while (*len < room) {
        ssize_t got = read(fd, into + *len, room - *len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            return OK;
        *len += (size_t)got;
    }
    return ERR_TOO_LARGE;
}

static enum err read_key(const char *file, struct key *key, struct buf *warnings, struct buf *why)
{
    unsigned char bytes[AUTH_KEY_MAX + 3]; /* a line end, and one to see that there is more */
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return refuse_file(why, file, strerror(errno));
    enum err e = fstat(fd, &st) == 0 ? OK : ERR_IO;
    size_t len = 0;
    if (e == OK)
        e = read_whole(fd, bytes, sizeof(bytes), &len);
    close(fd);
    if (e == ERR_IO)
        return refuse_file(why, file, strerror(errno));
    len = without_line_end(bytes, len);
    if (e == OK && len >= AUTH_KEY_MIN && len <= AUTH_KEY_MAX) {
        memcpy(key->bytes, bytes, len);
        key->len = len;
        if (warnings && S_ISREG(st.st_mode) && st.st_mode & (S_IRWXG | S_IRWXO))
            buf_printf(warnings, "--auth-key %s can be read by others than its owner; chmod 600 it\n", file);
    } else {
        e = refuse_file(why, file, len < AUTH_KEY_MIN ? "is shorter than 32 bytes" : "is longer than 4096 bytes");
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return e;
}

static enum err name_key(const struct auth *a, struct key *key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(key->bytes, key->len, digest, NULL, a->sha256, NULL) != 1)
        return ERR_NOMEM;
    memcpy(&key->name, digest, sizeof(key->name));
    return OK;
}

bool auth_has_key(const struct auth *a, uint64_t key)
{
    for (unsigned i = 0; a && i < a->count; i++)
        if (a->keys[i].name == key)
            return true;
    return false;
}

enum err auth_new(char *const *files, unsigned count, struct auth **out, struct buf *warnings, struct buf *why)
{
    struct auth *a = calloc(1, sizeof(*a) + count * sizeof(a->keys[0]));
    if (!a)
        return ERR_NOMEM;
    a->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    enum err e = a->sha256 ? OK : ERR_NOMEM;
    a->count = count;
    for (unsigned i = 0; i < count && e == OK; i++)
        e = read_key(files[i], &a->keys[i], warnings, why);
    for (unsigned i = 0; i < count && e == OK; i++)
        e = name_key(a, &a->keys[i]);
    if (e != OK) {
        auth_free(a);
        return e;
    }
    *out = a;
    return OK;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    EVP_MD_free(a->sha256);
    OPENSSL_cleanse(a->keys, a->count * sizeof(a->keys[0]));
    free(a);
}

/* ---- the signature ---- */

static bool is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* HEADER.CLAIMS.SIGNATURE; signed_len: of the first two with their dot. */
static bool well_formed(struct slice token, size_t *signed_len)
{
    unsigned dots = 0;
    if (token.len > AUTH_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] == '.') {
            dots++;
            *signed_len = i;
        } else if (!is_base64url(token.ptr[i])) {
            return false;
        }
    }
    return dots == 2 && token.ptr[0] != '.' && token.len - *signed_len - 1 == SIGNATURE_CHARS;
}

/* The signature's text, not its bytes, is compared: two texts of one signature would be two tokens (the last digit has
 * two bits to spare), and there is nothing to decode before the comparison. */
static bool signed_by(const struct auth *a, const struct key *key, struct slice head, const char *signature)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char text[SIGNATURE_CHARS + 2]; /* a pad and EVP_EncodeBlock's NUL */
    unsigned len = 0;
    if (!HMAC(a->sha256, key->bytes, (int)key->len, (const unsigned char *)head.ptr, head.len, digest, &len) ||
        len != DIGEST_BYTES)
        return false;
    EVP_EncodeBlock(text, digest, DIGEST_BYTES);
    for (size_t i = 0; i < SIGNATURE_CHARS; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return CRYPTO_memcmp(text, signature, SIGNATURE_CHARS) == 0;
}

/* ---- the claims ---- */

/* RFC 7519's NumericDate, with or without a fraction, down to its second. An absent claim is true with *out left as it
 * is; one that is not such a number is false. */
static bool time_claim(jwt_t *jwt, const char *name, int64_t *out)
{
    char *json = jwt_get_grants_json(jwt, name);
    if (!json)
        return true;
    char *end = NULL;
    double value = strtod(json, &end);
    bool good = end != json && *end == '\0' && value >= 0 && value < (double)(INT64_MAX / 2);
    free(json);
    if (good)
        *out = (int64_t)value;
    return good;
}

/* A string, or absent (ptr NULL); any other type is false. */
static bool text_claim(jwt_t *jwt, const char *name, struct slice *out)
{
    *out = slice_cstr(jwt_get_grant(jwt, name));
    if (out->ptr)
        return true;
    char *other = jwt_get_grants_json(jwt, name);
    bool absent = other == NULL;
    free(other);
    return absent;
}

/* Ours as a text, or in a list of texts (RFC 7519, 4.1.3). */
static bool is_for_us(struct json_value aud)
{
    struct slice name;
    bool found = json_string(aud, &name) == OK && slice_eq(name, SLICE_LIT(AUTH_AUDIENCE));
    if (json_type(aud) != JSON_ARRAY)
        return found;
    struct json_value key, value;
    for (struct json_iter it = json_iter(aud); json_next(&it, &key, &value);) {
        if (json_string(value, &name) != OK)
            return false;
        found |= slice_eq(name, SLICE_LIT(AUTH_AUDIENCE));
    }
    return found;
}

static enum token_verdict check_audience(jwt_t *jwt)
{
    char *json = jwt_get_grants_json(jwt, "aud"); /* as long as a token at most */
    struct arena arena;
    struct json_doc doc;
    if (!json)
        return TOKEN_FOREIGN;
    arena_init(&arena, AUDIENCE_MAX);
    enum err e = json_parse(slice_cstr(json), &arena, &doc, NULL);
    enum token_verdict v = e == ERR_NOMEM                          ? TOKEN_NO_MEMORY
                           : e == OK && is_for_us(json_root(&doc)) ? TOKEN_GOOD
                                                                   : TOKEN_FOREIGN;
    arena_fini(&arena);
    free(json);
    return v;
}

/* Whatever a token says must be understood (RFC 7515, 4.1.11): we understand no extension. */
static bool demands_more(jwt_t *jwt)
{
    char *list = jwt_get_headers_json(jwt, "crit");
    free(list);
    return list != NULL;
}

static enum token_verdict check_times(jwt_t *jwt, int64_t now_s, int64_t *until_s)
{
    int64_t exp = -1, nbf = 0, iat = 0;
    if (!time_claim(jwt, "exp", &exp) || !time_claim(jwt, "nbf", &nbf) || !time_claim(jwt, "iat", &iat) || exp < 0)
        return TOKEN_UNCLEAR;
    *until_s = exp + AUTH_SKEW_S;
    if (now_s >= *until_s)
        return TOKEN_EXPIRED;
    return nbf > now_s + AUTH_SKEW_S || iat > now_s + AUTH_SKEW_S ? TOKEN_EARLY : TOKEN_GOOD;
}

static uint64_t client_of(enum principal_kind kind, struct slice sub, struct slice owner, struct slice token)
{
    char name[2 * CUSTOMER_ID_MAX + 2];
    if (sub.len == 0 || sub.len > CUSTOMER_ID_MAX) /* a dashboard that names nobody: each token by itself */
        return hash_bytes(token.ptr, token.len);
    name[0] = (char)kind;
    name[1] = (char)owner.len;
    if (owner.len > 0)
        memcpy(name + 2, owner.ptr, owner.len);
    memcpy(name + 2 + owner.len, sub.ptr, sub.len);
    return hash_bytes(name, 2 + owner.len + sub.len);
}

/* Who the agent is gives no right: where a token of somebody else's making says it in a way that is not for us, nothing is
 * known of the agent, and the token is as good as it was before agents had names. */
static void take_agent(jwt_t *jwt, struct slice sub, struct principal *p)
{
    struct slice name;
    if (!text_claim(jwt, "name", &name) || !principal_set_agent(p, sub, name))
        (void)principal_set_agent(p, sub, slice_of(NULL, 0));
}

static enum token_verdict check_role(jwt_t *jwt, struct slice token, struct principal *p)
{
    struct slice role, sub, owner;
    if (!text_claim(jwt, "role", &role) || !text_claim(jwt, "sub", &sub) || !text_claim(jwt, "owner", &owner))
        return TOKEN_UNCLEAR;
    bool good = false;
    if (slice_eq(role, SLICE_LIT("widget")))
        good = !owner.ptr && principal_set(p, PRINCIPAL_WIDGET, sub);
    else if (slice_eq(role, SLICE_LIT("dashboard")))
        /* An owner that is there but empty is a mistake of the issuer's, and must not mean "everything". */
        good = (!owner.ptr || owner.len > 0) && principal_set(p, PRINCIPAL_DASHBOARD, owner);
    if (!good)
        return TOKEN_UNCLEAR;
    if (p->kind == PRINCIPAL_WIDGET)
        sub = principal_id(p);
    else
        take_agent(jwt, sub, p);
    p->client = client_of((enum principal_kind)p->kind, sub, owner, token);
    return TOKEN_GOOD;
}

static enum token_verdict check_claims(jwt_t *jwt, struct slice token, int64_t now_s, struct principal *out)
{
    int64_t until_s = 0;
    if (jwt_get_alg(jwt) != JWT_ALG_HS256) /* signed by us, yet saying otherwise */
        return TOKEN_FORGED;
    if (demands_more(jwt))
        return TOKEN_CRITICAL;
    enum token_verdict v = check_audience(jwt);
    if (v == TOKEN_GOOD)
        v = check_times(jwt, now_s, &until_s);
    if (v == TOKEN_GOOD)
        v = check_role(jwt, token, out);
    out->until_s = until_s;
    return v;
}

static enum token_verdict read_claims(const struct key *key, struct slice token, int64_t now_s, struct principal *out)
{
    char text[AUTH_TOKEN_MAX + 1];
    jwt_t *jwt = NULL;
    memcpy(text, token.ptr, token.len);
    text[token.len] = '\0';
    int failed = jwt_decode(&jwt, text, key->bytes, (int)key->len);
    if (failed)
        return failed == ENOMEM ? TOKEN_NO_MEMORY : TOKEN_FORGED;
    enum token_verdict v = check_claims(jwt, token, now_s, out);
    jwt_free(jwt);
    return v;
}

enum token_verdict auth_verify(const struct auth *a, struct slice token, int64_t now_s, struct principal *out)
{
    size_t signed_len = 0;
    *out = (struct principal){0};
    if (!well_formed(token, &signed_len))
        return TOKEN_MALFORMED;
    struct slice head = slice_of(token.ptr, signed_len);
    enum token_verdict v = TOKEN_FORGED;
    for (unsigned i = 0; i < a->count; i++)
        if (signed_by(a, &a->keys[i], head, token.ptr + signed_len + 1)) {
            v = read_claims(&a->keys[i], token, now_s, out);
            out->key = a->keys[i].name;
            break;
        }
    if (v != TOKEN_GOOD)
        *out = (struct principal){0};
    return v;
}

/* ---- issuing ---- */

static bool add_text(jwt_t *jwt, const char *claim, struct slice text)
{
    char copy[CUSTOMER_ID_MAX + 1];
    _Static_assert(AGENT_NAME_MAX <= CUSTOMER_ID_MAX, "every text of a principal fits");
    if (text.len == 0)
        return true;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return jwt_add_grant(jwt, claim, copy) == 0;
}

static enum err add_claims(jwt_t *jwt, const struct principal *p, int64_t now_s, int64_t ttl_s)
{
    bool widget = p->kind == PRINCIPAL_WIDGET;
    bool good = jwt_add_grant(jwt, "aud", AUTH_AUDIENCE) == 0 &&
                jwt_add_grant(jwt, "role", widget ? "widget" : "dashboard") == 0 &&
                jwt_add_grant_int(jwt, "iat", (long)now_s) == 0 &&
                jwt_add_grant_int(jwt, "exp", (long)(now_s + ttl_s)) == 0 &&
                add_text(jwt, widget ? "sub" : "owner", principal_id(p)) &&
                add_text(jwt, "sub", principal_agent_id(p)) && add_text(jwt, "name", principal_agent_name(p));
    return good ? OK : ERR_NOMEM;
}

enum err auth_issue(const struct auth *a, const struct principal *p, int64_t now_s, int64_t ttl_s, struct buf *out)
{
    jwt_t *jwt = NULL;
    must(a->count > 0 && p->kind != PRINCIPAL_NONE);
    if (jwt_new(&jwt) != 0)
        return ERR_NOMEM;
    enum err e = add_claims(jwt, p, now_s, ttl_s);
    if (e == OK && jwt_set_alg(jwt, JWT_ALG_HS256, a->keys[0].bytes, (int)a->keys[0].len) != 0)
        e = ERR_NOMEM;
    char *text = e == OK ? jwt_encode_str(jwt) : NULL;
    if (text)
        buf_append_slice(out, slice_cstr(text));
    else
        e = ERR_NOMEM;
    free(text);
    jwt_free(jwt);
    return e == OK && !buf_ok(out) ? ERR_NOMEM : e;
}
