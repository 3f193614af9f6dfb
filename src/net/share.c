/* Who gives way when a pot is full. Nothing is kept sorted for it: search() then looks at all holdings.
 *   1. It adds up accounts. An account is what one client address, or one principal, holds on all its connections; what
 *      counts for a holding is the larger of its two. A body that several connections wait for is divided among them.
 *   2. It finds the candidates (gives_way()): the connections that have to leave room for this newcomer:
 *      - of another client: one that is slow (share_moved()), where the newcomer's account is not larger or is modest; and
 *        any whose account is more than twice the newcomer's;
 *      - of the same client: one that is slow, or holds more than the newcomer's connection.
 *   3. It marks the largest account first, in it the largest holding, until what is marked makes up for what is missing.
 * Failures: where all candidates together are not enough, nobody is marked and the newcomer is refused: it is the one that
 * holds most, or all hold about the same. */
#include "net/share.h"

#include "base/list.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS     4096    /* power of two; accounts that fall together count as one */
#define LENDERS      1024    /* the same for operations */
#define SLOW_US      500000  /* behind SHARE_PACE by so much */
#define CREDIT_US    1000000 /* ahead of it by so much at most */
#define SHARE_PACE   65536   /* bytes a second */
#define MODEST_PARTS 16      /* up to this part of the pot an account, or a connection, is modest */
/* How far past its size a pot may go until those who were marked are gone, as parts of it (search()). */
#define EXCESS_PARTS 2 /* the first newcomer, and every small one: a half */
#define EXCESS_LARGE 4 /* the others, once some of that is used: a quarter */
#define EXCESS_LENT  4 /* operations: three of four parts, since a request that has come whole does not wait */
#define LENT_PARTS   4 /* one client's operations: this part of the pot at most, once half of it is used */

struct candidate {
    struct share_book *book;
    uint32_t slot, serial;
    int64_t account, weight;
};

struct shares {
    struct quota pots[POTS];
    _Alignas(64) atomic_int_fast64_t full_us;
    atomic_int_fast64_t lent[LENDERS];
    struct share_book **books;
    unsigned book_count, books_max;
    pthread_mutex_t lock; /* guards what follows: scratch of one search */
    int64_t accounts[ACCOUNTS];
    uint32_t sharers[ACCOUNTS]; /* of a body */
    struct candidate *found;
    size_t found_count, found_room;
};

/* What a search is for. */
struct need {
    struct shares *shares;
    const struct holding *own;
    struct holder who;
    enum pot pot;
    int64_t bytes;
    int64_t now_us;
    bool lend;                   /* for an operation, whose request has come whole: bounded by share_lend() */
    int64_t account, connection; /* of the newcomer, with what it needs */
    int64_t heaviest;            /* of all others' connections */
    int64_t coming;              /* held by those who are marked */
    int64_t available;           /* held by those who may be marked */
};

static const char *const names[POTS] = {
    [POT_REQUESTS] = "requests", [POT_ANSWERS] = "answers", [POT_DASHBOARDS] = "dashboard_answers"};
static const enum metric_counter gave_way[POTS] = {
    [POT_REQUESTS] = M_GAVE_WAY_REQUESTS, [POT_ANSWERS] = M_GAVE_WAY_ANSWERS, [POT_DASHBOARDS] = M_GAVE_WAY_DASHBOARDS};
static const enum metric_counter refused[POTS] = {
    [POT_REQUESTS] = M_NO_ROOM_REQUESTS, [POT_ANSWERS] = M_NO_ROOM_ANSWERS, [POT_DASHBOARDS] = M_NO_ROOM_DASHBOARDS};

const char *pot_name(enum pot pot)
{
    return names[pot];
}

enum err shares_new(int64_t bytes, unsigned books_max, struct shares **out)
{
    struct shares *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
    if (!s)
        return ERR_NOMEM;
    memset(s, 0, sizeof(*s));
    quota_init(&s->pots[POT_REQUESTS], bytes / 4);
    quota_init(&s->pots[POT_ANSWERS], bytes / 8 * 3);
    quota_init(&s->pots[POT_DASHBOARDS], bytes / 8 * 3);
    pthread_mutex_init(&s->lock, NULL);
    s->books_max = books_max;
    s->books = calloc(books_max, sizeof(struct share_book *));
    if (!s->books) {
        shares_free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void shares_free(struct shares *s)
{
    if (!s)
        return;
    must(s->book_count == 0);
    pthread_mutex_destroy(&s->lock);
    free(s->books);
    free(s->found);
    free(s);
}

struct quota *shares_pot(struct shares *s, enum pot pot)
{
    return &s->pots[pot];
}

int64_t shares_used(const struct shares *s)
{
    int64_t used = 0;
    for (enum pot p = 0; p < POTS; p++)
        used += quota_used(&s->pots[p]);
    return used;
}

int64_t shares_full_us(const struct shares *s)
{
    return atomic_load_explicit(&s->full_us, memory_order_relaxed);
}

size_t shares_bytes(uint32_t slots, unsigned books)
{
    size_t all = (size_t)slots * books;
    return sizeof(struct shares) + all * sizeof(struct holding) + slots * sizeof(struct candidate);
}

/* ---- the book ---- */

enum err share_book_open(struct shares *s, uint32_t slots, void (*wake)(void *arg), void *arg, struct share_book *out)
{
    must(s->book_count < s->books_max);
    *out = (struct share_book){.shares = s, .slots = slots, .wake = wake, .wake_arg = arg};
    out->holdings = calloc(slots, sizeof(struct holding)); /* touched where a slot has something to hold */
    if (!out->holdings)
        return ERR_NOMEM;
    s->books[s->book_count++] = out;
    return OK;
}

void share_book_close(struct share_book *b)
{
    struct shares *s = b->shares;
    if (!s)
        return;
    pthread_mutex_lock(&s->lock); /* others may be searching */
    for (unsigned i = 0; i < s->book_count; i++)
        if (s->books[i] == b)
            s->books[i--] = s->books[--s->book_count];
    pthread_mutex_unlock(&s->lock);
    free(b->holdings);
    *b = (struct share_book){0};
}

#define PUT(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define GET(field)        atomic_load_explicit(&(field), memory_order_relaxed)

void share_begin(struct share_book *b, uint32_t slot, struct holder who, int64_t now_us)
{
    struct holding *h = &b->holdings[slot];
    PUT(h->address, who.address);
    PUT(h->principal, who.principal);
    PUT(h->moved_us, now_us);
    PUT(h->serial, GET(h->serial) + 1);
    if (slot >= GET(b->top))
        PUT(b->top, slot + 1);
}

/* Relaxed, all of them: a search that sees half of a change judges by figures of a moment ago, and frees nothing itself. */
void share_requests(struct share_book *b, uint32_t slot, size_t bytes)
{
    PUT(b->holdings[slot].requests, (unsigned)bytes);
}

void share_answers(struct share_book *b, uint32_t slot, size_t bytes)
{
    PUT(b->holdings[slot].answers, (unsigned)bytes);
}

void share_body(struct share_book *b, uint32_t slot, const void *body, size_t bytes, enum pot pot)
{
    struct holding *h = &b->holdings[slot];
    PUT(h->body, (uintptr_t)body);
    PUT(h->body_bytes, (unsigned)bytes);
    PUT(h->body_pot, pot);
}

void share_moved(struct share_book *b, uint32_t slot, size_t bytes, int64_t now_us)
{
    struct holding *h = &b->holdings[slot];
    int64_t moved_us = GET(h->moved_us) + (int64_t)bytes * 1000000 / SHARE_PACE;
    PUT(h->moved_us, moved_us < now_us + CREDIT_US ? moved_us : now_us + CREDIT_US);
}

bool share_asked(struct share_book *b)
{
    return GET(b->asked) && atomic_exchange_explicit(&b->asked, false, memory_order_acquire);
}

static bool is_marked(const struct holding *h)
{
    return GET(h->marked) == GET(h->serial) && GET(h->marked) != 0;
}

bool share_marked(const struct share_book *b, uint32_t slot)
{
    const struct holding *h = &b->holdings[slot];
    return is_marked(h) && (GET(h->requests) || GET(h->answers) || GET(h->body_bytes));
}

/* ---- the search ---- */

static size_t place_of(uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 52) & (ACCOUNTS - 1);
}

/* Bytes of the pot that would come free if this connection let go of everything. */
static int64_t weight_of(const struct shares *s, const struct holding *h, enum pot pot)
{
    if (pot == POT_REQUESTS)
        return GET(h->requests);
    int64_t own = pot == POT_ANSWERS ? GET(h->answers) : 0;
    uint32_t sharers = s->sharers[place_of(GET(h->body))];
    return GET(h->body_pot) == pot && sharers ? own + GET(h->body_bytes) / sharers : own;
}

static int64_t account_of(const struct shares *s, uint64_t address, uint64_t principal)
{
    int64_t by_address = address ? s->accounts[place_of(address)] : 0;
    int64_t by_principal = principal ? s->accounts[place_of(principal)] : 0;
    return by_address > by_principal ? by_address : by_principal;
}

typedef void (*visit_fn)(struct need *n, struct share_book *b, uint32_t slot, struct holding *h);

static void visit_all(struct need *n, visit_fn visit)
{
    for (unsigned i = 0; i < n->shares->book_count; i++) {
        struct share_book *b = n->shares->books[i];
        uint32_t top = GET(b->top);
        for (uint32_t slot = 0; slot < top; slot++)
            visit(n, b, slot, &b->holdings[slot]);
    }
}

static void count_sharer(struct need *n, struct share_book *b, uint32_t slot, struct holding *h)
{
    (void)b;
    (void)slot;
    if (GET(h->body_bytes))
        n->shares->sharers[place_of(GET(h->body))]++;
}

static void add_to_accounts(struct need *n, struct share_book *b, uint32_t slot, struct holding *h)
{
    (void)b;
    (void)slot;
    int64_t weight = weight_of(n->shares, h, n->pot);
    uint64_t address = GET(h->address), principal = GET(h->principal);
    if (address)
        n->shares->accounts[place_of(address)] += weight;
    if (principal)
        n->shares->accounts[place_of(principal)] += weight;
    if (h == n->own)
        return;
    n->heaviest = weight > n->heaviest ? weight : n->heaviest;
    if (weight && is_marked(h))
        n->coming += weight;
}

static bool is_modest(const struct need *n, int64_t bytes)
{
    return bytes <= n->shares->pots[n->pot].max / MODEST_PARTS;
}

static bool gives_way(const struct need *n, const struct holding *h, int64_t account, int64_t weight)
{
    bool slow = n->now_us - GET(h->moved_us) >= SLOW_US;
    bool same = (n->who.address && GET(h->address) == n->who.address) ||
                (n->who.principal && GET(h->principal) == n->who.principal);
    if (same)
        return slow || weight > n->connection;
    return (slow && (is_modest(n, n->account) || account >= n->account)) || account > 2 * n->account;
}

static void find_candidate(struct need *n, struct share_book *b, uint32_t slot, struct holding *h)
{
    struct shares *s = n->shares;
    uint32_t serial = GET(h->serial);
    int64_t weight = weight_of(s, h, n->pot);
    if (weight == 0 || h == n->own || is_marked(h))
        return;
    int64_t account = account_of(s, GET(h->address), GET(h->principal));
    if (!gives_way(n, h, account, weight))
        return;
    if (!list_room(s->found, s->found_count, s->found_room, 256))
        return; /* without memory for more candidates the ones found so far have to do */
    s->found[s->found_count++] =
        (struct candidate){.book = b, .slot = slot, .serial = serial, .account = account, .weight = weight};
    n->available += weight;
}

static int by_account(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->account != y->account)
        return x->account < y->account ? 1 : -1;
    return (x->weight < y->weight) - (x->weight > y->weight);
}

static void mark(struct need *n, const struct candidate *c)
{
    PUT(c->book->holdings[c->slot].marked, c->serial);
    n->coming += c->weight;
    metrics_add(gave_way[n->pot], 1);
    /* Release: the worker that sees `asked` sees the mark too. Always an exchange, never skipped because `asked` looks set: its
     * worker may be clearing it at this moment, having looked at the marks before this one. */
    if (!atomic_exchange_explicit(&c->book->asked, true, memory_order_acq_rel))
        c->book->wake(c->book->wake_arg);
}

static bool search(struct need *n)
{
    struct shares *s = n->shares;
    const struct quota *pot = &s->pots[n->pot];
    int64_t over = quota_used(pot) + n->bytes - pot->max;
    if (n->bytes > pot->max)
        return false;
    memset(s->accounts, 0, sizeof(s->accounts));
    memset(s->sharers, 0, sizeof(s->sharers));
    s->found_count = 0;
    visit_all(n, count_sharer);
    visit_all(n, add_to_accounts);
    n->account = account_of(s, n->who.address, n->who.principal) + n->bytes;
    n->connection = weight_of(s, n->own, n->pot) + n->bytes;
    bool first = over <= n->bytes;
    /* A client that holds most and keeps coming back must not use up all the excess: some is left for the small ones while those
     * who were marked are still leaving. */
    bool small = is_modest(n, n->connection) || n->account <= pot->max / EXCESS_LARGE || n->connection < n->heaviest;
    int64_t excess = n->lend          ? pot->max / EXCESS_LENT * (EXCESS_LENT - 1)
                     : first || small ? pot->max / EXCESS_PARTS
                                      : pot->max / EXCESS_LARGE;
    if (over > excess)
        return false;
    if (n->coming >= over)
        return true;
    visit_all(n, find_candidate);
    if (n->coming + n->available < over)
        return false;
    qsort(s->found, s->found_count, sizeof(*s->found), by_account);
    for (size_t i = 0; i < s->found_count && n->coming < over; i++)
        mark(n, &s->found[i]);
    return true;
}

static bool make_room(struct need *n)
{
    struct shares *s = n->shares;
    PUT(s->full_us, n->now_us);
    pthread_mutex_lock(&s->lock);
    bool made = search(n);
    pthread_mutex_unlock(&s->lock);
    if (!made)
        metrics_add(refused[n->pot], 1);
    return made;
}

static struct need need_of(struct share_book *b, uint32_t slot, struct holder who, enum pot pot, size_t bytes,
                           int64_t now_us)
{
    return (struct need){.shares = b->shares,
                         .own = &b->holdings[slot],
                         .who = who,
                         .pot = pot,
                         .bytes = (int64_t)bytes,
                         .now_us = now_us};
}

bool shares_make_room(struct share_book *b, uint32_t slot, struct holder who, enum pot pot, size_t bytes,
                      int64_t now_us)
{
    struct need n = need_of(b, slot, who, pot, bytes, now_us);
    return make_room(&n);
}

/* ---- operations ---- */

static atomic_int_fast64_t *lent_to(struct shares *s, uint64_t address)
{
    return &s->lent[address % LENDERS];
}

bool share_lend(struct share_book *b, uint32_t slot, struct holder who, size_t bytes, int64_t now_us)
{
    struct shares *s = b->shares;
    struct quota *pot = &s->pots[POT_REQUESTS];
    int64_t lent = GET(*lent_to(s, who.address)) + (int64_t)bytes;
    if (lent > pot->max / LENT_PARTS && quota_used(pot) + (int64_t)bytes > pot->max / 2) {
        metrics_add(refused[POT_REQUESTS], 1);
        return false;
    }
    if (!quota_take(pot, bytes)) {
        struct need n = need_of(b, slot, who, POT_REQUESTS, bytes, now_us);
        n.lend = true;
        if (!make_room(&n))
            return false;
        quota_force(pot, bytes);
    }
    atomic_fetch_add_explicit(lent_to(s, who.address), (int64_t)bytes, memory_order_relaxed);
    return true;
}

void share_give_back(struct shares *s, uint64_t address, size_t bytes)
{
    atomic_fetch_sub_explicit(lent_to(s, address), (int64_t)bytes, memory_order_relaxed);
    quota_give(&s->pots[POT_REQUESTS], bytes);
}
