/* channel.h: the plain subscribers of one topic in one format: the frames as a queue, each subscriber a position in it.
 * The channel goes round its subscribers; who is behind gets everything since its position in one send(). So frames
 * that arrive while a round is under way are merged into the sends that are still to come, nobody waits longer than one
 * round, and the round can stop after any subscriber: adoptions, reads and rings are served between slices of it.
 * Private to src/push.
 * Thread:  the hub's.
 * Owns:    its queue and its list of subscribers, not the subscribers. What it keeps in each of them, struct
 *          channel_sub, is the beginning of the connection's space for its app (ws_conn_app).
 * Fails:   ERR_NOMEM, nothing changed. */
#pragma once
#include "frame_queue.h"
#include "push/ws_conn.h"

#define CHANNEL_MARKS  64
#define CHANNEL_PLACES 3 /* channels that one connection can be in at a time */

struct channel_sub {
    uint64_t pos[CHANNEL_PLACES]; /* in the queue of the channel of that place */
    uint32_t at[CHANNEL_PLACES];  /* index in the channel + 1; 0: not subscribed there */
};

static inline struct channel_sub *channel_sub(struct ws_conn *c)
{
    return ws_conn_app(c);
}

/* For the latency histogram: these notices, taken at taken_us, have been written when `visits` have been made. */
struct channel_mark {
    uint64_t visits;
    int64_t taken_us;
    unsigned notices;
};

struct channel {
    struct frame_queue queue;
    struct ws_conn **subs;
    uint32_t count, cap;
    uint32_t next;   /* the subscriber to be visited next */
    uint32_t behind; /* subscribers whose position is not the queue's end */
    unsigned place;  /* of its subscribers' places, the one for this channel */
    unsigned topic;  /* for ws_conn_notify() */
    /* What all that have been visited since the round began have had; unless a removal moved a subscriber that is
     * behind to a place that the round has passed. */
    uint64_t round_end;
    bool round_broken;
    /* The last answer of frames_since(), which mostly is the next one too. */
    uint64_t counted_pos, counted_end;
    unsigned counted_frames;
    uint64_t visits;
    struct channel_mark marks[CHANNEL_MARKS];
    unsigned mark_first, mark_count;
    uint64_t delivered, dropped; /* frames × subscribers; the hub publishes them and sets them to 0 */
};

void channel_init(struct channel *ch, unsigned place, unsigned topic);
void channel_fini(struct channel *ch); /* nobody is subscribed */
NODISCARD enum err channel_add(struct channel *ch, struct ws_conn *c);
void channel_remove(struct channel *ch, struct ws_conn *c);
void channel_catch_up(struct channel *ch, struct ws_conn *c); /* sends c what it has not had yet */
NODISCARD enum err channel_append(struct channel *ch, struct slice frame);
/* For all but one, who said what is in the frame: it gets what it has not had yet at once. */
NODISCARD enum err channel_append_but(struct channel *ch, struct slice frame, struct ws_conn *c);
void channel_mark(struct channel *ch, int64_t taken_us, unsigned notices); /* after the notices' frames */
void channel_run(struct channel *ch, unsigned max_sends);
