/* Strong ETags: 64 bits of a hash, under a key of this process, of the version, of all that was asked, and of who asked.
 * So a tag is worth nothing to another principal (a browser shows the bytes that it kept for a tag, whoever's they are),
 * it counts nothing, and none from before a restart matches. */
#include "cache_int.h"

#include "base/map.h"
#include "base/text.h"

#include <endian.h>

#define UNMARKED_HEX 8 /* the last digits of a tag of VIEW_CHAT */

static uint64_t hash_text(struct slice s)
{
    return s.len > 0 ? hash_bytes(s.ptr, s.len) : 0;
}

/* A version belongs to one customer, so the customer need not be hashed. Of its chats several share the version. */
static struct slice named_chat(const struct view_query *q)
{
    return q->view == VIEW_POLL || q->view == VIEW_CUSTOMER ? slice_of(NULL, 0) : q->ident;
}

void cache_question(const struct cache *c, const struct view_query *q, struct view_answer *out)
{
    /* Each text is hashed under a secret already: their sum tells them apart as well as a list of them would. */
    uint64_t texts = hash_text(named_chat(q)) + 3 * hash_text(q->owner) + 5 * hash_text(q->email) +
                     7 * hash_text(q->before) + 11 * hash_text(q->words) + 13 * hash_text(q->category) +
                     17 * hash_text(q->status);
    const uint64_t words[] = {(uint64_t)q->view << 8 | (uint64_t)q->viewer.kind,
                              hash_text(q->viewer.id),
                              texts,
                              (uint64_t)q->skip,
                              (uint64_t)q->limit,
                              (uint64_t)q->since,
                              (uint64_t)q->since_base,
                              (uint64_t)q->since_upto,
                              (uint64_t)q->since_read,
                              (uint64_t)q->since_sign << 8 | (uint8_t)q->since_form};
    out->question = siphash13(words, sizeof(words), c->tag_secret[0], c->tag_secret[1]);
}

static uint64_t version_hash(const struct cache *c, uint64_t question, uint64_t version, uint64_t part)
{
    const uint64_t words[] = {question, version, part};
    return htobe64(siphash13(words, sizeof(words), c->tag_secret[0], c->tag_secret[1]));
}

void cache_etag(const struct cache *c, uint64_t version, struct view_answer *out)
{
    char *at = out->etag;
    *at++ = '"';
    uint64_t hash = version_hash(c, out->question, version, 0);
    at = put_hex(at, &hash, sizeof(hash));
    if (out->unmarked != 0) {
        hash = version_hash(c, out->question, out->unmarked, 1);
        (void)put_hex(at - UNMARKED_HEX, &hash, UNMARKED_HEX / 2);
    }
    *at++ = '"';
    out->etag_len = (uint8_t)(at - out->etag);
}

/* ---- either form ---- */

#define TAG_HEX 16
#define PACKED  SLICE_LIT("-gz\"")

void view_packed_tag(struct view_answer *a)
{
    if (a->etag_len > 0)
        a->etag_len = (uint8_t)(slice_put(a->etag + 1 + TAG_HEX, PACKED) - a->etag);
}

bool view_is_tag(const struct view_answer *a, struct slice tag)
{
    if (a->etag_len == 0 || !slice_starts(tag, slice_of(a->etag, 1 + TAG_HEX)))
        return false;
    struct slice end = slice_of(tag.ptr + 1 + TAG_HEX, tag.len - 1 - TAG_HEX);
    return slice_eq(end, SLICE_LIT("\"")) || slice_eq(end, PACKED);
}

/* `part`, the end of a tag's digits, is in a list of entity tags, with what ends a tag behind it. A tag of ours has no quote
 * inside, so where it is found like that it is an element of the list. */
static bool is_listed(struct slice list, struct slice part, bool *packed)
{
    const char *at;
    while (list.len > 0 && (at = memmem(list.ptr, list.len, part.ptr, part.len)) != NULL) {
        list = slice_of(at + part.len, list.len - (size_t)(at - list.ptr) - part.len);
        *packed = slice_starts(list, PACKED);
        if (*packed || slice_starts(list, SLICE_LIT("\"")))
            return true;
    }
    return false;
}

/* A list of entity tags, as below: is one of them like the answer's, but perhaps for what has been read since? */
bool etag_matches_unmarked(struct slice tags, const struct view_answer *answer)
{
    bool packed;
    return slice_eq(slice_trim(tags, " \t"), SLICE_LIT("*")) ||
           is_listed(tags, slice_of(answer->etag + 1 + TAG_HEX - UNMARKED_HEX, UNMARKED_HEX), &packed);
}

/* If-None-Match: a list of entity tags, weak ones alike, or "*". The answer's tag becomes the one that matched: it is what the
 * client has. */
bool etag_matches(struct slice if_none_match, struct view_answer *answer)
{
    bool packed = false;
    if (if_none_match.len == 0 || answer->etag_len == 0)
        return false;
    if (slice_eq(if_none_match, slice_of(answer->etag, answer->etag_len))) /* nearly always: one tag, and ours */
        return true;
    if (slice_eq(slice_trim(if_none_match, " \t"), SLICE_LIT("*")))
        return true;
    if (!is_listed(if_none_match, slice_of(answer->etag, 1 + TAG_HEX), &packed))
        return false;
    if (packed)
        view_packed_tag(answer);
    return true;
}
