/* website_status and presence: who is told what, and when. The registry alone: test_presence.c. */
#include "base/metrics.h"
#include "push/hub_state.h"
#include "push/presence.h"
#include "rig.h"

#include <stdio.h>

#define CONNECTED         "{\"type\":\"connected\",\"connection_id\":\"<id>\",\"message\":\"WebSocket connection established\"}"
#define SUBSCRIBE(topic)  "{\"action\":\"subscribe\",\"subscription_type\":\"" topic "\"}"
#define SUBSCRIBED(topic) "{\"type\":\"subscribed\",\"subscription_type\":\"" topic "\"}"
#define LEAVE(topic)      "{\"action\":\"unsubscribe\",\"subscription_type\":\"" topic "\"}"
#define LEFT(topic)       "{\"type\":\"unsubscribed\",\"subscription_type\":\"" topic "\"}"
#define FOLLOW(chat)      "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define FOLLOWED(chat)    "{\"type\":\"subscribed\",\"subscription_type\":\"chat_events\",\"chat_id\":\"" chat "\"}"
#define STATUS(online, n)                                                                                              \
    "{\"type\":\"website_status\",\"data\":{\"online\":" online ",\"agents\":" n ",\"timestamp\":\"<ts>\"}}"
#define PRESENCE(chats, agents)                                                                                        \
    "{\"type\":\"presence\",\"data\":{\"chats\":{" chats "}" agents ",\"timestamp\":\"<ts>\"}}"
#define AGENTS(list) ",\"agents\":[" list "]"
#define ANN          "{\"id\":\"ann\",\"name\":\"Ann\"}"
#define BOB          "{\"id\":\"bob\",\"name\":\"Bob\"}"

#define GRACE_MS 30000
#define ROUND_MS 1000

enum { WIDGET = 1, DASHBOARD };

/* Two broadcasters that share a registry. */
struct site {
    struct hub_options options;
    struct rig rigs[2];
};

static bool owner_of(void *arg, const struct ws_principal *who, char room[static CUSTOMER_ID_MAX], size_t *len)
{
    (void)arg;
    room[0] = who->id.ptr[0]; /* customer "x1" belongs to owner "x" */
    *len = who->id.ptr[0] == '-' ? 0 : 1;
    return true;
}

static enum hub_sight own_chats(void *arg, const struct ws_principal *who, struct slice chat_id)
{
    (void)arg;
    return slice_starts(chat_id, who->id) ? HUB_VISIBLE : HUB_HIDDEN;
}

static enum hub_right all_rights(void *arg, const struct ws_principal *who, enum hub_topic topic, struct slice chat_id)
{
    (void)arg;
    (void)chat_id;
    return topic == HUB_PRESENCE && !who->agent ? HUB_DENIED : HUB_ALLOWED;
}

static void site_start_with(struct site *s, unsigned send_buffer)
{
    *s = (struct site){.options.presence = presence_new(GRACE_MS * 1000)};
    s->options.owner_of = owner_of;
    s->options.may_see = own_chats;
    for (unsigned i = 0; i < 2; i++)
        s->rigs[i].options =
            (struct ws_options){.max_message = 4096, .backlog_bytes = 1 << 20, .send_buffer = send_buffer};
    for (unsigned i = 0; i < 2; i++)
        rig_start(&s->rigs[i], &hub_app, &s->options);
    s->rigs[0].now_us = s->rigs[1].now_us;
}

static void site_start(struct site *s)
{
    site_start_with(s, 1 << 17);
}

static void site_turn(struct site *s)
{
    rig_turn(&s->rigs[0]);
    rig_turn(&s->rigs[1]);
}

/* Timers run in the turn before the one in which the hub looks. */
static void site_pass(struct site *s, int64_t ms)
{
    rig_pass(&s->rigs[0], ms);
    rig_pass(&s->rigs[1], ms);
    site_turn(s);
    site_turn(s);
}

static bool sleeps(struct site *s)
{
    return ws_set_next_ms(s->rigs[0].set) < 0 && ws_set_next_ms(s->rigs[1].set) < 0;
}

static void site_stop(struct site *s)
{
    rig_stop(&s->rigs[0]);
    rig_stop(&s->rigs[1]);
    presence_free(s->options.presence);
}

static struct ws_principal agent(const char *owner, const char *id, const char *name)
{
    return (struct ws_principal){.role = DASHBOARD,
                                 .agent = true,
                                 .id = slice_cstr(owner),
                                 .agent_id = slice_cstr(id),
                                 .name = slice_cstr(name)};
}

static struct ws_principal widget(const char *customer)
{
    return (struct ws_principal){.role = WIDGET, .id = slice_cstr(customer)};
}

static void join(struct peer *p, struct rig *r, struct ws_principal *who)
{
    peer_open_with(p, r, SLICE_LIT(""), SLICE_LIT(""), who);
    EXPECT_TEXT(p, CONNECTED);
}

#define SAY(p, say, answer)                                                                                            \
    do {                                                                                                               \
        peer_send(p, WS_OP_TEXT, say);                                                                                 \
        EXPECT_TEXT(p, answer);                                                                                        \
    } while (0)

static void status_at_subscribe_and_when_it_changes(void)
{
    struct site s;
    struct peer here, there, a, b, c;
    site_start(&s);
    join(&here, &s.rigs[0], NULL);
    SAY(&here, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&here, STATUS("false", "0"));
    join(&there, &s.rigs[1], NULL);
    SAY(&there, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&there, STATUS("false", "0"));
    join(&a, &s.rigs[0], NULL);
    EXPECT_NOTHING(&here); /* connected is no agent yet */
    SAY(&a, SUBSCRIBE("unread_counts"), SUBSCRIBED("unread_counts"));
    EXPECT_TEXT(&here, STATUS("true", "1")); /* at once, since it was quiet */
    EXPECT_TEXT(&there, STATUS("true", "1"));
    join(&b, &s.rigs[1], NULL);
    SAY(&b, SUBSCRIBE("chat_updates"), SUBSCRIBED("chat_updates"));
    join(&c, &s.rigs[1], NULL);
    SAY(&c, SUBSCRIBE("chat_events"), SUBSCRIBED("chat_events"));
    site_pass(&s, ROUND_MS - 100);
    EXPECT_NOTHING(&here); /* then once a second… */
    SAY(&there, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&there, STATUS("true", "3"));
    site_pass(&s, 200);
    EXPECT_TEXT(&here, STATUS("true", "3")); /* …both changes in one */
    EXPECT_NOTHING(&here);
    EXPECT_NOTHING(&there); /* which it knows */
    SAY(&here, LEAVE("website_status"), LEFT("website_status"));
    struct peer *all[] = {&a, &b, &c, &here};
    for (unsigned i = 0; i < 4; i++)
        peer_close(all[i]);
    site_pass(&s, GRACE_MS - 1000);
    EXPECT_NOTHING(&there);
    site_pass(&s, 3000);
    EXPECT_TEXT(&there, STATUS("false", "0"));
    EXPECT_NOTHING(&there);
    CU_ASSERT_TRUE(sleeps(&s));
    peer_close(&there);
    site_stop(&s);
}

static void a_reload_is_no_absence(void)
{
    struct site s;
    struct peer w, d, a, b;
    struct ws_principal ann = agent("", "ann", "Ann"), bob = agent("", "bob", "Bob");
    site_start(&s);
    join(&b, &s.rigs[0], &bob);
    join(&a, &s.rigs[0], &ann);
    join(&d, &s.rigs[1], &bob);
    SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    EXPECT_TEXT(&d, PRESENCE("", AGENTS(BOB "," ANN)));
    SAY(&d, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&d, STATUS("true", "2"));
    join(&w, &s.rigs[0], NULL);
    SAY(&w, FOLLOW("c"), FOLLOWED("c"));
    site_pass(&s, ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("\"c\":true", ""));
    for (unsigned i = 0; i < 3; i++) {
        peer_close(&w);
        peer_close(&a);
        site_pass(&s, 2 * ROUND_MS);
        join(&w, &s.rigs[1], NULL); /* on another broadcaster */
        SAY(&w, FOLLOW("c"), FOLLOWED("c"));
        join(&a, &s.rigs[1], &ann);
        site_pass(&s, 2 * ROUND_MS);
    }
    site_pass(&s, 2 * GRACE_MS);
    EXPECT_NOTHING(&d);
    CU_ASSERT_TRUE(sleeps(&s));
    peer_close(&w);
    site_pass(&s, GRACE_MS + 2 * ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("\"c\":false", ""));
    peer_close(&a);
    site_pass(&s, GRACE_MS + 2 * ROUND_MS);
    EXPECT_TEXT(&d, STATUS("true", "1"));
    EXPECT_TEXT(&d, PRESENCE("", AGENTS(BOB)));
    EXPECT_NOTHING(&d);
    peer_close(&b);
    peer_close(&d);
    site_stop(&s);
}

static void each_hears_of_its_own_only(void)
{
    struct site s;
    struct peer x, y, all, wx, w0, wy, d[4];
    struct ws_principal ann = agent("x", "ann", "Ann"), bob = agent("y", "bob", "Bob"), eve = agent("", "eve", "Eve");
    struct ws_principal cx = widget("x1"), cy = widget("y1"), c0 = widget("-1");
    site_start(&s);
    s.options.may_subscribe = all_rights;
    join(&wx, &s.rigs[0], &cx);
    SAY(&wx, SUBSCRIBE("presence"), "{\"type\":\"error\",\"message\":\"Not allowed to subscribe to presence\"}");
    SAY(&wx, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&wx, STATUS("false", "0"));
    SAY(&wx, FOLLOW("x-chat"), FOLLOWED("x-chat"));
    join(&w0, &s.rigs[0], &c0);
    SAY(&w0, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&w0, STATUS("false", "0"));
    join(&y, &s.rigs[1], &bob);
    EXPECT_NOTHING(&wx);
    join(&x, &s.rigs[1], &ann);
    site_pass(&s, ROUND_MS);
    EXPECT_NOTHING(&w0);
    EXPECT_TEXT(&wx, STATUS("true", "1"));
    join(&all, &s.rigs[0], &eve);
    site_pass(&s, ROUND_MS);
    EXPECT_TEXT(&wx, STATUS("true", "2"));
    EXPECT_TEXT(&w0, STATUS("true", "1"));
    struct peer *dashboards[] = {&x, &y, &all};
    static const char *const WHOLES[] = {
        PRESENCE("\"x-chat\":true", AGENTS(ANN ",{\"id\":\"eve\",\"name\":\"Eve\"}")),
        PRESENCE("", AGENTS(BOB ",{\"id\":\"eve\",\"name\":\"Eve\"}")),
        PRESENCE("\"x-chat\":true", AGENTS(BOB "," ANN ",{\"id\":\"eve\",\"name\":\"Eve\"}"))};
    for (unsigned i = 0; i < 3; i++) {
        SAY(dashboards[i], SUBSCRIBE("presence"), SUBSCRIBED("presence"));
        EXPECT_TEXT(dashboards[i], WHOLES[i]);
    }
    join(&wy, &s.rigs[1], &cy);
    SAY(&wy, FOLLOW("y-chat"), FOLLOWED("y-chat"));
    site_pass(&s, ROUND_MS);
    EXPECT_NOTHING(&x);
    EXPECT_TEXT(&y, PRESENCE("\"y-chat\":true", ""));
    EXPECT_TEXT(&all, PRESENCE("\"y-chat\":true", ""));
    struct ws_principal more = agent("y", "", "");
    join(&d[3], &s.rigs[0], &more); /* at once; what follows comes with the next round */
    EXPECT_TEXT(&y, PRESENCE("", AGENTS(BOB ",{\"id\":\"eve\",\"name\":\"Eve\"}") ",\"agents_total\":3"));
    for (unsigned i = 0; i < 3; i++) { /* of x's owner: the others' lists stay */
        more = agent("x", i == 0 ? "a" : i == 1 ? "b" : "", "");
        join(&d[i], &s.rigs[i % 2], &more);
    }
    site_pass(&s, ROUND_MS);
    EXPECT_NOTHING(&y);
    EXPECT_TEXT(&x, PRESENCE("", AGENTS(ANN ",{\"id\":\"eve\",\"name\":\"Eve\"}") ",\"agents_total\":5"));
    EXPECT_TEXT(&wx, STATUS("true", "5"));
    EXPECT_NOTHING(&w0);
    struct peer *rest[] = {&x, &y, &all, &wx, &w0, &wy, &d[0], &d[1], &d[2], &d[3]};
    for (unsigned i = 0; i < 10; i++)
        peer_close(rest[i]);
    site_stop(&s);
}

/* A customer may go to another owner: its widget then counts that one's agents. */
static bool moving_owner(void *arg, const struct ws_principal *who, char room[static CUSTOMER_ID_MAX], size_t *len)
{
    (void)who;
    room[0] = *(const char *)arg;
    *len = 1;
    return room[0] != '?';
}

static void a_customer_goes_to_another_owner(void)
{
    struct site s;
    struct peer w, x, y, y2, y3;
    char owner = 'x';
    struct ws_principal ann = agent("x", "ann", "Ann"), bob = agent("y", "bob", "Bob"), ben = agent("y", "ben", "Ben");
    struct ws_principal customer = widget("c1");
    site_start(&s);
    s.options.owner_of = moving_owner;
    s.options.may_arg = &owner;
    join(&x, &s.rigs[0], &ann);
    join(&w, &s.rigs[0], &customer);
    SAY(&w, SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
    EXPECT_TEXT(&w, STATUS("true", "1"));
    owner = 'y';
    join(&y, &s.rigs[0], &bob);
    join(&y2, &s.rigs[0], &ben);
    site_pass(&s, ROUND_MS);
    EXPECT_TEXT(&w, STATUS("true", "2"));
    owner = '?'; /* memory has lost it: its agents are there all the same */
    struct ws_principal bea = agent("y", "bea", "Bea");
    join(&y3, &s.rigs[0], &bea);
    site_pass(&s, ROUND_MS);
    EXPECT_TEXT(&w, STATUS("true", "3"));
    struct peer *all[] = {&w, &x, &y, &y2, &y3};
    for (unsigned i = 0; i < 5; i++)
        peer_close(all[i]);
    site_stop(&s);
}

/* Without authentication what a connection subscribes to says what it is. */
static void who_becomes_an_agent_is_no_widget(void)
{
    struct site s;
    struct peer d, p;
    site_start(&s);
    join(&d, &s.rigs[0], NULL);
    SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    EXPECT_TEXT(&d, PRESENCE("", AGENTS("") ",\"agents_total\":1")); /* itself */
    join(&p, &s.rigs[0], NULL);
    SAY(&p, FOLLOW("c"), FOLLOWED("c"));
    site_pass(&s, ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("\"c\":true", ""));
    SAY(&p, SUBSCRIBE("unread_counts"), SUBSCRIBED("unread_counts"));
    site_pass(&s, ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("", AGENTS("") ",\"agents_total\":2"));
    site_pass(&s, GRACE_MS + 2 * ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("\"c\":false", ""));
    (void)peer_next(&p); /* the counts */
    SAY(&p, LEAVE("unread_counts"), LEFT("unread_counts"));
    EXPECT_TEXT(&d, PRESENCE("\"c\":true", ""));
    site_pass(&s, GRACE_MS + 2 * ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("", AGENTS("") ",\"agents_total\":1"));
    peer_close(&p);
    peer_close(&d);
    site_stop(&s);
}

static unsigned count_text(struct slice text, const char *what)
{
    unsigned count = 0;
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= text.len; i++)
        count += memcmp(text.ptr + i, what, len) == 0;
    return count;
}

static void a_long_whole_comes_in_pieces(void)
{
    enum { MANY = 2300 };
    struct site s;
    struct peer d, e, w;
    struct presence_chat *chats[MANY];
    unsigned heard[2] = {0};
    site_start(&s);
    for (unsigned i = 0; i < MANY; i++) {
        char id[32];
        int len = snprintf(id, sizeof(id), "chat-%u", i);
        chats[i] = presence_chat_come(s.options.presence, NULL, slice_of(id, (size_t)len));
    }
    join(&d, &s.rigs[0], NULL);
    SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    heard[0] = count_text(peer_next(&d).payload, ":true");
    CU_ASSERT_EQUAL(heard[0], PRESENCE_CHATS_MAX);
    EXPECT_NOTHING(&d);
    presence_chat_leave(s.options.presence, NULL, chats[0], 0); /* one that it has been told of */
    (void)presence_expire(s.options.presence, NULL, GRACE_MS * 1000);
    join(&e, &s.rigs[0], NULL);
    SAY(&e, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    heard[1] = count_text(peer_next(&e).payload, ":true");
    struct peer *peers[] = {&d, &e};
    bool closed[2] = {false};
    for (unsigned round = 0; round < 3; round++) {
        site_pass(&s, ROUND_MS);
        for (unsigned i = 0; i < 2; i++) {
            struct frame f = peer_next(peers[i]);
            unsigned opened = count_text(f.payload, ":true");
            CU_ASSERT(opened <= PRESENCE_CHATS_MAX);
            heard[i] += opened;
            closed[i] |= count_text(f.payload, "\"chat-0\":false") == 1;
            EXPECT_NOTHING(peers[i]);
        }
    }
    CU_ASSERT_EQUAL(heard[0], MANY);
    CU_ASSERT(closed[0]);
    CU_ASSERT(heard[1] >= MANY - 1);
    site_pass(&s, 3 * ROUND_MS);
    EXPECT_NOTHING(&d);
    CU_ASSERT_TRUE(sleeps(&s));
    join(&w, &s.rigs[0], NULL);
    SAY(&w, FOLLOW("chat-0"), FOLLOWED("chat-0"));
    EXPECT_TEXT(&d, PRESENCE("\"chat-0\":true", ""));
    EXPECT_TEXT(&e, PRESENCE("\"chat-0\":true", ""));
    peer_close(&d);
    peer_close(&e);
    peer_close(&w);
    for (unsigned i = 1; i < MANY; i++)
        presence_chat_leave(s.options.presence, NULL, chats[i], 0);
    site_stop(&s);
}

/* What n agents hear who come within a second and subscribe to everything, in frames and bytes; and how many frames were
 * made for those who begin. */
struct storm {
    uint64_t frames, bytes;
    unsigned made;
};

static struct storm storm_of(unsigned n)
{
    struct site s;
    struct peer *peers = calloc(n, sizeof(*peers));
    struct storm heard = {0};
    site_start(&s);
    for (unsigned i = 0; i < n; i++) {
        char id[32];
        snprintf(id, sizeof(id), "agent-%u", i);
        struct ws_principal who = agent("", id, "Somebody");
        join(&peers[i], &s.rigs[i % 2], &who);
        SAY(&peers[i], SUBSCRIBE("website_status"), SUBSCRIBED("website_status"));
        peer_send(&peers[i], WS_OP_TEXT, SUBSCRIBE("presence"));
        heard.made = ((struct hub *)ws_set_app(s.rigs[0].set))->here.begun;
    }
    site_pass(&s, 2 * ROUND_MS);
    for (unsigned i = 0; i < n; i++) {
        struct frame f;
        while ((f = peer_next(&peers[i])).opcode) {
            heard.frames++;
            heard.bytes += f.payload.len;
        }
    }
    site_pass(&s, 2 * ROUND_MS);
    EXPECT_NOTHING(&peers[0]);
    for (unsigned i = 0; i < n; i++)
        peer_close(&peers[i]);
    free(peers);
    site_stop(&s);
    return heard;
}

static void a_storm_costs_as_much_as_there_are(void)
{
    struct storm one = storm_of(150), three = storm_of(450);
    CU_ASSERT(one.frames <= 150 * 7);
    CU_ASSERT(three.frames <= 450 * 7);
    CU_ASSERT(three.bytes < one.bytes * 33 / 10); /* three times as many, three times the bytes */
    CU_ASSERT(three.made < 30);                   /* not one for each */
}

/* Which of a customer's chats are open is told again when it has another owner; however many change theirs at a time, the chats
 * are looked through once a second. */
static void a_chat_that_comes_to_an_owner_is_told_by_the_next_round(void)
{
    struct site s;
    struct peer d, w[2];
    struct notice n[2];
    struct ws_principal all = agent("", "ann", "Ann"), customers[] = {widget("a"), widget("b")};
    site_start(&s);
    join(&w[0], &s.rigs[0], &customers[0]);
    SAY(&w[0], FOLLOW("a-chat"), FOLLOWED("a-chat"));
    join(&w[1], &s.rigs[0], &customers[1]);
    SAY(&w[1], FOLLOW("b-chat"), FOLLOWED("b-chat"));
    site_pass(&s, ROUND_MS);
    join(&d, &s.rigs[1], &all);
    SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    EXPECT_TEXT(&d, PRESENCE("\"a-chat\":true,\"b-chat\":true", AGENTS(ANN)));
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_TRUE(notice_owner_changed(&n[i], customers[i].id, 0, 0));
    hub_app.on_notices(ws_set_app(s.rigs[0].set), &n[1], 1);
    site_pass(&s, 2 * ROUND_MS);
    EXPECT_TEXT(&d, PRESENCE("\"b-chat\":true", ""));
    uint64_t before = presence_now(s.options.presence);
    hub_app.on_notices(ws_set_app(s.rigs[0].set), n, 2);
    CU_ASSERT_EQUAL(presence_now(s.options.presence), before);
    site_pass(&s, 2 * ROUND_MS);
    CU_ASSERT_EQUAL(presence_now(s.options.presence), before + 2);
    (void)peer_next(&d);
    site_pass(&s, 2 * ROUND_MS);
    EXPECT_NOTHING(&d);
    CU_ASSERT_TRUE(sleeps(&s));
    peer_close(&d);
    peer_close(&w[0]);
    peer_close(&w[1]);
    site_stop(&s);
}

/* What it misses while it does not read comes when it does: also that a chat is closed, which no whole says. */
static void a_slow_one_misses_nothing(void)
{
    struct site s;
    struct peer d;
    site_start_with(&s, 4096);
    join(&d, &s.rigs[0], NULL);
    SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    (void)peer_next(&d);
    int64_t waiting = metrics_gauge_value(G_WS_PENDING_BYTES);
    struct presence_chat *chats[2000];
    unsigned count = 0, opened = 0, closed = 0, full = 0;
    while (count < 2000 && full < 100) { /* nobody reads at d: its socket fills up */
        char id[256];
        memset(id, 'x', sizeof(id));
        int len = snprintf(id, sizeof(id), "%u", count);
        id[len] = '-';
        chats[count++] = presence_chat_come(s.options.presence, NULL, slice_of(id, sizeof(id)));
        rig_pass(&s.rigs[0], ROUND_MS);
        full += metrics_gauge_value(G_WS_PENDING_BYTES) > waiting;
    }
    CU_ASSERT_EQUAL_FATAL(full, 100);
    presence_chat_leave(s.options.presence, NULL, chats[0], 0);
    (void)presence_expire(s.options.presence, NULL, GRACE_MS * 1000);
    for (unsigned round = 0; round < 3; round++) {
        struct frame f;
        rig_pass(&s.rigs[0], ROUND_MS);
        while ((f = peer_next(&d)).opcode) {
            opened += count_text(f.payload, ":true");
            closed += count_text(f.payload, ":false");
        }
    }
    CU_ASSERT_EQUAL(opened, count);
    CU_ASSERT_EQUAL(closed, 1);
    for (unsigned i = 1; i < count; i++)
        presence_chat_leave(s.options.presence, NULL, chats[i], 0);
    peer_close(&d);
    site_stop(&s);
}

static void who_asks_again_and_again_is_told_the_whole_once_a_second(void)
{
    struct site s;
    struct peer d, w;
    const char *whole = PRESENCE("\"c\":true", AGENTS("") ",\"agents_total\":1");
    site_start(&s);
    join(&w, &s.rigs[0], NULL);
    SAY(&w, FOLLOW("c"), FOLLOWED("c"));
    join(&d, &s.rigs[1], NULL);
    SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
    EXPECT_TEXT(&d, whole);
    for (unsigned i = 0; i < 3; i++) {
        SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
        EXPECT_NOTHING(&d);
        SAY(&d, LEAVE("presence"), LEFT("presence"));
        SAY(&d, SUBSCRIBE("presence"), SUBSCRIBED("presence"));
        EXPECT_NOTHING(&d);
    }
    site_pass(&s, ROUND_MS + 100);
    EXPECT_TEXT(&d, whole);
    site_pass(&s, ROUND_MS);
    EXPECT_NOTHING(&d);
    peer_close(&d);
    peer_close(&w);
    site_stop(&s);
}

const CU_TestInfo hub_presence_tests[] = {
    {"status at subscribe and when it changes", status_at_subscribe_and_when_it_changes},
    {"a reload is no absence", a_reload_is_no_absence},
    {"each hears of its own only", each_hears_of_its_own_only},
    {"a customer goes to another owner", a_customer_goes_to_another_owner},
    {"who becomes an agent is no widget", who_becomes_an_agent_is_no_widget},
    {"a long whole comes in pieces", a_long_whole_comes_in_pieces},
    {"a storm costs as much as there are", a_storm_costs_as_much_as_there_are},
    {"a chat that comes to an owner is told by the next round",
     a_chat_that_comes_to_an_owner_is_told_by_the_next_round},
    {"a slow one misses nothing", a_slow_one_misses_nothing},
    {"who asks again and again is told the whole once a second",
     who_asks_again_and_again_is_told_the_whole_once_a_second},
    CU_TEST_INFO_NULL,
};
