/* modes.h: the table of modes, and what several of them share. */
#pragma once
#include "group.h"
#include "request.h"
#include "world.h"

extern const struct mode MODE_SEND, MODE_POLL, MODE_REFETCH, MODE_GET, MODE_POST, MODE_FILL; /* mode_http.c */
extern const struct mode MODE_FOLLOW, MODE_MIX;                                              /* mode_mix.c */
extern const struct mode MODE_NOTIFY;                                                        /* mode_notify.c */
extern const struct mode MODE_FANOUT, MODE_WSFAN;                                            /* mode_fanout.c */
extern const struct mode MODE_IDLE;                                                          /* mode_idle.c */
extern const struct mode MODE_SIGNALS;                                                       /* mode_signals.c */
extern const struct mode MODE_STORM;                                                         /* mode_storm.c */

/* What the requests of all HTTP modes are built from; made by prepare, then read only. */
struct requests {
    struct template send, send_marked, poll, refetch;
    struct text preflight;
};
void requests_init(struct requests *r, const struct options *o);
void requests_fini(struct requests *r);

/* Groups of sends to random chats [first, chats), and of polls of customers. */
struct sender {
    const struct requests *requests;
    unsigned first;
    uint64_t number;
};
extern const struct group_kind SEND_KIND; /* own: struct sender */

struct poller {
    const struct requests *requests;
    bool fixed;  /* each connection polls one customer of its own */
    char *etags; /* ETAG_STRIDE each, one per customer; this worker's */
    uint8_t *etag_lens;
};
void poller_init(struct poller *p, const struct load *l, const struct requests *r, bool fixed);
void poller_fini(struct poller *p);
extern const struct group_kind POLL_KIND; /* own: struct poller */

/* Subscribed to chat_updates as a dashboard does. */
void options_subscribe(struct options *o);
