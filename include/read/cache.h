/* cache.h: what makes polls and refetches free: per customer and chat the rendered JSON, in memory, with versions.
 * Thread:  cache_take, cache_link [writer]; cache_serve, cache_inbox_counts [any thread, never waits on I/O];
 *          cache_load_customer [readers]. One mutex guards the tables; it is held for lookups and reference counting only,
 *          never while bytes are copied for a body or a store is asked.
 * Owns:    its entries; bodies are blobs shared by reference; message bytes are append-only chunks whose
 *          published length never shrinks, so a body is composed from a snapshot without the lock.
 * Bounded: --cache-mb for what is in use, and cache_idle_most() for what its memory holds beyond that. The customers used
 *          longest ago lose their messages first (M_CACHE_EVICTED), then their entry. A miss costs one reader op.
 * Stale data is never served as fresh: the writer calls cache_take after the commit and before any completion,
 * so whoever sees an answer or a notice can already read the message here.
 * Versions: one counter for the whole cache; an entry's version is the counter at its last change or mark, or when it was made, the
 *          inbox's that of the last change at all. A tag hides it (cache_tag.c). Cursors are made of another sequence,
 *          which no load moves (cache_change.h). */
#pragma once
#include "chat/event.h"
#include "read/view.h"
#include "store/store.h"

struct cache_options {
    size_t max_bytes;
    uint8_t tag[5];       /* store identity: for message ids */
    struct totals totals; /* from the store at start */
    int64_t max_rev;
    bool later;         /* tag, totals and max_rev come by cache_begin(): the store was away at start */
    bool shared;        /* other processes write to this store too: see cache_change.h */
    int64_t overlap_us; /* how much later than its rev a change may become durable, or be heard of, at most */
    bool enabled;       /* false: bypassed (other nodes write and the bus is down): everything is VIEW_LOAD */
};

/* The most memory that is held and not in use, apart from what one batch adds: what is evicted leaves its place to the next
 * object of its size. The two MiB are pages that are kept ready or have only begun to fill. */
static inline int64_t cache_idle_most(int64_t max_bytes)
{
    return max_bytes / 16 + (INT64_C(2) << 20);
}

struct cache *cache_new(const struct cache_options *options);
void cache_free(struct cache *c);

/* For the other forms of bodies (blob_packed()): counted with the rest of memory. */
struct slab *cache_packed_memory(struct cache *c);

/* Where the store was away at start: until cache_open() everything is VIEW_LOAD, and readers refuse.
 * cache_begin() before the writer's first batch, then cache_warm(), then cache_open(), all on one thread. */
void cache_begin(struct cache *c, const struct cache_options *identity);
void cache_open(struct cache *c);
void cache_close(struct cache *c);         /* as before it was opened: what is in it is not true any more. Any thread */
bool cache_is_open(const struct cache *c); /* any thread */

/* [writer] */
bool cache_link(void *cache, struct slice chat_id, struct arena *a, struct chat_link *out);
/* A sink of events (chat/event.h). Those with a message or a row [writer]; without, any thread. */
void cache_take(void *cache, const struct event *events, size_t count);

/* [any] Answers from memory or says VIEW_LOAD. */
void cache_serve(struct cache *c, const struct view_query *query, struct view_answer *out);
void cache_inbox_counts(struct cache *c, int64_t out[INBOX_COUNT]);
void cache_totals(struct cache *c, struct totals *out);
/* Nothing that the viewer may see (of that chat's customer, where one is given) changed, or was read, after the cursor. False
 * where memory does not know. */
bool cache_up_to_date(struct cache *c, const struct scope *viewer, struct slice chat_id, struct slice cursor);

/* Whose something is, as far as memory knows. */
enum sight { SIGHT_NO, SIGHT_YES, SIGHT_UNKNOWN /* not in memory: ask the store */ };
/* A customer's own scope is answered from that customer's entry alone: so the answer and the time that it takes are the
 * same whether what is asked for is another's or does not exist. */
enum sight cache_sees_chat(struct cache *c, struct slice chat_id, const struct scope *s);
/* ident: id, reference or address. SIGHT_YES: *user_id is the customer's id, in the arena (ptr NULL: no memory). */
enum sight cache_sees_customer(struct cache *c, struct slice ident, const struct scope *s, struct arena *a,
                               struct slice *customer_id);

/* The same of one who is named by id and in no other way. */
enum sight cache_sees_customer_id(struct cache *c, struct slice customer_id, const struct scope *s);

/* [any] The owner of a customer, into room, which is *len bytes. 0: it has none, or one of a longer id. False: memory does not
 * know. */
bool cache_owner_of(struct cache *c, struct slice customer_id, char room[static CUSTOMER_ID_MAX], size_t *len);

/* What a side says that it has read. */
enum mark_answer {
    MARK_FURTHER,   /* *mark is to be written */
    MARK_OLD,       /* it has read that far already: nothing to do */
    MARK_NO_CHAT,   /* memory knows no such chat that the scope may see, or not how far it is read */
    MARK_NO_MESSAGE /* there is no such message in it, as far as memory knows */
};
/* [any] */
enum mark_answer cache_mark(struct cache *c, struct slice chat_id, const struct scope *s, enum chat_side side,
                            struct slice message_id, int64_t *mark);
/* [any] For If-Match: is that tag (or "*") one that VIEW_CHAT gave the asker, with nothing changed since but what has been read?
 * Reading goes on in every open chat, and is nobody's being faster. Weak ones alike: a proxy that compresses makes them so.
 * *row_rev: of the chat's row then, for change_chat.expected_rev. False too where memory does not know the chat: its tags are
 * gone with it. */
bool cache_chat_matches(struct cache *c, const struct view_query *query, struct slice if_match, int64_t *row_rev);

/* [readers] A customer comes into memory with its chats, as a poll would bring it, where there is memory and room. */
NODISCARD enum err cache_load_customer(struct cache *c, struct store_reader *reader, struct slice id);

/* [main at start] Loads the most recently active customers (rows at least for `users` of them, messages while
 * there is room), so that the first refetch is warm and the order of activity is known. */
NODISCARD enum err cache_warm(struct cache *c, struct store_reader *reader, int64_t customers);
