#include "base/clock.h"
#include "base/metrics.h"
#include "push/hub_state.h"
#include "rig.h"

#include <stdio.h>

#define CONNECTED           "{\"type\":\"connected\",\"connection_id\":\"<id>\",\"message\":\"WebSocket connection established\"}"
#define SUBSCRIBED(topic)   "{\"type\":\"subscribed\",\"subscription_type\":\"" topic "\"}"
#define UNSUBSCRIBED(topic) "{\"type\":\"unsubscribed\",\"subscription_type\":\"" topic "\"}"
#define ERROR(text)         "{\"type\":\"error\",\"message\":\"" text "\"}"
#define NESTED(chat, role)                                                                                             \
    "{\"type\":\"chat_updates\",\"data\":{\"type\":\"chat_message_notification\",\"chat_id\":\"" chat                  \
    "\",\"message_role\":\"" role "\",\"timestamp\":\"<ts>\"}}"
#define FLAT(chat, role)                                                                                               \
    "{\"type\":\"chat_message_notification\",\"data\":{\"chat_id\":\"" chat "\",\"message_role\":\"" role              \
    "\",\"timestamp\":\"<ts>\"}}"
#define COUNTS(a)                                                                                                      \
    "{\"type\":\"unread_counts\",\"data\":{\"counts\":{\"unified-inbox\":" #a ",\"agent-inbox-active\":2,"             \
    "\"agent-inbox-resolved\":3,\"my-inbox-chats\":4,\"my-inbox-escalated\":5,\"my-inbox-resolved\":6},"               \
    "\"timestamp\":\"<ts>\"}}"
#define SUBSCRIBE(topic) "{\"action\":\"subscribe\",\"subscription_type\":\"" topic "\"}"

static void counts_now(void *arg, int64_t counts[static NOTICE_COUNTS_LEN])
{
    for (int i = 0; i < NOTICE_COUNTS_LEN; i++)
        counts[i] = i + 1;
    counts[0] = *(const int64_t *)arg;
}

static int64_t unified = 1;
static const struct hub_options OPTIONS = {.counts = counts_now, .counts_arg = &unified};

static const struct {
    const char *say, *answer;
} SAYINGS[] = {
    {SUBSCRIBE("chat_updates"), SUBSCRIBED("chat_updates")},
    {SUBSCRIBE("website_status"), SUBSCRIBED("website_status")},
    {"{\"action\":\"unsubscribe\",\"subscription_type\":\"chat_updates\"}", UNSUBSCRIBED("chat_updates")},
    {"{\"action\":\"unsubscribe\",\"subscription_type\":\"unread_counts\"}", UNSUBSCRIBED("unread_counts")},
    {"{\"action\":\"unsubscribe\",\"subscription_type\":\"website_status\"}", UNSUBSCRIBED("website_status")},
    {"{\"action\":\"ping\"}", "{\"type\":\"pong\",\"timestamp\":\"<ts>\"}"},
    {" {\"x\":[1,{}],\"action\" : \"pi\\u006eg\"} ", "{\"type\":\"pong\",\"timestamp\":\"<ts>\"}"},
    {"{\"action\":\"fly\"}", ERROR("Unknown action: fly")},
    {"{\"action\":\"\"}", ERROR("Unknown action: ")},
    {"{\"action\":\"a\\\"b\\n\"}", ERROR("Unknown action: a\\\"b\\n")},
    {"{\"action\":7}", ERROR("Unknown action: 7")},
    {"{\"action\":null}", ERROR("Unknown action: None")},
    {"{}", ERROR("Unknown action: None")},
    {"[]", ERROR("Expected a JSON object")},
    {"\"subscribe\"", ERROR("Expected a JSON object")},
    {"12", ERROR("Expected a JSON object")},
    {SUBSCRIBE("weather"), ERROR("Unknown subscription_type: weather")},
    {"{\"action\":\"subscribe\"}", ERROR("Unknown subscription_type: None")},
    {"{\"action\":\"subscribe\",\"subscription_type\":[1]}", ERROR("Unknown subscription_type: [1]")},
    {"{\"action\":\"unsubscribe\",\"subscription_type\":\"\"}", ERROR("Unknown subscription_type: ")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":\"flat\"}",
     SUBSCRIBED("chat_updates")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":null,\"chat_id\":null,"
     "\"min_interval_ms\":null}",
     SUBSCRIBED("chat_updates")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":\"xml\"}",
     ERROR("Unknown format: xml")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":1}", ERROR("Unknown format: 1")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"\"}",
     ERROR("chat_id must be a string of 1 to 1024 bytes, not ")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":5}",
     ERROR("chat_id must be a string of 1 to 1024 bytes, not 5")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"min_interval_ms\":-1}",
     ERROR("min_interval_ms must be a whole number from 0 to 3600000, not -1")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"min_interval_ms\":1.5}",
     ERROR("min_interval_ms must be a whole number from 0 to 3600000, not 1.5")},
    {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"min_interval_ms\":3600001}",
     ERROR("min_interval_ms must be a whole number from 0 to 3600000, not 3600001")},
};

static void open_greeted(struct peer *p, struct rig *r)
{
    peer_open(p, r);
    EXPECT_TEXT(p, CONNECTED);
}

static void what_is_said_and_answered(void)
{
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&p, &r);
    for (size_t i = 0; i < sizeof(SAYINGS) / sizeof(SAYINGS[0]); i++) {
        peer_send(&p, WS_OP_TEXT, SAYINGS[i].say);
        EXPECT_TEXT(&p, SAYINGS[i].answer);
        if (strcmp(SAYINGS[i].answer, SUBSCRIBED("chat_updates")) == 0)
            CU_ASSERT_EQUAL(peer_next(&p).opcode, WS_OP_TEXT); /* the hint */
        EXPECT_NOTHING(&p);
    }
    peer_close(&p);
    rig_stop(&r);
}

static void what_is_not_json(void)
{
    static const char *const TEXTS[] = {
        "", "hello", "{", "{\"action\":\"ping\"", "{\"action\":\"ping\"} x", "{'action':1}"};
    struct rig r = {0};
    struct peer p;
    rig_start(&r, &hub_app, NULL);
    open_greeted(&p, &r);
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        peer_send(&p, WS_OP_TEXT, TEXTS[i]);
        struct frame f = peer_next(&p);
        CU_ASSERT(slice_starts(f.payload, SLICE_LIT("{\"type\":\"error\",\"message\":\"Invalid JSON: ")));
    }
    peer_send(&p, WS_OP_BINARY, "{\"action\":\"ping\"}");
    EXPECT_TEXT(&p, ERROR("Expected a text message of JSON"));
    char longest[1000];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "{\"action\":\"", 11);
    memcpy(longest + sizeof(longest) - 3, "\"}", 3);
    peer_send(&p, WS_OP_TEXT, longest);
    CU_ASSERT(peer_next(&p).payload.len < 300);         /* a long word is not sent back whole */
    peer_send(&p, WS_OP_TEXT, "{\"action\":\"ping\"}"); /* the connection stays */
    EXPECT_TEXT(&p, "{\"type\":\"pong\",\"timestamp\":\"<ts>\"}");
    peer_close(&p);
    rig_stop(&r);
}

static void messages_reach_each_format(void)
{
    struct rig r = {0};
    struct peer nested, flat, both, none;
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&nested, &r);
    open_greeted(&flat, &r);
    open_greeted(&both, &r);
    open_greeted(&none, &r);
    peer_send(&nested, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&nested, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&nested, NESTED("*", "system"));
    peer_send(&flat, WS_OP_TEXT,
              "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":\"flat\"}");
    EXPECT_TEXT(&flat, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&flat, FLAT("*", "system"));
    peer_send(&both, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&both, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&both, NESTED("*", "system"));
    peer_send(&both, WS_OP_TEXT, SUBSCRIBE("chat_updates")); /* twice is once */
    EXPECT_TEXT(&both, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&both, NESTED("*", "system"));
    peer_send(&none, WS_OP_TEXT, SUBSCRIBE("website_status"));
    EXPECT_TEXT(&none, SUBSCRIBED("website_status"));
    uint64_t delivered = metrics_counter(M_NOTICE_DELIVERED);
    rig_message(&r, "chat-1", "user");
    rig_message(&r, "chat-2", "assistant");
    EXPECT_TEXT(&nested, NESTED("chat-1", "user"));
    EXPECT_TEXT(&nested, NESTED("chat-2", "assistant"));
    EXPECT_TEXT(&flat, FLAT("chat-1", "user"));
    EXPECT_TEXT(&flat, FLAT("chat-2", "assistant"));
    EXPECT_TEXT(&both, NESTED("chat-1", "user"));
    EXPECT_TEXT(&both, NESTED("chat-2", "assistant"));
    EXPECT_NOTHING(&both);
    EXPECT_NOTHING(&none);
    CU_ASSERT_EQUAL(metrics_counter(M_NOTICE_DELIVERED) - delivered, 6);
    peer_send(&nested, WS_OP_TEXT, "{\"action\":\"unsubscribe\",\"subscription_type\":\"chat_updates\"}");
    EXPECT_TEXT(&nested, UNSUBSCRIBED("chat_updates"));
    peer_close(&both);
    rig_message(&r, "chat-3", "user");
    EXPECT_NOTHING(&nested);
    EXPECT_TEXT(&flat, FLAT("chat-3", "user"));
    peer_close(&nested);
    peer_close(&flat);
    peer_close(&none);
    rig_stop(&r);
}

/* As a dashboard does while it loads: unsubscribe and subscribe again, and change the format, between two notices. */
static void changing_the_subscription_loses_nothing(void)
{
    struct rig r = {0};
    struct peer p;
    struct notice n;
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&p, &r);
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&p, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&p, NESTED("*", "system"));
    CU_ASSERT_TRUE_FATAL(notice_message(&n, SLICE_LIT("c"), SLICE_LIT("user"), clock_wall_us(), 0));
    hub_app.on_notices(ws_set_app(r.set), &n, 1); /* taken, not yet sent … */
    struct buf b = {0};
    client_frame(&b, true, WS_OP_TEXT,
                 SLICE_LIT("{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":\"flat\"}"));
    CU_ASSERT_EQUAL(write(p.fd, b.ptr, b.len), (ssize_t)b.len); /* … when the change comes in */
    buf_fini(&b);
    EXPECT_TEXT(&p, NESTED("c", "user"));
    EXPECT_TEXT(&p, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&p, FLAT("*", "system"));
    EXPECT_NOTHING(&p);
    rig_message(&r, "d", "user");
    EXPECT_TEXT(&p, FLAT("d", "user"));
    peer_close(&p);
    rig_stop(&r);
}

static void several_requests_in_one_read_are_one_write(void)
{
    struct rig r = {0};
    struct peer p;
    struct buf b = {0};
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&p, &r);
    client_frame(&b, true, WS_OP_TEXT, SLICE_LIT(SUBSCRIBE("chat_updates")));
    client_frame(&b, true, WS_OP_TEXT, SLICE_LIT(SUBSCRIBE("unread_counts")));
    uint64_t before = metrics_counter(M_WS_WRITES);
    peer_write(&p, b.ptr, b.len);
    CU_ASSERT_EQUAL(metrics_counter(M_WS_WRITES) - before, 1);
    EXPECT_TEXT(&p, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&p, NESTED("*", "system"));
    EXPECT_TEXT(&p, SUBSCRIBED("unread_counts"));
    EXPECT_TEXT(&p, COUNTS(1));
    buf_fini(&b);
    peer_close(&p);
    rig_stop(&r);
}

static void counts_at_subscribe_and_when_they_change(void)
{
    struct rig r = {0};
    struct peer p;
    struct notice n[3];
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&p, &r);
    unified = 41;
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE("unread_counts"));
    EXPECT_TEXT(&p, SUBSCRIBED("unread_counts"));
    EXPECT_TEXT(&p, COUNTS(41));
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE("unread_counts")); /* asking again tells again */
    EXPECT_TEXT(&p, SUBSCRIBED("unread_counts"));
    EXPECT_TEXT(&p, COUNTS(41));
    for (int i = 0; i < 3; i++)
        notice_counts_changed(&n[i], 0);
    unified = 52;
    rig_notices(&r, n, 3); /* one turn's notices are one frame, of the numbers as they are by then */
    EXPECT_TEXT(&p, COUNTS(52));
    EXPECT_NOTHING(&p);
    rig_message(&r, "c", "user");
    EXPECT_NOTHING(&p);
    peer_send(&p, WS_OP_TEXT, "{\"action\":\"unsubscribe\",\"subscription_type\":\"unread_counts\"}");
    EXPECT_TEXT(&p, UNSUBSCRIBED("unread_counts"));
    rig_notices(&r, n, 1);
    EXPECT_NOTHING(&p);
    unified = 1;
    peer_close(&p);
    rig_stop(&r);
}

static void an_overflow_makes_everyone_refetch(void)
{
    struct rig r = {0};
    struct peer nested, flat, follower;
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&nested, &r);
    open_greeted(&flat, &r);
    open_greeted(&follower, &r);
    peer_send(&nested, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&nested, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&nested, NESTED("*", "system"));
    peer_send(&nested, WS_OP_TEXT, SUBSCRIBE("unread_counts"));
    EXPECT_TEXT(&nested, SUBSCRIBED("unread_counts"));
    EXPECT_TEXT(&nested, COUNTS(1));
    peer_send(&flat, WS_OP_TEXT,
              "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":\"flat\"}");
    EXPECT_TEXT(&flat, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&flat, FLAT("*", "system"));
    peer_send(&follower, WS_OP_TEXT,
              "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"mine\"}");
    EXPECT_TEXT(&follower, "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"mine\"}");
    EXPECT_TEXT(&follower, NESTED("*", "system"));
    hub_app.on_overflow(ws_set_app(r.set));
    EXPECT_TEXT(&nested, NESTED("*", "system"));
    EXPECT_TEXT(&nested, COUNTS(1));
    EXPECT_TEXT(&flat, FLAT("*", "system"));
    EXPECT_TEXT(&follower, NESTED("*", "system"));
    EXPECT_NOTHING(&nested);
    peer_close(&nested);
    peer_close(&flat);
    peer_close(&follower);
    rig_stop(&r);
}

static enum hub_right only_own_chat(void *arg, const struct ws_principal *who, enum hub_topic topic,
                                    struct slice chat_id)
{
    *(unsigned *)arg += 1;
    bool allowed = !who ? topic == HUB_WEBSITE_STATUS : topic == HUB_CHAT_UPDATES && slice_eq(chat_id, who->id);
    return allowed ? HUB_ALLOWED : HUB_DENIED;
}

static void who_may_subscribe(void)
{
    unsigned asked = 0;
    struct hub_options options = {.may_subscribe = only_own_chat, .may_arg = &asked};
    struct rig r = {0};
    struct peer p, anonymous;
    struct ws_principal who = {.role = 1, .id = SLICE_LIT("mine")};
    rig_start(&r, &hub_app, &options);
    peer_open_with(&p, &r, SLICE_LIT(""), SLICE_LIT(""), &who);
    EXPECT_TEXT(&p, CONNECTED);
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&p, ERROR("Not allowed to subscribe to chat_updates"));
    peer_send(&p, WS_OP_TEXT,
              "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"other\"}");
    EXPECT_TEXT(&p, ERROR("Not allowed to subscribe to chat_updates"));
    peer_send(&p, WS_OP_TEXT, SUBSCRIBE("unread_counts"));
    EXPECT_TEXT(&p, ERROR("Not allowed to subscribe to unread_counts"));
    peer_send(&p, WS_OP_TEXT, "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"mine\"}");
    EXPECT_TEXT(&p, "{\"type\":\"subscribed\",\"subscription_type\":\"chat_updates\",\"chat_id\":\"mine\"}");
    EXPECT_TEXT(&p, NESTED("*", "system"));
    open_greeted(&anonymous, &r);
    peer_send(&anonymous, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&anonymous, ERROR("Not allowed to subscribe to chat_updates"));
    peer_send(&anonymous, WS_OP_TEXT, SUBSCRIBE("website_status"));
    EXPECT_TEXT(&anonymous, SUBSCRIBED("website_status"));
    CU_ASSERT_EQUAL(asked, 6);
    rig_message(&r, "other", "user");
    rig_message(&r, "mine", "user");
    EXPECT_TEXT(&p, NESTED("mine", "user"));
    EXPECT_NOTHING(&p);
    EXPECT_NOTHING(&anonymous);
    peer_close(&p);
    peer_close(&anonymous);
    rig_stop(&r);
}

static enum hub_right filtered(void *arg, const struct ws_principal *who, enum hub_topic topic, struct slice chat_id)
{
    (void)arg;
    (void)topic;
    return who && chat_id.len == 0 ? HUB_FILTERED : HUB_ALLOWED;
}

/* "mine…" is seen, "unsure…" is not known, the rest is somebody else's. */
static enum hub_sight sees_mine(void *arg, const struct ws_principal *who, struct slice chat_id)
{
    (void)arg;
    if (slice_starts(chat_id, SLICE_LIT("unsure")))
        return HUB_UNSURE;
    return slice_starts(chat_id, who->id) ? HUB_VISIBLE : HUB_HIDDEN;
}

/* interval_ms: --notify-interval, under which a filtered subscriber is paced by itself. */
static void filter_case(int64_t interval_ms)
{
    struct hub_options options = {.notify_interval_ms = interval_ms, .may_subscribe = filtered, .may_see = sees_mine};
    struct rig r = {0};
    struct peer bound, open;
    struct ws_principal who = {.role = 2, .id = SLICE_LIT("mine")};
    rig_start(&r, &hub_app, &options);
    peer_open_with(&bound, &r, SLICE_LIT(""), SLICE_LIT(""), &who);
    EXPECT_TEXT(&bound, CONNECTED);
    open_greeted(&open, &r);
    peer_send(&bound, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&bound, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&bound, NESTED("*", "system"));
    peer_send(&open, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&open, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&open, NESTED("*", "system"));
    rig_message(&r, "other", "user");
    rig_message(&r, "mine-1", "user");
    rig_message(&r, "unsure", "agent");
    rig_message(&r, "mine-2", "agent");
    EXPECT_TEXT(&bound, NESTED("mine-1", "user"));
    EXPECT_TEXT(&bound, NESTED("*", "system")); /* a hint that names no chat and no role */
    EXPECT_TEXT(&bound, NESTED("mine-2", "agent"));
    EXPECT_NOTHING(&bound);
    EXPECT_TEXT(&open, NESTED("other", "user"));
    EXPECT_TEXT(&open, NESTED("mine-1", "user"));
    EXPECT_TEXT(&open, NESTED("unsure", "agent"));
    EXPECT_TEXT(&open, NESTED("mine-2", "agent"));
    EXPECT_NOTHING(&open);
    peer_close(&bound);
    peer_close(&open);
    rig_stop(&r);
}

static void a_filtered_subscriber_hears_of_its_own_only(void)
{
    filter_case(0);
    filter_case(50);
}

static void a_slow_subscriber_gets_one_hint(void)
{
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 1 << 20, .send_buffer = 1}};
    struct peer slow, quick;
    uint64_t coalesced = metrics_counter(M_NOTICE_COALESCED);
    rig_start(&r, &hub_app, &OPTIONS);
    open_greeted(&slow, &r);
    open_greeted(&quick, &r);
    peer_send(&slow, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&slow, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&slow, NESTED("*", "system"));
    peer_send(&slow, WS_OP_TEXT, SUBSCRIBE("unread_counts"));
    EXPECT_TEXT(&slow, SUBSCRIBED("unread_counts"));
    EXPECT_TEXT(&slow, COUNTS(1));
    peer_send(&quick, WS_OP_TEXT, SUBSCRIBE("chat_updates"));
    EXPECT_TEXT(&quick, SUBSCRIBED("chat_updates"));
    EXPECT_TEXT(&quick, NESTED("*", "system"));
    struct notice counts;
    notice_counts_changed(&counts, 0);
    for (unsigned i = 0; i < 1000; i++) {
        rig_message(&r, "c", "user");
        EXPECT_TEXT(&quick, NESTED("c", "user"));
    }
    rig_notices(&r, &counts, 1);
    CU_ASSERT(metrics_counter(M_NOTICE_COALESCED) > coalesced);
    unsigned got = 0;
    struct frame f;
    while ((f = peer_next(&slow)).opcode && memmem(f.payload.ptr, f.payload.len, "\"*\"", 3) == NULL)
        got++;
    CU_ASSERT(got > 0 && got < 1000);
    CU_ASSERT(memmem(f.payload.ptr, f.payload.len, "\"message_role\":\"system\"", 23) != NULL);
    EXPECT_TEXT(&slow, COUNTS(1)); /* as they are now: asked anew */
    EXPECT_NOTHING(&slow);
    rig_message(&r, "d", "user");
    EXPECT_TEXT(&slow, NESTED("d", "user"));
    peer_close(&slow);
    peer_close(&quick);
    rig_stop(&r);
}

const CU_TestInfo hub_tests[] = {
    {"what is said and answered", what_is_said_and_answered},
    {"what is not JSON", what_is_not_json},
    {"messages reach each format", messages_reach_each_format},
    {"changing the subscription loses nothing", changing_the_subscription_loses_nothing},
    {"several requests in one read are one write", several_requests_in_one_read_are_one_write},
    {"counts at subscribe and when they change", counts_at_subscribe_and_when_they_change},
    {"an overflow makes everyone refetch", an_overflow_makes_everyone_refetch},
    {"a filtered subscriber hears of its own only", a_filtered_subscriber_hears_of_its_own_only},
    {"who may subscribe", who_may_subscribe},
    {"a slow subscriber gets one hint", a_slow_subscriber_gets_one_hint},
    CU_TEST_INFO_NULL};
