#include "conn_share.h"

/* Pending output that is counted whether there is room or not: an error's text, a head. Larger bodies are asked for room
 * before anything of them is sent. */
#define OUT_SMALL  ((size_t)4096)
#define BODY_SMALL ((size_t)16384)

static void begin(struct conn *c)
{
    share_begin(c->set->book, c->slot, c->set->protocol->holder(c), c->set->loop->now_us);
}

/* Nothing was going out so far: the answer is a holding of its own, and a mark that was set on the request is void for it. */
static void begin_output(struct conn *c)
{
    if (c->out_charged == 0 && !c->body)
        begin(c);
}

void conn_name_holder(struct conn *c)
{
    if (c->set->book && c->in_charged > 0)
        begin(c);
}

static bool make_room(struct conn *c, enum pot pot, size_t bytes)
{
    return shares_make_room(c->set->book, c->slot, c->set->protocol->holder(c), pot, bytes, c->set->loop->now_us);
}

/* Brings what the pot counts for this connection from *charged to `now`. small: counted even where the pot is full.
 * False: there is no room, and nobody gives way. */
static bool settle(struct conn *c, enum pot pot, size_t *charged, size_t now, bool small)
{
    struct quota *q = shares_pot(c->set->book->shares, pot);
    if (now < *charged)
        quota_give(q, *charged - now);
    else if (small)
        quota_force(q, now - *charged);
    else if (!quota_take(q, now - *charged)) {
        if (!make_room(c, pot, now - *charged))
            return false;
        quota_force(q, now - *charged);
    }
    *charged = now;
    return true;
}

bool conn_charge_in(struct conn *c)
{
    if (!c->set->book || c->in.cap == c->in_charged)
        return true;
    if (c->in_charged == 0 && c->out_charged == 0 && !c->body)
        begin(c);
    bool fits = settle(c, POT_REQUESTS, &c->in_charged, c->in.cap, false);
    share_requests(c->set->book, c->slot, c->in_charged);
    return fits;
}

bool conn_charge_out(struct conn *c)
{
    if (!c->set->book || c->out.cap == c->out_charged)
        return true;
    begin_output(c);
    bool fits = settle(c, POT_ANSWERS, &c->out_charged, c->out.cap, c->out.cap <= OUT_SMALL);
    share_answers(c->set->book, c->slot, c->out_charged);
    return fits;
}

bool conn_is_crowded(const struct conn *c, const struct blob *body)
{
    if (!c->set->book || body->len <= BODY_SMALL || blob_is_pinned(body))
        return false;
    const struct quota *q = shares_pot(c->set->book->shares, c->pot);
    return quota_used(q) + body->len > q->max;
}

bool conn_keep_body(struct conn *c, struct blob *body)
{
    struct share_book *book = c->set->book;
    enum pot pot = c->pot;
    struct quota *q = book ? shares_pot(book->shares, pot) : NULL;
    if (book)
        begin_output(c);
    if (!blob_pin(body, q)) {
        if (!make_room(c, pot, body->len))
            return false;
        blob_pin_force(body, q);
    }
    if (book)
        share_body(book, c->slot, body, body->len, pot);
    c->body = blob_hold(body);
    c->body_at = 0;
    c->body_pot = (uint8_t)pot;
    return true;
}

void conn_drop_body(struct conn *c)
{
    if (!c->body)
        return;
    struct share_book *book = c->set->book;
    blob_unpin(c->body, book ? shares_pot(book->shares, c->body_pot) : NULL);
    if (book)
        share_body(book, c->slot, NULL, 0, c->body_pot);
    blob_drop(c->body);
    c->body = NULL;
    c->body_at = 0;
}
