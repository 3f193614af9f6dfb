/* json_in.h: JSON text (RFC 8259) to typed values, by reference into the text.
 * Thread:  none of its own; a doc belongs to whoever holds it and may be read by one thread at a time
 *          (json_string() may allocate from the doc's arena).
 * Owns:    nothing: tokens and decoded strings live in the caller's arena, the rest points into the text.
 *          A value is valid as long as the text, the doc and the arena are.
 * Accepts: exactly RFC 8259: any value at the top, well-formed UTF-8, a byte order mark before it; nothing after it.
 *          Half of a surrogate pair reads as U+FFFD (json_is_paired()). Equal keys: the last one counts for json_get().
 * Fails:   ERR_INVALID with a reason and its offset; ERR_TOO_LARGE past the depth limit or 2 GiB;
 *          ERR_NOMEM when the arena is full (at most 10 bytes of tokens per byte of text). */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 32 /* nesting that json_parse() accepts */

enum json_type { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node;
struct json_doc {
    struct slice text;
    const struct json_node *nodes; /* in text order; node 0 is the root */
    uint32_t count;
    bool unpaired; /* some string in it holds half of a surrogate pair */
    struct arena *arena;
};

/* A handle, passed by value. All zero = absent: every getter accepts it. */
struct json_value {
    const struct json_doc *doc;
    uint32_t at;
};

struct json_error {
    const char *reason; /* "Expecting value", "Invalid control character", …; constant text */
    size_t at;          /* byte offset in the text */
};

/* why may be NULL. The doc's address must stay the same while values of it are in use. */
NODISCARD enum err json_parse(struct slice text, struct arena *a, struct json_doc *doc, struct json_error *why);
/* Appends "Expecting value: line 1 column 1 (char 0)". Columns and chars count characters, not bytes. */
void json_error_text(struct buf *out, struct slice text, const struct json_error *why);

struct json_value json_root(const struct json_doc *doc);
enum json_type json_type(struct json_value v);
/* The last member of that name, or absent (also when v is not an object). key is the decoded name. */
struct json_value json_get(struct json_value v, struct slice key);
size_t json_count(struct json_value v); /* members or elements; 0 for the rest */

/* False: a string in it (keys too) holds half of a surrogate pair, so that two that differ may read alike. */
bool json_is_paired(struct json_value v);
/* The source text of the value, quotes and all: for storing or echoing it as it came. */
struct slice json_raw(struct json_value v);
/* ERR_INVALID where the value is of another type. Strings point into the text unless they hold escapes. */
NODISCARD enum err json_string(struct json_value v, struct slice *out);
NODISCARD enum err json_bool(struct json_value v, bool *out);
/* Whole numbers, also written 1.0 or 1e2. ERR_INVALID: has a fraction; ERR_TOO_LARGE: outside int64. */
NODISCARD enum err json_i64(struct json_value v, int64_t *out);
NODISCARD enum err json_double(struct json_value v, double *out); /* ERR_TOO_LARGE: overflows to infinity */

/* Members or elements in text order (equal keys each come):
 *     for (struct json_iter it = json_iter(v); json_next(&it, &key, &value);) … */
struct json_iter {
    const struct json_doc *doc;
    uint32_t at, end;
    bool object;
};
struct json_iter json_iter(struct json_value v);                                        /* nothing for scalars */
bool json_next(struct json_iter *it, struct json_value *key, struct json_value *value); /* key absent in arrays */
