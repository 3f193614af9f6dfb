/* Typing and read: who hears of them, how often, and what is refused. */
#include "base/metrics.h"
#include "push/hub_state.h"
#include "rig.h"
#include "write/producer.h"

#include <stdio.h>

#define CONNECTED            "{\"type\":\"connected\",\"connection_id\":\"<id>\",\"message\":\"WebSocket connection established\"}"
#define ERROR(text)          "{\"type\":\"error\",\"message\":\"" text "\"}"
#define ALL                  "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\"}"
#define ONE(chat)            "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define LEAVE(chat)          "{\"action\":\"unsubscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define SAY(chat, on)        "{\"action\":\"typing\",\"chat_id\":\"" chat "\",\"typing\":" on "}"
#define SAY_AS(chat, role)   "{\"action\":\"typing\",\"chat_id\":\"" chat "\",\"typing\":true,\"role\":\"" role "\"}"
#define SAY_TEXT(chat, text) "{\"action\":\"typing\",\"chat_id\":\"" chat "\",\"typing\":true,\"text\":\"" text "\"}"
#define READ(chat, id)       "{\"action\":\"read\",\"chat_id\":\"" chat "\",\"message_id\":\"" id "\"}"
#define ON(chat, role)                                                                                                 \
    "{\"type\":\"typing\",\"data\":{\"chat_id\":\"" chat "\",\"role\":\"" role                                         \
    "\",\"typing\":true,\"expires_ms\":6000}}"
#define ON_TEXT(chat, role, text)                                                                                      \
    "{\"type\":\"typing\",\"data\":{\"chat_id\":\"" chat "\",\"role\":\"" role                                         \
    "\",\"typing\":true,\"expires_ms\":6000,\"text\":\"" text "\"}}"
#define OFF(chat, role)                                                                                                \
    "{\"type\":\"typing\",\"data\":{\"chat_id\":\"" chat "\",\"role\":\"" role "\",\"typing\":false,\"expires_ms\":0}" \
    "}"

static const struct hub_options OPTIONS;

/* say: what it subscribes to, or NULL. */
static void open_subscribed(struct peer *p, struct rig *r, struct ws_principal *who, const char *say)
{
    peer_open_with(p, r, SLICE_LIT(""), SLICE_LIT(""), who);
    EXPECT_TEXT(p, CONNECTED);
    if (!say)
        return;
    peer_send(p, WS_OP_TEXT, say);
    struct frame f = peer_next(p);
    CU_ASSERT(f.opcode == WS_OP_TEXT && memmem(f.payload.ptr, f.payload.len, "\"subscribed\"", 12));
}

static void say(struct peer *p, const char *text)
{
    peer_send(p, WS_OP_TEXT, text);
}

static void it_reaches_the_others_and_not_who_says_it(void)
{
    struct rig r = {0};
    struct peer agent, other_agent, widget, of_another;
    rig_start(&r, &hub_app, &OPTIONS);
    open_subscribed(&agent, &r, NULL, ALL);
    open_subscribed(&other_agent, &r, NULL, ALL);
    open_subscribed(&widget, &r, NULL, ONE("c"));
    open_subscribed(&of_another, &r, NULL, ONE("d"));
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    EXPECT_TEXT(&other_agent, ON("c", "user"));
    EXPECT_NOTHING(&widget);
    say(&agent, SAY("c", "true"));
    EXPECT_TEXT(&widget, ON("c", "agent"));
    EXPECT_TEXT(&other_agent, ON("c", "agent"));
    EXPECT_NOTHING(&agent);
    say(&other_agent, SAY_AS("c", "assistant"));
    EXPECT_TEXT(&widget, ON("c", "assistant"));
    EXPECT_TEXT(&agent, ON("c", "assistant"));
    EXPECT_NOTHING(&of_another);
    peer_close(&agent); /* who goes does not type any more */
    EXPECT_TEXT(&widget, OFF("c", "agent"));
    EXPECT_TEXT(&other_agent, OFF("c", "agent"));
    peer_close(&other_agent);
    peer_close(&widget);
    peer_close(&of_another);
    rig_stop(&r);
}

/* Frames that wait in the channel for who types come first, and none is sent twice. */
static void who_says_it_misses_nothing_else(void)
{
    struct rig r = {0};
    struct peer a, b;
    struct notice n;
    struct buf frame = {0};
    rig_start(&r, &hub_app, &OPTIONS);
    open_subscribed(&a, &r, NULL, ALL);
    open_subscribed(&b, &r, NULL, ALL);
    CU_ASSERT_TRUE_FATAL(notice_chat_changed(&n, SLICE_LIT("c"), 0, 0));
    client_frame(&frame, true, WS_OP_TEXT, SLICE_LIT(SAY("c", "true")));
    hub_app.on_notices(ws_set_app(r.set), &n, 1);                           /* taken, not yet sent … */
    CU_ASSERT_EQUAL(write(a.fd, frame.ptr, frame.len), (ssize_t)frame.len); /* … when the typing comes in */
    buf_fini(&frame);
    EXPECT_TEXT(&a, "{\"type\":\"chat_changed\",\"data\":{\"chat_id\":\"c\",\"timestamp\":\"<ts>\"}}");
    EXPECT_TEXT(&b, "{\"type\":\"chat_changed\",\"data\":{\"chat_id\":\"c\",\"timestamp\":\"<ts>\"}}");
    EXPECT_TEXT(&b, ON("c", "agent"));
    EXPECT_NOTHING(&a);
    EXPECT_NOTHING(&b);
    say(&b, SAY("c", "true"));
    EXPECT_TEXT(&a, ON("c", "agent"));
    EXPECT_NOTHING(&b);
    peer_close(&b);
    EXPECT_TEXT(&a, OFF("c", "agent"));
    rig_pass(&r, 8000);
    say(&a, SAY("c", "true")); /* alone: to nobody */
    EXPECT_NOTHING(&a);
    peer_close(&a);
    rig_stop(&r);
}

static void one_in_two_seconds_and_the_last_in_the_end(void)
{
    struct rig r = {0};
    struct peer agent, widget;
    rig_start(&r, &hub_app, &OPTIONS);
    open_subscribed(&agent, &r, NULL, ALL);
    open_subscribed(&widget, &r, NULL, NULL); /* who types need not be subscribed */
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    say(&widget, SAY("c", "false"));
    say(&widget, SAY("c", "true"));
    say(&widget, SAY("c", "false"));
    rig_pass(&r, 1900);
    EXPECT_NOTHING(&agent);
    rig_pass(&r, 150);
    EXPECT_TEXT(&agent, OFF("c", "user"));
    say(&widget, SAY("c", "true"));
    say(&widget, SAY("c", "false")); /* nobody has heard of the one before: nothing is to be said */
    rig_pass(&r, 3000);
    EXPECT_NOTHING(&agent);
    say(&widget, SAY("c", "false"));
    EXPECT_NOTHING(&agent);
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    say(&widget, SAY("c", "true"));
    rig_pass(&r, 2050);
    EXPECT_TEXT(&agent, ON("c", "user"));
    EXPECT_NOTHING(&agent);
    peer_close(&agent);
    peer_close(&widget);
    rig_stop(&r);
}

static void it_ends_by_itself(void)
{
    struct rig r = {0};
    struct peer agent, widget;
    rig_start(&r, &hub_app, &OPTIONS);
    open_subscribed(&agent, &r, NULL, ALL);
    open_subscribed(&widget, &r, NULL, ONE("c"));
    size_t idle = ws_set_timers(r.set)->count;
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    rig_pass(&r, 4000);
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    rig_pass(&r, 5900);
    EXPECT_NOTHING(&agent);
    CU_ASSERT_EQUAL(ws_set_timers(r.set)->count, idle + 1);
    rig_pass(&r, 200);
    EXPECT_TEXT(&agent, OFF("c", "user"));
    CU_ASSERT_EQUAL(ws_set_timers(r.set)->count, idle); /* nobody types: nothing runs */
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    say(&widget, LEAVE("x"));
    EXPECT_NOTHING(&agent);
    say(&widget, LEAVE("c"));
    EXPECT_TEXT(&agent, OFF("c", "user"));
    CU_ASSERT_EQUAL(ws_set_timers(r.set)->count, idle);
    rig_pass(&r, 2100);
    say(&widget, SAY("c", "true"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    rig_pass(&r, 2100);
    say(&widget, SAY("d", "true")); /* one types in one place */
    EXPECT_TEXT(&agent, OFF("c", "user"));
    EXPECT_TEXT(&agent, ON("d", "user"));
    say(&widget, SAY("e", "true"));
    EXPECT_TEXT(&agent, OFF("d", "user"));
    say(&widget, SAY("f", "true")); /* before anybody heard of e */
    EXPECT_NOTHING(&agent);
    rig_pass(&r, 2100);
    EXPECT_TEXT(&agent, ON("f", "user"));
    peer_close(&widget);
    EXPECT_TEXT(&agent, OFF("f", "user"));
    EXPECT_NOTHING(&agent);
    peer_close(&agent);
    rig_stop(&r);
}

static void the_preview_goes_to_agents_only(void)
{
    static const struct hub_options PREVIEW = {.typing_preview = true};
    struct rig r = {0};
    struct peer agent, following, customer, second;
    char text[700], sent[900], want[900];
    rig_start(&r, &hub_app, &PREVIEW);
    open_subscribed(&agent, &r, NULL, ALL);
    open_subscribed(&following, &r, NULL, ONE("c")); /* an agent by its other subscription */
    say(&following, "{\"action\":\"subscribe\",\"subscription_type\":\"unread_counts\"}");
    CU_ASSERT_EQUAL(peer_next(&following).opcode, WS_OP_TEXT);
    CU_ASSERT_EQUAL(peer_next(&following).opcode, WS_OP_TEXT);
    open_subscribed(&customer, &r, NULL, ONE("c"));
    open_subscribed(&second, &r, NULL, ONE("c"));
    say(&customer, SAY_TEXT("c", "I \\\"am\\\" \\u00e4"));
    EXPECT_TEXT(&agent, ON_TEXT("c", "user", "I \\\"am\\\" \xc3\xa4"));
    EXPECT_TEXT(&following, ON_TEXT("c", "user", "I \\\"am\\\" \xc3\xa4"));
    EXPECT_TEXT(&second, ON("c", "user"));
    EXPECT_NOTHING(&customer);
    say(&agent, SAY_TEXT("c", "not for them to see"));
    EXPECT_TEXT(&customer, ON("c", "agent"));
    EXPECT_TEXT(&following, ON("c", "agent"));
    rig_pass(&r, 2100);
    memset(text, 'x', 499);
    strcpy(text + 499, "\xe2\x82\xac and more"); /* three bytes, of which one would fit */
    snprintf(sent, sizeof(sent), SAY_TEXT("c", "%s"), text);
    say(&customer, sent);
    snprintf(want, sizeof(want), ON_TEXT("c", "user", "%.499s"), text);
    EXPECT_TEXT(&agent, want);
    say(&customer, "{\"action\":\"typing\",\"chat_id\":\"c\",\"typing\":false,\"text\":\"gone\"}");
    rig_pass(&r, 2100);
    EXPECT_TEXT(&agent, OFF("c", "user"));
    peer_close(&agent);
    peer_close(&following);
    peer_close(&customer);
    peer_close(&second);
    rig_stop(&r);
}

static void without_the_option_there_is_no_preview(void)
{
    struct rig r = {0};
    struct peer agent, customer;
    rig_start(&r, &hub_app, &OPTIONS);
    open_subscribed(&agent, &r, NULL, ALL);
    open_subscribed(&customer, &r, NULL, NULL);
    say(&customer, SAY_TEXT("c", "secret"));
    EXPECT_TEXT(&agent, ON("c", "user"));
    peer_close(&agent);
    peer_close(&customer);
    rig_stop(&r);
}

static enum hub_signal may(void *arg, const struct ws_principal *who, struct slice chat_id)
{
    (void)arg;
    if (!who || slice_starts(chat_id, SLICE_LIT("other")))
        return HUB_SIGNAL_DENIED;
    return slice_starts(chat_id, SLICE_LIT("no")) ? HUB_SIGNAL_NO_CHAT : HUB_SIGNAL_ALLOWED;
}

static void a_token_says_who_types(void)
{
    static const struct hub_options GUARDED = {.may_signal = may};
    struct rig r = {0};
    struct peer ann, nameless, widget, nobody;
    struct ws_principal a = {.agent = true, .agent_id = SLICE_LIT("ann"), .name = SLICE_LIT("Ann \"A\"")};
    struct ws_principal n = {.agent = true, .agent_id = SLICE_LIT("bob")};
    struct ws_principal w = {.id = SLICE_LIT("u1")};
    rig_start(&r, &hub_app, &GUARDED);
    open_subscribed(&ann, &r, &a, ONE("c"));
    open_subscribed(&nameless, &r, &n, ONE("c"));
    open_subscribed(&widget, &r, &w, ONE("c"));
    open_subscribed(&nobody, &r, NULL, NULL);
    say(&ann, SAY("c", "true"));
    EXPECT_TEXT(&widget,
                "{\"type\":\"typing\",\"data\":{\"chat_id\":\"c\",\"role\":\"agent\",\"agent\":{\"id\":\"ann\","
                "\"name\":\"Ann \\\"A\\\"\"},\"typing\":true,\"expires_ms\":6000}}");
    say(&nameless, SAY("c", "true")); /* an id without a name is not shown */
    EXPECT_TEXT(&widget, ON("c", "agent"));
    rig_pass(&r, 2100);
    say(&ann, SAY_AS("c", "assistant"));
    EXPECT_TEXT(&widget,
                "{\"type\":\"typing\",\"data\":{\"chat_id\":\"c\",\"role\":\"agent\",\"agent\":{\"id\":\"ann\","
                "\"name\":\"Ann \\\"A\\\"\"},\"typing\":false,\"expires_ms\":0}}");
    EXPECT_TEXT(&widget, ON("c", "assistant"));
    uint64_t refused = metrics_counter(M_SIGNAL_REFUSED);
    say(&ann, SAY_AS("c", "user"));
    say(&widget, SAY_AS("c", "agent"));
    EXPECT_TEXT(&widget, ERROR("Not allowed to signal as agent"));
    say(&widget, SAY("other", "true"));
    EXPECT_TEXT(&widget, ERROR("Not allowed to signal in other"));
    say(&widget, SAY("no-such", "true"));
    EXPECT_TEXT(&widget, ERROR("Chat not found: no-such"));
    say(&nobody, SAY("c", "true"));
    EXPECT_TEXT(&nobody, ERROR("Not allowed to signal in c"));
    CU_ASSERT_EQUAL(metrics_counter(M_SIGNAL_REFUSED) - refused, 5);
    say(&widget, SAY_AS("c", "user"));
    EXPECT_NOTHING(&widget);
    peer_close(&ann);
    peer_close(&nameless);
    peer_close(&widget);
    peer_close(&nobody);
    rig_stop(&r);
}

static const struct {
    const char *say, *answer;
} REFUSED[] = {
    {"{\"action\":\"typing\"}", ERROR("typing must be true or false, not None")},
    {"{\"action\":\"typing\",\"typing\":1}", ERROR("typing must be true or false, not 1")},
    {"{\"action\":\"typing\",\"typing\":true}", ERROR("chat_id is missing")},
    {"{\"action\":\"typing\",\"typing\":true,\"chat_id\":\"\"}",
     ERROR("chat_id must be a string of 1 to 1024 bytes, not ")},
    {"{\"action\":\"typing\",\"typing\":true,\"chat_id\":\"c\",\"text\":[]}", ERROR("text must be a string, not []")},
    {SAY_AS("c", "king"), ERROR("Unknown role: king")},
    {"{\"action\":\"read\",\"chat_id\":\"c\"}", ERROR("message_id must be a string of 1 to 128 bytes, not None")},
    {READ("c", ""), ERROR("message_id must be a string of 1 to 128 bytes, not ")},
    {"{\"action\":\"read\",\"message_id\":\"m\"}", ERROR("chat_id is missing")},
    {READ("c", "m"), ERROR("Cannot mark as read: the store failed")}, /* there is none here */
};

static void what_is_refused(void)
{
    struct rig r = {0};
    struct peer p, agent;
    rig_start(&r, &hub_app, &OPTIONS);
    open_subscribed(&p, &r, NULL, NULL);
    open_subscribed(&agent, &r, NULL, ALL);
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        say(&p, REFUSED[i].say);
        EXPECT_TEXT(&p, REFUSED[i].answer);
    }
    EXPECT_NOTHING(&agent);
    peer_close(&p);
    peer_close(&agent);
    rig_stop(&r);
}

static void too_many_are_dropped(void)
{
    static const struct hub_options LIMITED = {.signal_rate = 2};
    struct rig r = {0};
    struct peer p, agent, other;
    rig_start(&r, &hub_app, &LIMITED);
    open_subscribed(&p, &r, NULL, NULL);
    open_subscribed(&other, &r, NULL, NULL);
    open_subscribed(&agent, &r, NULL, ALL);
    for (unsigned i = 0; i < 20; i++) /* ten seconds' worth */
        say(&p, SAY("c", "true"));
    EXPECT_NOTHING(&p);
    for (unsigned i = 0; i < 5; i++)
        say(&p, SAY("d", "true"));
    EXPECT_TEXT(&p, ERROR("Too many signals")); /* once a second */
    EXPECT_NOTHING(&p);
    EXPECT_TEXT(&agent, ON("c", "user"));
    EXPECT_NOTHING(&agent);
    say(&other, SAY("c", "true")); /* each has its own */
    EXPECT_TEXT(&agent, ON("c", "user"));
    rig_pass(&r, 1000); /* two more */
    say(&p, SAY("c", "true"));
    say(&p, SAY("c", "true"));
    EXPECT_NOTHING(&p);
    say(&p, READ("c", "m")); /* of the same purse */
    EXPECT_TEXT(&p, ERROR("Too many signals"));
    peer_close(&p);
    peer_close(&other);
    peer_close(&agent);
    rig_stop(&r);
}

struct marked {
    struct producer *producer;
    unsigned count;
    enum chat_side side;
    char chat_id[32], message_id[32];
    enum err answer;
};

static enum err mark(void *arg, struct producer *producer, const struct ws_principal *who, enum chat_side side,
                     struct slice chat_id, struct slice message_id)
{
    struct marked *m = arg;
    (void)who;
    m->producer = producer;
    m->count++;
    m->side = side;
    snprintf(m->chat_id, sizeof(m->chat_id), "%.*s", SLICE_ARG(chat_id));
    snprintf(m->message_id, sizeof(m->message_id), "%.*s", SLICE_ARG(message_id));
    return m->answer;
}

static void read_is_given_on_and_not_answered(void)
{
    struct marked m = {.answer = OK};
    struct producer producer = {0};
    struct hub_options options = {.mark_read = mark, .mark_read_arg = &m};
    struct rig r = {.options = {.max_message = 4096, .backlog_bytes = 65536, .producer = &producer}};
    struct peer agent, customer;
    rig_start(&r, &hub_app, &options);
    open_subscribed(&agent, &r, NULL, ALL);
    open_subscribed(&customer, &r, NULL, ONE("c"));
    say(&agent, READ("c", "m1"));
    CU_ASSERT_EQUAL(m.count, 1);
    CU_ASSERT_EQUAL(m.side, SIDE_AGENTS);
    CU_ASSERT_STRING_EQUAL(m.chat_id, "c");
    CU_ASSERT_STRING_EQUAL(m.message_id, "m1");
    CU_ASSERT_PTR_EQUAL(m.producer, &producer);
    say(&customer, READ("c", "m2"));
    CU_ASSERT_EQUAL(m.side, SIDE_CUSTOMER);
    say(&customer, "{\"action\":\"read\",\"chat_id\":\"c\",\"message_id\":\"m3\",\"role\":\"assistant\"}");
    CU_ASSERT_EQUAL(m.side, SIDE_AGENTS);
    say(&agent,
        "{\"action\":\"read\",\"chat_id\":\"c\",\"message_id\":\"m4\",\"side\":\"user\"}"); /* in the POST's words */
    CU_ASSERT_EQUAL(m.side, SIDE_CUSTOMER);
    CU_ASSERT_EQUAL(m.count, 4);
    EXPECT_NOTHING(&agent);
    EXPECT_NOTHING(&customer);
    m.answer = ERR_NOT_FOUND;
    say(&agent, READ("c", "m9"));
    EXPECT_TEXT(&agent, ERROR("Message not found: m9"));
    m.answer = ERR_BUSY;
    say(&agent, READ("c", "m9"));
    EXPECT_TEXT(&agent, ERROR("Cannot mark as read: busy, try again later"));
    peer_close(&agent);
    peer_close(&customer);
    rig_stop(&r);
}

static enum hub_right filtered(void *arg, const struct ws_principal *who, enum hub_topic topic, struct slice chat_id)
{
    (void)arg;
    (void)topic;
    (void)chat_id;
    return who ? HUB_FILTERED : HUB_ALLOWED;
}

static enum hub_sight sees_own(void *arg, const struct ws_principal *who, struct slice id)
{
    (void)arg;
    return slice_starts(id, SLICE_LIT("unsure")) ? HUB_UNSURE : slice_starts(id, who->id) ? HUB_VISIBLE : HUB_HIDDEN;
}

/* Where it is not sure whose chat it is, a typing is told to nobody: there is nothing to look at. */
static void an_owner_hears_of_its_own_only(void)
{
    static const struct hub_options FILTERED = {.may_subscribe = filtered, .may_see = sees_own};
    struct rig r = {0};
    struct peer owner, customer;
    struct ws_principal who = {.agent = true, .id = SLICE_LIT("mine")};
    rig_start(&r, &hub_app, &FILTERED);
    open_subscribed(&owner, &r, &who, ALL);
    open_subscribed(&customer, &r, NULL, NULL);
    say(&customer, SAY("other", "true"));
    rig_pass(&r, 2100);
    say(&customer, SAY("unsure", "true"));
    rig_pass(&r, 2100);
    EXPECT_NOTHING(&owner);
    say(&customer, SAY("mine-1", "true"));
    EXPECT_TEXT(&owner, ON("mine-1", "user"));
    peer_close(&owner);
    peer_close(&customer);
    rig_stop(&r);
}

/* As existing data has them: it is found by its hash, and named whole. */
static void a_long_chat_id(void)
{
    struct rig r = {0};
    struct peer agent, customer;
    char chat[301], text[700];
    rig_start(&r, &hub_app, &OPTIONS);
    memset(chat, 'x', 300);
    chat[300] = '\0';
    snprintf(text, sizeof(text), ONE("%s"), chat);
    open_subscribed(&customer, &r, NULL, text);
    open_subscribed(&agent, &r, NULL, ALL);
    snprintf(text, sizeof(text), SAY("%s", "true"), chat);
    say(&agent, text);
    snprintf(text, sizeof(text), ON("%s", "agent"), chat);
    EXPECT_TEXT(&customer, text);
    peer_close(&agent);
    peer_close(&customer);
    rig_stop(&r);
}

const CU_TestInfo hub_signal_tests[] = {
    {"it reaches the others and not who says it", it_reaches_the_others_and_not_who_says_it},
    {"who says it misses nothing else", who_says_it_misses_nothing_else},
    {"one in two seconds and the last in the end", one_in_two_seconds_and_the_last_in_the_end},
    {"it ends by itself", it_ends_by_itself},
    {"the preview goes to agents only", the_preview_goes_to_agents_only},
    {"without the option there is no preview", without_the_option_there_is_no_preview},
    {"a token says who types", a_token_says_who_types},
    {"what is refused", what_is_refused},
    {"too many are dropped", too_many_are_dropped},
    {"read is given on and not answered", read_is_given_on_and_not_answered},
    {"an owner hears of its own only", an_owner_hears_of_its_own_only},
    {"a long chat id", a_long_chat_id},
    CU_TEST_INFO_NULL};
