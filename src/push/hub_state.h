/* hub_state.h: what the files of the hub share. Private to src/push. Each calls only those before it: hub_say (what
 * is sent to one connection, and when), hub_here (who is there), hub_audience and hub_watch (what those are told who asked for
 * that, and when), hub_follow (who follows what), hub_feed (what followers get of the notices),
 * hub_events (chat_events: who is subscribed, and what they get), hub_request (fields of what clients ask), hub_typing (who is
 * typing), hub_signal (typing and read, as clients say them), hub_role (what a connection is), hub_protocol (what else clients ask for), hub (notices in,
 * sends out).
 * Words:   a *plain* subscriber of chat_updates hears of all chats as they come; all of them are served together, by a
 *          channel. Any other has a *follow*: one for each chat that it follows, or one for all chats with an interval
 *          or a filter of its own. A *hint* is a frame that names no chat ("*"): look again. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "channel.h"
#include "hub_here.h"
#include "notice_frame.h"
#include "pacer.h"
#include "push/hub.h"
#include "json/json_in.h"

enum hub_place { PLACE_UPDATES, PLACE_COUNTS, PLACE_EVENTS };
enum hub_topic_bit { TOPIC_UPDATES = 1, TOPIC_COUNTS = 2, TOPIC_EVENTS = 4, TOPIC_STATUS = 8, TOPIC_PRESENCE = 16 };
enum hub_channel {
    CHANNEL_NESTED = NOTICE_NESTED,
    CHANNEL_FLAT = NOTICE_FLAT,
    CHANNEL_COUNTS,
    CHANNEL_EVENTS,
    CHANNELS
};

#define OWN_PACER_CHATS    256              /* chats that one subscriber's interval covers at a time */
#define SHARED_PACER_CHATS 65536            /* the same for --notify-interval */
#define HINT_INTERVAL_US   INT64_C(1000000) /* between two hints of new chats to one subscriber */
#define HUB_CHATS_MAX      64               /* that one connection follows, of each topic */
#define GATHER_SPARES      64               /* buffers for followed chats' frames that are kept from turn to turn… */
#define GATHER_SPARE_MAX   1024             /* …of at most this size */

/* What the hub keeps in each connection (ws_conn_app). */
struct hub_sub {
    struct channel_sub in;           /* first: the channels look for it here */
    struct hub_follow *follows;      /* instead of PLACE_UPDATES */
    struct event_follow *events;     /* of chat_events, instead of PLACE_EVENTS */
    struct hub_signaller *signaller; /* NULL: it has not typed or read yet */
    struct hub_watch *watch;         /* of website_status and presence; NULL: of neither */
    uint8_t format;                  /* enum notice_format of its last subscribe to chat_updates */
    uint8_t follow_count, event_count;
    bool is_agent; /* the registry counts it */
};

_Static_assert(sizeof(struct hub_sub) <= WS_APP_BYTES, "fits the connection's space");

static inline struct hub_sub *hub_sub(struct ws_conn *c)
{
    return ws_conn_app(c);
}

struct hub_list {
    struct hub_follow **items;
    uint32_t count, cap;
};

/* A subscription to chat_events that is of one chat or filtered. */
struct event_follow {
    struct ws_conn *conn;
    struct hub_chat *chat; /* NULL: all chats */
    struct event_follow *next;
    uint32_t at;    /* in its list: chat->events or hub->events_of_all */
    bool filtered;  /* as in struct hub_follow */
    bool unsure;    /* there was something that it may or may not see: it is told to look */
    bool is_widget; /* counts in chat->widgets */
};

struct event_list {
    struct event_follow **items;
    uint32_t count, cap;
};

/* One chat that somebody follows, by chat_updates or chat_events; exists while somebody does. */
struct hub_chat {
    char id[NOTICE_CHAT_ID_MAX]; /* as in notices: notice_short_id() */
    uint8_t id_len;
    struct hub_list follows;
    struct event_list events;
    uint32_t widgets;                 /* those of both that are widgets' */
    struct presence_chat *open;       /* the registry's, while there are any; NULL: no memory for it */
    uint32_t unpaced[NOTICE_FORMATS]; /* how many of them without an interval want each format */
    struct hub_chat *next_gathered;   /* in the hub's list of chats with frames of this turn */
    bool in_gathered;
    unsigned frames;                     /* gathered in this turn */
    struct buf gathered[NOTICE_FORMATS]; /* one send per follower and turn */
};

struct hub_follow {
    struct timer timer; /* first: fires when a pacer has something due */
    struct hub *hub;
    struct ws_conn *conn;
    struct hub_chat *chat; /* NULL: all chats */
    struct pacer *pacer;   /* NULL: no interval of its own */
    struct pacer *hints;   /* NULL: none was sent but those that answer a subscribe */
    struct hub_follow *next, *next_ended;
    uint32_t at; /* in its list: chat->follows or hub->of_all */
    uint8_t format;
    bool filtered;  /* hears only of chats that may_see() shows it */
    bool ended;     /* in the hub's list of those whose right is gone */
    bool is_widget; /* counts in chat->widgets */
};

enum hub_role { AS_USER, AS_AGENT, AS_ASSISTANT, HUB_ROLES };

/* A connection that types or reads, from its first signal on. */
struct hub_signaller {
    struct timer timer; /* first: its typing is to be passed on, or to end */
    struct hub *hub;
    struct ws_conn *conn;
    int64_t spent_us;   /* of --signal-rate: what it has said is paid for by then */
    int64_t warned_us;  /* when it was last told that it says too much; 0: never */
    int64_t passed_us;  /* when its typing was last passed on */
    int64_t heard_us;   /* when it last said that it is typing */
    struct buf chat_id; /* where it is typing; empty: nowhere */
    struct buf text;    /* its preview, for agents */
    uint8_t role;       /* enum hub_role: what it types as */
    bool typing;        /* as it last said; */
    bool shown;         /* as others were last told; */
    bool waits;         /* and whether they are to be told when the gate opens */
};

struct hub {
    struct ws_set *set;
    const struct hub_options *options;
    struct channel channels[CHANNELS];
    struct map chats; /* id → hub_chat */
    struct hub_chat *gathered;
    struct buf spares[GATHER_SPARES]; /* empty buffers that keep their memory */
    unsigned spare_count;
    struct hub_list of_all;          /* the follows of all chats */
    struct event_list events_of_all; /* the same of chat_events */
    uint32_t event_follows;          /* how many there are of them, and of single chats */
    struct timer unsure_timer;       /* when those that are unsure are told to look */
    struct buf event;                /* a frame for subscribers of chat_events */
    struct buf signal;               /* what a connection says to them, encoded */
    struct hub_follow *ended;        /* to be removed when the turn's notices are done */
    struct pacer *pacer;             /* of --notify-interval, for all without a longer interval; NULL: none */
    struct pacer *hints;             /* of new chats, for the plain subscribers */
    struct timer pacer_timer;        /* of both */
    struct hub_here here;
    struct buf frames[NOTICE_FORMATS]; /* of the notice at hand; len 0: not encoded yet */
    struct buf text;                   /* a reply, or a frame that is of no notice */
    struct arena arena;                /* of the message at hand */
    bool refetch_due;                  /* memory ran out on the way: subscribers must refetch */
    bool stopping;                     /* no interval holds anything back any more */
    uint64_t delivered, coalesced;
    uint64_t signals_delivered, signals_dropped; /* the same of chat_events */
};

static inline int64_t hub_hint_interval_us(const struct hub_options *o)
{
    int64_t shared_us = o->notify_interval_ms * 1000;
    return shared_us > HINT_INTERVAL_US ? shared_us : HINT_INTERVAL_US;
}

/* What a subscribe to chat_updates asks for. */
struct hub_wish {
    enum notice_format format;
    struct slice chat_id; /* len 0: all */
    struct slice since;   /* len 0: none */
    int64_t interval_us;
    bool filtered;
};

/* Does it speak for those who answer? Without authentication: it holds a subscription that only dashboards have. */
bool hub_speaks_as_agent(struct ws_conn *c);

/* hub_say.c */
extern const struct slice TOPIC_NAMES[HUB_TOPICS];
/* True: n may go out now. Else the pacer holds it for later (NULL: no interval). */
bool hub_passes(struct hub *h, struct pacer *p, const struct notice *n);
bool hub_hint_passes(struct hub *h, struct pacer *hints);
/* Starts the timer for what the two pacers (or NULL) hold. */
void hub_arm(struct hub *h, struct timer *t, const struct pacer *a, const struct pacer *b);
/* The frame of the notice at hand, encoded once per format until the next notice is at hand; a hint; the counts as they
 * are now. The last two are in h->text. Where memory is short: nothing, and everybody is told to refetch. */
void hub_next_frame(struct hub *h);
struct slice hub_whole(struct hub *h, struct buf *b); /* what is in b */
struct slice hub_frame(struct hub *h, const struct notice *n, enum notice_format format);
struct slice hub_hint_frame(struct hub *h, enum notice_format format);
struct slice hub_counts_frame(struct hub *h);
/* False: some were dropped, since it does not read. */
bool hub_deliver(struct hub *h, struct ws_conn *c, struct slice frames, unsigned topic, unsigned count);
void hub_send_hint(struct hub *h, struct ws_conn *c);
void hub_send_counts(struct hub *h, struct ws_conn *c);
void hub_say_hello(void *hub, struct ws_conn *c);
/* At most 200 bytes of `what`, which are the client's own words, follow the sentence. */
void hub_say_error(struct hub *h, struct ws_conn *c, struct slice sentence, struct slice what);
void hub_say_done(struct hub *h, struct ws_conn *c, const char *type, enum hub_topic topic, struct slice chat_id);
void hub_say_pong(struct hub *h, struct ws_conn *c);

/* hub_here.c: who is there on this broadcaster's connections. Nothing where the hub has no registry. */
void here_look(struct hub *h); /* is there news for the subscribers? Then they are told, in a while if not now */
void here_agent_comes(struct hub *h, struct ws_conn *c);
void here_agent_leaves(struct hub *h, struct ws_conn *c);
void here_widget_comes(struct hub *h, struct hub_chat *chat, struct slice chat_id);
void here_widget_leaves(struct hub *h, struct hub_chat *chat);
void here_owner_changed(struct hub *h, struct slice customer_id);
void here_tell_moved(struct hub *h); /* as a round begins: those of whom that was said are told again */
void here_init(struct hub *h);
void here_fini(struct hub *h);

/* hub_audience.c: what a subscriber of website_status or presence is told */
void audience_find(struct hub *h, struct ws_conn *c,
                   struct hub_watch *w);                  /* w->audience stays as it is without memory */
void audience_release(struct hub *h, struct audience *a); /* gone when nobody is in it; accepts NULL */
void audience_tell_status(struct hub *h, struct ws_conn *c, struct hub_watch *w, bool always);
unsigned audience_tell_presence(struct hub *h, struct ws_conn *c, struct hub_watch *w); /* what it cost, in visits */

/* hub_watch.c: who is told, and when */
NODISCARD enum err watch_subscribe(struct hub *h, struct ws_conn *c, enum hub_watched what);
void watch_begin(struct hub *h, struct ws_conn *c, enum hub_watched what); /* it is told all that there is */
void watch_unsubscribe(struct hub *h, struct ws_conn *c, enum hub_watched what);
void watch_leave(struct hub *h, struct ws_conn *c); /* unsubscribed from both, and gone */
bool watch_turn(struct hub *h);                     /* a share of what is to be told; true: there is more */
void watch_init(struct hub *h);
void watch_fini(struct hub *h);

/* hub_follow.c */
NODISCARD enum err follow_add(struct hub *h, struct ws_conn *c, const struct hub_wish *wish);
void follow_remove(struct hub *h, struct hub_follow *f);
struct hub_follow *follow_find(struct ws_conn *c,
                               struct slice chat_id);                   /* the connection's own of that chat, or NULL */
struct hub_chat *follow_chat(struct hub *h, struct slice short_id);     /* NULL: nobody follows it */
struct hub_chat *follow_chat_get(struct hub *h, struct slice short_id); /* made where there is none; NULL: no memory */
void follow_chat_release(struct hub *h, struct hub_chat *chat);         /* gone when nobody follows it */

/* hub_feed.c */
void feed_each(struct hub *h, const struct notice *n, const struct hub_chat *chat);
void feed_gather(struct hub *h, struct hub_chat *chat, const struct notice *n);
void feed_finish(struct hub *h); /* after the turn's notices, which were taken in this turn of the loop */
void feed_hint(struct hub *h, const struct notice *n);
void feed_hint_all(struct hub *h);
void feed_flush(struct hub_follow *f); /* sends what its pacers hold */
void feed_flush_all(struct hub *h);

/* hub_events.c */
/* What is said of a chat (or of a customer) to those who are subscribed to chat_events. */
struct hub_said {
    struct slice chat_id;     /* as notice_short_id() gives it; empty: of a customer… */
    struct slice customer_id; /* …namely this one: to those who hear of all chats */
    struct slice frame;       /* for customers… */
    struct slice to_agents;   /* …and for agents */
    struct ws_conn *by;       /* who says it does not hear it; NULL: nobody here */
    bool passing;             /* true for seconds: not worth a look where it did not arrive */
};
void events_give(struct hub *h, const struct hub_said *said);
bool events_have_room(struct ws_conn *c, struct slice chat_id);
NODISCARD enum err events_subscribe(struct hub *h, struct ws_conn *c, struct slice chat_id, bool filtered);
void events_unsubscribe(struct hub *h, struct ws_conn *c, struct slice chat_id); /* empty: from all that it has */
void events_take(struct hub *h, const struct notice *notices, unsigned count);   /* one turn's, of all kinds */
void events_look_all(struct hub *h);                   /* something was lost: everybody is told to look */
void events_drained(struct hub *h, struct ws_conn *c); /* its frames were dropped, and it reads again */
void events_init(struct hub *h);
void events_fini(struct hub *h);

/* hub_request.c */
bool request_gives(struct json_value v); /* neither absent nor null */
/* A word of the client, to be compared and for an error: a string's text, else the JSON as it came, which is none of the
 * words that are compared, "None" where there is nothing. */
struct slice request_words(struct json_value v);
/* Absent: *chat_id is empty. False: it has been told what is wrong. */
bool request_chat(struct hub *h, struct ws_conn *c, struct json_value request, struct slice *chat_id);

/* hub_typing.c */
extern const struct slice ROLE_NAMES[HUB_ROLES];
struct hub_signaller *signaller_of(struct hub *h, struct ws_conn *c); /* made where there is none; NULL: no memory */
void signaller_free(struct ws_conn *c);                               /* its typing has ended */
void typing_say(struct hub_signaller *s, struct slice chat_id, enum hub_role role, bool on, struct slice text);
void typing_end(struct ws_conn *c, struct slice chat_id); /* empty: wherever it types */
void typing_hear(void *hub, const struct blob *signal);   /* from another broadcaster */

/* hub_signal.c */
void hub_take_signal(struct hub *h, struct ws_conn *c, bool typing, struct json_value request); /* typing or read */
/* hub_role.c: what a connection is may have changed by what it is subscribed to; chat_id: of its last request */
void role_review(struct hub *h, struct ws_conn *c, struct slice chat_id);

/* hub_protocol.c */
void hub_hear(void *hub, struct ws_conn *c, enum ws_message_kind kind, struct slice payload);
void hub_unsubscribe(struct hub *h, struct ws_conn *c, enum hub_topic topic);
