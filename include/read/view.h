/* view.h: one GET of stored data, whatever the route: what is asked (view_query) and the bytes that answer it.
 * A worker tries cache_serve() (cache.h), which never waits; where that says VIEW_LOAD the query travels in an
 * op to a reader, which runs view_build(): loads into the cache what is missing, composes, answers.
 * Thread:  view_build() on readers only. The structs are values; slices borrow from the op's arena.
 * Fails:   ERR_NOT_FOUND; ERR_STORE when the store cannot be asked; ERR_NOMEM. */
#pragma once
#include "access/scope.h"
#include "base/arena.h"
#include "base/blob.h"
#include "base/err.h"
#include "chat/model.h"

enum view {
    VIEW_POLL,      /* GET /api/users/{ident}/chats; since */
    VIEW_REFETCH,   /* GET /api/debug/users-chats; limit, owner, since */
    VIEW_CUSTOMERS, /* GET /api/users; skip, limit */
    VIEW_SEARCH,    /* the same with q, category or status */
    VIEW_CUSTOMER,  /* GET /api/users/{ident} */
    VIEW_CHATS,     /* GET /api/chats; email, skip, limit */
    VIEW_CHAT,      /* GET /api/chats/{ident} */
    VIEW_HISTORY,   /* GET /api/chats/{ident}/messages; before, limit */
    VIEW_AI,        /* GET /api/dashboard/chats/{ident}/ai-agent */
    VIEW_REPORT,    /* GET /api/reports/stats */
    VIEW_AGENT,     /* GET /api/agent/stats */
    VIEW_OVERVIEW,  /* GET /api/debug/database-overview */
    VIEW_COUNT
};

struct view_query {
    enum view view;
    struct slice ident;         /* percent-decoded: customer id or email, or chat id */
    struct slice owner;         /* listings: dashboard_user_id; empty = all */
    struct slice email;         /* VIEW_CHATS; empty = all */
    struct slice words;         /* VIEW_SEARCH: as it was asked; empty = any name… */
    struct slice category;      /* …any category… */
    struct slice status;        /* …any status */
    struct slice before;        /* VIEW_HISTORY: a message _id; empty = the newest */
    struct slice if_none_match; /* the header's value; empty = none */
    struct slice if_match;      /* the same; the API compares it with the answer's tag */
    struct scope scope;         /* views of one customer or chat: checked by scope_resolve() on a reader */
    struct scope viewer;        /* who asks; zeroed: one who may see everything. Decides on tags, cursors and sides */
    int64_t skip;
    int64_t limit;
    /* view_parse_cursor() sets these from the text of ?since= */
    bool has_since;
    int64_t since;       /* customers changed after this… */
    int64_t since_base;  /* …each with what is newer than this (0: than since) */
    int64_t since_upto;  /* the store lists: what was applied when it began */
    int64_t since_read;  /* and those in whose chats somebody read after this */
    uint32_t since_sign; /* whose, and of which process */
    char since_form;     /* 0: no signature */
    bool since_ours;     /* the views set it: of this process, and of this viewer */
};

/* A cursor is opaque to clients (cache_change.h has its text). Where an answer was cut ("more": true) it carries more, so that
 * the next page neither repeats customers nor loses what the later ones said before. What is none: has_since stays false,
 * which asks for the full answer. */
void view_parse_cursor(struct slice text, struct view_query *q);

enum view_result {
    VIEW_OK,           /* body and etag */
    VIEW_NOT_MODIFIED, /* etag only */
    VIEW_NOT_FOUND,    /* the message belongs to the route: "User not found" or "Chat not found" */
    VIEW_LOAD,         /* cache_serve() only: ask a reader */
    VIEW_FAILED        /* error says why */
};

#define ETAG_MAX 40

struct view_answer {
    enum view_result result;
    enum err error;
    struct blob *body; /* one reference, the holder's; NULL but for VIEW_OK */
    uint64_t question; /* what was asked and by whom, hashed: with a version it makes the tag… */
    uint64_t unmarked; /* …and, where it is not 0, with this one the second half of the tag */
    uint8_t etag_len;  /* 0 = this view has none */
    char etag[ETAG_MAX];
};

/* An answer has one tag in two forms: "…" of its body as it is, "…-gz" of the compressed one. Conditions take either. */
void view_packed_tag(struct view_answer *a);
bool view_is_tag(const struct view_answer *a, struct slice tag);

struct cache;
struct store_reader;
void view_build(struct store_reader *reader, struct cache *cache, const struct view_query *query, struct arena *arena,
                struct view_answer *answer);
