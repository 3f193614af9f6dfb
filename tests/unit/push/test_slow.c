/* Subscribers that do not read: what they miss becomes "look again" (docs/architecture.md, invariant 12). */
#include "rig.h"

#include "base/metrics.h"
#include "push/ws_internal.h"

#include <stdio.h>
#include <sys/socket.h>

#define TOPIC 4u

/* One frame that carries its number. */
static unsigned notify(struct ws_conn *c, unsigned number)
{
    struct buf b = {0};
    char text[160];
    int len = snprintf(text, sizeof(text), "%u %0150d", number, 0);
    ws_frame_append(&b, WS_OP_TEXT, slice_of(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1));
    unsigned dropped = ws_conn_notify(c, buf_slice(&b), TOPIC);
    buf_fini(&b);
    return dropped;
}

static void bounded_then_one_hint(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 20, .send_buffer = 1}};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    unsigned sent = 0, dropped = 0;
    for (unsigned i = 0; i < 2000; i++) {
        unsigned d = notify(told.conn, i);
        dropped += d;
        if (dropped == 0)
            sent = i + 1;
        CU_ASSERT(ws_out_pending(told.conn) <= WS_KEEP_BYTES + 200);
    }
    CU_ASSERT(dropped > 0 && dropped == 2000 - sent); /* once one is dropped, all are: the hint covers them */
    rig_turn(&r);
    CU_ASSERT(metrics_gauge_value(G_WS_PENDING_BYTES) > 0);
    CU_ASSERT_EQUAL(told.drained, 0);
    for (unsigned i = 0; i < sent; i++) { /* all that was kept, whole and in order */
        struct frame f = peer_next(&p);
        CU_ASSERT_EQUAL(f.opcode, WS_OP_TEXT);
        CU_ASSERT_EQUAL(strtoul(f.payload.ptr, NULL, 10), i);
    }
    EXPECT_NOTHING(&p);
    CU_ASSERT_EQUAL(told.drained, 1);
    CU_ASSERT_EQUAL(told.missed, TOPIC);
    CU_ASSERT_PTR_NULL(told.conn->out);
    rig_turn(&r);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_WS_PENDING_BYTES), 0);
    CU_ASSERT_EQUAL(notify(told.conn, 1), 0); /* as good as new */
    CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    peer_close(&p);
    rig_stop(&r);
}

/* A merged write of many frames that the socket takes only in part. */
static void a_merged_write_is_cut_at_a_frame(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 20, .send_buffer = 1}};
    struct peer p;
    struct buf all = {0};
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    enum { N = 600 };
    for (unsigned i = 0; i < N; i++) {
        char text[160];
        int len = snprintf(text, sizeof(text), "%u %0*d", i, (int)(i % 140) + 1, 0);
        ws_frame_append(&all, WS_OP_TEXT, slice_of(text, (size_t)len));
    }
    unsigned dropped = ws_conn_notify(told.conn, buf_slice(&all), TOPIC);
    CU_ASSERT(dropped > 0 && dropped < N);
    CU_ASSERT(ws_out_pending(told.conn) <= WS_KEEP_BYTES + 200);
    for (unsigned i = 0; i < N - dropped; i++) {
        struct frame f = peer_next(&p);
        CU_ASSERT_EQUAL(f.opcode, WS_OP_TEXT);
        CU_ASSERT_EQUAL(strtoul(f.payload.ptr, NULL, 10), i);
    }
    EXPECT_NOTHING(&p);
    CU_ASSERT_EQUAL(told.missed, TOPIC);
    buf_fini(&all);
    peer_close(&p);
    rig_stop(&r);
}

static void too_far_behind_is_closed_with_1013(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 20000, .send_buffer = 1}};
    struct peer p;
    uint64_t cut = metrics_counter(M_WS_SLOW);
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    for (unsigned i = 0; i < 1000; i++)
        notify(told.conn, i);
    CU_ASSERT_EQUAL(metrics_counter(M_WS_SLOW) - cut, 1);
    CU_ASSERT_EQUAL(told.conn->state, WS_CLOSING);
    CU_ASSERT(ws_out_pending(told.conn) < 400); /* the frame that was begun, and the close */
    struct frame f;
    unsigned next = 0;
    while ((f = peer_next(&p)).opcode == WS_OP_TEXT)
        CU_ASSERT_EQUAL(strtoul(f.payload.ptr, NULL, 10), next++);
    CU_ASSERT_EQUAL(f.opcode, WS_OP_CLOSE);
    CU_ASSERT_EQUAL((unsigned char)f.payload.ptr[0] * 256 + (unsigned char)f.payload.ptr[1], 1013);
    peer_send(&p, WS_OP_CLOSE, "\x03\xf5");
    EXPECT_NOTHING(&p);
    CU_ASSERT_TRUE(p.eof);
    peer_close(&p);
    CU_ASSERT_EQUAL(r.closed, 1);
    rig_stop(&r);
}

static void one_that_never_reads_is_gone_in_time(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 20000, .send_buffer = 1}};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    for (unsigned i = 0; i < 1000; i++)
        notify(told.conn, i);
    CU_ASSERT_EQUAL(told.closed, 0);
    rig_pass(&r, 1900);
    CU_ASSERT_EQUAL(told.closed, 1);
    CU_ASSERT_EQUAL(r.closed, 0);
    rig_pass(&r, 200);
    CU_ASSERT_EQUAL(r.closed, 1);
    CU_ASSERT_EQUAL(ws_set_count(r.set), 0);
    CU_ASSERT_EQUAL(metrics_gauge_value(G_WS_PENDING_BYTES), 0);
    close(p.fd);
    rig_stop(&r);
}

/* A peer that asks without reading the answers: reading from it stops, nothing is dropped, and it goes on later. */
static void questions_without_reading_answers(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 65536, .send_buffer = 1}};
    struct peer p;
    struct buf b = {0};
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    enum { N = 3000 };
    for (unsigned i = 0; i < N; i++) {
        char text[120];
        int len = snprintf(text, sizeof(text), "%u %0100d", i, 0);
        client_frame(&b, true, WS_OP_TEXT, slice_of(text, (size_t)len));
    }
    size_t at = 0;
    unsigned stuck = 0;
    while (at < b.len && stuck < 5) {
        ssize_t n = send(p.fd, b.ptr + at, b.len - at, MSG_NOSIGNAL);
        stuck = n > 0 ? 0 : stuck + 1;
        at += n > 0 ? (size_t)n : 0;
        rig_turn(&r);
        CU_ASSERT(ws_out_pending(told.conn) <= WS_READ_PARK + 2 * WS_INPUT_BYTES);
    }
    CU_ASSERT(at < b.len); /* the socket pushes back */
    for (unsigned i = 0; i < N; i++) {
        struct frame f = peer_next(&p);
        CU_ASSERT_FATAL(f.opcode == WS_OP_TEXT);
        CU_ASSERT_EQUAL(strtoul(f.payload.ptr, NULL, 10), i);
        ssize_t n = at < b.len ? send(p.fd, b.ptr + at, b.len - at, MSG_NOSIGNAL) : 0;
        at += n > 0 ? (size_t)n : 0;
    }
    CU_ASSERT_EQUAL(told.messages, N);
    buf_fini(&b);
    peer_close(&p);
    rig_stop(&r);
}

static void a_flood_of_pings_is_answered_within_bounds(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 65536, .send_buffer = 1}};
    struct peer p;
    struct buf b = {0};
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    for (unsigned i = 0; i < 20000; i++)
        client_frame(&b, true, WS_OP_PING, SLICE_LIT("12345678"));
    unsigned pongs = 0;
    struct frame f;
    for (size_t at = 0; at < b.len;) {
        ssize_t n = send(p.fd, b.ptr + at, b.len - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
        rig_turn(&r);
        CU_ASSERT_FATAL(ws_out_pending(told.conn) <= WS_READ_PARK + 2 * WS_INPUT_BYTES);
        while ((f = peer_next(&p)).opcode == WS_OP_PONG)
            pongs++;
    }
    while ((f = peer_next(&p)).opcode == WS_OP_PONG)
        pongs++;
    CU_ASSERT_EQUAL(pongs, 20000);
    buf_fini(&b);
    peer_close(&p);
    rig_stop(&r);
}

const CU_TestInfo slow_tests[] = {
    {"bounded, then one hint", bounded_then_one_hint},
    {"a merged write is cut at a frame", a_merged_write_is_cut_at_a_frame},
    {"too far behind is closed with 1013", too_far_behind_is_closed_with_1013},
    {"one that never reads is gone in time", one_that_never_reads_is_gone_in_time},
    {"questions without reading answers", questions_without_reading_answers},
    {"a flood of pings is answered within bounds", a_flood_of_pings_is_answered_within_bounds},
    CU_TEST_INFO_NULL};
