/* forge.h: tokens of any shape, made without libjwt: what an attacker, or another issuer, would send. */
#pragma once
#include "base/buf.h"

/* HEADER.CLAIMS.SIGNATURE; digest: "SHA256", "SHA512", … */
void forge(struct buf *out, const char *header, const char *claims, const char *digest, const char *key);
/* A key file in the directory for tests; its path. Removed by forge_clean(). */
const char *forge_key_file(const char *name, const void *bytes, size_t len, int mode);
void forge_clean(void);

#define KEY_A "key-a-0123456789abcdef0123456789abcdef"
#define KEY_B "key-b-0123456789abcdef0123456789abcdef"
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
