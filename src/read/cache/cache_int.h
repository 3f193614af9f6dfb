/* cache_int.h: the cache's tables, shared by the cache_*.c files and by the views.
 * Thread:  every field of struct cache, customer_entry and chat_entry under cache.lock, but for those marked otherwise. Functions
 *          marked [lock] are called with it held and never wait; [writer], [reader] as in cache.h.
 * States of a customer:
 *          KNOWN    ids of the customer and its chats: what the writer needs, and the version, so that 304 needs no load
 *          LOADING  one reader asks the store; appends meanwhile are recorded in histories that are not complete
 *          LOADED   content holds every chat whole; reads are answered from memory
 *          Born LOADED: a customer created by this process. LOADED → KNOWN: evicted, or found incomplete.
 * Order:   `order` holds the most recently active customers, a complete prefix of all of them: the writer moves to
 *          its front, and only its tail leaves it, never below ORDER_MIN. So it is also the order of last change, as
 *          far back as changes_floor: who changed after that is at the front, newest first. (A change that comes late
 *          brings its customer to the front too, before others whose activity is a little newer.) */
#pragma once
#include "cache_chain.h"
#include "cache_history.h"
#include "read/cache.h"
#include <pthread.h>

#define ENTRY_ID_MAX   1024 /* bytes of a chat's or a customer's id: existing data has long ones */
#define ORDER_MIN      1000
#define KEPT_MAX       8
#define KEPT_OWNER_MAX 512
#define NAME_SLOTS     1024
#define MARKED_MAX     2000 /* customers whose last mark is told to who asks by a cursor */

enum index_kind { INDEX_NONE, INDEX_CUSTOMER, INDEX_NAME, INDEX_CHAT, INDEX_OWNER };

/* What the index has of an entry: embedded in it, and the text that it is found by is the entry's own. */
struct index_node {
    struct index_node *next;
    uint32_t hash;
    uint8_t kind; /* INDEX_NONE: not in the index */
};

/* Who customers belong to (dashboard_user_id): what an owner-bound dashboard's tags and cursors move with. One entry for all
 * customers of the same owner that are in memory; goes with the last of them, unless somebody asked for its listings. */
struct owner_entry {
    struct index_node by_id;
    struct owner_entry *next_asked; /* while asked */
    uint32_t customers;
    bool asked;
    uint64_t version;     /* of the last change of anything of its customers */
    int64_t newest;       /* stamp of the last such change that is known here */
    int64_t marked;       /* stamp of the last mark in a chat of its customers */
    int64_t known_from;   /* every change after this stamp is known here: one before `newest` may not be */
    int64_t learned_at;   /* what of nobody knows whom has a stamp up to this one was looked at: see owner_learn() */
    int64_t learned_from; /* …and no customer of the owner had changed after this one */
    uint16_t id_len;
    char id[];
};

/* What else than its id names a customer: an answer of the store (cache_names.c). */
struct name {
    struct index_node node;
    struct customer_entry *customer;
    struct name *next; /* of the same customer */
    int64_t learned;   /* names_clock then */
    uint16_t len;
    char text[];
};

enum customer_state { CUSTOMER_KNOWN, CUSTOMER_LOADING, CUSTOMER_LOADED };

enum lru_list { LRU_NONE, LRU_LOADED, LRU_EXPENDABLE };

struct chat_entry {
    struct index_node by_id;
    struct customer_entry *customer;
    struct chat_entry *next; /* of the same customer, oldest first */
    struct history *history; /* in customer->content; NULL when the customer is KNOWN */
    int64_t key;             /* the store's, of the row; 0: it has none, or it is not known */
    int64_t row_rev;         /* of the row's last change known here, and… */
    int64_t last_rev;        /* …of its last message: what a load must have seen */
    int64_t marks[2];        /* by enum chat_side: how far that side has read, as far as it is known here */
    uint8_t flags;           /* enum chat_flag */
    bool marks_known;        /* the store's, too: it was loaded, or made, since it is here */
    bool at_begin;           /* LOADING: the entry existed when the load began */
    bool found;              /* in cache_acquire.c, while a load is installed: the chat is among what was loaded */
    uint16_t id_len;
    char id[];
};

struct customer_entry {
    struct index_node by_id;
    struct name *names; /* what else the store says that it is called */
    struct chain_node order, lru;
    struct chain_node marks; /* in cache.marked, or nowhere */
    struct chain_node doubt; /* in cache.doubted, or nowhere */
    struct chat_entry *first, *last;
    struct content *content;
    struct blob *opening; /* render_customer_opening(), then render_poll_opening() from poll_at on; with content only */
    struct blob *body;    /* the whole poll answer of `version`, to whoever asks the question `asked`; or NULL */
    uint64_t asked;
    struct owner_entry *owner; /* NULL: not known */
    char *self;                /* what it may call itself: address, reference, claimed address; NULL: not known */
    uint64_t version;
    uint64_t unmarked; /* of the last change that was no mark */
    int64_t key;       /* as a chat's */
    int64_t row_rev;   /* of the row's last change known here */
    int64_t change;    /* stamp of the last change in this process that a list shows; 0: none */
    int64_t newest;    /* stamp of the last change of anything of it, as far as it is known here; LOADED: of all */
    int64_t late;      /* the last stamp of it that may be above its change's rev… */
    int64_t lag_us;    /* …and by how much any of its stamps may be, at most */
    int64_t marked;    /* stamp of the last mark in one of its chats; 0: none */
    int64_t last_seen_us;
    uint32_t chat_count;
    uint32_t poll_at;
    uint16_t email_len, ref_len, claim_len; /* in self */
    uint8_t state;                          /* enum customer_state */
    uint8_t lru_in;                         /* enum lru_list: the chain that `lru` is in */
    bool load_void;                         /* LOADING: an append was lost, what is loaded must not be installed */
    bool has_row; /* the store has shown it; a chat's link alone does not say that there is one */
    uint16_t id_len;
    char id[];
};

/* A composed listing (cache_kept.c), by the question that it answers: what is asked and who asks, hashed (cache_tag.c). */
struct kept_list {
    pthread_mutex_t composing; /* taken before cache.lock, by readers: one composes, the others wait and share */
    uint64_t question;         /* 0: the slot is free */
    uint64_t version;
    uint64_t last_use;
    struct blob *body; /* NULL: evicted, or not composed yet */
    size_t owner_len;
    char owner[KEPT_OWNER_MAX]; /* whose customers it shows; empty: all */
};

#define TOTALS_COUNT (sizeof(struct totals) / sizeof(int64_t))

struct cache {
    pthread_mutex_t lock;
    pthread_cond_t load_done; /* with lock: some load ended */
    /* any thread; two of them, since entries live long and contents do not: mixed they would leave holes */
    struct slab entry_memory;
    struct slab content_memory; /* openings too */
    struct slab packed_memory;  /* the other forms of bodies */
    /* set before threads start */
    size_t max_bytes;
    bool enabled;
    bool shared; /* as cache_options has them */
    int64_t overlap_us;
    atomic_bool open; /* released once tag, totals and start_rev are set: who sees it true sees them */
    uint8_t tag[5];
    uint64_t tag_secret[2]; /* of this process: see cache_tag.c */
    int64_t start_rev;
    struct index_node **buckets;
    uint32_t bucket_mask;
    /* [lock] */
    uint64_t version;       /* the counter; never given twice */
    uint64_t inbox_version; /* of the last change of anything */
    int64_t change;         /* the highest stamp given, or rev loaded: the next stamp is above it */
    int64_t applied;        /* the last stamp given: what a listing has told */
    int64_t stamped_rev;    /* that has the last stamp for its own, while the events of a stride are applied; else 0 */
    int64_t late;           /* the last stamp above its change's rev… */
    int64_t lag_us;         /* …and the most that any was */
    int64_t marked_at;      /* the last stamp of a mark, a sequence of its own */
    int64_t changes_floor;  /* whoever has a stamp above it is in order */
    struct owner_entry *asked; /* those that stay without customers */
    unsigned asked_count;
    uint64_t gone_version; /* when an owner's entry was last dropped */
    uint64_t
        unowned_version;   /* of the last change of a customer whose owner is not known: it counts as every owner's */
    int64_t unowned_stamp; /* of the same */
    struct chain order;
    struct chain loaded;           /* LOADED customers by last use */
    struct chain expendable;       /* KNOWN and not in order: the first entries to be evicted */
    struct chain marked;           /* the MARKED_MAX customers with the last marks, newest first */
    struct chain doubted;          /* whom a write in doubt concerns */
    int64_t doubt_from, doubt_rev; /* the lowest and the highest in doubt; 0: none */
    int64_t recovered_us;          /* wall: when the last doubts ended */
    bool doubt_cold;               /* somebody who is not in memory is in doubt too */
    bool doubt_all;                /* everything is */
    bool order_all;                /* order holds every customer there is */
    uint64_t order_cuts;
    size_t customers, chats;
    size_t entry_bytes, content_bytes, kept_bytes;
    uint64_t kept_clock;
    int64_t names_clock, names_floor;  /* of the last change of what texts mean; of one that may concern all */
    int64_t names_changed[NAME_SLOTS]; /* of the last that concerns a text of this hash */
    struct kept_list kept[KEPT_MAX];
    struct content *garbage; /* to be dropped after the lock is released */
    struct {
        size_t bytes, customers, chats; /* what the gauges say */
    } reported;
    /* atomic: the writer writes, anyone reads */
    _Atomic int64_t totals[TOTALS_COUNT];
    /* the writer's own */
    struct buf scratch;
};

#define entry_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* cache.c */
void cache_lock(struct cache *c);
void cache_unlock(struct cache *c); /* then frees what was evicted, and keeps the gauges */

/* cache_tag.c, any thread */
void cache_question(const struct cache *c, const struct view_query *q, struct view_answer *out);
void cache_etag(const struct cache *c, uint64_t version, struct view_answer *out); /* after cache_question() */
bool etag_matches(struct slice if_none_match, struct view_answer *answer);
bool etag_matches_unmarked(struct slice tags, const struct view_answer *answer);

/* cache_index.c [lock] */
void *entry_new(struct cache *c, size_t bytes); /* zeroed, out of the memory for entries */
void entry_free(struct cache *c, void *entry, size_t bytes);
NODISCARD enum err index_init(struct cache *c);
uint32_t index_hash(struct slice text); /* any thread */
struct chat_entry *index_chat(const struct cache *c, struct slice id, uint32_t hash);
struct customer_entry *index_customer(const struct cache *c, struct slice id, uint32_t hash);
struct index_node *index_find(const struct cache *c, enum index_kind kind, struct slice text, uint32_t hash);
void index_add(struct cache *c, struct index_node *node, enum index_kind kind, uint32_t hash);
void index_remove(struct cache *c, struct index_node *node);

/* cache_names.c [lock] */
/* Whom the store would name (store/ident.h), where that is known here; NULL: the store must be asked. hash: of ident. */
struct customer_entry *names_customer(const struct cache *c, struct slice ident, uint32_t hash);
/* The store says, asked when names_clock was `asked`, that text means u. Not kept if that may have changed since. */
void names_learn(struct cache *c, struct customer_entry *u, struct slice text, int64_t asked);
/* Whom this text means, in any spelling, may have changed. */
void names_forget_text(struct cache *c, struct slice text);
void names_forget_all(struct cache *c); /* the same of every text */
void names_forget_customer(struct cache *c, struct customer_entry *u);

/* cache_customer.c [lock] */
struct customer_entry *customer_get(struct cache *c, struct slice id); /* finds or makes it, KNOWN; NULL: no memory */
struct chat_entry *chat_get(struct cache *c, struct customer_entry *u, struct slice id, uint32_t hash, int64_t key);
void chat_forget(struct cache *c, struct chat_entry *chat); /* unlinks and frees */
/* Takes the row if it is at least as new. opening: a reference, taken; NULL where not rendered. */
void customer_set_row(struct cache *c, struct customer_entry *u, const struct customer *row, struct blob *opening,
                      uint32_t poll_at);
struct blob *customer_render_opening(struct slab *memory, const struct customer *row,
                                     uint32_t *poll_at);             /* any thread */
bool customer_bear(struct cache *c, struct customer_entry *u);       /* KNOWN and just created: LOADED with no chats */
void customer_forget_row(struct cache *c, struct customer_entry *u); /* what it is called is not known any more */
void customer_unload(struct cache *c, struct customer_entry *u);
/* Takes a reference of its own. asked: the question that the body answers. */
void customer_keep_body(struct cache *c, struct customer_entry *u, struct blob *body, uint64_t asked);
void customer_touch(struct cache *c, struct customer_entry *u);
void customer_relist(struct cache *c, struct customer_entry *u); /* into the lists that its state asks for */
void customer_free(struct cache *c, struct customer_entry *u);
void customer_leave_order(struct cache *c, struct customer_entry *u);
/* A change of that rev is applied: a new version, and a stamp. active: lists show it, and order the customer by it. */
void customer_changed(struct cache *c, struct customer_entry *u, int64_t rev, bool active);
void customer_lags(struct cache *c, struct customer_entry *u,
                   int64_t lowest); /* that change was of revs down to this one */

/* A side has read further in that chat: a new version of its customer, and no change. */
void chat_marked(struct cache *c, struct chat_entry *chat, int64_t rev);

/* cache_owner.c [lock] */
void owners_fini(struct cache *c);
/* The customer is that owner's, as the store says. Without memory it is not known whose it is. */
void owner_set(struct cache *c, struct customer_entry *u, struct slice owner);
void owner_forget(struct cache *c, struct customer_entry *u);
void owner_changed(struct cache *c, struct customer_entry *u, int64_t stamp); /* u->version is new */
void owner_renewed(struct cache *c, struct customer_entry *u);                /* the same, and it is no change */
int64_t owner_marked(const struct cache *c, struct slice owner);              /* stamp of the last mark known here */
void owner_unowned(struct cache *c, int64_t stamp);                           /* a change of nobody knows whom */
/* What a listing's tag and kept body go by: the owner's last change where it shows one owner's customers. */
uint64_t list_version(const struct cache *c, struct slice owner);
bool owner_unchanged(const struct cache *c, struct slice owner, int64_t since); /* false: changed, or not known */
/* The stamp of the owner's last change, where all up to `told` was told. 0: it is a later one, or not known. */
int64_t owner_newest(const struct cache *c, struct slice owner, int64_t told);
/* What was found when all up to the stamp asked_at was known: no customer of the owner changed after `newest`. all_told: that
 * was found by changes; a list by activity may have left out who came late. */
void owner_learn(struct cache *c, struct slice owner, int64_t asked_at, int64_t newest, bool all_told);
static inline struct slice customer_owner(const struct customer_entry *u)
{
    return u->owner ? slice_of(u->owner->id, u->owner->id_len) : slice_of(NULL, 0);
}

/* cache_scope.c [lock] chat: the one that is asked about, or NULL */
enum sight chat_sight(const struct cache *c, const struct chat_entry *chat, const struct scope *s);

/* cache_kept.c [lock] */
struct kept_list *kept_find(struct cache *c, uint64_t question);
/* Finds, or takes the least used slot. NULL: the owner is too long to be kept. */
struct kept_list *kept_pick(struct cache *c, uint64_t question, struct slice owner);
void kept_put(struct cache *c, struct kept_list *v, struct blob *body, uint64_t version);
bool kept_drop(struct cache *c, bool only_stale); /* one body; false: there is none */

/* cache_warm.c: [lock] Rows of the most recently active customers, as the store has them, behind those known here.
 * complete: the store has no more. cuts: order_cuts before the store was asked. */
void order_extend(struct cache *c, const struct customer *rows, size_t count, bool complete, uint64_t cuts);

/* cache_evict.c [lock] */
void cache_evict(struct cache *c, unsigned max_steps);
/* A change, or several of these revs, cannot be recorded. For want of memory: everything goes, and loads that run end void.
 * Because somebody changed who is not in memory: the order goes, what is loaded stays. */
void cache_forget_all(struct cache *c, int64_t lowest, int64_t highest);
void cache_forget_order(struct cache *c, int64_t lowest, int64_t highest);
static inline size_t cache_bytes(const struct cache *c)
{
    return c->entry_bytes + c->content_bytes + c->kept_bytes +
           atomic_load_explicit(&c->packed_memory.used, memory_order_relaxed);
}
