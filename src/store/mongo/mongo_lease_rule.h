/* mongo_lease_rule.h: who may have the lease, decided from what the database says and for how long it has said so.
 * Thread:  none of its own; no I/O, no clock.
 * No two clocks are compared. The holder counts `turn` up again and again, and takes its lease for good until a time by
 * its own clock, counted from before it asked. Who else wants it must see one turn stand still for the whole lease time
 * by his, which is longer by what a command of the holder's may take; and takes it by a compare-and-set on holder and
 * turn. */
#pragma once
#include "mongo_process.h"

#define LEASE_ID_LEN 32

struct lease_doc {
    bool there;
    char holder[LEASE_ID_LEN + 1]; /* a process's own random id; empty: given back */
    char heir[LEASE_ID_LEN + 1];   /* who has asked the holder for it; empty: nobody */
    int64_t turn;
    int64_t lease_us; /* how long a turn must stand still, as the holder wants it */
    struct process_name process;
    enum process_state state;
};

struct lease_watch { /* zeroed at first */
    char holder[LEASE_ID_LEN + 1];
    int64_t turn;
    int64_t since_us; /* seen first at */
    bool renewed;     /* this holder has been seen to count up */
};

enum lease_step {
    LEASE_OURS,
    LEASE_TAKE,
    LEASE_ASK,   /* write ourselves down as the heir */
    LEASE_WAIT,  /* it stands still, and not for long enough yet */
    LEASE_REFUSE /* somebody lives by it */
};

/* shared: ask for it instead of being refused. */
enum lease_step lease_decide(struct lease_watch *w, const struct lease_doc *d, const char *self, bool shared,
                             int64_t now_us);
