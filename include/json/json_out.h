/* json_out.h: writes JSON onto a buf. What comes out is valid for any bytes that go in.
 * Thread:  none of its own.
 * Owns:    nothing.
 * Fails:   never at the call; lack of memory shows in buf_ok() as with every append.
 * Escapes: quote, backslash, U+0000–U+001F, U+2028 and U+2029; each byte that is not part of well-formed
 *          UTF-8 becomes U+FFFD. '<' and '/' stay as they are: the output is application/json, never HTML. */
#pragma once
#include "base/buf.h"

void json_out_string(struct buf *b, struct slice s);  /* with quotes */
void json_out_escaped(struct buf *b, struct slice s); /* without quotes */
void json_out_i64(struct buf *b, int64_t value);
void json_out_double(struct buf *b, double value); /* shortest that reads back the same; NaN and infinity: null */
void json_out_bool(struct buf *b, bool value);
void json_out_null(struct buf *b);

/* Puts a comma unless the last byte opens an object or array (or nothing is there yet): a value's last byte
 * is never '{' or '['. So members need no "first" flag. */
void json_out_comma(struct buf *b);
/* Comma if needed, then "key": . The key is plain text of ours: written without escaping. */
void json_out_key(struct buf *b, struct slice key);

/* Whole members: comma if needed, "key":value. */
void json_out_member_string(struct buf *b, const char *key, struct slice value);
void json_out_member_i64(struct buf *b, const char *key, int64_t value);
void json_out_member_null(struct buf *b, const char *key);
void json_out_member_raw(struct buf *b, const char *key, struct slice json);

#define json_out_key_lit(b, key) json_out_key((b), SLICE_LIT(key))
