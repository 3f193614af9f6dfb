#include "base/metrics.h"
#include "push/channel.h"
#include "push/hub_state.h"
#include "rig.h"

#include <stdio.h>

#define SUBS 12

struct sub {
    struct peer peer;
    struct ws_conn *conn;
    bool added;
    unsigned next; /* number of the frame that must come next */
};

/* but: who does not get it; NULL: all do. */
static void append_number(struct channel *ch, unsigned number, struct ws_conn *but)
{
    struct buf b = {0};
    char text[200];
    int len = snprintf(text, sizeof(text), "%u %0*d", number, (int)(number % 150) + 1, 0);
    ws_frame_append(&b, WS_OP_TEXT, slice_of(text, (size_t)len));
    CU_ASSERT_EQUAL(but ? channel_append_but(ch, buf_slice(&b), but) : channel_append(ch, buf_slice(&b)), OK);
    buf_fini(&b);
}

/* Everything that has come so far, in order and without a gap. */
static void check_received(struct sub *s)
{
    struct frame f;
    while ((f = peer_next(&s->peer)).opcode) {
        unsigned number = (unsigned)strtoul(f.payload.ptr, NULL, 10);
        CU_ASSERT_EQUAL(number, s->next);
        s->next = number + 1;
    }
}

/* Adds, removals, appends and slices of the round in a random order: every subscriber gets every frame between its add
 * and its removal exactly once, in order, whatever moved about meanwhile. */
static void everyone_gets_all_in_order(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 30, .send_buffer = 1 << 20}};
    rig_start(&r, &rig_app, NULL);
    struct channel ch;
    struct sub subs[SUBS] = {0};
    channel_init(&ch, PLACE_UPDATES, TOPIC_UPDATES);
    for (unsigned i = 0; i < SUBS; i++) {
        peer_open(&subs[i].peer, &r);
        subs[i].conn = told.conn;
    }
    srand(11);
    unsigned number = 0;
    for (unsigned step = 0; step < 20000; step++) {
        struct sub *s = &subs[rand() % SUBS];
        switch (rand() % 8) {
        case 0:
            if (!s->added) {
                CU_ASSERT_EQUAL(channel_add(&ch, s->conn), OK);
                s->next = number;
                s->added = true;
            }
            break;
        case 1:
            if (s->added && rand() % 3 == 0) {
                if (rand() % 2)
                    channel_catch_up(&ch, s->conn);
                bool caught_up = channel_sub(s->conn)->pos[PLACE_UPDATES] == ch.queue.end;
                channel_remove(&ch, s->conn);
                s->added = false;
                check_received(s);
                CU_ASSERT(!caught_up || s->next == number);
            }
            break;
        case 2:
        case 3:
            append_number(&ch, number++, NULL);
            break;
        case 4:
            if (s->added) {
                append_number(&ch, number++, s->conn);
                check_received(s); /* it has had all that was before … */
                CU_ASSERT_EQUAL(s->next, number - 1);
                s->next = number; /* … and does not get this one */
            }
            break;
        default:
            channel_run(&ch, (unsigned)rand() % 6);
            break;
        }
        if (step % 64 == 0)
            for (unsigned i = 0; i < SUBS; i++)
                if (subs[i].added)
                    check_received(&subs[i]);
    }
    channel_run(&ch, 1000);
    CU_ASSERT_EQUAL(ch.behind, 0);
    CU_ASSERT_EQUAL(ch.queue.held_bytes, 0);
    for (unsigned i = 0; i < SUBS; i++) {
        if (subs[i].added) {
            check_received(&subs[i]);
            CU_ASSERT_EQUAL(subs[i].next, number);
            channel_remove(&ch, subs[i].conn);
        }
        peer_close(&subs[i].peer);
    }
    channel_fini(&ch);
    rig_stop(&r);
}

static void frames_of_one_round_leave_in_one_send(void)
{
    struct rig r = {0};
    rig_start(&r, &rig_app, NULL);
    struct channel ch;
    struct peer p;
    channel_init(&ch, PLACE_UPDATES, TOPIC_UPDATES);
    peer_open(&p, &r);
    CU_ASSERT_EQUAL(channel_add(&ch, told.conn), OK);
    for (unsigned i = 0; i < 5; i++)
        append_number(&ch, i, NULL);
    uint64_t before = metrics_counter(M_WS_WRITES);
    channel_run(&ch, 10);
    rig_turn(&r);
    CU_ASSERT_EQUAL(metrics_counter(M_WS_WRITES) - before, 1);
    CU_ASSERT_EQUAL(ch.delivered, 5);
    for (unsigned i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    channel_remove(&ch, told.conn);
    channel_fini(&ch);
    peer_close(&p);
    rig_stop(&r);
}

const CU_TestInfo channel_tests[] = {{"everyone gets all in order", everyone_gets_all_in_order},
                                     {"frames of one round leave in one send", frames_of_one_round_leave_in_one_send},
                                     CU_TEST_INFO_NULL};
