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

/* A list of entity tags, as below: is one of them like the answer's, but perhaps for what has been read since? */
bool etag_matches_unmarked(struct slice tags, const struct view_answer *answer)
{
    struct slice value = slice_trim(tags, " \t");
    const char *half = answer->etag + answer->etag_len - 1 - UNMARKED_HEX;
    return slice_eq(value, SLICE_LIT("*")) ||
           (value.len > 0 && memmem(value.ptr, value.len, half, UNMARKED_HEX + 1) != NULL);
}

/* If-None-Match: a list of entity tags, weak ones alike, or "*". A tag of ours has no quote inside, so where it is found with
 * its quotes it is an element of the list. */
bool etag_matches(struct slice if_none_match, const struct view_answer *answer)
{
    if (if_none_match.len == 0 || answer->etag_len == 0)
        return false;
    if (slice_eq(if_none_match, slice_of(answer->etag, answer->etag_len))) /* nearly always: one tag, and ours */
        return true;
    struct slice value = slice_trim(if_none_match, " \t");
    return slice_eq(value, SLICE_LIT("*")) || memmem(value.ptr, value.len, answer->etag, answer->etag_len) != NULL;
}
