#include "channel.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/metrics.h"
#include "push/ws_frame.h"

#include <stdlib.h>

void channel_init(struct channel *ch, unsigned place, unsigned topic)
{
    *ch = (struct channel){.place = place, .topic = topic};
}

void channel_fini(struct channel *ch)
{
    must(ch->count == 0);
    frame_queue_fini(&ch->queue);
    free(ch->subs);
    ch->subs = NULL;
}

static bool is_behind(const struct channel *ch, struct ws_conn *c)
{
    return channel_sub(c)->pos[ch->place] < ch->queue.end;
}

enum err channel_add(struct channel *ch, struct ws_conn *c)
{
    must(channel_sub(c)->at[ch->place] == 0);
    if (!list_room(ch->subs, ch->count, ch->cap, 16))
        return ERR_NOMEM;
    ch->subs[ch->count++] = c;
    channel_sub(c)->at[ch->place] = ch->count; /* index + 1 */
    channel_sub(c)->pos[ch->place] = ch->queue.end;
    return OK;
}

void channel_remove(struct channel *ch, struct ws_conn *c)
{
    uint32_t at = channel_sub(c)->at[ch->place];
    must(at > 0 && ch->subs[at - 1] == c);
    if (is_behind(ch, c))
        ch->behind--;
    channel_sub(c)->at[ch->place] = 0;
    struct ws_conn *moved = ch->subs[--ch->count];
    if (moved == c)
        return;
    ch->subs[at - 1] = moved;
    channel_sub(moved)->at[ch->place] = at;
    if (at - 1 < ch->next && is_behind(ch, moved)) /* this round does not visit it: its frames must stay */
        ch->round_broken = true;
}

enum err channel_append(struct channel *ch, struct slice frame)
{
    if (ch->count == 0)
        return OK;
    enum err e = frame_queue_append(&ch->queue, frame);
    if (e == OK)
        ch->behind = ch->count;
    return e;
}

void channel_mark(struct channel *ch, int64_t taken_us, unsigned notices)
{
    if (ch->behind == 0 || ch->mark_count == CHANNEL_MARKS)
        return;
    ch->marks[(ch->mark_first + ch->mark_count++) % CHANNEL_MARKS] =
        (struct channel_mark){.visits = ch->visits + ch->behind, .taken_us = taken_us, .notices = notices};
}

static unsigned frames_since(struct channel *ch, uint64_t pos)
{
    if (ch->counted_pos == pos && ch->counted_end == ch->queue.end)
        return ch->counted_frames;
    ch->counted_pos = pos;
    ch->counted_end = ch->queue.end;
    ch->counted_frames = 0;
    while (pos < ch->queue.end) {
        struct slice bytes = frame_queue_from(&ch->queue, pos);
        ch->counted_frames += ws_frame_count(bytes);
        pos += bytes.len;
    }
    return ch->counted_frames;
}

static void visit(struct channel *ch, struct ws_conn *c)
{
    uint64_t *pos = &channel_sub(c)->pos[ch->place];
    unsigned frames = frames_since(ch, *pos), dropped = 0;
    while (*pos < ch->queue.end) {
        struct slice bytes = frame_queue_from(&ch->queue, *pos);
        dropped += ws_conn_notify(c, bytes, ch->topic);
        *pos += bytes.len;
    }
    ch->behind--;
    ch->visits++;
    ch->delivered += frames - dropped;
    ch->dropped += dropped;
}

void channel_catch_up(struct channel *ch, struct ws_conn *c)
{
    if (is_behind(ch, c))
        visit(ch, c);
}

enum err channel_append_but(struct channel *ch, struct slice frame, struct ws_conn *c)
{
    channel_catch_up(ch, c);
    enum err e = ch->count > 1 ? channel_append(ch, frame) : OK;
    if (e == OK && ch->count > 1) {
        channel_sub(c)->pos[ch->place] = ch->queue.end;
        ch->behind--;
    }
    return e;
}

/* Who was visited in the round that ends here has had all up to round_end at least: that is forgotten. */
static void begin_round(struct channel *ch)
{
    ch->next = 0;
    if (!ch->round_broken)
        frame_queue_forget(&ch->queue, ch->round_end);
    ch->round_broken = false;
    ch->round_end = ch->queue.end;
}

static void observe_marks(struct channel *ch)
{
    if (ch->mark_count == 0)
        return;
    int64_t now_us = clock_mono_us();
    while (ch->mark_count > 0) {
        const struct channel_mark *m = &ch->marks[ch->mark_first];
        if (ch->behind > 0 && ch->visits < m->visits)
            return;
        for (unsigned i = 0; i < m->notices; i++)
            metrics_observe(H_NOTIFIED_WRITTEN, now_us > m->taken_us ? (uint64_t)(now_us - m->taken_us) : 0);
        ch->mark_first = (ch->mark_first + 1) % CHANNEL_MARKS;
        ch->mark_count--;
    }
}

void channel_run(struct channel *ch, unsigned max_sends)
{
    while (ch->behind > 0 && max_sends > 0) {
        if (ch->next >= ch->count)
            begin_round(ch);
        struct ws_conn *c = ch->subs[ch->next++];
        if (!is_behind(ch, c))
            continue;
        visit(ch, c);
        max_sends--;
    }
    if (ch->behind == 0) {
        frame_queue_forget(&ch->queue, ch->queue.end);
        ch->round_end = ch->queue.end;
        ch->round_broken = false;
    }
    observe_marks(ch);
}
