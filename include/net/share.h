/* share.h: who holds how much of --buffer-mb, and who gives way when it is full.
 * Three pots, so that none of them can be filled from another's side: requests that have not come whole (and large
 * operations), answers that have not been taken, and the same for what dashboards read.
 * Thread:  a share_book is one worker's, and so are its holdings: it writes them, others only read. shares_make_room()
 *          and the pots from any worker. Books join before threads start.
 * Owns:    the books' tables, its scratch.
 * Blocks:  shares_make_room() on a lock, for one look at all holdings; only where a pot is full. Up to there a holding
 *          costs a count and a few stores.
 * Fails:   false: the newcomer is the one to be refused. Nobody has been marked then.
 * Marks:   who gives way belongs to another worker: it is marked, its worker is woken, looks (share_asked()) and gives up
 *          what is marked (share_marked()). The newcomer does not wait for that: what is on its way back is his. */
#pragma once
#include "base/err.h"
#include "base/quota.h"

enum pot { POT_REQUESTS, POT_ANSWERS, POT_DASHBOARDS, POTS };

/* Whose bytes they are, as keyed hashes: nobody can choose an address or a name so as to be counted with somebody else.
 * 0: not known, or none. */
struct holder {
    uint64_t address;   /* the client's, or its /64 */
    uint64_t principal; /* its token's */
};

/* What one connection holds: written by its worker only. */
struct holding {
    atomic_uint_fast64_t address;
    atomic_uint_fast64_t principal;
    atomic_uintptr_t body;        /* the shared body that it waits for: compared with others' only, never followed */
    atomic_int_fast64_t moved_us; /* it has kept its pace up to this time, which may lie ahead: see share_moved() */
    atomic_uint requests, answers, body_bytes, body_pot;
    atomic_uint serial; /* counts what this slot has held one after the other: a mark with an older serial is void */
    atomic_uint marked; /* written by other workers: the serial of what is to give way */
};

struct shares;

struct share_book {
    struct shares *shares;
    struct holding *holdings; /* by slot */
    uint32_t slots;
    atomic_uint top;   /* slots from here on have never held anything */
    atomic_bool asked; /* somebody has been marked */
    void (*wake)(void *arg);
    void *wake_arg;
};

NODISCARD enum err shares_new(int64_t bytes, unsigned books_max, struct shares **out);
void shares_free(struct shares *s); /* accepts NULL; after the books */
struct quota *shares_pot(struct shares *s, enum pot pot);
const char *pot_name(enum pot pot);                  /* for metrics and health */
int64_t shares_used(const struct shares *s);         /* of all pots */
int64_t shares_full_us(const struct shares *s);      /* monotonic time at which a pot was last found full; 0: never */
size_t shares_bytes(uint32_t slots, unsigned books); /* what all this costs: for the memory budget */

NODISCARD enum err share_book_open(struct shares *s, uint32_t slots, void (*wake)(void *arg), void *arg,
                                   struct share_book *out);
void share_book_close(struct share_book *b);

/* What the slot holds now, in full. share_begin() where it held nothing of that kind before. */
void share_begin(struct share_book *b, uint32_t slot, struct holder who, int64_t now_us);
void share_requests(struct share_book *b, uint32_t slot, size_t bytes);
void share_answers(struct share_book *b, uint32_t slot, size_t bytes);
void share_body(struct share_book *b, uint32_t slot, const void *body, size_t bytes, enum pot pot); /* NULL: none */
/* The client has sent or taken so many bytes more: at SHARE_PACE it is not slow, and a burst is remembered for a while
 * (a full socket buffer drains unseen for seconds). */
void share_moved(struct share_book *b, uint32_t slot, size_t bytes, int64_t now_us);

/* The pot is full and `slot` needs more. True: others give way, or are about to; the caller counts its bytes by
 * quota_force() or blob_pin_force(). */
bool shares_make_room(struct share_book *b, uint32_t slot, struct holder who, enum pot pot, size_t bytes,
                      int64_t now_us);

/* On the book's worker. */
bool share_asked(struct share_book *b); /* once for any number of marks */
bool share_marked(const struct share_book *b, uint32_t slot);

/* An operation's bytes, which nobody can take back: counted in POT_REQUESTS, and one client has a quarter of it at most
 * when half of it is used. False: refused. share_give_back() takes the same address. */
bool share_lend(struct share_book *b, uint32_t slot, struct holder who, size_t bytes, int64_t now_us);
void share_give_back(struct shares *s, uint64_t address, size_t bytes);
