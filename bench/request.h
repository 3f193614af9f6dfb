/* request.h: requests as ready-made bytes around the few that differ, so that building one is a handful of memcpy.
 * Thread:  made before the run by one thread, then read only.
 * Owns:    its bytes, until template_fini(). */
#pragma once
#include "load.h"

#define MARK_LEN 16 /* "bn-PPPP-SSSSSSSS": publisher and sequence in hex; travels in the message's role */

struct template
{
    struct text before, middle, after;
    size_t number_at; /* offset in `middle` of 16 hex digits that make each message's content differ; 0: none */
};

void template_fini(struct template *t);

/* POST /api/users/chats/<id>/send: before <id> middle <role> after. */
void template_send(struct template *t, const struct options *o, bool marked);
size_t template_build_send(const struct template *t, const char *chat_id, const char *mark, uint64_t number, char *out);

/* GET <prefix><key><suffix>, with If-None-Match where etag_len is not 0: before <key> middle [etag] after. */
void template_get(struct template *t, const struct options *o, const char *prefix, const char *suffix);
size_t template_build_get(const struct template *t, const char *key, size_t key_len, const char *etag, size_t etag_len,
                          char *out);

/* POST <path> with this body; JSON. */
void template_post(struct text *out, const struct options *o, const char *path, const char *body, size_t body_len);

void mark_write(char out[static MARK_LEN], uint32_t publisher, uint32_t sequence);
/* Finds the next mark in text[*at…len), moves *at past it. false: none. */
bool mark_find(const char *text, size_t len, size_t *at, uint32_t *publisher, uint32_t *sequence);
