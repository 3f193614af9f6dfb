#include "cache_change.h"

#include "base/clock.h"
#include "base/map.h"
#include "cache_int.h"

int64_t change_stamp(struct cache *c, int64_t rev)
{
    int64_t stamp = rev;
    if (rev == c->change && rev == c->stamped_rev)
        return stamp; /* another event of the same change, under the same hold of the lock */
    c->stamped_rev = rev;
    if (rev <= c->change) {
        c->stamped_rev = 0;
        int64_t now = clock_wall_us();
        stamp = now > c->change ? now : c->change + 1;
    }
    c->change = c->applied = stamp;
    change_lags(c, rev);
    return stamp;
}

int64_t mark_stamp(struct cache *c, int64_t rev)
{
    c->marked_at = rev > c->marked_at ? rev : c->marked_at + 1;
    return c->marked_at;
}

void change_lags(struct cache *c, int64_t rev)
{
    if (rev >= c->applied)
        return;
    c->late = c->applied;
    if (c->applied - rev > c->lag_us)
        c->lag_us = c->applied - rev;
}

void change_loaded(struct cache *c, int64_t rev)
{
    if (rev > c->change)
        c->change = rev;
}

/* The number at the front. 0: there is none, or it cannot be a time. */
static int64_t take_number(struct slice *text)
{
    uint64_t n;
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9')
        len++;
    if (!slice_to_u64(slice_of(text->ptr, len), &n) || n > INT64_MAX)
        n = 0;
    *text = slice_of(text->ptr + len, text->len - len);
    return (int64_t)n;
}

static bool take_char(struct slice *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = slice_of(text->ptr + 1, text->len - 1);
    return true;
}

static bool parse(struct slice text, struct cursor *out)
{
    *out = (struct cursor){.stamp = take_number(&text)};
    if (take_char(&text, '-')) {
        out->more = true;
        out->base = take_number(&text);
        if (out->base == 0 || out->base > out->stamp)
            return false;
        if (take_char(&text, '-') && (out->upto = take_number(&text)) == 0)
            return false;
    }
    if (take_char(&text, '.'))
        out->form = '.';
    else if (take_char(&text, '~'))
        out->form = '~';
    int64_t sign = out->form ? take_number(&text) : 0;
    out->sign = (uint32_t)sign;
    if (sign > 0 && take_char(&text, '_') && (out->read = take_number(&text)) == 0)
        return false;
    return out->stamp > 0 && text.len == 0 && sign <= UINT32_MAX && (out->form == 0) == (sign == 0);
}

void view_parse_cursor(struct slice text, struct view_query *q)
{
    struct cursor cursor;
    q->has_since = parse(text, &cursor);
    if (!q->has_since)
        cursor = (struct cursor){0};
    q->since = cursor.stamp;
    q->since_base = cursor.base;
    q->since_upto = cursor.upto;
    q->since_read = cursor.read;
    q->since_sign = cursor.sign;
    q->since_form = cursor.form;
}

static uint32_t sign_of(const struct cache *c, const struct scope *viewer)
{
    const uint64_t words[] = {0, (uint64_t)viewer->kind,
                              viewer->id.len > 0 ? hash_bytes(viewer->id.ptr, viewer->id.len) : 0};
    return (uint32_t)siphash13(words, sizeof(words), c->tag_secret[0], c->tag_secret[1]) | 1; /* 0 is none */
}

/* Who may not see all is told by the clock: whether what he names lies before the last change of anybody would tell when that
 * was. */
int64_t change_latest(const struct cache *c, const struct scope *viewer)
{
    int64_t now = viewer->kind == SCOPE_ALL ? c->change : clock_wall_us();
    return now > c->start_rev ? now : c->start_rev;
}

static bool take(const struct cache *c, struct view_query *q)
{
    bool can = q->view == VIEW_REFETCH || q->view == VIEW_POLL;
    q->since_ours = false;
    q->has_since = q->has_since && can && q->since > 0;
    if (!q->has_since)
        return false;
    bool past = q->since <= change_latest(c, &q->viewer);
    q->since_ours = q->since_form && q->since_sign == sign_of(c, &q->viewer) && (past || q->since <= c->change);
    q->has_since = past || q->since_ours;
    if (!q->has_since || q->since_ours)
        return q->has_since;
    if (q->since_form == '.' || (q->since_base > 0 && !q->since_form))
        return true;
    if (q->since_base > 0) { /* what another process passed over, only it knew: from the first page */
        q->since = q->since_base;
        q->since_base = q->since_upto = 0;
    }
    q->since = q->since > c->overlap_us ? q->since - c->overlap_us : 1;
    return true;
}

bool cursor_take(const struct cache *c, struct view_query *q)
{
    bool taken = take(c, q);
    if (taken && !q->since_ours)
        q->since_read = q->since;
    return taken;
}

/* Nothing with a rev at or below the stamp can come to light from now on, or has and was not told. For who may not see all
 * the clock says so: when something of anybody's last came late, or came at all, is not for his cursor. */
static bool is_settled(const struct cache *c, const struct scope *viewer, int64_t stamp)
{
    if (c->shared || c->doubt_from != 0)
        return false;
    if (viewer->kind == SCOPE_ALL)
        return stamp <= c->applied && stamp - c->late > c->overlap_us;
    int64_t unsettled = stamp > c->recovered_us ? stamp : c->recovered_us;
    return clock_wall_us() - unsettled > c->overlap_us;
}

void cursor_sign(const struct cache *c, const struct scope *viewer, struct cursor *cursor)
{
    cursor->sign = sign_of(c, viewer);
    cursor->form = is_settled(c, viewer, cursor->stamp) ? '.' : '~';
}

void cursor_put(struct buf *b, const struct cursor *cursor)
{
    buf_append_i64(b, cursor->stamp);
    if (cursor->more) {
        buf_append_char(b, '-');
        buf_append_i64(b, cursor->base);
    }
    if (cursor->more && cursor->upto > 0) {
        buf_append_char(b, '-');
        buf_append_i64(b, cursor->upto);
    }
    buf_append_char(b, cursor->form);
    buf_append_u64(b, cursor->sign);
    if (cursor->read > 0) {
        buf_append_char(b, '_');
        buf_append_i64(b, cursor->read);
    }
}
