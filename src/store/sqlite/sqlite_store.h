/* sqlite_store.h: what the files of the SQLite store share.
 *   store_sqlite.c      the table of functions: composes what the files below do; open, close, work between batches
 *   sqlite_write.c      a batch: begin, its messages, totals, commit
 *   sqlite_change.c     what a batch asks and changes of customers and chats
 *   sqlite_rollup.c     the rows of chats and customers follow the messages; recovery after a crash
 *   sqlite_marks.c      up to where the sides of chats have read, until their rows say so
 *   sqlite_txn.c        one transaction of the writer, and what memory knows about it
 *   sqlite_open.c       the writer's connection, and memory read from the file
 *   sqlite_read.c       readers: one customer whole, one chat, the overview
 *   sqlite_recent.c     readers: lists by activity
 *   sqlite_search.c     readers: which customers a search finds
 *   sqlite_words.c      the words by which customers are searched
 *   sqlite_watch.c      are the files still the ones that a start would find?
 *   sqlite_lock.c       one server for one database
 *   sqlite_check.c      what a start would refuse of a file
 *   sqlite_checkpoint.c moves the log (-wal) back into the database, on a thread of its own
 *   sqlite_log_room.c   room for the log, made in advance
 *   sqlite_log_size.c   how large that log is, and a warning where it only grows
 *   sqlite_health.c     what the store says of itself
 *   sqlite_conn.c, sqlite_sql.h, sqlite_schema.c, sqlite_rows.c, sqlite_heads.c   what those stand on
 * Words:   head: the newest message of a chat. rev: the number of a change, which only grows; a message's is its key.
 *          pending: a chat whose row does not know its head yet. log: SQLite's -wal file; frame: one page in it.
 * Thread:  fields by group, below.
 * A send:  begin → one INSERT that names the chat's head as the message before it → commit (one fdatasync for the
 *          batch) → the new head is published to readers. Nothing else is read or written, however long the history is.
 * A read:  first copies the heads and marks from memory, then opens a snapshot of the file. Heads are published after their
 *          commit, so the snapshot has every message that they name; asked the other way round it might lack some.
 * Failures: any call can fail with ERR_STORE; sqlite_rollback() then brings memory back to the last commit. A connection
 *          that SQLite gave up on (I/O, corruption) is opened anew by the next begin or read. Whenever the writer's is
 *          opened, first or again, memory is read from the file. Where the answer of a commit was lost, the file may have
 *          the batch: its next try finds that out (opened_rev, below) and changes nothing. */
#pragma once
#include "sqlite_checkpoint.h"
#include "sqlite_conn.h"
#include "sqlite_heads.h"
#include "sqlite_marks.h"
#include "sqlite_rows.h"
#include "sqlite_schema.h"
#include "sqlite_watch.h"
#include "store/store.h"

/* A round of sqlite_rollup.c: the chats that were pending when it began. */
struct rollup {
    bool running;
    int64_t *chats; /* keys, sorted: neighbours share pages */
    size_t count, cap, next;
    int64_t upto_rev;        /* when the round is done, every message up to this is in the rows */
    int64_t upto_messages;   /* how many messages there are up to it */
    int64_t rolled_messages; /* what counters.messages says */
    int64_t ended_us;        /* mono */
    /* what `next` and "the round is done" will be if the running transaction commits */
    size_t next_staged;
    bool done_staged;
};

/* sqlite_words.c: customers by their numbers */
struct words_state {
    int64_t newest;            /* one at least is as new as any */
    int64_t upto, upto_staged; /* their words are in the file; and will be if the running transaction commits */
    int64_t added;             /* by the running transaction */
};

/* sqlite_log_size.c */
struct log_size {
    int64_t bytes, frames; /* as the metrics show them */
    int64_t full_since_us; /* mono; 0: it is not */
    int64_t full_frames;   /* how many there were then, or at the last warning */
    int64_t said_us;       /* mono: the last warning; 0: none yet */
};

#define PATH_TEXT_MAX 4200 /* a path that SQLite takes, and what is put after it */

struct sqlite_store {
    struct store base; /* first */
    /* set at open, then read-only */
    char *path;
    int file_fd, lock_fd; /* the database, and PATH-lock: both locked */
    struct db_options options;
    int reader_cache_kib;
    uint8_t tag[5];
    /* the writer's */
    struct sqlite_conn conn;
    struct staged_head *staged;
    size_t staged_count, staged_cap;
    int64_t *new_chats; /* inserted by the running batch */
    size_t new_chat_count, new_chat_cap;
    int changes_before;         /* SQLite's count of them when the transaction began */
    struct totals totals_after; /* if the running batch commits */
    int64_t last_rev_after;
    /* The highest rev in the file when the connection was opened. A message or row that comes with it, or a lower one, is of
     * a batch whose commit was not answered: the file has all of that batch, its totals too. */
    int64_t opened_rev;
    bool replayed; /* the running batch is such a one */
    struct rollup roll;
    struct words_state words;
    int64_t log_frames; /* in the log after the last commit */
    int64_t log_asked;  /* how many there were when a checkpoint was last asked for in a quiet moment */
    int64_t committed_us, checked_us;
    struct sqlite_watch watch;
    struct log_size log_size;
    /* shared, each with its own lock */
    struct heads heads;
    struct marks marks;
    struct checkpointer *checkpointer;
    pthread_mutex_t health_lock;
    bool healthy;
    const char *reason;
    char detail[STORE_DETAIL_MAX];
};

static inline struct sqlite_store *sqlite_store_of(struct store *s)
{
    return (struct sqlite_store *)s;
}

/* A batch is stored whole or not at all, so one change that the file had when it was opened tells that it has them all. */
static inline void sqlite_note_rev(struct sqlite_store *s, int64_t rev)
{
    s->replayed |= rev <= s->opened_rev;
}

/* A number as SQLite's files have it. */
static inline uint32_t big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* sqlite_health.c */
void sqlite_note_health(struct sqlite_store *s); /* after a failure or a recovery */
void sqlite_health(struct store *s, struct store_health *out);

/* sqlite_open.c */
enum err sqlite_open_writer(struct sqlite_store *s, struct buf *why); /* (re)opens s->conn; memory follows the file */
NODISCARD enum err sqlite_max_rev(struct sqlite_store *s, int64_t *rev); /* of all that is stored; 0: nothing is */

/* sqlite_txn.c */
NODISCARD enum err txn_begin(struct sqlite_store *s); /* on the connection as it is */
bool txn_wrote(const struct sqlite_store *s);         /* else its commit costs nothing, and says nothing of the disk */
NODISCARD enum err txn_commit(struct sqlite_store *s);
void txn_rollback(struct sqlite_store *s);
/* The chat's slot in h, read from its row where it is not there; ERR_NOT_FOUND: no such chat. */
NODISCARD enum err txn_head(struct sqlite_store *s, struct heads *h, int64_t chat, struct head **out);
NODISCARD enum err txn_stage(struct sqlite_store *s, const struct head *head, struct staged_head **out);

/* sqlite_lock.c: main at open, before SQLite opens the file, and at close, after SQLite closed it */
NODISCARD enum err sqlite_check_file(struct slice path, struct buf *why); /* --check-config: looks, and opens nothing */
NODISCARD enum err sqlite_lock(struct sqlite_store *s, struct buf *why);  /* makes the file where there is none */
void sqlite_unlock(struct sqlite_store *s);

/* sqlite_log_size.c: after each look at the files, and at the end */
void sqlite_log_size_note(struct sqlite_store *s, int64_t now_us);
void sqlite_log_size_end(struct sqlite_store *s);

/* sqlite_log_room.c: main at open. Without it commits are slower, so it does not fail. */
void sqlite_make_log_room(struct sqlite_store *s, int64_t bytes);

/* sqlite_write.c */
enum err sqlite_begin(struct store *s);
enum err sqlite_commit(struct store *s);
void sqlite_rollback(struct store *s);
bool sqlite_stands(struct store *s);
enum err sqlite_resolve_chats(struct store *s, struct new_message *const *messages, size_t count);
enum err sqlite_insert_messages(struct store *s, struct new_message *const *messages, size_t count);
enum err sqlite_add_totals(struct store *s, const struct totals *delta);

/* sqlite_change.c */
enum err sqlite_find_chat(struct store *s, struct slice chat_id, struct arena *a, struct chat *out);
enum err sqlite_find_customer(struct store *s, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out);
enum err sqlite_put_customer(struct store *s, struct customer *u);
enum err sqlite_insert_chat(struct store *s, struct chat *c);
enum err sqlite_set_chat_flags(struct store *s, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                               int64_t rev, int64_t now_us);
enum err sqlite_put_chat(struct store *s, const struct chat *c);
enum err sqlite_set_mark(struct store *s, const struct chat_link *link, struct slice chat_id, enum chat_side side,
                         int64_t mark);

/* sqlite_rollup.c */
NODISCARD enum err rollup_with_commit(struct sqlite_store *s); /* a share of the round, in the open transaction */
void rollup_settle(struct sqlite_store *s, bool committed);    /* after its commit or rollback */
/* Until nothing is pending, in transactions of its own; stops after budget_us (0: does not). */
NODISCARD enum err rollup_all(struct sqlite_store *s, int64_t budget_us);
/* At every open of the writer's connection: reads totals and heads from the file, then writes the rows that a crash has
 * left behind. */
NODISCARD enum err rollup_recover(struct sqlite_store *s);

/* sqlite_words.c */
NODISCARD enum err words_open(struct sqlite_store *s); /* at every open of the writer's connection */
int64_t words_behind(const struct sqlite_store *s);
bool words_are_due(const struct sqlite_store *s, bool quiet); /* quiet: nothing was committed for a while */
/* Around a put of a customer's row: the words of the row that is there; then the stored words follow. */
NODISCARD enum err words_before(struct sqlite_store *s, struct slice oid, struct words *out);
NODISCARD enum err words_after(struct sqlite_store *s, const struct customer *u, const struct words *before);
NODISCARD enum err words_with_commit(struct sqlite_store *s);
void words_settle(struct sqlite_store *s, bool committed);
NODISCARD enum err words_fill(struct sqlite_store *s); /* the next few, in a transaction of its own */

/* sqlite_read.c, sqlite_recent.c */
struct sqlite_reader {
    struct store_reader base; /* first */
    struct sqlite_conn conn;
    struct arena scratch; /* for the length of one call */
};

struct sqlite_store *reader_store(struct store_reader *r);
enum err sqlite_reader_open(struct store *s, struct store_reader **out);
void sqlite_reader_close(struct store_reader *r);
enum err sqlite_read_customer(struct store_reader *r, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out);
enum err sqlite_load_customer(struct store_reader *r, struct slice ident, const struct load_sink *sink);
enum err sqlite_read_chat(struct store_reader *r, struct slice chat_id, struct arena *a, struct chat *out);
enum err sqlite_overview(struct store_reader *r, struct arena *a, struct overview *out);
enum err sqlite_read_totals(struct store_reader *r, struct totals *out);
enum err sqlite_recent_customers(struct store_reader *r, struct slice owner, int64_t skip, int64_t limit,
                                 struct arena *a, struct customer **out, size_t *count);
enum err sqlite_search_customers(struct store_reader *r, const struct customer_filter *filter, int64_t skip,
                                 int64_t limit, struct arena *a, struct customer **out, size_t *count, int64_t *total);
enum err sqlite_list_chats(struct store_reader *r, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                           struct chat_ref **out, size_t *count, int64_t *total);
enum err sqlite_changed_customers(struct store_reader *r, int64_t since, int64_t limit, struct arena *a,
                                  struct customer **out, size_t *count);
/* Every read begins and ends with these: a healthy connection, the metrics, an empty scratch arena; the end closes
 * the snapshot where reader_snapshot() opened one, and passes err on. */
NODISCARD enum err reader_begin(struct sqlite_reader *r);
NODISCARD enum err reader_snapshot(struct sqlite_reader *r);
enum err reader_end(struct sqlite_reader *r, enum err err);
