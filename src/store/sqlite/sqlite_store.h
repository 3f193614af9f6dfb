/* sqlite_store.h: what the files of the SQLite store share.
 *   store_sqlite.c      open, close, health, the table of functions
 *   sqlite_write.c      a batch: begin … commit, and what it reads
 *   sqlite_rollup.c     rows of chats and customers follow the messages; recovery after a crash
 *   sqlite_read.c       one customer whole, one chat, the overview
 *   sqlite_recent.c     listings by activity: rows and what they do not say yet, merged
 *   sqlite_check.c      what a start would refuse of a file
 *   sqlite_lock.c       one server for one database
 *   sqlite_watch.c      are the files still the ones that a start would find?
 *   sqlite_log_room.c   room for the log of the database, made in advance
 *   sqlite_log_size.c   how large that log is, and a warning where it cannot begin anew
 *   sqlite_checkpoint.c the log of the database back into its file, on a thread of its own
 *   sqlite_conn.c, sqlite_sql.h, sqlite_schema.c, sqlite_rows.c, sqlite_heads.c   what those stand on
 * Thread:  fields by group, below.
 * Happy path of a send: begin → one INSERT that names the chat's newest message → commit (one fdatasync for the
 *          batch) → heads_publish(). Nothing else is read or written, however long the history is.
 * Reads:   first copy from memory which messages are the newest (heads), then open a snapshot: since heads are
 *          published after their commit, the snapshot has every message that they name.
 * Failures: every call can fail with ERR_STORE; rollback() then brings memory back to the last commit. A connection
 *          that SQLite gave up on (I/O, corruption) is opened anew by the next begin() or read. Whenever the writer's is
 *          opened, first or again, memory is read from the file (store_open_writer); an op that the file has by then, from
 *          a try whose answer was lost, counts as stored and changes nothing. */
#pragma once
#include "sqlite_checkpoint.h"
#include "sqlite_conn.h"
#include "sqlite_heads.h"
#include "sqlite_rows.h"
#include "sqlite_schema.h"
#include "sqlite_watch.h"
#include "store/store.h"

/* Rows follow messages in rounds: the chats pending at its start, some of them with every commit. */
struct rollup {
    bool running;
    int64_t *chats; /* keys, sorted: neighbours share pages */
    size_t count, cap, next;
    int64_t upto_rev;        /* when the round is done, every message up to this is in the rows */
    int64_t upto_messages;   /* how many messages there are up to it */
    int64_t rolled_messages; /* what counters.messages says */
    int64_t ended_us;        /* mono */
    /* of the running transaction; kept when it commits */
    size_t next_staged;
    bool done_staged;
};

/* sqlite_log_size.c */
struct log_size {
    int64_t bytes, frames; /* as the metrics show them */
    int64_t full_since_us; /* mono; 0: it is not */
    int64_t full_frames;   /* at that time, or when it was said last */
    int64_t said_us;       /* mono; 0: not yet */
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
    struct totals totals_after; /* if the running batch commits */
    int64_t last_rev_after;
    int64_t
        opened_rev; /* the newest of all when the connection was opened: an op that has it or less was tried before … */
    bool replayed; /* … and the file has it, with all of the running batch: totals as well */
    struct rollup roll;
    int64_t wal_frames; /* in the log after the last commit */
    int64_t wal_asked;  /* of which a checkpoint was asked for */
    int64_t committed_us, checked_us;
    struct sqlite_watch watch;
    struct log_size log_size;
    /* shared, each with its own lock */
    struct heads heads;
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

/* sqlite_health.c */
void store_note_health(struct sqlite_store *s); /* after a failure or a recovery */
void sqlite_health(struct store *s, struct store_health *out);

/* sqlite_open.c */
enum err store_open_writer(struct sqlite_store *s, struct buf *why);    /* (re)opens s->conn; memory follows the file */
NODISCARD enum err store_max_rev(struct sqlite_store *s, int64_t *rev); /* of all that is stored; 0: nothing is */

/* sqlite_txn.c */
NODISCARD enum err txn_begin(struct sqlite_store *s); /* on the connection as it is */
NODISCARD enum err txn_commit(struct sqlite_store *s);
void txn_rollback(struct sqlite_store *s);
/* The chat's slot in h, read from its row where it is not there; ERR_NOT_FOUND: no such chat. */
NODISCARD enum err store_head(struct sqlite_store *s, struct heads *h, int64_t chat, struct head **out);
NODISCARD enum err store_stage(struct sqlite_store *s, const struct head *head, struct staged_head **out);

/* sqlite_lock.c: main at open, before SQLite opens the file, and at close, after SQLite closed it */
NODISCARD enum err sqlite_check_file(struct slice path, struct buf *why); /* --check-config: looks, and opens nothing */
NODISCARD enum err sqlite_lock(struct sqlite_store *s, struct buf *why);  /* makes the file where there is none */
void sqlite_unlock(struct sqlite_store *s);

/* sqlite_log_size.c: after each look at the files, and at the end */
void sqlite_log_size_note(struct sqlite_store *s, int64_t now_us);
void sqlite_log_size_end(struct sqlite_store *s);

/* sqlite_log_room.c: main at open; it only makes commits faster, so failing is no error */
void sqlite_make_log_room(struct sqlite_store *s, int64_t bytes);

/* sqlite_write.c */
enum err sqlite_begin(struct store *s);
enum err sqlite_commit(struct store *s);
void sqlite_rollback(struct store *s);
bool sqlite_stands(struct store *s);
enum err sqlite_resolve_chats(struct store *s, struct new_message *const *messages, size_t count);
enum err sqlite_insert_messages(struct store *s, struct new_message *const *messages, size_t count);
enum err sqlite_find_chat(struct store *s, struct slice chat_id, struct arena *a, struct chat *out);
enum err sqlite_find_user(struct store *s, enum user_by by, struct slice value, struct arena *a, struct user *out);
enum err sqlite_put_user(struct store *s, struct user *u);
enum err sqlite_insert_chat(struct store *s, struct chat *c);
enum err sqlite_set_chat_flags(struct store *s, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                               int64_t rev, int64_t now_us);
enum err sqlite_add_totals(struct store *s, const struct totals *delta);

/* sqlite_rollup.c */
NODISCARD enum err rollup_with_commit(struct sqlite_store *s); /* a share of the round, in the open transaction */
void rollup_settle(struct sqlite_store *s, bool committed);    /* after commit or rollback */
NODISCARD enum err rollup_all(struct sqlite_store *s, int64_t budget_us); /* own transactions; 0: to the end */
/* At every open of the writer's connection: totals, heads and rounds from the file, and what a crash left into the rows. */
NODISCARD enum err rollup_recover(struct sqlite_store *s);

/* sqlite_read.c, sqlite_recent.c */
struct sqlite_reader {
    struct store_reader base; /* first */
    struct sqlite_conn conn;
    struct arena scratch; /* for the length of one call */
};

struct sqlite_store *reader_store(struct store_reader *r);
enum err sqlite_reader_open(struct store *s, struct store_reader **out);
void sqlite_reader_close(struct store_reader *r);
enum err sqlite_read_user(struct store_reader *r, enum user_by by, struct slice value, struct arena *a,
                          struct user *out);
enum err sqlite_load_user(struct store_reader *r, struct slice ident, const struct load_sink *sink);
enum err sqlite_chat_owner(struct store_reader *r, struct slice chat_id, struct arena *a, struct chat *out);
enum err sqlite_overview(struct store_reader *r, struct arena *a, struct overview *out);
enum err sqlite_read_totals(struct store_reader *r, struct totals *out);
enum err sqlite_recent_users(struct store_reader *r, struct slice owner, int64_t skip, int64_t limit, struct arena *a,
                             struct user **out, size_t *count);
enum err sqlite_list_chats(struct store_reader *r, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                           struct chat_ref **out, size_t *count, int64_t *total);
enum err sqlite_changed_users(struct store_reader *r, int64_t since, int64_t limit, struct arena *a, struct user **out,
                              size_t *count);
/* Every read begins and ends with these: a healthy connection, the metrics, an empty scratch arena; the end closes
 * the snapshot where reader_snapshot() opened one, and passes err on. */
NODISCARD enum err reader_begin(struct sqlite_reader *r);
NODISCARD enum err reader_snapshot(struct sqlite_reader *r);
enum err reader_end(struct sqlite_reader *r, enum err err);
