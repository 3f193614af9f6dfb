/* The moves between the states of one connection (include/push/ws_conn.h draws them). A state only ever moves on, and a
 * connection that has left OPEN is looked at once more when the turn ends (ws_set.c): the app hears that it has closed,
 * and a DEAD one is freed then, when no caller further up can hold it any more. */
#include "ws_internal.h"

#include <stdlib.h>

void ws_reap_later(struct ws_conn *c)
{
    if (c->flags & WS_REAP)
        return;
    c->flags |= WS_REAP;
    c->next_reap = c->set->reap;
    c->set->reap = c;
}

void ws_lost(struct ws_conn *c, const char *why)
{
    if (c->state == WS_DEAD)
        return;
    if (c->state == WS_OPEN)
        log_debug("websocket lost", "connection=%.*s reason=\"%s\"", UUID_LEN, c->id, why);
    c->state = WS_DEAD;
    if (c->close_code == 0)
        c->close_code = WS_CLOSE_ABNORMAL;
    ws_reap_later(c);
}

static void on_deadline(struct timer *t)
{
    struct ws_closing *closing = (struct ws_closing *)(void *)t;
    ws_lost(closing->conn, "closing took too long");
}

void ws_move(struct ws_conn *c, enum ws_state state, int64_t wait_us)
{
    must(state > c->state);
    c->state = (uint8_t)state;
    ws_reap_later(c);
    if (c->closing)
        return;
    c->closing = calloc(1, sizeof(*c->closing));
    if (!c->closing) {
        ws_lost(c, "no memory");
        return;
    }
    c->closing->conn = c;
    c->closing->timer.on_fire = on_deadline;
    timer_start(&c->set->timers, &c->closing->timer, c->set->loop->now_us + wait_us);
}
