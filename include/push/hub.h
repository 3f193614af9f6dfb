/* hub.h: who hears of what inside one broadcaster: the dashboards' and widgets' protocol. A struct ws_app (hub_app).
 * Thread:  the broadcaster's; struct hub_options is read-only and outlives it.
 * Owns:    each connection's subscriptions, and what it types.
 * Cost:    a notice is encoded once per format, and the frames of one turn go as one send() of the same bytes to every
 *          subscriber of chat_updates that has no chat, interval or filter of its own. A subscriber of one chat is
 *          found by the chat, not by a scan.
 * Rights:  a filtered subscriber's are asked for at each notice. Where a single chat is out of sight, its subscription ends.
 * Events:  chat_events is apart: its frames (typing, read, chat_changed, customer_changed) go to its subscribers alone. What
 *          they missed becomes one chat_changed of "*".
 * Signals: typing is given to the other broadcasters by ws_options.relay and stored nowhere; a read is an op of
 *          ws_options.producer. Both are answered only where they are refused.
 * Who is:  website_status and presence come from the registry (push/presence.h), at subscribe and then by rounds, a second apart.
 *          A widget counts the agents of its customer's owner as far as memory knows it: one that polls first is known.
 * Hints:   "*" tells to look again: after a subscribe (unless its cursor is up to date), of new chats, and where notices
 *          were lost. Those of new chats, or of what may or may not be one's own, come once a second at most.
 * Slow:    while a subscriber's socket is full its notices coalesce into one hint to refetch. */
#pragma once
#include "chat/model.h"
#include "push/ws_app.h"

struct presence;
struct producer;

/* What may_subscribe() answers. */
enum hub_right {
    HUB_DENIED,
    HUB_ALLOWED,
    HUB_FILTERED /* chat_updates: each notice only if may_see() says so, since the right may end */
};
enum hub_sight {
    HUB_HIDDEN,
    HUB_VISIBLE,
    HUB_UNSURE /* the subscriber gets a hint to refetch, which shows it what it may see */
};

/* What may_signal() answers. */
enum hub_signal {
    HUB_SIGNAL_DENIED,
    HUB_SIGNAL_NO_CHAT, /* memory knows no such chat that it may see */
    HUB_SIGNAL_ALLOWED
};

enum hub_topic { HUB_CHAT_UPDATES, HUB_UNREAD_COUNTS, HUB_WEBSITE_STATUS, HUB_CHAT_EVENTS, HUB_PRESENCE, HUB_TOPICS };

struct hub_options {
    int64_t notify_interval_ms; /* least time between two notices of one chat to one subscriber; 0 = none */
    /* The counts as they are now; from any broadcaster's thread, must not block. NULL: zeros. */
    void (*counts)(void *arg, int64_t counts[static NOTICE_COUNTS_LEN]);
    void *counts_arg;
    /* Who may hear of what; both from any broadcaster's thread, must not block. NULL: everything is allowed.
     * who: NULL for an anonymous connection. chat_id.len 0: all chats. */
    enum hub_right (*may_subscribe)(void *arg, const struct ws_principal *who, enum hub_topic topic,
                                    struct slice chat_id);
    enum hub_sight (*may_see)(void *arg, const struct ws_principal *who, struct slice chat_id);
    enum hub_sight (*may_see_customer)(void *arg, const struct ws_principal *who, struct slice customer_id);
    /* May it type and read in that chat? With or without authentication; NULL: it may. As what it does so is the hub's
     * (hub_signal.c). */
    enum hub_signal (*may_signal)(void *arg, const struct ws_principal *who, struct slice chat_id);
    /* A widget's customer belongs to an owner, whose agents it may count: the owner's id goes into room, *len bytes.
     * 0: it belongs to nobody. False: memory does not know. NULL: all belong to nobody. */
    bool (*owner_of)(void *arg, const struct ws_principal *who, char room[static CUSTOMER_ID_MAX], size_t *len);
    void *may_arg;
    struct presence *presence; /* who is there, for all broadcasters; NULL: nobody is told */
    /* A side has read up to a message: gives an op of that producer, the broadcaster's own, to the writer where it is news.
     * OK also where it is none; ERR_NOT_FOUND: no such message; else why it cannot be done. NULL: ERR_STORE. */
    NODISCARD enum err (*mark_read)(void *arg, struct producer *producer, const struct ws_principal *who,
                                    enum chat_side side, struct slice chat_id, struct slice message_id);
    void *mark_read_arg;
    int64_t signal_rate; /* typing and read, of one connection in a second, ten seconds' worth at once; 0: no limit */
    bool typing_preview; /* what a customer has typed so far goes to agents */
    /* False: something that the subscriber may see (of that chat, where it is given) may have changed after the cursor.
     * From any broadcaster's thread, must not block. NULL: false. */
    bool (*up_to_date)(void *arg, const struct ws_principal *who, struct slice chat_id, struct slice cursor);
    void *up_to_date_arg;
};

extern const struct ws_app hub_app; /* its create() takes a const struct hub_options * */
