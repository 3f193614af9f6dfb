/* hub_here.h: what one hub keeps of who is there: its part of the registry (push/presence.h), and its subscribers of
 * website_status and presence. Private to src/push.
 * Thread:  the hub's.
 * Pace:    news is told at once when it was quiet, then once a second at most: by *rounds*, in which each subscriber is
 *          visited once and told what it has not been told. A round stops after any subscriber and goes on in the next turn.
 * Shared:  subscribers who may see the same are an *audience*; what is encoded for one of them serves the others who have
 *          been told as much. */
#pragma once
#include "net/timer.h"
#include "push/presence.h"

#define AUDIENCE_PIECES 3
#define PRESENCE_UNTOLD UINT64_MAX       /* agents: none that the subscriber was told */
#define ROUND_US        INT64_C(1000000) /* between two rounds */
#define MOVED_BITS      65536

struct ws_conn;

enum hub_watched { WATCH_STATUS, WATCH_PRESENCE, WATCHES };

/* A frame of presence: what is new to those who have been told up to (from, from_agents). */
struct presence_piece {
    uint64_t from, from_agents;
    uint64_t upto, upto_agents; /* what they have been told then */
    uint64_t now;               /* the registry's last change when it was made */
    int64_t made_us;            /* 0: never */
    uint64_t round;
    bool more;        /* chats that found no room in it */
    struct buf frame; /* len 0: nothing that they may see is new */
};

struct audience {
    struct presence_view view; /* its owner: in the key */
    unsigned subscribers;
    int64_t agents; /* of website_status, with its frame, made in that round */
    uint64_t round;
    struct buf status;
    struct presence_piece pieces[AUDIENCE_PIECES]; /* the first: for those who begin */
    unsigned next_piece;
    size_t key_len;
    char key[]; /* 'a': everybody's; 'o' and the owner */
};

/* What one connection has been told; from its first subscription to its end. */
struct hub_watch {
    uint32_t at[WATCHES]; /* index in the list + 1; 0: not subscribed */
    uint64_t round[WATCHES];
    struct audience *audience;
    int64_t agents;             /* by website_status */
    uint64_t upto, upto_agents; /* by presence… */
    int64_t more_us;            /* …and there is more, which comes from then on; 0: there is not */
    int64_t begun_us;           /* when it was last told all that there is */
};

static inline bool watch_has(const struct hub_watch *w, enum hub_watched what)
{
    return w && w->at[what] > 0;
}

struct watch_list {
    struct ws_conn **subs;
    uint32_t count, cap;
    uint32_t next; /* to be visited next */
    uint32_t left; /* not visited in this round */
};

struct hub_here {
    struct presence *registry; /* NULL: nobody is told anything */
    struct presence_watcher watcher;
    struct timer grace; /* while somebody is leaving */
    struct timer tick;  /* while there is something to tell */
    int64_t round_us;   /* when the last round began */
    uint64_t round;
    uint64_t heard; /* the least that a subscriber of presence has been told, of those who were visited in this round */
    bool telling;   /* a round has begun and is not over */
    bool more;      /* some are to be told more in the next one */
    int64_t busy_us; /* this second's beginning… */
    unsigned begun;  /* …and how many frames were made in it for those who begin */
    /* Customers whose owner has changed since the last round, by their ids' hashes: one more is told again now and then. */
    uint64_t moved[MOVED_BITS / 64];
    bool any_moved;
    struct watch_list lists[WATCHES];
    struct map audiences;
    struct presence_page page, agents;
};
