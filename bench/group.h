/* group.h: HTTP connections of one worker that do the same thing, paced: closed loop (each begins its next request
 * at the answer) or open loop (requests are due at a fixed rate; latency counts from then, also while none is free).
 * Thread:  its worker's.
 * Owns:    its connections' structs, until group_fini(). Free connections take turns, longest free first.
 * Use:     group_init in mode->start, group_go in mode->go, group_turn in mode->turn, group_end before the report. */
#pragma once
#include "conn.h"

struct group;
struct group_kind {
    enum op op;
    /* Writes the request to w->out, sets c->target; 0: nothing to send now (group_nudge() asks again). */
    size_t (*build)(struct group *g, struct conn *c, char *out);
    void (*done)(struct group *g, struct conn *c);         /* response complete and as expected; may be NULL */
    struct text *(*sink)(struct group *g, struct conn *c); /* may be NULL: bodies are skipped */
};

struct group {
    struct worker *worker;
    const struct group_kind *kind;
    struct conn *conns;
    unsigned count;
    struct conn **free_ring; /* count places */
    unsigned free_head, free_count;
    double interval_ns, next_due_ns; /* open loop; 0: closed */
    void *own;
};

void group_init(struct group *g, struct worker *w, const struct group_kind *kind, unsigned count, void *own);
/* rate: of all threads together; 0: closed loop. */
void group_go(struct group *g, double rate);
int64_t group_turn(struct group *g); /* begins what is due; returns when the next is */
void group_nudge(struct group *g);   /* closed loop: free connections ask build() again */
/* One request outside the pacing, on the longest free connection; false when none is free. */
bool group_begin(struct group *g, int64_t due_ns);
void group_end(struct group *g); /* counts what was due and never sent */
void group_fini(struct group *g);
