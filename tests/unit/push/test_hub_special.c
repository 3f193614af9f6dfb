#include "base/clock.h"
#include "base/metrics.h"
#include "push/hub_internal.h"
#include "rig.h"

#include <stdio.h>

static void subscribe(struct peer *p, const char *more)
{
    char text[300];
    snprintf(text, sizeof(text), "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"%s}", more);
    peer_send(p, WS_OP_TEXT, text);
    EXPECT_TEXT(p, "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\"}");
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
    subscribe(&a1, ",\"chat_id\":\"b\""); /* replaces */
    rig_message(&r, "a", "user");
    rig_message(&r, "b", "user");
    EXPECT_MESSAGE(&a1, "b", "user");
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
    EXPECT_TEXT(&p, "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\"}");
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
    CU_ASSERT_EQUAL(hub_of(&r)->paced_count, 1);
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

static void a_slow_follower_is_told_its_own_chat(void)
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
    CU_ASSERT(memmem(f.payload.ptr, f.payload.len, "\"chat_id\":\"a\"", 13) != NULL);
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

/* Followers come and go while notices flow: who follows a chat hears all of it. */
static void churn(void)
{
    enum { PEERS = 16, CHATS = 5 };
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 24, .send_buffer = 1 << 20}};
    struct peer peers[PEERS];
    int follows[PEERS];
    rig_start(&r, &hub_app, NULL);
    srand(5);
    for (int i = 0; i < PEERS; i++) {
        open_subscribed(&peers[i], &r, "");
        follows[i] = -1; /* all */
    }
    for (unsigned step = 0; step < 3000; step++) {
        int i = rand() % PEERS;
        char text[64];
        if (rand() % 3 == 0) {
            follows[i] = rand() % (CHATS + 1) - 1;
            snprintf(text, sizeof(text), ",\"chat_id\":\"chat-%d\"", follows[i]);
            subscribe(&peers[i], follows[i] < 0 ? "" : text);
        } else if (rand() % 8 == 0) {
            peer_close(&peers[i]);
            open_subscribed(&peers[i], &r, "");
            follows[i] = -1;
        } else {
            int chat = rand() % CHATS;
            snprintf(text, sizeof(text), "chat-%d", chat);
            rig_message(&r, text, "user");
            for (int k = 0; k < PEERS; k++) {
                if (follows[k] < 0 || follows[k] == chat)
                    EXPECT_MESSAGE(&peers[k], text, "user");
                else
                    EXPECT_NOTHING(&peers[k]);
            }
        }
    }
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    rig_stop(&r);
}

const CU_TestInfo hub_special_tests[] = {
    {"followers hear their chat only", followers_hear_their_chat_only},
    {"followers of long ids hear their chat only", followers_of_long_ids_hear_their_chat_only},
    {"a turn's messages of one chat are one write", a_turns_messages_of_one_chat_are_one_write},
    {"an interval of one's own", an_interval_of_ones_own},
    {"an interval for one chat", an_interval_for_one_chat},
    {"what is held is sent before a change", what_is_held_is_sent_before_a_change},
    {"the shared interval is everyone's", the_shared_interval_is_everyones},
    {"a stop holds nothing back", a_stop_holds_nothing_back},
    {"a slow follower is told its own chat", a_slow_follower_is_told_its_own_chat},
    {"churn", churn},
    CU_TEST_INFO_NULL};
