#include "base/clock.h"
#include "base/metrics.h"
#include "push/hub_state.h"
#include "rig.h"

#include <stdio.h>

static void say(struct peer *p, const char *action, const char *more)
{
    char text[300];
    snprintf(text, sizeof(text), "{\"action\":\"%s\",\"subscription_type\":\"chat_updates\"%s}", action, more);
    peer_send(p, WS_OP_TEXT, text);
}

static void expect_done(struct peer *p, const char *done, const char *chat)
{
    char want[300];
    snprintf(want, sizeof(want), "{\"type\":\"%s\",\"subscription_type\":\"chat_updates\"%s%s%s}", done,
             chat ? ",\"chat_id\":\"" : "", chat ? chat : "", chat ? "\"" : "");
    EXPECT_TEXT(p, want);
}

/* And the hint that follows. */
static void subscribe(struct peer *p, const char *more)
{
    say(p, "subscribe", more);
    struct frame f = peer_next(p);
    CU_ASSERT(slice_starts(f.payload, SLICE_LIT("{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\"")));
    f = peer_next(p);
    CU_ASSERT(memmem(f.payload.ptr, f.payload.len, "\"*\"", 3) != NULL);
}

static void open_subscribed(struct peer *p, struct rig *r, const char *more)
{
    peer_open(p, r);
    CU_ASSERT_EQUAL(peer_next(p).opcode, WS_OP_TEXT);
    subscribe(p, more);
}

static void expect_message(struct peer *p, const char *chat, const char *role, unsigned line)
{
    char want[300];
    snprintf(want, sizeof(want),
             "{\"type\":\"chat_updates\",\"data\":{\"type\":\"chat_message_notification\",\"chat_id\":\"%s\","
             "\"message_role\":\"%s\",\"timestamp\":\"<ts>\"}}",
             chat, role);
    expect_text(p, want, line);
}
#define EXPECT_MESSAGE(p, chat, role) expect_message(p, chat, role, __LINE__)

static struct hub *hub_of(const struct rig *r)
{
    return ws_set_app(r->set);
}

static void followers_hear_their_chat_only(void)
{
    struct rig r = {0};
    struct peer a1, a2, b;
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&a1, &r, ",\"chat_id\":\"a\"");
    open_subscribed(&a2, &r, ",\"chat_id\":\"a\",\"format\":\"flat\"");
    open_subscribed(&b, &r, ",\"chat_id\":\"b\"");
    CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 2);
    rig_message(&r, "a", "user");
    rig_message(&r, "c", "user");
    rig_message(&r, "b", "agent");
    EXPECT_MESSAGE(&a1, "a", "user");
    EXPECT_TEXT(&a2, "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":\"a\",\"message_role\":\"user\","
                     "\"timestamp\":\"<ts>\"}}");
    EXPECT_MESSAGE(&b, "b", "agent");
    EXPECT_NOTHING(&a1);
    EXPECT_NOTHING(&a2);
    EXPECT_NOTHING(&b);
    subscribe(&a1, ",\"chat_id\":\"b\""); /* beside the first */
    rig_message(&r, "a", "user");
    rig_message(&r, "b", "user");
    EXPECT_MESSAGE(&a1, "a", "user");
    EXPECT_MESSAGE(&a1, "b", "user");
    EXPECT_NOTHING(&a1);
    say(&a1, "unsubscribe", ",\"chat_id\":\"a\"");
    expect_done(&a1, "unsubscribed", "a");
    rig_message(&r, "a", "user");
    EXPECT_NOTHING(&a1);
    peer_close(&a2);
    CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 1); /* nobody follows a any more */
    subscribe(&a1, "");
    peer_close(&b);
    CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 0);
    rig_message(&r, "x", "user");
    EXPECT_MESSAGE(&a1, "x", "user");
    peer_close(&a1);
    rig_stop(&r);
}

/* Chats of existing data with ids that do not fit a notice: their followers hear of them, and of no other. */
static void followers_of_long_ids_hear_their_chat_only(void)
{
    struct rig r = {0};
    struct peer a, all;
    char more[300], id[101], other[101];
    memset(id, 'x', sizeof(id));
    memset(other, 'x', sizeof(other));
    id[100] = other[100] = '\0';
    other[99] = 'y';
    snprintf(more, sizeof(more), ",\"chat_id\":\"%s\"", id);
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&a, &r, more);
    open_subscribed(&all, &r, "");
    rig_message(&r, other, "user");
    rig_message(&r, id, "agent");
    EXPECT_MESSAGE(&a, "*", "agent");
    EXPECT_NOTHING(&a);
    EXPECT_MESSAGE(&all, "*", "user");
    EXPECT_MESSAGE(&all, "*", "agent");
    peer_close(&a);
    CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 0);
    peer_close(&all);
    rig_stop(&r);
}

static void a_turns_messages_of_one_chat_are_one_write(void)
{
    struct rig r = {0};
    struct peer p;
    struct notice n[4];
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&p, &r, ",\"chat_id\":\"a\"");
    for (int i = 0; i < 4; i++)
        CU_ASSERT(notice_message(&n[i], i == 2 ? SLICE_LIT("b") : SLICE_LIT("a"), SLICE_LIT("user"), 1, 0));
    uint64_t before = metrics_counter(M_WS_WRITES), delivered = metrics_counter(M_NOTICE_DELIVERED);
    rig_notices(&r, n, 4);
    CU_ASSERT_EQUAL(metrics_counter(M_WS_WRITES) - before, 1);
    CU_ASSERT_EQUAL(metrics_counter(M_NOTICE_DELIVERED) - delivered, 3);
    for (int i = 0; i < 3; i++)
        EXPECT_MESSAGE(&p, "a", "user");
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

static void own_interval(const char *more, bool other_chats)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&p, &r, more);
    uint64_t coalesced = metrics_counter(M_NOTICE_COALESCED);
    rig_message(&r, "a", "user"); /* leading: at once */
    EXPECT_MESSAGE(&p, "a", "user");
    rig_pass(&r, 50);
    rig_message(&r, "a", "agent");
    rig_message(&r, "a", "assistant");
    EXPECT_NOTHING(&p);
    rig_message(&r, "b", "user");
    if (other_chats)
        EXPECT_MESSAGE(&p, "b", "user");
    EXPECT_NOTHING(&p);
    rig_pass(&r, 400); /* 450 ms after the leading one */
    EXPECT_NOTHING(&p);
    rig_pass(&r, 100);
    EXPECT_MESSAGE(&p, "a", "assistant"); /* trailing: the latest */
    EXPECT_NOTHING(&p);
    CU_ASSERT_EQUAL(metrics_counter(M_NOTICE_COALESCED) - coalesced, 1);
    rig_pass(&r, 1100);
    rig_message(&r, "a", "user"); /* quiet for an interval: at once again */
    EXPECT_MESSAGE(&p, "a", "user");
    peer_close(&p);
    rig_stop(&r);
}

static void an_interval_of_ones_own(void)
{
    own_interval(",\"min_interval_ms\":500", true);
}

static void an_interval_for_one_chat(void)
{
    own_interval(",\"min_interval_ms\":500,\"chat_id\":\"a\"", false);
}

static void what_is_held_is_sent_before_a_change(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&p, &r, ",\"min_interval_ms\":500");
    rig_message(&r, "a", "user");
    rig_message(&r, "a", "agent");
    EXPECT_MESSAGE(&p, "a", "user");
    EXPECT_NOTHING(&p);
    peer_send(&p, WS_OP_TEXT, "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"}");
    EXPECT_MESSAGE(&p, "a", "agent");
    expect_done(&p, "subscribed", NULL);
    EXPECT_MESSAGE(&p, "*", "system");
    rig_pass(&r, 600);
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

static void the_shared_interval_is_everyones(void)
{
    struct hub_options options = {.notify_interval_ms = 200};
    struct rig r = {0};
    struct peer plain, follower, shorter, longer;
    rig_start(&r, &hub_app, &options);
    open_subscribed(&plain, &r, "");
    open_subscribed(&follower, &r, ",\"chat_id\":\"a\"");
    open_subscribed(&shorter, &r, ",\"min_interval_ms\":100"); /* the least is 200 */
    open_subscribed(&longer, &r, ",\"min_interval_ms\":400");
    CU_ASSERT_EQUAL(hub_of(&r)->of_all.count, 1);
    struct peer *all[] = {&plain, &follower, &shorter, &longer};
    rig_message(&r, "a", "user");
    rig_message(&r, "a", "agent");
    for (int i = 0; i < 4; i++) {
        EXPECT_MESSAGE(all[i], "a", "user");
        EXPECT_NOTHING(all[i]);
    }
    rig_pass(&r, 150);
    for (int i = 0; i < 4; i++)
        EXPECT_NOTHING(all[i]);
    rig_pass(&r, 70);
    for (int i = 0; i < 3; i++)
        EXPECT_MESSAGE(all[i], "a", "agent");
    EXPECT_NOTHING(&longer);
    rig_pass(&r, 200);
    EXPECT_MESSAGE(&longer, "a", "agent");
    for (int i = 0; i < 4; i++) {
        EXPECT_NOTHING(all[i]);
        peer_close(all[i]);
    }
    rig_stop(&r);
}

static void a_stop_holds_nothing_back(void)
{
    static const struct hub_options SHARED = {.notify_interval_ms = 500};
    struct rig r = {0};
    struct peer all, own, follower;
    rig_start(&r, &hub_app, &SHARED);
    open_subscribed(&all, &r, "");
    open_subscribed(&own, &r, ",\"min_interval_ms\":9000");
    open_subscribed(&follower, &r, ",\"chat_id\":\"a\"");
    struct peer *const peers[] = {&all, &own, &follower};
    rig_message(&r, "a", "user");
    rig_message(&r, "a", "agent"); /* held: by the shared interval, and by one of its own */
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE(peers[i], "a", "user");
        EXPECT_NOTHING(peers[i]);
    }
    hub_app.on_stop(hub_of(&r));
    rig_turn(&r);
    rig_message(&r, "a", "assistant"); /* out of a ring, after the stop was asked for */
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE(peers[i], "a", "agent");
        EXPECT_MESSAGE(peers[i], "a", "assistant");
        EXPECT_NOTHING(peers[i]);
        peer_close(peers[i]);
    }
    rig_stop(&r);
}

static void a_slow_follower_is_told_to_look(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 20, .send_buffer = 1}};
    struct peer p;
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&p, &r, ",\"chat_id\":\"a\"");
    for (unsigned i = 0; i < 1000; i++)
        rig_message(&r, "a", "user");
    unsigned got = 0;
    struct frame f;
    while ((f = peer_next(&p)).opcode && memmem(f.payload.ptr, f.payload.len, "system", 6) == NULL)
        got++;
    CU_ASSERT(got > 0 && got < 1000);
    CU_ASSERT(memmem(f.payload.ptr, f.payload.len, "\"chat_id\":\"*\"", 13) != NULL);
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

/* Followers come and go while notices flow: who follows a chat hears all of it, once. */
static void churn(void)
{
    enum { PEERS = 16, CHATS = 5, ALL = -1 };
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 24, .send_buffer = 1 << 20}};
    struct peer peers[PEERS];
    int follows[PEERS]; /* a bit for each chat, or ALL */
    rig_start(&r, &hub_app, NULL);
    srand(5);
    for (int i = 0; i < PEERS; i++) {
        open_subscribed(&peers[i], &r, "");
        follows[i] = ALL;
    }
    for (unsigned step = 0; step < 3000; step++) {
        int i = rand() % PEERS, chat = rand() % CHATS, what = rand() % 16;
        char text[64], id[16];
        snprintf(id, sizeof(id), "chat-%d", chat);
        snprintf(text, sizeof(text), ",\"chat_id\":\"chat-%d\"", chat);
        if (what < 4) {
            subscribe(&peers[i], text);
            follows[i] = (follows[i] == ALL ? 0 : follows[i]) | 1 << chat;
        } else if (what < 5) {
            subscribe(&peers[i], "");
            follows[i] = ALL;
        } else if (what < 7) {
            say(&peers[i], "unsubscribe", text);
            expect_done(&peers[i], "unsubscribed", id);
            follows[i] = follows[i] == ALL ? ALL : follows[i] & ~(1 << chat);
        } else if (what < 8) {
            say(&peers[i], "unsubscribe", "");
            expect_done(&peers[i], "unsubscribed", NULL);
            follows[i] = 0;
        } else if (what < 9) {
            peer_close(&peers[i]);
            open_subscribed(&peers[i], &r, "");
            follows[i] = ALL;
        } else {
            rig_message(&r, id, "user");
            for (int k = 0; k < PEERS; k++) {
                if (follows[k] & 1 << chat)
                    EXPECT_MESSAGE(&peers[k], id, "user");
                EXPECT_NOTHING(&peers[k]);
            }
        }
    }
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 0);
    rig_stop(&r);
}

/* A customer has several chats; past the bound there is an error, and those before go on. */
static void several_chats_on_one_connection(void)
{
    struct rig r = {0};
    struct peer p;
    char more[64], id[16];
    rig_start(&r, &hub_app, NULL);
    peer_open(&p, &r);
    CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    for (int i = 0; i < HUB_CHATS_MAX; i++) {
        snprintf(more, sizeof(more), ",\"chat_id\":\"c%d\"", i);
        subscribe(&p, more);
    }
    say(&p, "subscribe", ",\"chat_id\":\"one more\"");
    EXPECT_TEXT(&p, "{\"type\":\"error\",\"message\":\"A connection can follow 64 chats: unsubscribe from one before "
                    "one more\"}");
    subscribe(&p, ",\"chat_id\":\"c7\",\"format\":\"flat\""); /* known: changed in place */
    for (int i = 0; i < HUB_CHATS_MAX; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        rig_message(&r, id, "user");
        if (i != 7)
            EXPECT_MESSAGE(&p, id, "user");
        else
            EXPECT_TEXT(&p, "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":\"c7\",\"message_role\":"
                            "\"user\",\"timestamp\":\"<ts>\"}}");
        EXPECT_NOTHING(&p);
    }
    hub_app.on_overflow(hub_of(&r)); /* one hint for all of them */
    CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    EXPECT_NOTHING(&p);
    say(&p, "unsubscribe", ",\"chat_id\":\"c9\"");
    expect_done(&p, "unsubscribed", "c9");
    subscribe(&p, ",\"chat_id\":\"one more\"");
    say(&p, "unsubscribe", ",\"chat_id\":5");
    EXPECT_TEXT(&p, "{\"type\":\"error\",\"message\":\"chat_id must be a string of 1 to 1024 bytes, not 5\"}");
    say(&p, "unsubscribe", "");
    expect_done(&p, "unsubscribed", NULL);
    CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 0);
    peer_close(&p);
    rig_stop(&r);
}

/* ---- what was missed ---- */

static bool is_seven(void *arg, const struct ws_principal *who, struct slice chat_id, struct slice cursor)
{
    (void)who;
    CU_ASSERT(chat_id.len == 0 || slice_eq(chat_id, SLICE_LIT("a")));
    *(unsigned *)arg += 1;
    return slice_eq(cursor, SLICE_LIT("7"));
}

/* What was stored while nobody was connected is told when somebody subscribes, unless its cursor says that it knows. */
static void what_was_missed_is_told_at_subscribe(void)
{
    unsigned asked = 0;
    struct hub_options options = {.up_to_date = is_seven, .up_to_date_arg = &asked};
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, &options);
    peer_open(&p, &r);
    CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    static const struct {
        const char *more, *chat;
        bool hint;
    } cases[] = {
        {"", NULL, true},
        {",\"since\":\"6\"", NULL, true},
        {",\"since\":\"\"", NULL, true},
        {",\"since\":null", NULL, true},
        {",\"since\":\"7\"", NULL, false},
        {",\"min_interval_ms\":500", NULL, true},
        {",\"min_interval_ms\":500,\"since\":\"7\"", NULL, false},
        {",\"chat_id\":\"a\"", "a", true},
        {",\"chat_id\":\"a\",\"since\":\"7\"", "a", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say(&p, "subscribe", cases[i].more);
        expect_done(&p, "subscribed", cases[i].chat);
        if (cases[i].hint)
            EXPECT_MESSAGE(&p, "*", "system");
        EXPECT_NOTHING(&p);
    }
    CU_ASSERT_EQUAL(asked, 4);
    say(&p, "subscribe", ",\"format\":\"flat\"");
    expect_done(&p, "subscribed", NULL);
    EXPECT_TEXT(&p, "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":\"*\",\"message_role\":\"system\","
                    "\"timestamp\":\"<ts>\"}}");
    say(&p, "subscribe", ",\"since\":7");
    EXPECT_TEXT(&p, "{\"type\":\"error\",\"message\":\"since must be a cursor, as a string, not 7\"}");
    rig_message(&r, "b", "user"); /* the refused one changed nothing */
    CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

/* ---- rights that end ---- */

static enum hub_right bound(void *arg, const struct ws_principal *who, enum hub_topic topic, struct slice chat_id)
{
    (void)arg;
    (void)topic;
    (void)chat_id;
    return who ? HUB_FILTERED : HUB_ALLOWED;
}

static enum hub_sight sight_now(void *arg, const struct ws_principal *who, struct slice chat_id)
{
    (void)who;
    return slice_eq(chat_id, SLICE_LIT("a")) ? *(enum hub_sight *)arg : HUB_VISIBLE;
}

/* A customer goes to another owner: who followed its chat hears no more of it, whatever holds its notices. */
static void a_subscription_ends_with_its_right(void)
{
    static const char *const more[] = {",\"chat_id\":\"a\"", ",\"chat_id\":\"a\",\"min_interval_ms\":500"};
    for (int i = 0; i < 2; i++) {
        enum hub_sight sight = HUB_VISIBLE;
        struct hub_options options = {.may_subscribe = bound, .may_see = sight_now, .may_arg = &sight};
        struct ws_principal who = {.role = 2, .id = SLICE_LIT("o")};
        struct rig r = {0};
        struct peer p, free_one;
        rig_start(&r, &hub_app, &options);
        peer_open_with(&p, &r, SLICE_LIT(""), SLICE_LIT(""), &who);
        CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
        subscribe(&p, more[i]);
        subscribe(&p, ",\"chat_id\":\"b\"");
        open_subscribed(&free_one, &r, ",\"chat_id\":\"a\"");
        rig_message(&r, "a", "user");
        EXPECT_MESSAGE(&p, "a", "user");
        rig_message(&r, "a", "user");
        if (i == 0)
            EXPECT_MESSAGE(&p, "a", "user"); /* else it is held */
        EXPECT_NOTHING(&p);
        sight = HUB_HIDDEN;
        if (i == 0)
            rig_message(&r, "a", "user");
        else
            rig_pass(&r, 600); /* what was held is not let out either */
        expect_done(&p, "unsubscribed", "a");
        EXPECT_NOTHING(&p);
        sight = HUB_VISIBLE; /* it does not come back by itself */
        rig_message(&r, "a", "user");
        EXPECT_NOTHING(&p);
        rig_message(&r, "b", "user");
        EXPECT_MESSAGE(&p, "b", "user");
        CU_ASSERT_EQUAL(peer_next(&free_one).opcode, WS_OP_TEXT); /* nobody else's business */
        peer_close(&p);
        rig_message(&r, "a", "user");
        peer_close(&free_one);
        CU_ASSERT_EQUAL(hub_of(&r)->chats.count, 0);
        rig_stop(&r);
    }
}

/* ---- new chats ---- */

static void new_chat(struct rig *r, const char *id)
{
    struct notice n;
    CU_ASSERT_TRUE(notice_hint(&n, slice_cstr(id), 1, 0));
    rig_notices(r, &n, 1);
}

/* Dashboards list it at once: one hint, and for a burst one more when a second is over. */
static void a_new_chat_is_one_hint(void)
{
    struct rig r = {0};
    struct peer plain, own, follower;
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&plain, &r, "");
    open_subscribed(&own, &r, ",\"min_interval_ms\":100");
    open_subscribed(&follower, &r, ",\"chat_id\":\"a\"");
    struct peer *const heard[] = {&plain, &own};
    for (int i = 0; i < 20; i++)
        new_chat(&r, "n");
    for (int i = 0; i < 2; i++) {
        EXPECT_MESSAGE(heard[i], "*", "system");
        EXPECT_NOTHING(heard[i]);
    }
    rig_pass(&r, 900);
    EXPECT_NOTHING(&plain);
    rig_pass(&r, 200);
    for (int i = 0; i < 2; i++) {
        EXPECT_MESSAGE(heard[i], "*", "system");
        EXPECT_NOTHING(heard[i]);
    }
    rig_pass(&r, 3000);
    new_chat(&r, "m");
    for (int i = 0; i < 2; i++) {
        EXPECT_MESSAGE(heard[i], "*", "system");
        EXPECT_NOTHING(heard[i]);
        peer_close(heard[i]);
    }
    EXPECT_NOTHING(&follower);
    peer_close(&follower);
    rig_stop(&r);
}

static void a_stop_holds_no_hint_back(void)
{
    struct rig r = {0};
    struct peer plain, own;
    rig_start(&r, &hub_app, NULL);
    open_subscribed(&plain, &r, "");
    open_subscribed(&own, &r, ",\"min_interval_ms\":100");
    for (int i = 0; i < 3; i++)
        new_chat(&r, "n");
    hub_app.on_stop(hub_of(&r));
    rig_turn(&r);
    new_chat(&r, "late");
    struct peer *const heard[] = {&plain, &own};
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 3; n++)
            EXPECT_MESSAGE(heard[i], "*", "system");
        EXPECT_NOTHING(heard[i]);
        peer_close(heard[i]);
    }
    rig_stop(&r);
}

/* Bound to an owner: others' new chats are nothing to it; what may or may not be its own is told once a second at most. */
static void a_bound_subscriber_is_not_told_of_others(void)
{
    enum hub_sight sight = HUB_HIDDEN;
    struct hub_options options = {.may_subscribe = bound, .may_see = sight_now, .may_arg = &sight};
    struct ws_principal who = {.role = 2, .id = SLICE_LIT("o")};
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, &options);
    peer_open_with(&p, &r, SLICE_LIT(""), SLICE_LIT(""), &who);
    CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT);
    subscribe(&p, "");
    for (int i = 0; i < 20; i++) {
        new_chat(&r, "a");
        rig_message(&r, "a", "user");
    }
    rig_pass(&r, 3000);
    EXPECT_NOTHING(&p);
    sight = HUB_UNSURE;
    for (int i = 0; i < 20; i++)
        rig_message(&r, "a", "user");
    EXPECT_MESSAGE(&p, "*", "system");
    EXPECT_NOTHING(&p);
    rig_pass(&r, 1100);
    EXPECT_MESSAGE(&p, "*", "system");
    rig_pass(&r, 3000);
    EXPECT_NOTHING(&p);
    sight = HUB_VISIBLE;
    new_chat(&r, "a");
    EXPECT_MESSAGE(&p, "*", "system");
    peer_close(&p);
    rig_stop(&r);
}

const CU_TestInfo hub_follow_tests[] = {
    {"followers hear their chat only", followers_hear_their_chat_only},
    {"followers of long ids hear their chat only", followers_of_long_ids_hear_their_chat_only},
    {"a turn's messages of one chat are one write", a_turns_messages_of_one_chat_are_one_write},
    {"an interval of one's own", an_interval_of_ones_own},
    {"an interval for one chat", an_interval_for_one_chat},
    {"what is held is sent before a change", what_is_held_is_sent_before_a_change},
    {"the shared interval is everyone's", the_shared_interval_is_everyones},
    {"a stop holds nothing back", a_stop_holds_nothing_back},
    {"a slow follower is told to look", a_slow_follower_is_told_to_look},
    {"churn", churn},
    {"several chats on one connection", several_chats_on_one_connection},
    {"what was missed is told at subscribe", what_was_missed_is_told_at_subscribe},
    {"a subscription ends with its right", a_subscription_ends_with_its_right},
    {"a new chat is one hint", a_new_chat_is_one_hint},
    {"a stop holds no hint back", a_stop_holds_no_hint_back},
    {"a bound subscriber is not told of others", a_bound_subscriber_is_not_told_of_others},
    CU_TEST_INFO_NULL};
