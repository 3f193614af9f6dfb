/* channel.h: all plain subscribers of one topic in one format: the frames as a stream, each subscriber a position in it.
 * A cursor goes round the subscribers; who is behind gets everything since its position in one send(). So frames that
 * arrive while a round is under way are merged into the sends that are still to come, nobody waits longer than one round,
 * and the round can stop after any subscriber: adoptions, reads and rings are served between slices of it.
 * Private to src/push.
 * Thread:  the hub's.
 * Owns:    its stream and its list of subscribers, not the subscribers.
 * Fails:   ERR_NOMEM. */
#pragma once
#include "push/ws_conn.h"
#include "stream.h"

#define CHANNEL_MARKS 64

/* For the latency histogram: notices taken at taken_us are written when `visits` have been made. */
struct channel_mark {
    uint64_t visits;
    int64_t taken_us;
    unsigned notices;
};

struct channel {
    struct stream stream;
    struct ws_conn **subs;
    uint32_t count, cap;
    uint32_t cursor; /* next to be visited */
    uint32_t behind; /* subscribers whose position is not the end */
    unsigned place;  /* which of struct hub_sub's places is this channel's */
    unsigned topic;
    bool lap_broken;   /* a removal moved a subscriber that is behind to where the cursor has been */
    uint64_t lap_end;  /* the stream's end when the cursor was last at 0 */
    uint64_t memo_pos; /* frames_since() of the last visit */
    uint64_t memo_end;
    unsigned memo_frames;
    uint64_t visits;
    struct channel_mark marks[CHANNEL_MARKS];
    unsigned mark_first, mark_count;
    uint64_t delivered, dropped; /* frames × subscribers; the hub publishes them */
};

void channel_init(struct channel *ch, unsigned place, unsigned topic);
void channel_fini(struct channel *ch);
NODISCARD enum err channel_add(struct channel *ch, struct ws_conn *c);
void channel_remove(struct channel *ch, struct ws_conn *c);
void channel_catch_up(struct channel *ch, struct ws_conn *c); /* sends c what it has not had yet */
NODISCARD enum err channel_append(struct channel *ch, struct slice frame);
void channel_mark(struct channel *ch, int64_t taken_us, unsigned notices);
void channel_run(struct channel *ch, unsigned max_sends);
