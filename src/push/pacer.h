/* pacer.h: at most one notice per chat and interval. The first passes at once; those that follow within the interval
 * are held, the latest standing for all, and come out when it ends (which begins the next interval).
 * Private to src/push. Time is the caller's, so tests make it up. A NULL pacer is no interval: it holds nothing.
 * Thread:  the hub's.
 * Fails:   past max_chats chats within an interval, or without memory, notices pass unpaced: nothing is lost. */
#pragma once
#include "push/notice.h"

struct pacer;

enum pace {
    PACE_PASS,  /* send it now */
    PACE_HELD,  /* comes out of pacer_next() later */
    PACE_MERGED /* as HELD, and took the place of an earlier one */
};

struct pacer *pacer_new(int64_t interval_us, unsigned max_chats); /* NULL: no memory */
void pacer_free(struct pacer *p);
enum pace pacer_admit(struct pacer *p, const struct notice *n, int64_t now_us);
int64_t pacer_due_us(const struct pacer *p); /* when pacer_next() has work; INT64_MAX: never */
/* The next held notice whose interval has ended, valid until the next call; NULL: no more. */
const struct notice *pacer_next(struct pacer *p, int64_t now_us);
/* All that is held, due or not, in the same way; the pacer is empty afterwards. */
const struct notice *pacer_flush(struct pacer *p);
