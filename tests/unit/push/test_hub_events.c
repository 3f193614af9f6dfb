/* chat_events: who hears of what at a chat beside its messages. */
#include "base/clock.h"
#include "base/metrics.h"
#include "push/hub_state.h"
#include "push/ws_frame.h"
#include "rig.h"

#include <stdio.h>

#define CONNECTED           "{\"type\":\"connected\",\"connection_id\":\"<id>\",\"message\":\"WebSocket connection established\"}"
#define ERROR(text)         "{\"type\":\"error\",\"message\":\"" text "\"}"
#define SUBSCRIBE           "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\"}"
#define SUBSCRIBE_TO(chat)  "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define UNSUBSCRIBE         "{\"action\":\"unsubscribe\",\"subscription_type\":\"chat_events\"}"
#define LEAVE(chat)         "{\"action\":\"unsubscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define SUBSCRIBED          "{\"type\":\"subscribed\",\"subscription_type\":\"chat_events\"}"
#define SUBSCRIBED_TO(chat) "{\"type\":\"subscribed\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define UNSUBSCRIBED        "{\"type\":\"unsubscribed\",\"subscription_type\":\"chat_events\"}"
#define LEFT(chat)          "{\"type\":\"unsubscribed\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define CHANGED(chat)       "{\"type\":\"chat_changed\",\"data\":{\"chat_id\":\"" chat "\",\"timestamp\":\"<ts>\"}}"
#define CUSTOMER(id)        "{\"type\":\"customer_changed\",\"data\":{\"user_id\":\"" id "\",\"timestamp\":\"<ts>\"}}"
#define READ(chat, side, message)                                                                                      \
    "{\"type\":\"read\",\"data\":{\"chat_id\":\"" chat "\",\"side\":\"" side "\",\"message_id\":\"" message            \
    "\",\"timestamp\":\"<ts>\"}}"
#define MESSAGE(chat, role)                                                                                            \
    "{\"type\":\"chat_updates\",\"data\":{\"type\":\"chat_message_notification\",\"chat_id\":\"" chat                  \
    "\",\"message_role\":\"" role "\",\"timestamp\":\"<ts>\"}}"

static const struct hub_options OPTIONS;

static void open_saying(struct peer *p, struct rig *r, struct ws_principal *who, const char *say, const char *answer)
{
    peer_open_with(p, r, SLICE_LIT(""), SLICE_LIT(""), who);
    EXPECT_TEXT(p, CONNECTED);
    if (say) {
        peer_send(p, WS_OP_TEXT, say);
        EXPECT_TEXT(p, answer);
    }
}

static struct notice changed(const char *chat)
{
    struct notice n;
    CU_ASSERT_TRUE_FATAL(notice_chat_changed(&n, slice_cstr(chat), clock_wall_us(), 0));
    return n;
}

static struct notice read_up_to(const char *chat, enum chat_side side, const char *message)
{
    struct notice n;
    CU_ASSERT_TRUE_FATAL(notice_read(&n, slice_cstr(chat), side, slice_cstr(message), clock_wall_us(), 0));
    return n;
}

static struct notice customer(const char *id)
{
    struct notice n;
    CU_ASSERT_TRUE_FATAL(notice_customer_changed(&n, slice_cstr(id), clock_wall_us(), 0));
    return n;
}

static void rig_changed(struct rig *r, const char *chat)
{
    struct notice n = changed(chat);
    rig_notices(r, &n, 1);
}

/* Whoever does not ask for chat_events gets the bytes that it always got. */
static void nobody_else_hears_of_them(void)
{
    struct rig r = {0};
    struct peer all, one, updates, none;
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&all, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    open_saying(&one, &r, NULL, SUBSCRIBE_TO("c1"), SUBSCRIBED_TO("c1"));
    open_saying(&updates, &r, NULL, "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"}",
                "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\"}");
    EXPECT_TEXT(&updates, MESSAGE("*", "system"));
    open_saying(&none, &r, NULL, NULL, NULL);
    uint64_t notices = metrics_counter(M_NOTICE_DELIVERED), signals = metrics_counter(M_SIGNAL_DELIVERED);
    struct notice n[4] = {read_up_to("c1", SIDE_AGENTS, "m1"), read_up_to("c1", SIDE_CUSTOMER, "m2"), changed("c1"),
                          customer("u1")};
    rig_notices(&r, n, 4);
    rig_message(&r, "c1", "user");
    rig_changed(&r, "c2");
    EXPECT_TEXT(&all, READ("c1", "agent", "m1"));
    EXPECT_TEXT(&all, READ("c1", "user", "m2"));
    EXPECT_TEXT(&all, CHANGED("c1"));
    EXPECT_TEXT(&all, CUSTOMER("u1"));
    EXPECT_TEXT(&all, CHANGED("c2"));
    EXPECT_NOTHING(&all);
    EXPECT_TEXT(&one, READ("c1", "agent", "m1"));
    EXPECT_TEXT(&one, READ("c1", "user", "m2"));
    EXPECT_TEXT(&one, CHANGED("c1"));
    EXPECT_NOTHING(&one);
    EXPECT_TEXT(&updates, MESSAGE("c1", "user"));
    EXPECT_NOTHING(&updates);
    EXPECT_NOTHING(&none);
    CU_ASSERT_EQUAL(metrics_counter(M_NOTICE_DELIVERED) - notices, 1);
    CU_ASSERT_EQUAL(metrics_counter(M_SIGNAL_DELIVERED) - signals, 8);
    peer_close(&all);
    peer_close(&one);
    peer_close(&updates);
    peer_close(&none);
    rig_stop(&r);
}

static void subscriptions_come_and_go(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&p, &r, NULL, SUBSCRIBE_TO("a"), SUBSCRIBED_TO("a"));
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE_TO("b"));
    EXPECT_TEXT(&p, SUBSCRIBED_TO("b"));
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE_TO("a")); /* twice is once */
    EXPECT_TEXT(&p, SUBSCRIBED_TO("a"));
    rig_changed(&r, "a");
    rig_changed(&r, "b");
    EXPECT_TEXT(&p, CHANGED("a"));
    EXPECT_TEXT(&p, CHANGED("b"));
    EXPECT_NOTHING(&p);
    peer_send(&p, WS_OP_TEXT, LEAVE("a"));
    EXPECT_TEXT(&p, LEFT("a"));
    rig_changed(&r, "a");
    rig_changed(&r, "b");
    EXPECT_TEXT(&p, CHANGED("b"));
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE); /* all takes the place of each */
    EXPECT_TEXT(&p, SUBSCRIBED);
    rig_changed(&r, "a");
    rig_changed(&r, "b");
    EXPECT_TEXT(&p, CHANGED("a"));
    EXPECT_TEXT(&p, CHANGED("b"));
    EXPECT_NOTHING(&p);
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE_TO("c")); /* and the other way round */
    EXPECT_TEXT(&p, SUBSCRIBED_TO("c"));
    rig_changed(&r, "a");
    rig_changed(&r, "c");
    EXPECT_TEXT(&p, CHANGED("c"));
    EXPECT_NOTHING(&p);
    peer_send(&p, WS_OP_TEXT, UNSUBSCRIBE);
    EXPECT_TEXT(&p, UNSUBSCRIBED);
    rig_changed(&r, "c");
    EXPECT_NOTHING(&p);
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE_TO(""));
    EXPECT_TEXT(&p, ERROR("chat_id must be a string of 1 to 1024 bytes, not "));
    peer_close(&p);
    rig_stop(&r);
}

static void at_most_64_chats(void)
{
    struct rig r = {0};
    struct peer p;
    char say[200], answer[200];
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&p, &r, NULL, NULL, NULL);
    for (unsigned i = 0; i < HUB_CHATS_MAX; i++) {
        snprintf(say, sizeof(say), SUBSCRIBE_TO("chat-%u"), i);
        snprintf(answer, sizeof(answer), SUBSCRIBED_TO("chat-%u"), i);
        peer_send(&p, WS_OP_TEXT, say);
        EXPECT_TEXT(&p, answer);
    }
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE_TO("one-more"));
    EXPECT_TEXT(&p, ERROR("A connection can follow 64 chats: unsubscribe from one before one-more"));
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE_TO("chat-7"));
    EXPECT_TEXT(&p, SUBSCRIBED_TO("chat-7"));
    rig_changed(&r, "one-more");
    EXPECT_NOTHING(&p);
    rig_changed(&r, "chat-63");
    EXPECT_TEXT(&p, CHANGED("chat-63"));
    peer_close(&p);
    rig_stop(&r);
}

static void what_repeats_within_a_turn_is_told_once(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&p, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    struct notice n[] = {changed("a"),
                         read_up_to("a", SIDE_AGENTS, "m1"),
                         changed("a"),
                         customer("u1"),
                         read_up_to("a", SIDE_AGENTS, "m2"),
                         read_up_to("a", SIDE_CUSTOMER, "m1"),
                         customer("u1"),
                         changed("b"),
                         customer("u2")};
    rig_notices(&r, n, sizeof(n) / sizeof(n[0]));
    EXPECT_TEXT(&p, CHANGED("a"));
    EXPECT_TEXT(&p, READ("a", "agent", "m2"));
    EXPECT_TEXT(&p, READ("a", "user", "m1"));
    EXPECT_TEXT(&p, CUSTOMER("u1"));
    EXPECT_TEXT(&p, CHANGED("b"));
    EXPECT_TEXT(&p, CUSTOMER("u2"));
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

/* The id of a chat of existing data is told to nobody: what is sent names no chat. */
static void a_long_chat_id_is_a_look(void)
{
    struct rig r = {0};
    struct peer all, one;
    char chat[101], say[300];
    rig_start(&r, &hub_app, &OPTIONS);
    memset(chat, 'x', 100);
    chat[100] = '\0';
    snprintf(say, sizeof(say), SUBSCRIBE_TO("%s"), chat);
    open_saying(&all, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    open_saying(&one, &r, NULL, NULL, NULL);
    peer_send(&one, WS_OP_TEXT, say);
    CU_ASSERT_EQUAL(peer_next(&one).opcode, WS_OP_TEXT);
    struct notice n = read_up_to(chat, SIDE_AGENTS, "m");
    rig_notices(&r, &n, 1);
    EXPECT_TEXT(&all, CHANGED("*"));
    EXPECT_TEXT(&one, CHANGED("*"));
    peer_close(&all);
    peer_close(&one);
    rig_stop(&r);
}

static enum hub_right as_filtered(void *arg, const struct ws_principal *who, enum hub_topic topic, struct slice chat_id)
{
    (void)arg;
    (void)topic;
    return slice_eq(chat_id, SLICE_LIT("denied")) ? HUB_DENIED : who ? HUB_FILTERED : HUB_ALLOWED;
}

static const char *hidden; /* what nobody sees any more */

static enum hub_sight sees_own(void *arg, const struct ws_principal *who, struct slice id)
{
    (void)arg;
    if (slice_starts(id, SLICE_LIT("unsure")))
        return HUB_UNSURE;
    bool own = slice_starts(id, who->id) && !(hidden && slice_eq(id, slice_cstr(hidden)));
    return own ? HUB_VISIBLE : HUB_HIDDEN;
}

static const struct hub_options FILTERED = {
    .may_subscribe = as_filtered, .may_see = sees_own, .may_see_customer = sees_own};

static void an_owner_hears_of_its_customers_only(void)
{
    struct rig r = {0};
    struct peer bound, open;
    struct ws_principal who = {.role = 2, .agent = true, .id = SLICE_LIT("mine")};
    rig_start(&r, &hub_app, &FILTERED);
    open_saying(&bound, &r, &who, SUBSCRIBE, SUBSCRIBED);
    open_saying(&open, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    struct notice n[] = {changed("other"), changed("mine-1"), customer("u-other"), customer("mine-u"),
                         read_up_to("other", SIDE_AGENTS, "m")};
    rig_notices(&r, n, sizeof(n) / sizeof(n[0]));
    EXPECT_TEXT(&bound, CHANGED("mine-1"));
    EXPECT_TEXT(&bound, CUSTOMER("mine-u"));
    EXPECT_NOTHING(&bound);
    EXPECT_TEXT(&open, CHANGED("other"));
    EXPECT_TEXT(&open, CHANGED("mine-1"));
    EXPECT_TEXT(&open, CUSTOMER("u-other"));
    EXPECT_TEXT(&open, CUSTOMER("mine-u"));
    EXPECT_TEXT(&open, READ("other", "agent", "m"));
    peer_send(&bound, WS_OP_TEXT, SUBSCRIBE_TO("denied"));
    EXPECT_TEXT(&bound, ERROR("Not allowed to subscribe to chat_events"));
    peer_close(&bound);
    peer_close(&open);
    rig_stop(&r);
}

static void a_follow_ends_with_its_right(void)
{
    struct rig r = {0};
    struct peer p[3];
    struct ws_principal who = {.role = 2, .agent = true, .id = SLICE_LIT("mine")};
    rig_start(&r, &hub_app, &FILTERED);
    for (unsigned i = 0; i < 3; i++) {
        open_saying(&p[i], &r, &who, SUBSCRIBE_TO("mine-1"), SUBSCRIBED_TO("mine-1"));
        peer_send(&p[i], WS_OP_TEXT, SUBSCRIBE_TO("mine-2"));
        EXPECT_TEXT(&p[i], SUBSCRIBED_TO("mine-2"));
    }
    hidden = "mine-1";
    rig_changed(&r, "mine-1");
    rig_changed(&r, "mine-2");
    hidden = NULL;
    rig_changed(&r, "mine-1");
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_TEXT(&p[i], LEFT("mine-1"));
        EXPECT_TEXT(&p[i], CHANGED("mine-2"));
        EXPECT_NOTHING(&p[i]);
        peer_close(&p[i]);
    }
    rig_stop(&r);
}

static void what_may_be_ones_own_is_a_look_a_second(void)
{
    struct rig r = {0};
    struct peer p;
    struct ws_principal who = {.role = 2, .agent = true, .id = SLICE_LIT("mine")};
    rig_start(&r, &hub_app, &FILTERED);
    open_saying(&p, &r, &who, SUBSCRIBE, SUBSCRIBED);
    for (unsigned i = 0; i < 10; i++)
        rig_changed(&r, "unsure");
    rig_pass(&r, 1100);
    EXPECT_TEXT(&p, CHANGED("*"));
    rig_pass(&r, 2000);
    EXPECT_NOTHING(&p);
    struct notice n = customer("unsure");
    rig_notices(&r, &n, 1);
    rig_pass(&r, 1100);
    EXPECT_TEXT(&p, CHANGED("*"));
    rig_changed(&r, "unsure");
    peer_close(&p); /* it is not there any more when it would be told */
    rig_pass(&r, 1100);
    rig_stop(&r);
}

static void an_overflow_is_a_look(void)
{
    struct rig r = {0};
    struct peer all, some, updates;
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&all, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    open_saying(&some, &r, NULL, SUBSCRIBE_TO("a"), SUBSCRIBED_TO("a"));
    peer_send(&some, WS_OP_TEXT, SUBSCRIBE_TO("b"));
    EXPECT_TEXT(&some, SUBSCRIBED_TO("b"));
    open_saying(&updates, &r, NULL, "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"}",
                "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\"}");
    EXPECT_TEXT(&updates, MESSAGE("*", "system"));
    hub_app.on_overflow(ws_set_app(r.set));
    EXPECT_TEXT(&all, CHANGED("*"));
    EXPECT_TEXT(&some, CHANGED("*"));
    EXPECT_NOTHING(&some);
    EXPECT_TEXT(&updates, MESSAGE("*", "system"));
    EXPECT_NOTHING(&updates);
    peer_close(&all);
    peer_close(&some);
    peer_close(&updates);
    rig_stop(&r);
}

/* One that does not read for a while: by a channel (say: SUBSCRIBE) or by a follow. */
static void slow_case(const char *say, const char *answer)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 20, .send_buffer = 1}};
    struct peer slow, quick;
    uint64_t dropped = metrics_counter(M_SIGNAL_DROPPED);
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&slow, &r, NULL, say, answer);
    open_saying(&quick, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    for (unsigned i = 0; i < 1000; i++) {
        rig_changed(&r, "c");
        EXPECT_TEXT(&quick, CHANGED("c"));
    }
    CU_ASSERT(metrics_counter(M_SIGNAL_DROPPED) > dropped);
    unsigned got = 0;
    struct frame f;
    while ((f = peer_next(&slow)).opcode && memmem(f.payload.ptr, f.payload.len, "\"*\"", 3) == NULL)
        got++;
    CU_ASSERT(got > 0 && got < 1000);
    CU_ASSERT(memmem(f.payload.ptr, f.payload.len, "\"chat_changed\"", 14) != NULL);
    EXPECT_NOTHING(&slow);
    rig_changed(&r, "c");
    EXPECT_TEXT(&slow, CHANGED("c"));
    peer_close(&slow);
    peer_close(&quick);
    rig_stop(&r);
}

static void a_slow_subscriber_is_told_to_look(void)
{
    slow_case(SUBSCRIBE, SUBSCRIBED);
    slow_case(SUBSCRIBE_TO("c"), SUBSCRIBED_TO("c"));
}

/* A chat that is followed by both topics is one chat to the hub: each subscription ends by itself. */
static void both_topics_of_one_chat(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&p, &r, NULL, SUBSCRIBE_TO("c"), SUBSCRIBED_TO("c"));
    peer_send(&p, WS_OP_TEXT, "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"c\"}");
    EXPECT_TEXT(&p, "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"c\"}");
    EXPECT_TEXT(&p, MESSAGE("*", "system"));
    rig_message(&r, "c", "user");
    rig_changed(&r, "c");
    EXPECT_TEXT(&p, MESSAGE("c", "user"));
    EXPECT_TEXT(&p, CHANGED("c"));
    peer_send(&p, WS_OP_TEXT, "{\"action\":\"unsubscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"c\"}");
    EXPECT_TEXT(&p, "{\"type\":\"unsubscribed\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"c\"}");
    rig_message(&r, "c", "user");
    rig_changed(&r, "c");
    EXPECT_TEXT(&p, CHANGED("c"));
    EXPECT_NOTHING(&p);
    peer_close(&p);
    rig_stop(&r);
}

/* A crowd that types gives way to what is stored: notices wait in their rings where so much waits to be sent. */
static void typing_gives_way(void)
{
    struct rig r = {0};
    struct peer all;
    rig_start(&r, &hub_app, &OPTIONS);
    open_saying(&all, &r, NULL, SUBSCRIBE, SUBSCRIBED);
    struct hub *h = ws_set_app(r.set);
    const struct frame_queue *queue = &h->channels[CHANNEL_EVENTS].queue;
    struct buf frame = {0};
    ws_frame_append(&frame, WS_OP_TEXT,
                    SLICE_LIT("{\"type\":\"typing\",\"data\":{\"chat_id\":\"c\",\"typing\":true}}"));
    const struct hub_said typed = {
        .chat_id = SLICE_LIT("c"), .frame = buf_slice(&frame), .to_agents = buf_slice(&frame), .passing = true};
    struct hub_said stored = typed;
    stored.passing = false;
    for (int i = 0; i < 20000; i++)
        events_give(h, &typed);
    size_t waiting = queue->held_bytes;
    CU_ASSERT(waiting > 100000 && waiting < 300000);
    CU_ASSERT(h->signals_dropped > 10000);
    events_give(h, &stored);
    CU_ASSERT(queue->held_bytes > waiting);
    buf_fini(&frame);
    peer_close(&all);
    rig_stop(&r);
}

const CU_TestInfo hub_events_tests[] = {
    {"nobody else hears of them", nobody_else_hears_of_them},
    {"subscriptions come and go", subscriptions_come_and_go},
    {"at most 64 chats", at_most_64_chats},
    {"what repeats within a turn is told once", what_repeats_within_a_turn_is_told_once},
    {"a long chat id is a look", a_long_chat_id_is_a_look},
    {"typing gives way", typing_gives_way},
    {"an owner hears of its customers only", an_owner_hears_of_its_customers_only},
    {"a follow ends with its right", a_follow_ends_with_its_right},
    {"what may be one's own is a look a second", what_may_be_ones_own_is_a_look_a_second},
    {"an overflow is a look", an_overflow_is_a_look},
    {"a slow subscriber is told to look", a_slow_subscriber_is_told_to_look},
    {"both topics of one chat", both_topics_of_one_chat},
    CU_TEST_INFO_NULL};
