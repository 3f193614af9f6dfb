/* How far the sides of a chat have read, and what of it an answer shows. A message of the customer is read when the agents have
 * read it; one of anybody else is, for the customer, when he has, and for dashboards always. Fragments say `read` of themselves;
 * the few that are not are written over in the copy, from its end backwards. */
#include "cache_history.h"

static int64_t mark_of(const struct msg_rec *rec, uint32_t place)
{
    return message_mark(rec->flags, rec->rev, place);
}

/* The side that has to read a message. */
static enum chat_side reader_of(uint8_t form_flags)
{
    return form_flags & FORM_USER ? SIDE_AGENTS : SIDE_CUSTOMER;
}

/* How many messages have a mark up to this one: the first so many. */
static uint32_t places_up_to(const struct history *l, int64_t mark)
{
    for (const struct chunk *k = l->last; k; k = k->prev) {
        uint32_t low = 0, high = k->count;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (mark_of(chunk_rec(k, mid), k->first + mid) <= mark)
                low = mid + 1;
            else
                high = mid;
        }
        if (low > 0)
            return k->first + low;
    }
    return 0;
}

/* Of the messages [begin, end) those that the side has to read at all. */
static uint32_t count_for(const struct history *l, enum chat_side side, uint32_t begin, uint32_t end)
{
    uint32_t count = 0;
    const struct chunk *k = l->last;
    while (k && k->first >= end)
        k = k->prev;
    for (; k && end > begin; k = k->prev)
        for (; end > begin && end > k->first; end--) {
            uint8_t flags = chunk_rec(k, end - 1 - k->first)->flags;
            count += !(flags & FORM_READ) && reader_of(flags) == side;
        }
    return count;
}

/* The shorter way: what was read now, or what is left. So a side that reads on and on passes each message once. */
static uint32_t count_left(const struct history *l, enum chat_side side, int64_t mark)
{
    uint32_t before = places_up_to(l, l->marks[side]), now = places_up_to(l, mark);
    if (l->count - now < now - before)
        return count_for(l, side, now, l->count);
    return l->unread[side] - count_for(l, side, before, now);
}

bool history_mark(struct history *l, enum chat_side side, int64_t mark)
{
    if (mark <= l->marks[side])
        return false;
    if (l->unread[side] > 0)
        l->unread[side] = count_left(l, side, mark);
    l->marks[side] = mark;
    return true;
}

void history_count(struct history *l, const struct msg_rec *rec, uint32_t place)
{
    int64_t mark = mark_of(rec, place);
    enum chat_side reader = reader_of(rec->flags), sender = reader == SIDE_AGENTS ? SIDE_CUSTOMER : SIDE_AGENTS;
    if (!(rec->flags & FORM_READ) && mark > l->marks[reader])
        l->unread[reader]++;
    if (rec->flags & (FORM_USER | FORM_REPLY) && mark > l->marks[sender]) {
        l->marks[sender] = mark;
        l->unread[sender] = 0;
    }
}

bool history_has_mark(const struct history *l, int64_t mark, bool legacy)
{
    uint32_t places = places_up_to(l, mark);
    const struct chunk *k = l->last;
    while (k && k->first >= places)
        k = k->prev;
    const struct msg_rec *rec = k && places > 0 ? chunk_rec(k, places - 1 - k->first) : NULL;
    return rec && mark_of(rec, places - 1) == mark && legacy == ((rec->flags & FORM_LEGACY) != 0);
}

bool history_span_is_unread(const struct history_span *v, enum chat_side asker, uint8_t form_flags, int64_t mark)
{
    enum chat_side reader = reader_of(form_flags);
    bool shown = reader == SIDE_AGENTS || asker == SIDE_CUSTOMER;
    return shown && !(form_flags & FORM_READ) && mark > v->marks[reader];
}

void history_span_unread(const struct history_span *v, enum chat_side asker, struct buf *out)
{
    uint32_t left = v->unread[SIDE_AGENTS] + (asker == SIDE_CUSTOMER ? v->unread[SIDE_CUSTOMER] : 0);
    uint32_t place = v->end;
    size_t at = out->len + 1; /* behind a comma that is not there */
    if (!buf_ok(out))
        return;
    for (const struct chunk *k = v->last; left > 0 && place > v->begin; k = k->prev)
        for (; left > 0 && place > v->begin && place > k->first; place--) {
            const struct msg_rec *r = chunk_rec(k, place - 1 - k->first);
            at -= r->len + 1;
            if (!history_span_is_unread(v, asker, r->flags, mark_of(r, place - 1)))
                continue;
            render_unread(out->ptr + at, &(struct message_form){.len = r->len, .flags = r->flags});
            left--;
        }
}
