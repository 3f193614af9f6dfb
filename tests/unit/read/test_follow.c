/* Clients that follow by cursor through random trouble: dashboards of all and of one owner, with pages of one, three and
 * a hundred customers, and widgets. Messages are told to memory late, are in doubt, are forgotten; the server is killed and
 * begins again. In the end everybody has seen every message that is his to see, and nobody another's; paging ends; and a
 * client to whom nothing new can be told is told nothing again (docs/architecture.md, invariants 5 and 6). */
#include "cache_suites.h"

#include "base/clock.h"
#include "read/cache/cache_int.h"

#include <stdio.h>
#include <stdlib.h>

#define MB            (1 << 20)
#define WALKS         8
#define STEPS         2500
#define PEOPLE        10
#define CLIENTS       12
#define QUEUE         60
#define PAGES         500 /* of one answer: more are without end */
#define OVERLAP       60000000 /* µs: longer than any machine takes for a walk, so what it tells again hides what is missed */
#define OWNER_OF(who) ((who) % 2 ? "acme" : "beta")

struct follower {
    struct view_query q;
    char cursor[128];
    bool more;
    size_t told;
    int owner, who; /* whose customers it may see, or which one it is; -1: all */
    bool seen[STEPS];
};

struct follow_walk {
    struct kit *k;
    unsigned seed;
    struct follower clients[CLIENTS];
    int whose[STEPS]; /* by message */
    int messages;
    struct op *late[QUEUE]; /* stored, and not yet told to memory */
    int late_count;
    struct op *elsewhere; /* another process's, which tells of it some time; shared databases only */
    bool doubting, restarts;
    char names[PEOPLE][16], chats[PEOPLE][16];
};

static int dice(struct follow_walk *w, int sides)
{
    return rand_r(&w->seed) % sides;
}

static void take(struct follow_walk *w, struct follower *f, struct answer a)
{
    CU_ASSERT_EQUAL_FATAL(a.result, VIEW_OK);
    for (const char *at = a.body; (at = strstr(at, "\"text\":\"m")); at++) {
        int message = atoi(at + strlen("\"text\":\"m"));
        CU_ASSERT_FATAL(message >= 0 && message < w->messages);
        f->seen[message] = true;
        f->told++;
    }
    const char *cursor = strstr(a.body, "\"cursor\":\"");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cursor);
    (void)sscanf(cursor, "\"cursor\":\"%63[^\"]", f->cursor);
    f->more = strstr(a.body, "\"more\":true") != NULL;
}

static void follow(struct follow_walk *w, struct follower *f)
{
    struct view_query q = f->q;
    view_parse_cursor(slice_cstr(f->cursor), &q);
    take(w, f, ask(w->k, &q));
}

static void follow_to_the_end(struct follow_walk *w, struct follower *f)
{
    int pages = 0;
    do
        follow(w, f);
    while (f->more && ++pages < PAGES);
    CU_ASSERT_FALSE(f->more);
}

/* The first answer is whole, so of any length. */
static void begin_following(struct follow_walk *w, int i)
{
    static const int64_t limits[] = {1, 3, 100};
    struct follower *f = &w->clients[i];
    f->owner = f->who = -1;
    f->q = (struct view_query){.view = VIEW_REFETCH, .limit = limits[i % 3]};
    if (i >= 9) {
        f->who = i - 9;
        struct slice id = slice_cstr(w->names[f->who]);
        f->q = (struct view_query){.view = VIEW_POLL, .ident = id, .viewer = {SCOPE_CUSTOMER, id}};
    } else if (i >= 3) {
        f->owner = (i / 3) % 2;
        f->q.owner = slice_cstr(OWNER_OF(f->owner));
        f->q.viewer = (struct scope){SCOPE_OWNER, f->q.owner};
    }
    struct view_query whole = f->q;
    whole.limit = 100;
    take(w, f, ask(w->k, &whole));
}

static void let_time_pass(struct follow_walk *w)
{
    int64_t now = clock_wall_us();
    w->k->rev = now > w->k->rev ? now : w->k->rev;
}

static void begin(struct follow_walk *w, unsigned seed)
{
    *w = (struct follow_walk){.k = kit_new(16 * MB), .seed = seed};
    w->k->overlap_us = OVERLAP;
    w->k->shared = seed % 4 >= 2;
    w->restarts = seed % 2; /* after one everything is told again: the others show what is missed without */
    let_time_pass(w);
    kit_restart(w->k, 16 * MB);
    for (int i = 0; i < PEOPLE; i++) {
        char email[24];
        snprintf(w->names[i], sizeof(w->names[i]), "u%d", i);
        snprintf(w->chats[i], sizeof(w->chats[i]), "c-u%d", i);
        snprintf(email, sizeof(email), "u%d@x.io", i);
        open_chat(w->k, w->names[i], w->chats[i]);
        let_time_pass(w);
        kit_write(w->k, kit_put_customer(w->k, email, "n", OWNER_OF(i)));
    }
    for (int i = 0; i < CLIENTS; i++)
        begin_following(w, i);
}

static void recover(struct follow_walk *w)
{
    if (w->doubting)
        recover_memory(w->k->cache);
    w->doubting = false;
}

static void tell_late(struct follow_walk *w, int count)
{
    recover(w);
    for (int i = 0; i < count; i++)
        kit_apply(w->k, w->late[i]);
    w->late_count -= count;
    memmove(w->late, w->late + count, (size_t)w->late_count * sizeof(w->late[0]));
}

static void store_one(struct follow_walk *w, int who)
{
    char text[12];
    let_time_pass(w);
    snprintf(text, sizeof(text), "m%d", w->messages);
    w->whose[w->messages++] = who;
    struct op *op = kit_send(w->k, w->chats[who], "user", text);
    kit_commit(w->k, op);
    w->late[w->late_count++] = op;
}

/* Given up after a try that stored it. */
static void give_up_first(struct follow_walk *w)
{
    doubt_in_memory(w->k->cache, w->late[0]);
    w->doubting = true;
    memmove(w->late, w->late + 1, (size_t)--w->late_count * sizeof(w->late[0]));
}

/* Another process stored the oldest that is late here, and tells when others of ours have been told. */
static void take_elsewhere(struct follow_walk *w)
{
    w->elsewhere = w->late[0];
    memmove(w->late, w->late + 1, (size_t)--w->late_count * sizeof(w->late[0]));
}

static void tell_elsewhere(struct follow_walk *w)
{
    const struct new_message *m = w->elsewhere ? &send_of(w->elsewhere)->message : NULL;
    if (m) /* "c-u1" is u1's */
        cache_take(w->k->cache,
                   &(struct event){.kind = EVENT_ELSEWHERE,
                                   .rev = m->rev,
                                   .chat_id = m->chat_id,
                                   .customer_id = slice_of(m->chat_id.ptr + 2, m->chat_id.len - 2)},
                   1);
    w->elsewhere = NULL;
}

static void forget(struct follow_walk *w, int who, bool entry)
{
    struct cache *c = w->k->cache;
    struct slice id = slice_cstr(w->names[who]);
    cache_lock(c);
    struct customer_entry *u = index_customer(c, id, index_hash(id));
    if (u && entry)
        customer_free(c, u);
    else if (u)
        customer_unload(c, u);
    cache_unlock(c);
}

/* Killed: what memory was not told yet is stored, and nobody hears of it. */
static void restart(struct follow_walk *w)
{
    kit_restart(w->k, 16 * MB);
    w->late_count = 0;
    w->elsewhere = NULL;
    w->doubting = false;
}

static void step(struct follow_walk *w)
{
    int who = dice(w, PEOPLE), kind = dice(w, 100);
    if (kind < 30 && w->late_count < QUEUE)
        store_one(w, who);
    else if (kind < 50 && w->late_count > 0)
        tell_late(w, 1 + dice(w, w->late_count));
    else if (kind < 52 && w->late_count > 0)
        give_up_first(w);
    else if (kind < 55)
        recover(w);
    else if (kind < 60)
        forget(w, who, kind < 58);
    else if (kind < 61 && w->restarts)
        restart(w);
    else if (kind < 64)
        (void)get(w->k, VIEW_POLL, w->names[who]);
    else if (kind < 66 && w->k->shared && !w->elsewhere && w->late_count > 0)
        take_elsewhere(w);
    else if (kind < 66)
        tell_elsewhere(w);
    else
        follow(w, &w->clients[dice(w, CLIENTS)]);
}

static bool may_see(const struct follower *f, int who)
{
    return f->who >= 0 ? f->who == who : f->owner < 0 || f->owner == who % 2;
}

static void expect_all_told(struct follow_walk *w, struct follower *f)
{
    int missed = 0, anothers = 0;
    follow_to_the_end(w, f); /* pages that were begun: their last cursor is of when they were */
    follow_to_the_end(w, f);
    for (int i = 0; i < w->messages; i++) {
        missed += may_see(f, w->whose[i]) && !f->seen[i];
        anothers += !may_see(f, w->whose[i]) && f->seen[i];
    }
    CU_ASSERT_EQUAL(missed, 0);
    CU_ASSERT_EQUAL(anothers, 0);
    follow_to_the_end(w, f); /* what came late may be told once more */
    size_t told = f->told;
    follow_to_the_end(w, f);
    CU_ASSERT_EQUAL(f->told, told);
}

static void who_follows_misses_nothing(void)
{
    static struct follow_walk w;
    for (unsigned seed = 1; seed <= WALKS; seed++) {
        begin(&w, seed);
        for (int i = 0; i < STEPS; i++)
            step(&w);
        tell_late(&w, w.late_count);
        tell_elsewhere(&w);
        for (int i = 0; i < CLIENTS; i++)
            expect_all_told(&w, &w.clients[i]);
        kit_free(w.k);
    }
}

const CU_TestInfo follow_tests[] = {
    {"who follows by cursor misses nothing", who_follows_misses_nothing},
    CU_TEST_INFO_NULL,
};
