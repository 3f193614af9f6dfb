/* id.h: ids that cannot collide.
 * Thread:  any (getrandom buffered per thread; fork is not supported).
 * Fails:   no entropy at start ends the process (must()). */
#pragma once
#include "base/buf.h"

#define UUID_LEN  36
#define OID_BYTES 12
#define OID_LEN   24

void random_bytes(void *out, size_t len);
void uuid_v4(char out[static UUID_LEN]); /* lower-case text, RFC 9562 version 4, no NUL */
/* The same form around 16 bytes that were chosen otherwise. */
void uuid_of(const uint8_t bytes[static 16], char out[static UUID_LEN]);

/* MongoDB's ObjectId layout: 4 bytes seconds, 5 bytes random, 3 bytes counter, all big-endian. */
struct oid {
    uint8_t bytes[OID_BYTES];
};

void oid_new(struct oid *out);                                   /* now, this process's random, its counter */
void oid_format(const struct oid *id, char out[static OID_LEN]); /* lower-case hex, no NUL */
bool oid_parse(struct slice hex, struct oid *out);               /* exactly 24 hex digits */

/* A message's id and its revision are one thing: rev is microseconds since 1970, strictly increasing per
 * store (the writer sees to it); the id packs rev as seconds (4) | tag (5) | microseconds (3), so ids sort
 * in commit order and rev can be read back. */
struct oid oid_from_rev(int64_t rev, const uint8_t tag[static 5]);
int64_t oid_to_rev(const struct oid *id); /* seconds * 1e6 + min(counter, 999999) */
