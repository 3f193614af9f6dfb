/* hub_internal.h: what the files of the hub share: hub (notices in, sends out), hub_protocol (what clients say),
 * hub_special (who follows single chats, or has an interval or a filter of its own), hub_offer (what those get). Private to
 * src/push. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "channel.h"
#include "notice_frame.h"
#include "pacer.h"
#include "push/hub.h"
#include "push/ws_conn.h"

enum hub_place { PLACE_UPDATES, PLACE_COUNTS, PLACES };
enum hub_topic_bit { TOPIC_UPDATES = 1, TOPIC_COUNTS = 2 };

#define OWN_PACER_CHATS    256              /* chats that one subscriber's interval covers at a time */
#define SHARED_PACER_CHATS 65536            /* the same for --notify-interval */
#define HINT_INTERVAL_US   INT64_C(1000000) /* between two hints of new chats to one subscriber */
#define HUB_CHATS_MAX      64               /* that one connection follows */
#define GATHER_SPARES      64               /* buffers for followed chats' frames that are kept from turn to turn… */
#define GATHER_SPARE_MAX   1024             /* …of at most this size */

struct hub;

/* What the hub keeps in each connection (ws_conn_app). */
struct hub_sub {
    uint64_t pos[PLACES];        /* in the channel's stream */
    uint32_t at[PLACES];         /* index in the channel + 1; 0: not subscribed there */
    struct hub_special *special; /* instead of PLACE_UPDATES: the chats that it follows, or one for all chats */
    uint8_t format;              /* enum notice_format of its last subscribe to chat_updates */
    uint8_t special_count;
};

_Static_assert(sizeof(struct hub_sub) <= WS_APP_BYTES, "fits the connection's space");

static inline struct hub_sub *hub_sub(struct ws_conn *c)
{
    return ws_conn_app(c);
}

/* One chat that somebody follows; exists while somebody does. */
struct hub_chat {
    char id[NOTICE_CHAT_ID_MAX]; /* or what stands for a long one: notice_key() */
    uint8_t id_len;
    struct hub_special **subs;
    uint32_t count, cap;
    uint32_t unpaced[NOTICE_FORMATS]; /* how many of subs without an interval want each format */
    struct hub_chat *next_touched;    /* has frames of this turn */
    bool touched;
    unsigned frames;                     /* gathered in this turn */
    struct buf gathered[NOTICE_FORMATS]; /* one send per subscriber and turn */
};

struct hub_special {
    struct timer timer; /* first: fires when the pacer has something due */
    struct hub *hub;
    struct ws_conn *conn;
    struct hub_chat *chat; /* NULL: all chats */
    struct pacer *pacer;   /* NULL: no interval of its own */
    struct pacer *hints;   /* made with the first that is not sent as a matter of course */
    struct hub_special *next, *next_ended;
    uint32_t at; /* in chat->subs, or in hub->paced */
    uint8_t format;
    bool filtered; /* hears only of chats that may_see() shows it */
    bool ended;    /* in the hub's list of those whose right is gone */
};

struct hub {
    struct ws_set *set;
    const struct hub_options *options;
    struct channel updates[NOTICE_FORMATS], counts;
    struct map chats; /* id → hub_chat */
    struct hub_chat *touched;
    struct buf spares[GATHER_SPARES]; /* empty buffers that keep their memory */
    unsigned spare_count;
    struct hub_special **paced; /* those of all chats with an interval or a filter */
    uint32_t paced_count, paced_cap;
    struct hub_special *ended;              /* to be removed when the turn's notices are done */
    struct pacer *pacer;                    /* of --notify-interval, for all without a longer interval; NULL: none */
    struct pacer *hints;                    /* of new chats, for the plain subscribers */
    struct timer pacer_timer;               /* of both */
    struct buf frames[NOTICE_FORMATS];      /* of the notice at hand; len 0: not encoded yet */
    struct buf text;                        /* replies */
    struct arena arena;                     /* of the message at hand */
    int64_t last_counts[NOTICE_COUNTS_LEN]; /* as they were when last asked for */
    bool refetch_due;                       /* memory ran out on the way: subscribers must refetch */
    bool stopping;                          /* no interval holds anything back any more */
    uint64_t delivered, coalesced;
};

struct hub_wish {
    enum notice_format format;
    struct slice chat_id; /* len 0: all */
    struct slice since;   /* len 0: none */
    int64_t interval_us;
    bool filtered;
};

/* hub.c */
struct slice hub_frame(struct hub *h, const struct notice *n, enum notice_format format);
void hub_next_frame(struct hub *h); /* another notice is at hand */
void hub_deliver(struct hub *h, struct ws_conn *c, struct slice frames, unsigned topic, unsigned count);
void hub_send_counts(struct hub *h, struct ws_conn *c);
void hub_send_hint(struct hub *h, struct ws_conn *c);
int64_t hub_hint_interval_us(const struct hub *h);

/* hub_protocol.c */
void hub_greet(struct hub *h, struct ws_conn *c);
void hub_hear(struct hub *h, struct ws_conn *c, enum ws_message_kind kind, struct slice payload);
void hub_unsubscribe(struct hub *h, struct ws_conn *c, enum hub_topic topic);

void hub_say_ended(struct hub *h, struct ws_conn *c, struct slice chat_id);

/* hub_special.c */
void special_fini(struct hub *h);
NODISCARD enum err special_add(struct hub *h, struct ws_conn *c, const struct hub_wish *wish);
void special_remove(struct hub *h, struct hub_special *sp);
void special_remove_all(struct hub *h, struct ws_conn *c);
/* The connection's own of that chat, or NULL. */
struct hub_special *special_find(struct ws_conn *c, struct slice chat_id);
struct hub_chat *special_chat(struct hub *h, struct slice key); /* NULL: nobody follows it */

/* hub_offer.c */
void special_on_due(struct timer *t);
void special_flush(struct hub_special *sp); /* sends what its pacers hold */
void special_offer(struct hub *h, const struct notice *n, const struct hub_chat *chat);
void special_gather(struct hub *h, struct hub_chat *chat, const struct notice *n);
void special_send_gathered(struct hub *h, int64_t taken_us);
void special_hint(struct hub *h, const struct notice *n); /* of a new chat */
void special_end(struct hub *h);                          /* whose right was found gone */
void special_flush_all(struct hub *h);
void special_hint_all(struct hub *h);
