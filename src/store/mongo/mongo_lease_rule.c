#include "mongo_lease_rule.h"

#include <string.h>

#define LEASE_LEAST_US INT64_C(1000000)
#define LEASE_MOST_US  INT64_C(120000000) /* whatever a document says */

static int64_t clamp(int64_t us)
{
    return us < LEASE_LEAST_US ? LEASE_LEAST_US : us > LEASE_MOST_US ? LEASE_MOST_US : us;
}

static void look(struct lease_watch *w, const struct lease_doc *d, int64_t now_us)
{
    bool same = strcmp(w->holder, d->holder) == 0;
    if (same && w->turn == d->turn)
        return;
    w->renewed = same;
    w->turn = d->turn;
    w->since_us = now_us;
    memcpy(w->holder, d->holder, sizeof(w->holder));
}

enum lease_step lease_decide(struct lease_watch *w, const struct lease_doc *d, const char *self, bool shared,
                             int64_t now_us)
{
    if (!d->there || !d->holder[0])
        return LEASE_TAKE;
    if (strcmp(d->holder, self) == 0)
        return LEASE_OURS;
    look(w, d, now_us);
    if (d->state == PROCESS_ENDED || now_us - w->since_us >= clamp(d->lease_us))
        return LEASE_TAKE;
    if (shared)
        return strcmp(d->heir, self) == 0 ? LEASE_WAIT : LEASE_ASK;
    return w->renewed || d->state == PROCESS_ALIVE ? LEASE_REFUSE : LEASE_WAIT;
}
