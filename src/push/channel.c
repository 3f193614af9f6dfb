#include "channel.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "hub_internal.h"
#include "push/ws_frame.h"

#include <stdlib.h>

void channel_init(struct channel *ch, unsigned place, unsigned topic)
{
    *ch = (struct channel){.place = place, .topic = topic};
}

void channel_fini(struct channel *ch)
{
    must(ch->count == 0);
    stream_fini(&ch->stream);
    free(ch->subs);
    ch->subs = NULL;
}

static bool is_behind(const struct channel *ch, struct ws_conn *c)
{
    return hub_sub(c)->pos[ch->place] < ch->stream.end;
}

enum err channel_add(struct channel *ch, struct ws_conn *c)
{
    must(hub_sub(c)->at[ch->place] == 0);
    if (ch->count == ch->cap) {
        uint32_t cap = ch->cap ? ch->cap + ch->cap / 2 : 16;
        struct ws_conn **subs = realloc(ch->subs, cap * sizeof(struct ws_conn *));
        if (!subs)
            return ERR_NOMEM;
        ch->subs = subs;
        ch->cap = cap;
    }
    ch->subs[ch->count++] = c;
    hub_sub(c)->at[ch->place] = ch->count; /* index + 1 */
    hub_sub(c)->pos[ch->place] = ch->stream.end;
    return OK;
}

void channel_remove(struct channel *ch, struct ws_conn *c)
{
    uint32_t at = hub_sub(c)->at[ch->place];
    must(at > 0 && ch->subs[at - 1] == c);
    if (is_behind(ch, c))
        ch->behind--;
    hub_sub(c)->at[ch->place] = 0;
    struct ws_conn *moved = ch->subs[--ch->count];
    if (moved == c)
        return;
    ch->subs[at - 1] = moved;
    hub_sub(moved)->at[ch->place] = at;
    if (at - 1 < ch->cursor && is_behind(ch, moved))
        ch->lap_broken = true;
}

enum err channel_append(struct channel *ch, struct slice frame)
{
    if (ch->count == 0)
        return OK;
    enum err e = stream_append(&ch->stream, frame);
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

/* Neighbours in a round mostly stand at the same position, so the last answer mostly holds. */
static unsigned frames_since(struct channel *ch, uint64_t pos)
{
    if (ch->memo_pos == pos && ch->memo_end == ch->stream.end)
        return ch->memo_frames;
    ch->memo_pos = pos;
    ch->memo_end = ch->stream.end;
    ch->memo_frames = 0;
    while (pos < ch->stream.end) {
        struct slice bytes = stream_from(&ch->stream, pos);
        ch->memo_frames += ws_frame_count(bytes);
        pos += bytes.len;
    }
    return ch->memo_frames;
}

static void visit(struct channel *ch, struct ws_conn *c)
{
    uint64_t *pos = &hub_sub(c)->pos[ch->place];
    unsigned frames = frames_since(ch, *pos), dropped = 0;
    while (*pos < ch->stream.end) {
        struct slice bytes = stream_from(&ch->stream, *pos);
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

/* Everyone that the cursor passed since it was last at 0 stands at that lap's end or after it. */
static void wrap(struct channel *ch)
{
    ch->cursor = 0;
    if (!ch->lap_broken)
        stream_forget(&ch->stream, ch->lap_end);
    ch->lap_broken = false;
    ch->lap_end = ch->stream.end;
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
        if (ch->cursor >= ch->count)
            wrap(ch);
        if (ch->cursor + 4 < ch->count)
            __builtin_prefetch(ch->subs[ch->cursor + 4]);
        struct ws_conn *c = ch->subs[ch->cursor++];
        if (!is_behind(ch, c))
            continue;
        visit(ch, c);
        max_sends--;
    }
    if (ch->behind == 0) {
        stream_forget(&ch->stream, ch->stream.end);
        ch->lap_end = ch->stream.end;
        ch->lap_broken = false;
    }
    observe_marks(ch);
}
