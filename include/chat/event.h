/* event.h: what happened, as the rest of the server is told of it: memory, the hub, metrics.
 * Sources: the writer, once a batch is durable. Another node (EVENT_ELSEWHERE): it names what changed and no more. What is
 *          never stored (who is typing, who is there) is no event: broadcasters tell each other (push/relay.h, presence.h).
 * Thread:  whoever tells waits until every sink has taken the events, in the order of the sinks. Events with a payload
 *          come from the writer alone; ELSEWHERE from any thread that has sinks of its own (a publisher has one
 *          producer, app/announce.h).
 * Owns:    nothing: what an event points to belongs to its source, and is good until the sinks have returned.
 * Fails:   never: what a sink has no room for it forgets, and asks the store later. */
#pragma once
#include "chat/model.h"

enum event_kind {
    EVENT_MESSAGE,      /* a message is stored. chat_id, message, link */
    EVENT_REPEATED,     /* a message came again by its client key, and the first one is the answer. The same */
    EVENT_CHAT,         /* a chat is made; its customer came as EVENT_CUSTOMER before. chat_id, chat */
    EVENT_CUSTOMER,     /* a customer is made or changed. customer */
    EVENT_CHAT_CHANGED, /* a chat is given to somebody, closed or opened. chat_id, customer_id, changed */
    EVENT_READ,         /* a side has read further. Not durable yet (store.h: set_mark). chat_id, read */
    EVENT_AI,           /* a chat's AI agent is switched. chat_id, ai */
    EVENT_TOTALS,       /* what all of this adds to the counts. totals */
    EVENT_DOUBT,        /* a write was given up after a try: the store has it, or not. chat_id; empty: anything */
    EVENT_RECOVERED,    /* the store is well again: what was in doubt can be asked for */
    EVENT_ELSEWHERE, /* another process changed something of this customer. customer_id; chat_id where it was a chat's */
    EVENT_KINDS
};

struct event {
    enum event_kind kind;
    int64_t rev;   /* of the change; 0: it has none */
    int64_t at_us; /* since 1970: when it happened */
    struct slice chat_id;
    struct slice customer_id;
    union {
        struct {
            struct message message;
            const struct chat_link *link; /* of the chat, as it was before */
            bool reopened;                /* the chat was closed, and is open now */
            bool unheard;                 /* EVENT_REPEATED: the first one's answer was lost, and so was its event */
        };
        const struct chat *chat;
        struct {
            const struct customer *before; /* id empty: it is new */
            const struct customer *now;
            bool by_agent;      /* a dashboard changed it, and not a report of what a widget saw */
            bool address_alone; /* its address was looked up in every way: it means nobody else */
        } customer;
        struct {
            const struct chat *now; /* the row */
            const struct chat_link *link;
        } changed;
        struct {
            enum chat_side side;     /* who has read */
            int64_t mark;            /* up to where (chat/model.h) */
            struct slice message_id; /* the same as clients say it */
            const struct chat_link *link;
        } read;
        struct {
            bool enabled;
            const struct chat_link *link;
        } ai;
        const struct totals *totals;
    };
};

/* Who is told, in this order. Set before the source's thread starts, read-only afterwards. */
struct event_sink {
    void (*take)(void *arg, const struct event *events, size_t count);
    void *arg;
};

#define EVENT_SINKS_MAX 4
struct event_sinks {
    struct event_sink at[EVENT_SINKS_MAX];
    unsigned count;
};

static inline void events_tell(const struct event_sinks *sinks, const struct event *events, size_t count)
{
    for (unsigned i = 0; count > 0 && i < sinks->count; i++)
        sinks->at[i].take(sinks->at[i].arg, events, count);
}
