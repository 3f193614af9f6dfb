#include "rig.h"
#include "uuid.h"

#include "base/metrics.h"
#include "push/ws_internal.h"

#include <stdio.h>
#include <sys/socket.h>

/* ---- the same script, fed in every way ---- */

static void append_script(struct buf *b)
{
    char large[300];
    memset(large, 'x', sizeof(large));
    client_frame(b, true, WS_OP_TEXT, SLICE_LIT("hello"));
    client_frame(b, false, WS_OP_TEXT, SLICE_LIT("frag\xc3")); /* cut within a character */
    client_frame(b, true, WS_OP_PING, SLICE_LIT("between"));
    client_frame(b, false, 0, SLICE_LIT("\xa9ment"));
    client_frame(b, true, 0, SLICE_LIT(""));
    client_frame(b, true, WS_OP_PONG, SLICE_LIT("unasked"));
    client_frame(b, true, WS_OP_BINARY, slice_of(large, sizeof(large)));
    client_frame(b, true, WS_OP_TEXT, SLICE_LIT(""));
    client_frame(b, true, WS_OP_PING, SLICE_LIT(""));
    client_frame(b, true, WS_OP_CLOSE,
                 SLICE_LIT("\x03\xe8"
                           "bye"));
}

static void expect_script(struct peer *p)
{
    EXPECT_TEXT(p, "hello");
    struct frame f = peer_next(p);
    CU_ASSERT(f.opcode == WS_OP_PONG && slice_eq(f.payload, SLICE_LIT("between")));
    EXPECT_TEXT(p, "frag\xc3\xa9ment");
    f = peer_next(p);
    CU_ASSERT(f.opcode == WS_OP_BINARY && f.payload.len == 300);
    EXPECT_TEXT(p, "");
    f = peer_next(p);
    CU_ASSERT(f.opcode == WS_OP_PONG && f.payload.len == 0);
    f = peer_next(p);
    CU_ASSERT(f.opcode == WS_OP_CLOSE && slice_eq(f.payload, SLICE_LIT("\x03\xe8"
                                                                       "bye")));
    EXPECT_NOTHING(p);
    CU_ASSERT_TRUE(p->eof);
}

static void feed_script(struct rig *r, const struct buf *script, size_t first, bool first_with_handover)
{
    struct peer p;
    if (first_with_handover) {
        peer_open_with(&p, r, SLICE_LIT(""), slice_of(script->ptr, first), NULL);
    } else {
        peer_open(&p, r);
        peer_write(&p, script->ptr, first);
    }
    peer_write(&p, script->ptr + first, script->len - first);
    expect_script(&p);
    peer_close(&p);
    CU_ASSERT_EQUAL(ws_set_count(r->set), 0);
}

static void whole_and_cut_at_every_point(void)
{
    struct rig r = {0};
    struct buf script = {0};
    rig_start(&r, &rig_app, NULL);
    append_script(&script);
    for (size_t cut = 0; cut <= script.len; cut++) {
        feed_script(&r, &script, cut, false);
        feed_script(&r, &script, cut, true);
    }
    buf_fini(&script);
    rig_stop(&r);
}

static void byte_by_byte(void)
{
    struct rig r = {0};
    struct buf script = {0};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    append_script(&script);
    peer_open(&p, &r);
    for (size_t i = 0; i < script.len; i++)
        peer_write(&p, script.ptr + i, 1);
    expect_script(&p);
    peer_close(&p);
    buf_fini(&script);
    rig_stop(&r);
}

/* ---- what the protocol forbids ---- */

struct wrong {
    const char *name;
    const char *bytes;
    size_t len;
    unsigned code;
};

#define WRONG(name, bytes, code)                                                                                       \
    {                                                                                                                  \
        name, bytes, sizeof(bytes) - 1, code                                                                           \
    }
#define MASK0 "\0\0\0\0" /* so payloads stand in clear */

static const struct wrong WRONGS[] = {
    WRONG("no mask", "\x81\x01x", 1002),
    WRONG("reserved bit 1", "\xc1\x80" MASK0, 1002),
    WRONG("reserved bit 2", "\xa1\x80" MASK0, 1002),
    WRONG("reserved bit 3 on a ping", "\x99\x80" MASK0, 1002),
    WRONG("opcode 3", "\x83\x80" MASK0, 1002),
    WRONG("opcode 7 with payload", "\x87\x81" MASK0 "x", 1002),
    WRONG("opcode 11", "\x8b\x80" MASK0, 1002),
    WRONG("opcode 15", "\x8f\x80" MASK0, 1002),
    WRONG("fragmented ping", "\x09\x80" MASK0, 1002),
    WRONG("fragmented close", "\x08\x80" MASK0, 1002),
    WRONG("ping of 126 bytes", "\x89\xfe\x00\x7e" MASK0, 1002),
    WRONG("continuation of nothing", "\x80\x81" MASK0 "x", 1002),
    WRONG("continuation of nothing, more to come", "\x00\x80" MASK0, 1002),
    WRONG("text within a text", "\x01\x81" MASK0 "a\x81\x81" MASK0 "b", 1002),
    WRONG("length 125 in two bytes", "\x81\xfe\x00\x7d" MASK0, 1002),
    WRONG("length 65535 in eight bytes", "\x81\xff\0\0\0\0\0\0\xff\xff" MASK0, 1002),
    WRONG("length with its top bit", "\x81\xff\x80\0\0\0\0\0\0\0" MASK0, 1002),
    WRONG("bad UTF-8", "\x81\x82" MASK0 "\xc3\x28", 1007),
    WRONG("surrogate", "\x81\x83" MASK0 "\xed\xa0\x80", 1007),
    WRONG("overlong", "\x81\x82" MASK0 "\xc0\xaf", 1007),
    WRONG("above U+10FFFF", "\x81\x84" MASK0 "\xf4\x90\x80\x80", 1007),
    WRONG("text ends within a character", "\x81\x81" MASK0 "\xc3", 1007),
    WRONG("bad UTF-8 in a first fragment", "\x01\x82" MASK0 "\xc3\x28", 1007),
    WRONG("bad UTF-8 in a close reason", "\x88\x84" MASK0 "\x03\xe8\xc3\x28", 1007),
    WRONG("one byte of close", "\x88\x81" MASK0 "\x03", 1002),
    WRONG("close code 0", "\x88\x82" MASK0 "\0\0", 1002),
    WRONG("close code 999", "\x88\x82" MASK0 "\x03\xe7", 1002),
    WRONG("close code 1004", "\x88\x82" MASK0 "\x03\xec", 1002),
    WRONG("close code 1005", "\x88\x82" MASK0 "\x03\xed", 1002),
    WRONG("close code 1006", "\x88\x82" MASK0 "\x03\xee", 1002),
    WRONG("close code 2999", "\x88\x82" MASK0 "\x0b\xb7", 1002),
    WRONG("close code 5000", "\x88\x82" MASK0 "\x13\x88", 1002),
    WRONG("one byte too long", "\x82\xfe\x10\x01" MASK0 "x", 1009),
    WRONG("too long in fragments", "\x02\xfe\x0f\xff" MASK0, 0), /* completed by the test: 4095 bytes, then 2 */
    WRONG("16 exbibytes", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK0 "x", 1009),
};

static void feed_wrong(struct rig *r, const struct wrong *w, bool bytewise)
{
    struct peer p;
    unsigned code = w->code;
    peer_open(&p, r);
    for (size_t i = 0; i < w->len; i += bytewise ? 1 : w->len)
        peer_write(&p, w->bytes + i, bytewise ? 1 : w->len);
    if (code == 0) {
        char zeros[4095] = {0};
        peer_write(&p, zeros, sizeof(zeros));
        peer_write(&p, "\x80\x82" MASK0 "xx", 8);
        code = 1009;
    }
    expect_close(&p, code, __LINE__);
    EXPECT_NOTHING(&p);
    CU_ASSERT_TRUE(p.eof);
    if (!p.eof)
        printf("\n    case \"%s\"", w->name);
    peer_close(&p);
    CU_ASSERT_EQUAL(ws_set_count(r->set), 0);
}

static void forbidden(void)
{
    struct rig r = {0};
    rig_start(&r, &rig_app, NULL);
    for (size_t i = 0; i < sizeof(WRONGS) / sizeof(WRONGS[0]); i++) {
        feed_wrong(&r, &WRONGS[i], false);
        feed_wrong(&r, &WRONGS[i], true);
    }
    CU_ASSERT_EQUAL(told.messages, 0);
    rig_stop(&r);
}

static void longest_message_is_taken(void)
{
    struct rig r = {0};
    struct peer p;
    struct buf b = {0};
    char text[4096];
    memset(text, 'a', sizeof(text));
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    client_frame(&b, true, WS_OP_TEXT, slice_of(text, sizeof(text)));
    peer_write(&p, b.ptr, b.len);
    CU_ASSERT_EQUAL(peer_next(&p).payload.len, sizeof(text));
    buf_fini(&b);
    peer_close(&p);
    rig_stop(&r);
}

static void sixteen_mebibytes_when_allowed(void)
{
    enum { LEN = 16 << 20 };
    struct rig r = {.options = {.max_message = LEN, .backlog_bytes = 65536}};
    struct peer p;
    struct buf b = {0};
    char *text = malloc(LEN);
    memset(text, '*', LEN);
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    for (unsigned i = 0; i < 4; i++)
        client_frame(&b, i == 3, i ? 0 : WS_OP_BINARY, slice_of(text, LEN / 4));
    peer_write(&p, b.ptr, b.len);
    CU_ASSERT_EQUAL(told.last.len, LEN);
    struct frame f;
    for (unsigned i = 0; i < 1000 && !(f = peer_next(&p)).opcode; i++)
        ;
    CU_ASSERT(f.opcode == WS_OP_BINARY && slice_eq(f.payload, slice_of(text, LEN)));
    CU_ASSERT(((struct ws_set *)r.set)->scratch.cap <= WS_SCRATCH_KEEP); /* given back */
    buf_fini(&b);
    free(text);
    peer_close(&p);
    rig_stop(&r);
}

/* ---- what a connection costs and keeps ---- */

static void parser_is_lent_only_while_incomplete(void)
{
    struct rig r = {0};
    struct peer p;
    struct buf b = {0};
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    struct ws_conn *c = told.conn;
    CU_ASSERT_PTR_NULL(c->parser);
    client_frame(&b, true, WS_OP_TEXT, SLICE_LIT("hello"));
    for (size_t i = 0; i + 1 < b.len; i++) {
        peer_write(&p, b.ptr + i, 1);
        CU_ASSERT_PTR_NOT_NULL(c->parser);
    }
    peer_write(&p, b.ptr + b.len - 1, 1);
    CU_ASSERT_PTR_NULL(c->parser);
    buf_clear(&b);
    client_frame(&b, false, WS_OP_TEXT, SLICE_LIT("open"));
    peer_write(&p, b.ptr, b.len);
    CU_ASSERT_PTR_NOT_NULL(c->parser); /* the message goes on */
    peer_send(&p, WS_OP_PONG, "");
    CU_ASSERT_PTR_NOT_NULL(c->parser);
    peer_send(&p, 0, "");
    CU_ASSERT_PTR_NULL(c->parser);
    CU_ASSERT_EQUAL(r.set->parsers_idle, 1);
    CU_ASSERT(sizeof(struct ws_conn) <= 232);
    buf_fini(&b);
    peer_close(&p);
    rig_stop(&r);
}

static void many_parsers_do_not_mix(void)
{
    enum { N = 20 };
    struct rig r = {0};
    struct peer p[N];
    struct buf b[N] = {0};
    rig_start(&r, &rig_app, NULL);
    for (int i = 0; i < N; i++) {
        char text[64];
        snprintf(text, sizeof(text), "message of peer %d", i);
        peer_open(&p[i], &r);
        client_frame(&b[i], true, WS_OP_TEXT, slice_cstr(text));
    }
    for (unsigned round = 0; round < 3; round++) {
        for (size_t at = 0; at < b[0].len || at < b[N - 1].len; at++)
            for (int i = 0; i < N; i++)
                if (at < b[i].len)
                    peer_write(&p[i], b[i].ptr + at, 1);
        for (int i = 0; i < N; i++) {
            char text[64];
            snprintf(text, sizeof(text), "message of peer %d", i);
            EXPECT_TEXT(&p[i], text);
        }
    }
    CU_ASSERT(r.set->parsers_idle <= WS_PARSERS_KEPT);
    for (int i = 0; i < N; i++) {
        peer_close(&p[i]);
        buf_fini(&b[i]);
    }
    rig_stop(&r);
}

static void head_and_first_replies_are_one_write(void)
{
    struct rig r = {0};
    struct peer p;
    struct buf rest = {0};
    rig_start(&r, &rig_app, NULL);
    client_frame(&rest, true, WS_OP_TEXT, SLICE_LIT("early"));
    uint64_t before = metrics_counter(M_WS_WRITES);
    peer_open_with(&p, &r, SLICE_LIT("HEAD\r\n\r\n"), buf_slice(&rest), NULL);
    CU_ASSERT_EQUAL(metrics_counter(M_WS_WRITES) - before, 1);
    char got[64];
    ssize_t n = recv(p.fd, got, sizeof(got), 0);
    CU_ASSERT(n == 15 && memcmp(got,
                                "HEAD\r\n\r\n\x81\x05"
                                "early",
                                15) == 0);
    buf_fini(&rest);
    peer_close(&p);
    rig_stop(&r);
}

static void principal_is_the_connections_own(void)
{
    struct rig r = {0};
    struct peer p, q;
    char texts[] = "meann-1Ann";
    struct ws_principal who = {
        .role = 3, .id = slice_of(texts, 2), .agent_id = slice_of(texts + 2, 5), .name = slice_of(texts + 7, 3)};
    rig_start(&r, &rig_app, NULL);
    peer_open_with(&p, &r, SLICE_LIT(""), SLICE_LIT(""), &who);
    memset(&who, 0, sizeof(who));
    memset(texts, 0, sizeof(texts));
    const struct ws_principal *mine = ws_conn_principal(told.conn);
    CU_ASSERT_EQUAL(mine->role, 3);
    CU_ASSERT(slice_eq(mine->id, SLICE_LIT("me")));
    CU_ASSERT(slice_eq(mine->agent_id, SLICE_LIT("ann-1")));
    CU_ASSERT(slice_eq(mine->name, SLICE_LIT("Ann")));
    peer_open(&q, &r);
    CU_ASSERT_PTR_NULL(ws_conn_principal(told.conn));
    CU_ASSERT_TRUE(uuid_is_valid(ws_conn_id(told.conn)));
    peer_close(&p);
    peer_close(&q);
    rig_stop(&r);
}

/* ---- ends ---- */

static void our_close_waits_for_theirs(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    peer_send(&p, WS_OP_TEXT, "close me");
    EXPECT_CLOSE(&p, 4000);
    CU_ASSERT_EQUAL(told.closed, 1); /* the app has let go */
    CU_ASSERT_EQUAL(r.closed, 0);
    peer_send(&p, WS_OP_TEXT, "after the close");
    peer_send(&p, WS_OP_PING, "too late");
    CU_ASSERT_EQUAL(told.messages, 1);
    EXPECT_NOTHING(&p);
    CU_ASSERT_FALSE(p.eof);
    peer_send(&p, WS_OP_CLOSE, "\x0f\xa0");
    EXPECT_NOTHING(&p);
    CU_ASSERT_TRUE(p.eof);
    CU_ASSERT_EQUAL(r.closed, 0); /* lingers until the peer's end of stream */
    peer_close(&p);
    CU_ASSERT_EQUAL(r.closed, 1);
    CU_ASSERT_EQUAL(r.last_tag, 77);
    CU_ASSERT_EQUAL(told.closed, 1);
    rig_stop(&r);
}

static void a_close_that_is_never_answered_ends_in_time(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    peer_send(&p, WS_OP_TEXT, "close me");
    EXPECT_CLOSE(&p, 4000);
    rig_pass(&r, 4900);
    CU_ASSERT_EQUAL(r.closed, 0);
    rig_pass(&r, 200);
    CU_ASSERT_EQUAL(r.closed, 1);
    EXPECT_NOTHING(&p);
    CU_ASSERT_TRUE(p.eof);
    peer_close(&p);
    rig_stop(&r);
}

static void ends_of_stream(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    peer_close(&p);
    CU_ASSERT_EQUAL(r.closed, 1);
    peer_open(&p, &r);
    peer_write(&p, "\x81\x85", 2); /* within a frame */
    shutdown(p.fd, SHUT_WR);
    rig_turn(&r);
    CU_ASSERT_EQUAL(r.closed, 2);
    peer_close(&p);
    /* A message and the end of stream at once: the message counts. */
    peer_open(&p, &r);
    struct buf b = {0};
    client_frame(&b, true, WS_OP_TEXT, SLICE_LIT("last words"));
    CU_ASSERT_EQUAL(send(p.fd, b.ptr, b.len, 0), (ssize_t)b.len);
    shutdown(p.fd, SHUT_WR);
    rig_turn(&r);
    CU_ASSERT_EQUAL(told.messages, 1);
    CU_ASSERT_EQUAL(r.closed, 3);
    buf_fini(&b);
    peer_close(&p);
    CU_ASSERT_EQUAL(told.opened, 3);
    CU_ASSERT_EQUAL(told.closed, 3);
    rig_stop(&r);
}

static void all_are_closed_with_1001(void)
{
    struct rig r = {0};
    struct peer p[3];
    rig_start(&r, &rig_app, NULL);
    for (int i = 0; i < 3; i++)
        peer_open(&p[i], &r);
    ws_set_close_all(r.set, WS_CLOSE_GOING_AWAY, "server is stopping");
    for (int i = 0; i < 3; i++) {
        EXPECT_CLOSE(&p[i], 1001);
        peer_send(&p[i], WS_OP_CLOSE, "\x03\xe9");
        peer_close(&p[i]);
    }
    CU_ASSERT_EQUAL(ws_set_count(r.set), 0);
    rig_stop(&r);
}

/* A restart is as long as the slowest answer that is awaited: a page that sleeps does not hold up the others for long. */
static void a_peer_that_sleeps_does_not_hold_up_a_stop(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    ws_set_close_all(r.set, WS_CLOSE_GOING_AWAY, "server is stopping");
    rig_pass(&r, 200);
    CU_ASSERT_EQUAL(ws_set_count(r.set), 1);
    rig_pass(&r, 200);
    CU_ASSERT_EQUAL(ws_set_count(r.set), 0);
    EXPECT_CLOSE(&p, 1001);
    peer_close(&p);
    rig_stop(&r);
}

/* ---- pings ---- */

static unsigned count_pings(struct peer *p, bool answer)
{
    unsigned pings = 0;
    struct frame f;
    while ((f = peer_next(p)).opcode) {
        CU_ASSERT_EQUAL(f.opcode, WS_OP_PING);
        pings++;
        if (answer)
            peer_send(p, WS_OP_PONG, "");
    }
    return pings;
}

static void quiet_peers_are_pinged_and_the_dead_dropped(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 65536, .ping_ms = 1000}};
    struct peer answers, silent;
    uint64_t dead = metrics_counter(M_WS_DEAD);
    rig_start(&r, &rig_app, NULL);
    peer_open(&answers, &r);
    peer_open(&silent, &r);
    unsigned pings = 0;
    for (unsigned i = 0; i < 12; i++) {
        rig_pass(&r, 1000);
        pings += count_pings(&answers, true);
    }
    CU_ASSERT(pings >= 3 && pings <= 12);
    CU_ASSERT_EQUAL(metrics_counter(M_WS_DEAD) - dead, 1);
    CU_ASSERT_EQUAL(ws_set_count(r.set), 1);
    CU_ASSERT(count_pings(&silent, false) >= 1);
    CU_ASSERT_TRUE(silent.eof);
    peer_close(&silent);
    peer_close(&answers);
    rig_stop(&r);
}

/* --ws-ping 0: each connection ends within a second of its own token, and while none is due nothing wakes up for it. */
static void tokens_run_out_without_pings(void)
{
    struct rig r = {0};
    struct peer peers[4];
    static const int64_t lives_s[4] = {90, 30, 0, 30};
    rig_start(&r, &rig_app, NULL);
    int64_t now_s = (r.now_us + r.wall_ahead_us) / 1000000;
    for (int i = 0; i < 4; i++) {
        struct ws_principal who = {.role = 1, .until_s = lives_s[i] ? now_s + lives_s[i] : 0};
        peer_open_with(&peers[i], &r, SLICE_LIT(""), SLICE_LIT(""), &who);
    }
    CU_ASSERT(ws_set_next_ms(r.set) > 1000);
    peer_close(&peers[3]); /* one whose timer would have been the next to fire */
    rig_pass(&r, 28000);
    for (int i = 0; i < 3; i++)
        EXPECT_NOTHING(&peers[i]);
    rig_pass(&r, 3000);
    EXPECT_CLOSE(&peers[1], WS_CLOSE_POLICY);
    EXPECT_NOTHING(&peers[0]);
    rig_pass(&r, 57000);
    EXPECT_NOTHING(&peers[0]);
    rig_pass(&r, 4000);
    EXPECT_CLOSE(&peers[0], WS_CLOSE_POLICY);
    EXPECT_NOTHING(&peers[2]); /* good for ever */
    CU_ASSERT_EQUAL(ws_set_next_ms(r.set) > 1000 || ws_set_next_ms(r.set) == -1, true);
    for (int i = 0; i < 3; i++)
        peer_close(&peers[i]);
    rig_stop(&r);
}

static void a_talking_peer_is_not_pinged(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 65536, .ping_ms = 1000}};
    struct peer p;
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    for (unsigned i = 0; i < 20; i++) {
        peer_send(&p, WS_OP_TEXT, "hi");
        EXPECT_TEXT(&p, "hi");
        rig_pass(&r, 500);
    }
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

static void an_unfinished_message_is_not_kept_for_ever(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 65536, .ping_ms = 1000}};
    struct peer p;
    struct buf b = {0};
    rig_start(&r, &rig_app, NULL);
    peer_open(&p, &r);
    client_frame(&b, false, WS_OP_TEXT, SLICE_LIT("never finished"));
    peer_write(&p, b.ptr, b.len);
    for (unsigned i = 0; i < 40; i++) {
        peer_send(&p, WS_OP_PONG, ""); /* alive all the time */
        rig_pass(&r, 250);
    }
    EXPECT_CLOSE(&p, 1008);
    buf_fini(&b);
    peer_close(&p);
    rig_stop(&r);
}

const CU_TestInfo conn_tests[] = {
    {"whole and cut at every point", whole_and_cut_at_every_point},
    {"byte by byte", byte_by_byte},
    {"forbidden, whole and byte by byte", forbidden},
    {"longest message is taken", longest_message_is_taken},
    {"16 MiB when allowed", sixteen_mebibytes_when_allowed},
    {"parser is lent only while incomplete", parser_is_lent_only_while_incomplete},
    {"many parsers do not mix", many_parsers_do_not_mix},
    {"head and first replies are one write", head_and_first_replies_are_one_write},
    {"principal is the connection's own", principal_is_the_connections_own},
    {"our close waits for theirs", our_close_waits_for_theirs},
    {"a close that is never answered ends in time", a_close_that_is_never_answered_ends_in_time},
    {"ends of stream", ends_of_stream},
    {"all are closed with 1001", all_are_closed_with_1001},
    {"a peer that sleeps does not hold up a stop", a_peer_that_sleeps_does_not_hold_up_a_stop},
    {"quiet peers are pinged and the dead dropped", quiet_peers_are_pinged_and_the_dead_dropped},
    {"tokens run out without pings", tokens_run_out_without_pings},
    {"a talking peer is not pinged", a_talking_peer_is_not_pinged},
    {"an unfinished message is not kept for ever", an_unfinished_message_is_not_kept_for_ever},
    CU_TEST_INFO_NULL};
