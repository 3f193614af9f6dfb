/* mode_storm.c: N agents connect at the same time and subscribe to everything, as after a restart. A connection's state is
 * complete when it has been greeted, each subscription is answered, and it has been told what there is: counts, how many
 * agents, who is there, and to look. `state`: from the beginning of the storm to there. What they are told of each other
 * afterwards is counted too: frames and bytes, until the end of the run. */
#include "modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GREETED = 1, LOOKED = 2, COUNTED = 4, STATUS = 8, PRESENCE = 16, STATES = 31 };

struct agent {
    struct conn conn; /* first */
    uint8_t states, answers;
    bool complete;
};

struct storm_worker {
    struct agent *agents;
    unsigned count, opened, complete;
    int64_t began_ns;
    uint64_t frames, bytes;
};

static void open_some(struct storm_worker *own, const struct worker *w)
{
    while (own->opened < own->count && w->opening < w->load->options->open_window && !worker_ending(w))
        conn_open(&own->agents[own->opened++].conn);
}

static void on_ready(struct conn *c)
{
    open_some(c->worker->own, c->worker);
}

static bool begins(const char *payload, size_t len, const char *head)
{
    size_t head_len = strlen(head);
    return len >= head_len && memcmp(payload, head, head_len) == 0;
}

static unsigned state_of(const char *payload, size_t len)
{
    static const struct {
        const char *head;
        unsigned state;
    } STATE[] = {{"{\"type\":\"connected\"", GREETED},
                 {"{\"type\":\"chat_updates\"", LOOKED},
                 {"{\"type\":\"unread_counts\"", COUNTED},
                 {"{\"type\":\"website_status\"", STATUS},
                 {"{\"type\":\"presence\"", PRESENCE}};
    for (size_t i = 0; i < sizeof(STATE) / sizeof(STATE[0]); i++)
        if (begins(payload, len, STATE[i].head))
            return STATE[i].state;
    return 0;
}

static void on_message(struct conn *c, const char *payload, size_t len)
{
    struct worker *w = c->worker;
    struct storm_worker *own = w->own;
    struct agent *a = (struct agent *)c;
    own->frames++;
    own->bytes += len;
    a->states = (uint8_t)(a->states | state_of(payload, len));
    a->answers = (uint8_t)(a->answers + begins(payload, len, "{\"type\":\"subscribed\""));
    if (begins(payload, len, "{\"type\":\"error\""))
        worker_failed(w, OP_STATE, FAIL_PROTOCOL);
    if (a->complete || a->states != STATES || a->answers < w->load->options->ws_hellos)
        return;
    a->complete = true;
    own->complete++;
    worker_done(w, OP_STATE, own->began_ns, 0);
}

static void on_lost(struct conn *c)
{
    struct agent *a = (struct agent *)c;
    a->states = a->answers = 0;
}

static const struct conn_actor ACTOR = {.ready = on_ready, .message = on_message, .lost = on_lost};

static void start(struct worker *w)
{
    struct storm_worker *own = must_alloc(1, sizeof(*own));
    w->own = own;
    own->count = worker_share(w, w->load->options->subscribers);
    own->agents = must_alloc(own->count, sizeof(struct agent));
    for (unsigned i = 0; i < own->count; i++) {
        conn_init(&own->agents[i].conn, w, &ACTOR, own, i);
        own->agents[i].conn.websocket = true;
    }
}

static void go(struct worker *w)
{
    struct storm_worker *own = w->own;
    own->began_ns = w->now_ns;
    open_some(own, w);
}

static int64_t turn(struct worker *w)
{
    open_some(w->own, w);
    return NEVER_NS;
}

static void stop(struct worker *w)
{
    struct storm_worker *own = w->own;
    free(own->agents);
    free(own);
}

struct totals {
    unsigned complete;
    double frames, bytes; /* of one connection */
};

static struct totals add_up(const struct load *l)
{
    struct totals t = {0};
    for (unsigned i = 0; i < l->threads; i++) {
        const struct storm_worker *own = l->workers[i].own;
        t.complete += own->complete;
        t.frames += (double)own->frames / l->options->subscribers;
        t.bytes += (double)own->bytes / l->options->subscribers;
    }
    return t;
}

static void report(struct load *l)
{
    struct totals t = add_up(l);
    printf("storm      %u complete of %u; %.1f frames, %.1f KB for each\n", t.complete, l->options->subscribers,
           t.frames, t.bytes / 1024);
}

static void report_json(struct load *l)
{
    struct totals t = add_up(l);
    printf(",\"storm\":{\"complete\":%u,\"frames_each\":%.2f,\"bytes_each\":%.1f}", t.complete, t.frames, t.bytes);
}

const struct mode MODE_STORM = {.name = "storm",
                                .primary = OP_STATE,
                                .start = start,
                                .go = go,
                                .turn = turn,
                                .stop = stop,
                                .report = report,
                                .report_json = report_json};
