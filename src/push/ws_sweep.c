/* Who is gone without a word, and whose token is over. A peer that sent nothing for one ping interval is pinged; after
 * SWEEPS_MAX intervals without a byte the connection is dropped. Tokens have a timer of their own. */
#include "ws_internal.h"

#define EXPIRY_STEP_US 1000000
#define SWEEP_STEPS    32   /* of one ping interval: each looks at its share of the connections */
#define SWEEPS_MAX     3    /* quiet (or trickling) for so many ping intervals is the end */
#define TRICKLE_BYTES  1024 /* per ping interval: what an incomplete message must bring */

static const char PING_FRAME[2] = {(char)(0x80 | WS_OP_PING), 0};

static int64_t sweep_step_ms(const struct ws_set *s)
{
    int64_t step_ms = s->options.ping_ms / SWEEP_STEPS;
    return step_ms < 10 ? 10 : step_ms > 1000 ? 1000 : step_ms;
}

static uint32_t now_ms(const struct ws_set *s)
{
    return (uint32_t)((s->loop->now_us - s->start_us) / 1000);
}

/* A message that is not complete holds a parser of 8 KB: it must grow, or the connection is closed. */
static void check_parser(struct ws_conn *c)
{
    struct ws_parser *p = c->parser;
    if (!p)
        return;
    p->starved = p->fed - p->swept_fed < TRICKLE_BYTES ? p->starved + 1 : 0;
    p->swept_fed = p->fed;
    if (p->starved >= SWEEPS_MAX)
        ws_conn_fail(c, WS_CLOSE_POLICY, "message left incomplete");
}

static bool close_expired(struct ws_conn *c)
{
    if (!c->principal || !c->principal->until_s || c->set->loop->wall_us / 1000000 < c->principal->until_s)
        return false;
    ws_conn_close(c, WS_CLOSE_POLICY, "token expired");
    return true;
}

/* Tokens run out whether or not anybody is pinged. One timer for all, due when the first of them does: where no token
 * ends, nothing wakes up. */
static void expect_expiry(struct ws_set *s, int64_t until_s)
{
    if (until_s == 0 || (s->expiry_s != 0 && s->expiry_s <= until_s))
        return;
    s->expiry_s = until_s;
    int64_t wait_us = until_s > s->loop->wall_us / 1000000 ? until_s * 1000000 - s->loop->wall_us : 0;
    if (wait_us < EXPIRY_STEP_US) /* so that a look at all of them comes once in a while at most */
        wait_us = EXPIRY_STEP_US;
    timer_start(&s->timers, &s->expiry, s->loop->now_us + wait_us);
}

static void on_expiry(struct timer *t)
{
    struct ws_set *s = (struct ws_set *)(void *)((char *)t - offsetof(struct ws_set, expiry));
    s->expiry_s = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        struct ws_conn *c = s->conns[i];
        if (c->state == WS_OPEN && c->principal && !close_expired(c))
            expect_expiry(s, c->principal->until_s);
    }
}

/* Once per ping interval and connection. */
static void sweep_one(struct ws_conn *c)
{
    if (c->state != WS_OPEN)
        return;           /* its deadline sees to it */
    if (close_expired(c)) /* the clock may have been set: then its timer comes too late */
        return;
    if (c->flags & WS_HEARD) {
        c->flags = (uint8_t)(c->flags & ~WS_HEARD);
        c->quiet = 0;
        check_parser(c);
        return;
    }
    c->quiet++;
    if (c->quiet >= SWEEPS_MAX) {
        metrics_add(M_WS_DEAD, 1);
        log_info("websocket dropped", "connection=%.*s reason=\"no answer to pings\"", UUID_LEN, c->id);
        ws_lost(c, "no answer to pings");
    } else if (!c->out) { /* one that does not even read is not helped by a ping */
        ws_out_write(c, slice_of(PING_FRAME, sizeof(PING_FRAME)), 0);
    }
}

/* Goes round the connections, a share of them each step, so that each is seen about once per interval. A removal moves
 * another connection into its place, so one may come up twice in a round: each remembers when it was seen, and a second
 * look so soon does not count as another silent interval. */
static void on_sweep(struct timer *t)
{
    struct ws_set *s = (struct ws_set *)(void *)((char *)t - offsetof(struct ws_set, sweep));
    int64_t step_ms = sweep_step_ms(s);
    uint64_t share = ((uint64_t)s->count * (uint64_t)step_ms) / (uint64_t)s->options.ping_ms + 1;
    for (; share > 0 && s->count > 0; share--) {
        if (s->sweep_at >= s->count) {
            s->sweep_at = 0;
            if (share > s->count)
                share = s->count;
        }
        struct ws_conn *c = s->conns[s->sweep_at++];
        if (now_ms(s) - c->swept_ms < (uint64_t)s->options.ping_ms * 3 / 4)
            continue;
        c->swept_ms = now_ms(s);
        sweep_one(c);
    }
    timer_start(&s->timers, t, s->loop->now_us + step_ms * 1000);
}

void ws_sweep_init(struct ws_set *s)
{
    s->start_us = s->loop->now_us;
    s->sweep.on_fire = on_sweep;
    s->expiry.on_fire = on_expiry;
    if (s->options.ping_ms > 0)
        timer_start(&s->timers, &s->sweep, s->loop->now_us + sweep_step_ms(s) * 1000);
}

void ws_sweep_join(struct ws_conn *c)
{
    c->swept_ms = now_ms(c->set);
    if (c->principal)
        expect_expiry(c->set, c->principal->until_s);
}
