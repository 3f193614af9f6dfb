/* store.h: the interface that both stores fulfil; one conformance suite runs against each.
 * Thread:  store_open/close from main. Functions of struct store_vtable marked [writer] on the writer thread
 *          only; a struct store_reader on one thread, to which whoever opened it may hand it; health() from any thread.
 * Owns:    a store owns its connections. Results are copied into the caller's arena or given to a sink whose
 *          slices are valid during the call only.
 * Blocks:  on the database; never called from workers or broadcasters.
 * Fails:   [writer] sorted into what is to be done about it. ERR_STORE: the database failed or is away, the result may
 *          be unclear, and a batch may be tried again as it is. ERR_REFUSED (what the op holds cannot be stored),
 *          ERR_CONFLICT (a rule of the operator's own, such as a unique index, forbids it), ERR_TOO_LARGE and ERR_FAILED
 *          (it answered that it could not, in words not known here): the database is there, and one op is at fault: it
 *          alone is answered. Readers: ERR_STORE for all of these. Besides ERR_NOT_FOUND; ERR_NOMEM; ERR_EXISTS. The log
 *          has the database's own words, without the values. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "chat/model.h"
#include "chat/words.h"
#include "store/settings.h"

struct store {
    const struct store_vtable *vtable; /* first member of each store's own struct */
};

struct store_reader {
    const struct store_vtable *vtable;
    struct store *store;
};

/* By what a customer is looked up. NAME: by id, else by reference. EMAIL: who has it exactly so, else who has one that
 * compares equal (chat/email.h); of several the first. Which of them a text means: store/ident.h. */
enum customer_by {
    CUSTOMER_BY_ID = 1,
    CUSTOMER_BY_REF = 2,
    CUSTOMER_BY_NAME = CUSTOMER_BY_ID | CUSTOMER_BY_REF,
    CUSTOMER_BY_EMAIL = 4
};

/* Where rows of a load go, in this order: customer, then for each of its chats (oldest first) chat, then its
 * messages in history order. Returning an error ends the load with it. Slices live during the call only. */
struct load_sink {
    enum err (*customer)(void *arg, const struct customer *customer);
    enum err (*chat)(void *arg, const struct chat *chat);
    enum err (*message)(void *arg, const struct message *message);
    void *arg;
};

/* Which customers are looked for; something of it is given. words: folded (chat/words.h), each a prefix of a word of the name or
 * the address. The rest: exactly so; empty: any. */
struct customer_filter {
    struct slice words[ASKED_WORDS];
    size_t word_count;
    struct slice category, status, owner;
};

struct chat_ref { /* one row of a listing of chats */
    struct slice chat_id;
    struct slice customer_id;
};

/* One chat of the overview: its row, how many messages there are, its first and last one. */
struct overview_chat {
    struct chat chat;
    struct slice row_id; /* the document's own _id, as text */
    int64_t messages;
    bool has_first, has_last;
    struct message first, last;
};

struct overview {
    struct slice database_name;
    struct customer *customers; /* the first 100 by creation */
    size_t customer_count;
    struct overview_chat *chats; /* the first 100 by creation */
    size_t chat_count;
};

/* A message on its way into the store. */
struct new_message {
    struct slice chat_id;
    struct slice role;
    struct slice text;
    struct slice client_key; /* idempotency key; empty = none */
    bool via_widget;         /* as in struct message */
    struct slice agent_id;   /* as in struct message */
    struct slice agent_name;
    struct arena *arena; /* for what the store finds out about it */
    /* in and out */
    enum err result; /* of this message alone; only those that are OK are looked at */
    struct chat_link link;
    int64_t rev;          /* given before the first try */
    int64_t timestamp_us; /* of the stored message (of the first one, when duplicate) */
    bool reopened;        /* it is the customer's, and the chat was closed: it is open now */
    bool duplicate;       /* stored before by the same key: rev and timestamp_us are the first one's */
};

#define STORE_DETAIL_MAX 256
struct store_health {
    bool ok;
    const char *kind;              /* "sqlite", "mongodb" */
    const char *reason;            /* for programs: one word for what is wrong, NULL: nothing is, or nobody knows */
    char detail[STORE_DETAIL_MAX]; /* for people: what is wrong, or "" */
    bool closed;                   /* this process will never write again: another one serves the database */
};

struct store_vtable {
    const char *kind;
    int64_t time_grain_us; /* what the database keeps of a time: ops come with times rounded down to it */
    void (*close)(struct store *s);
    void (*health)(struct store *s, struct store_health *out); /* any thread, does not wait */

    /* [main at start, the writer after it] Makes this process the one that writes. NULL: it is by having opened it. why: a
     * sentence that names the other one. ERR_CONFLICT: there is one; ERR_STORE: not known yet, ask again. */
    enum err (*claim)(struct store *s, struct buf *why);
    /* [writer] A batch: begin, then the calls below in any number, then commit. Between begin and commit an
     * ERR_STORE of any call fails the batch: rollback and, where retried, all again with the same ids. A call for one
     * op may fail for that op alone; resolve_chats, insert_messages and commit may say that some op of the batch is at
     * fault without saying which, or name it by its message's result: then, too, all is rolled back. */
    enum err (*begin)(struct store *s);
    enum err (*commit)(struct store *s);
    void (*rollback)(struct store *s);
    /* [writer] After a call that failed for its op alone: what the batch did before it still stands. NULL: rollback
     * takes nothing back, each call is durable by itself. */
    bool (*stands)(struct store *s);
    /* [writer] Fills link of every message where it is not yet known (one query for all where the store can); where
     * the chat does not exist, result becomes ERR_NOT_FOUND. */
    enum err (*resolve_chats)(struct store *s, struct new_message *const *messages, size_t count);
    /* [writer] Inserts all messages whose result is OK, keeps chats' flags in step (link.flags says what was there), sets
     * duplicate/rev/timestamp_us where the client key was used before on that chat. A message of role user (not a duplicate) to
     * a chat that is closed (link.flags) opens it: status "open", the row's rev the message's; sets reopened, and leaves it
     * as it is where an earlier try has stored the message and opened the chat. A failure of one document alone sets that
     * message's result. */
    enum err (*insert_messages)(struct store *s, struct new_message *const *messages, size_t count);
    enum err (*find_chat)(struct store *s, struct slice chat_id, struct arena *a, struct chat *out);
    enum err (*find_customer)(struct store *s, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out);
    enum err (*put_customer)(struct store *s, struct customer *u); /* insert or replace by id; sets u->key */
    enum err (*insert_chat)(struct store *s, struct chat *c);      /* idempotent by chat_id; sets c->key */
    /* [writer] CHAT_AI_DISABLED becomes as it is in flags. CHAT_CLOSED, which the status says, stays. The row's rev does not go
     * back: a try that comes again finds what came after it. */
    enum err (*set_chat_flags)(struct store *s, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                               int64_t rev, int64_t now_us);
    /* [writer] An existing chat's status, assigned_to, CHAT_CLOSED of its flags, rev and updated_us become c's. The rev of
     * a chat, wherever one is read, is that of the row's last change: by this, set_chat_flags, insert_chat or a message that
     * opens it. Other messages do not change it. */
    enum err (*put_chat)(struct store *s, const struct chat *c);
    /* [writer] A side has read up to `mark` (chat/model.h); one that is not further than what is stored changes nothing. No write of
     * its own: it goes into the chat's row with the roll-ups, within two seconds; whoever reads the chat meanwhile sees it. */
    enum err (*set_mark)(struct store *s, const struct chat_link *link, struct slice chat_id, enum chat_side side,
                         int64_t mark);
    /* [writer] Adds deltas to the kept totals, in the batch. Stores that count by query may do nothing. */
    enum err (*add_totals)(struct store *s, const struct totals *delta);
    /* [writer] Between batches, when idle and at least once a second: roll-ups, checkpoints, reconnects.
     * idle: nothing is queued. True: there is more of it, so the next idle moment should come soon. */
    bool (*maintain)(struct store *s, int64_t now_mono_us, bool idle);
    /* [writer, or main before it starts] The highest rev stored (0: none) and this database's 5-byte id tag. */
    enum err (*identity)(struct store *s, int64_t *max_rev, uint8_t tag[5]);
    enum err (*totals)(struct store *s, struct totals *out); /* main at start, before the writer runs */

    /* [reader] A customer's rev is never above what its row was read with: where row and chats are read one after the other,
     * the chats' newer revs stay out of it, or memory would take an old row for the newest. */
    enum err (*reader_open)(struct store *s, struct store_reader **out);
    void (*reader_close)(struct store_reader *r);
    /* As find_customer: the row, without what its chats add to it. */
    enum err (*read_customer)(struct store_reader *r, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out);
    /* One customer whole: row, chats, messages. ident: as store/ident.h has it. */
    enum err (*load_customer)(struct store_reader *r, struct slice ident, const struct load_sink *sink);
    /* Rows only, no chats: customers by activity, most recent first. owner empty = all. */
    enum err (*recent_customers)(struct store_reader *r, struct slice owner, int64_t skip, int64_t limit,
                                 struct arena *a, struct customer **out, size_t *count);
    /* The same of those that the filter lets pass. total: how many these are. */
    enum err (*search_customers)(struct store_reader *r, const struct customer_filter *filter, int64_t skip,
                                 int64_t limit, struct arena *a, struct customer **out, size_t *count, int64_t *total);
    enum err (*read_chat)(struct store_reader *r, struct slice chat_id, struct arena *a, struct chat *out);
    /* Chats by last activity, newest first; email empty = all, else those of customers whose address compares equal.
     * total: how many there are in all. */
    enum err (*list_chats)(struct store_reader *r, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                           struct chat_ref **out, size_t *count, int64_t *total);
    enum err (*overview)(struct store_reader *r, struct arena *a, struct overview *out);
    enum err (*read_totals)(struct store_reader *r, struct totals *out);
    /* Customers changed after rev `since`, oldest change first, at most limit; rows only. Here rev is that of the change,
     * a chat's too. */
    enum err (*changed_customers)(struct store_reader *r, int64_t since, int64_t limit, struct arena *a,
                                  struct customer **out, size_t *count);
};

/* For --check-config: would a start be refused? Nothing is changed or made. warnings: lines, of what may pass by itself (a
 * database that is away) or is passed over. why: a sentence. ERR_INVALID: it would, or could never work. */
NODISCARD enum err store_check(const struct store_settings *settings, struct buf *warnings, struct buf *why);
NODISCARD enum err store_sqlite_check(struct slice path, struct buf *why);
NODISCARD enum err store_mongo_check(const struct store_settings *settings, struct buf *warnings, struct buf *why);
/* Opens the store that the URI names. why: a sentence for the operator. */
NODISCARD enum err store_open(const struct store_settings *settings, struct store **out, struct buf *why);
NODISCARD enum err store_sqlite_open(struct slice path, struct store **out, struct buf *why);
NODISCARD enum err store_mongo_open(const struct store_settings *settings, struct store **out, struct buf *why);
/* First thing in main, whatever the store: takes back what the driver's library left in /dev/shm as it was loaded. */
void store_mongo_unlink_counters(void);
