/* Who may have the lease: the rule alone, as a table; many processes with clocks of their own that live by it, stop and come
 * back at random; and how a process is seen to have ended. */
#include "store/mongo/mongo_lease_rule.h"
#include "suites.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)

struct look {
    int64_t at_s;
    const char *holder; /* NULL: no document */
    const char *heir;
    int64_t turn;
    enum process_state state;
    bool shared;
    enum lease_step want;
};

static void run_looks(const struct look *looks, size_t count)
{
    struct lease_watch watch = {0};
    for (size_t i = 0; i < count; i++) {
        const struct look *l = &looks[i];
        struct lease_doc d = {.there = l->holder, .turn = l->turn, .lease_us = 13 * SECOND, .state = l->state};
        strcpy(d.holder, l->holder ? l->holder : "");
        strcpy(d.heir, l->heir ? l->heir : "");
        enum lease_step got = lease_decide(&watch, &d, "self", l->shared, 1000 * SECOND + l->at_s * SECOND);
        CU_ASSERT_EQUAL(got, l->want);
        if (got != l->want)
            fprintf(stderr, "look %zu: got %d, want %d\n", i, (int)got, (int)l->want);
    }
}
#define LOOKS(...)                                                                                                     \
    do {                                                                                                               \
        const struct look looks[] = {__VA_ARGS__};                                                                     \
        run_looks(looks, sizeof(looks) / sizeof(looks[0]));                                                            \
    } while (0)

static void what_is_free_is_taken(void)
{
    LOOKS({0, NULL, NULL, 0, PROCESS_UNKNOWN, false, LEASE_TAKE});
    LOOKS({0, "", NULL, 7, PROCESS_UNKNOWN, false, LEASE_TAKE});
    LOOKS({0, "", "another", 7, PROCESS_ALIVE, true, LEASE_TAKE});
    LOOKS({0, "self", NULL, 7, PROCESS_ALIVE, false, LEASE_OURS}); /* a take whose answer was lost */
    LOOKS({0, "other", NULL, 7, PROCESS_ENDED, false, LEASE_TAKE});
}

static void a_living_holder_is_let_be(void)
{
    LOOKS({0, "other", NULL, 7, PROCESS_ALIVE, false, LEASE_REFUSE});
    LOOKS({0, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {2, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {3, "other", NULL, 8, PROCESS_UNKNOWN, false, LEASE_REFUSE},
          {4, "other", NULL, 8, PROCESS_UNKNOWN, false, LEASE_REFUSE});
}

static void one_that_stands_still_is_waited_out(void)
{
    LOOKS({0, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {12, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {13, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_TAKE});
    /* each sign of life begins the time anew; a third one that was faster begins it too */
    LOOKS({0, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {12, "other", NULL, 8, PROCESS_UNKNOWN, false, LEASE_REFUSE},
          {24, "other", NULL, 8, PROCESS_UNKNOWN, false, LEASE_REFUSE},
          {25, "other", NULL, 8, PROCESS_UNKNOWN, false, LEASE_TAKE});
    LOOKS({0, "other", NULL, 7, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {13, "third", NULL, 8, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {25, "third", NULL, 8, PROCESS_UNKNOWN, false, LEASE_WAIT},
          {26, "third", NULL, 8, PROCESS_UNKNOWN, false, LEASE_TAKE});
}

static void who_shares_asks_and_waits(void)
{
    LOOKS(
        {0, "other", NULL, 7, PROCESS_ALIVE, true, LEASE_ASK}, {1, "other", "self", 7, PROCESS_ALIVE, true, LEASE_WAIT},
        {2, "other", "self", 8, PROCESS_ALIVE, true, LEASE_WAIT},
        {3, "other", "third", 8, PROCESS_ALIVE, true, LEASE_ASK}, {4, "", "self", 9, PROCESS_ALIVE, true, LEASE_TAKE});
    LOOKS({0, "other", NULL, 7, PROCESS_ALIVE, true, LEASE_ASK},
          {13, "other", "self", 7, PROCESS_ALIVE, true, LEASE_TAKE});
}

/* A document that somebody has written by hand must not lock the database for ever, nor be taken at once. */
static void a_lease_time_is_bounded(void)
{
    struct lease_watch watch = {0};
    struct lease_doc d = {.there = true, .holder = "other", .turn = 1, .lease_us = INT64_MAX};
    CU_ASSERT_EQUAL(lease_decide(&watch, &d, "self", false, 0), LEASE_WAIT);
    CU_ASSERT_EQUAL(lease_decide(&watch, &d, "self", false, 120 * SECOND), LEASE_TAKE);
    d.lease_us = -5;
    d.turn = 2;
    CU_ASSERT_EQUAL(lease_decide(&watch, &d, "self", false, 200 * SECOND), LEASE_REFUSE);
    CU_ASSERT_EQUAL(lease_decide(&watch, &d, "self", false, 201 * SECOND), LEASE_TAKE);
}

/* --- many processes, one document --- */

#define NODES  4
#define GOOD   (10 * SECOND)
#define MARGIN (3 * SECOND)
#define LEASE  (GOOD + MARGIN)

struct node {
    char id[LEASE_ID_LEN + 1];
    int64_t offset_us, drift_ppm; /* its clock */
    struct lease_watch watch;
    bool held, shared, over; /* over: lost it and knows */
    int64_t good_until_us;   /* by its clock */
    int64_t lands_us;        /* its last write, by no clock */
};

struct world {
    struct node nodes[NODES];
    struct lease_doc doc;
    int64_t now_us;
    unsigned taken, refused, handed, wrong;
};

static int64_t clock_of(const struct world *w, const struct node *n)
{
    return n->offset_us + w->now_us + w->now_us / 1000000 * n->drift_ppm;
}

static int64_t within(int64_t most_us)
{
    return (int64_t)(random() % (most_us + 1));
}

/* Time passes for whoever is asked: a little, or while it is stopped. */
static void pass(struct world *w)
{
    w->now_us += random() % 20 == 0 ? within(40 * SECOND) : within(SECOND / 5);
}

static void take(struct world *w, struct node *n, const struct lease_doc *seen, int64_t asked_us)
{
    bool as_seen = w->doc.there == seen->there && strcmp(w->doc.holder, seen->holder) == 0 && w->doc.turn == seen->turn;
    if (!as_seen)
        return;
    w->doc = (struct lease_doc){.there = true, .turn = w->doc.turn + 1, .lease_us = LEASE};
    strcpy(w->doc.holder, n->id);
    w->taken++;
    for (unsigned i = 0; i < NODES; i++)
        w->wrong += w->nodes[i].lands_us > w->now_us; /* another's write is still on its way */
    pass(w);                                          /* until it hears */
    n->held = true;
    n->good_until_us = asked_us + GOOD;
}

static void renew(struct world *w, struct node *n)
{
    int64_t asked_us = clock_of(w, n);
    pass(w);
    if (strcmp(w->doc.holder, n->id) == 0 && !w->doc.heir[0]) {
        w->doc.turn++;
        pass(w);
        n->good_until_us = asked_us + GOOD;
        return;
    }
    n->good_until_us = 0;
    n->over = true;
    if (strcmp(w->doc.holder, n->id) == 0) {
        w->now_us = n->lands_us > w->now_us ? n->lands_us : w->now_us; /* its batch ends */
        w->doc.holder[0] = '\0';
        w->doc.turn++;
        w->handed++;
    }
}

static void contend(struct world *w, struct node *n)
{
    int64_t asked_us = clock_of(w, n);
    struct lease_doc seen = w->doc;
    pass(w);
    switch (lease_decide(&n->watch, &seen, n->id, n->shared, clock_of(w, n))) {
    case LEASE_TAKE:
        pass(w);
        take(w, n, &seen, asked_us);
        break;
    case LEASE_ASK:
        strcpy(w->doc.heir, n->id);
        break;
    case LEASE_REFUSE:
        w->refused++;
        break;
    case LEASE_OURS:
    case LEASE_WAIT:
        break;
    }
}

/* A write is begun while the lease is good, often in its last moment, and takes as long as one may. */
static void write_something(struct world *w, struct node *n)
{
    int64_t left_us = n->good_until_us - clock_of(w, n);
    if (!n->held || n->over || left_us <= 0)
        return;
    w->now_us += random() % 2 ? left_us - left_us / 100 - 1 : 0;
    if (clock_of(w, n) >= n->good_until_us)
        return;
    w->wrong += strcmp(w->doc.holder, n->id) != 0;
    n->lands_us = w->now_us + within(MARGIN * 99 / 100);
}

static void begin_again(struct node *n, unsigned *made)
{
    *n =
        (struct node){.offset_us = within(1000 * SECOND), .drift_ppm = within(1000) - 500, .shared = random() % 3 == 0};
    snprintf(n->id, sizeof(n->id), "node %u", ++*made);
}

static void there_are_never_two(void)
{
    unsigned made = 0, wrong = 0, taken = 0, refused = 0, handed = 0;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct world w = {0};
        srandom(seed);
        for (unsigned i = 0; i < NODES; i++)
            begin_again(&w.nodes[i], &made);
        for (unsigned step = 0; step < 2000; step++) {
            struct node *n = &w.nodes[random() % NODES];
            w.now_us += within(SECOND / 2);
            if (n->lands_us <= w.now_us && (n->over || random() % 200 == 0)) /* ended, killed: another comes */
                begin_again(n, &made);
            else if (random() % 2)
                write_something(&w, n);
            else
                n->held ? renew(&w, n) : contend(&w, n);
        }
        wrong += w.wrong;
        taken += w.taken;
        refused += w.refused;
        handed += w.handed;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(taken > 1000 && refused > 1000 && handed > 100); /* all of it happened */
}

/* --- processes --- */

static void a_process_is_known_by_its_start(void)
{
    struct process_name self, child, other;
    process_self(&self);
    CU_ASSERT(self.started > 0 && self.host[0] && self.boot[0] && self.pid_ns[0]);
    CU_ASSERT_EQUAL(process_state(&self, &self), PROCESS_ALIVE);
    other = self;
    other.started++; /* its pid was given again */
    CU_ASSERT_EQUAL(process_state(&other, &self), PROCESS_ENDED);
    other = self;
    other.boot[0] ^= 1; /* another machine, or before a restart of it */
    CU_ASSERT_EQUAL(process_state(&other, &self), PROCESS_UNKNOWN);
    other = self;
    other.pid_ns[5] ^= 1; /* another container */
    CU_ASSERT_EQUAL(process_state(&other, &self), PROCESS_UNKNOWN);
    other = self;
    other.boot[0] = '\0'; /* /proc does not say */
    CU_ASSERT_EQUAL(process_state(&other, &other), PROCESS_UNKNOWN);

    int tell[2];
    CU_ASSERT_EQUAL_FATAL(pipe(tell), 0);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        process_self(&child);
        _exit(write(tell[1], &child, sizeof(child)) != (ssize_t)sizeof(child) || pause());
    }
    CU_ASSERT_EQUAL_FATAL(read(tell[0], &child, sizeof(child)), (ssize_t)sizeof(child));
    CU_ASSERT_EQUAL(process_state(&child, &self), PROCESS_ALIVE);
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    siginfo_t info;
    CU_ASSERT_EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); /* ended, and nobody has asked how */
    CU_ASSERT_EQUAL(process_state(&child, &self), PROCESS_ENDED);
    CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
    CU_ASSERT_EQUAL(process_state(&child, &self), PROCESS_ENDED);
    close(tell[0]);
    close(tell[1]);
}

const CU_TestInfo lease_rule_tests[] = {
    {"what is free is taken", what_is_free_is_taken},
    {"a living holder is let be", a_living_holder_is_let_be},
    {"one that stands still is waited out", one_that_stands_still_is_waited_out},
    {"who shares asks and waits", who_shares_asks_and_waits},
    {"a lease time is bounded", a_lease_time_is_bounded},
    {"there are never two", there_are_never_two},
    {"a process is known by its start", a_process_is_known_by_its_start},
    CU_TEST_INFO_NULL,
};
