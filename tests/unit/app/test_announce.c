/* Which notices events become: an announcer, a broadcaster, and an app that writes down what it is given. */
#include "app/announce.h"
#include "base/clock.h"
#include "suites.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_S 60

/* What the broadcaster's app was given: "message c1 user, look c2, counts, refetch". */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct buf text;
} given = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}};

static void write_down(const char *what, struct slice chat, struct slice role)
{
    pthread_mutex_lock(&given.lock);
    const struct slice words[] = {slice_cstr(what), chat, role};
    for (int i = 0; i < 3; i++) {
        if (words[i].len == 0)
            continue;
        if (given.text.len > 0)
            buf_append_slice(&given.text, i > 0 ? SLICE_LIT(" ") : SLICE_LIT(", "));
        buf_append_slice(&given.text, words[i]);
    }
    pthread_cond_signal(&given.more);
    pthread_mutex_unlock(&given.lock);
}

static enum err on_create(void **self, struct ws_set *set, const void *arg)
{
    (void)set, (void)arg;
    *self = &given;
    return OK;
}

static void on_destroy(void *self)
{
    (void)self;
}

static void on_conn(void *self, struct ws_conn *c)
{
    (void)self, (void)c;
}

static void on_message(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    (void)self, (void)c, (void)kind, (void)payload;
}

static void on_notices(void *self, const struct notice *n, unsigned count)
{
    (void)self;
    static const char *const words[NOTICE_KINDS] = {[NOTICE_MESSAGE] = "message",
                                                    [NOTICE_HINT] = "look",
                                                    [NOTICE_COUNTS] = "counts",
                                                    [NOTICE_READ_BY_AGENTS] = "read by agents",
                                                    [NOTICE_READ_BY_CUSTOMER] = "read by customer",
                                                    [NOTICE_CHAT_CHANGED] = "chat changed",
                                                    [NOTICE_CUSTOMER_CHANGED] = "customer changed"};
    for (unsigned i = 0; i < count; i++)
        write_down(words[n[i].kind], notice_chat_id(&n[i]), notice_role(&n[i]));
}

static void on_overflow(void *self)
{
    (void)self;
    write_down("refetch", SLICE_LIT(""), SLICE_LIT(""));
}

static const struct ws_app app = {.create = on_create,
                                  .destroy = on_destroy,
                                  .on_open = on_conn,
                                  .on_message = on_message,
                                  .on_close = on_conn,
                                  .on_notices = on_notices,
                                  .on_overflow = on_overflow};

static void expect(const char *want)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&given.lock);
    while (strcmp(buf_cstr(&given.text), want) != 0 && pthread_cond_timedwait(&given.more, &given.lock, &until) == 0)
        ;
    CU_ASSERT_STRING_EQUAL(buf_cstr(&given.text), want);
    buf_clear(&given.text);
    pthread_mutex_unlock(&given.lock);
}

static void events_become_notices(void)
{
    const struct customer nobody = {0}, open = {.id = SLICE_LIT("ann"),
                                                .chat_count = 1,
                                                .category = SLICE_LIT("agent-inbox"),
                                                .status = SLICE_LIT("active")};
    struct customer closed = open;
    closed.status = SLICE_LIT("resolved");
    const struct message said = {.role = SLICE_LIT("agent")};
    const struct event happened[] = {
        {.kind = EVENT_TOTALS},
        {.kind = EVENT_MESSAGE, .chat_id = SLICE_LIT("c1"), .message = said},
        {.kind = EVENT_REPEATED, .chat_id = SLICE_LIT("c2"), .message = said},
        {.kind = EVENT_REPEATED, .chat_id = SLICE_LIT("c3"), .message = said, .unheard = true},
        {.kind = EVENT_CUSTOMER, .customer = {.before = &nobody, .now = &open}},
        {.kind = EVENT_AI, .chat_id = SLICE_LIT("c4")},
        {.kind = EVENT_DOUBT, .chat_id = SLICE_LIT("c5")},
        {.kind = EVENT_ELSEWHERE, .chat_id = SLICE_LIT("c6"), .customer_id = SLICE_LIT("bob")},
    };
    const struct event chat = {.kind = EVENT_CHAT, .chat_id = SLICE_LIT("c8")};
    const struct event moved = {.kind = EVENT_CUSTOMER, .customer = {.before = &open, .now = &closed}};
    const struct message back = {.role = SLICE_LIT("user")};
    const struct event by_agents[] = {
        {.kind = EVENT_CUSTOMER, .customer = {.before = &closed, .now = &open, .by_agent = true}},
        {.kind = EVENT_CHAT_CHANGED, .chat_id = SLICE_LIT("c9")},
        {.kind = EVENT_READ, .chat_id = SLICE_LIT("c10"), .read = {.side = SIDE_AGENTS, .message_id = SLICE_LIT("m1")}},
        {.kind = EVENT_READ,
         .chat_id = SLICE_LIT("c10"),
         .read = {.side = SIDE_CUSTOMER, .message_id = SLICE_LIT("m2")}},
        {.kind = EVENT_MESSAGE, .chat_id = SLICE_LIT("c11"), .message = back, .reopened = true},
    };
    const struct event recovered = {.kind = EVENT_RECOVERED};
    struct broadcaster *b;
    struct broadcaster_options options = {
        .ws = {.max_message = 4096, .backlog_bytes = 65536, .send_buffer = 4096, .app = &app}};
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(broadcaster_new(&b, &options), OK);
    struct announcer a = {.publisher = publisher_new(&b, 1, 0), .broadcasters = &b, .count = 1};
    CU_ASSERT_PTR_NOT_NULL_FATAL(a.publisher);
    CU_ASSERT_EQUAL_FATAL(broadcaster_start(b), OK);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    broadcaster_adopt(b,
                      ws_handover_new(fds[0], SLICE_LIT(""), SLICE_LIT(""), NULL)); /* nobody there: nothing is sent */
    announce(&a, happened, sizeof(happened) / sizeof(happened[0]));
    expect("message c1 agent, message c3 agent, chat changed c4, look c6");
    announce(&a, &chat, 1);
    expect("look c8, counts");
    announce(&a, &moved, 1); /* a widget's report: who knows no chat_events hears no more than ever */
    expect("customer changed ann, counts");
    announce(&a, by_agents, sizeof(by_agents) / sizeof(by_agents[0]));
    expect("customer changed ann, look ann, chat changed c9, look c9, read by agents c10 m1, read by customer c10 m2, "
           "message c11 user, chat changed c11, counts");
    announce(&a, &recovered, 1);
    expect("refetch");
    close(fds[1]);
    broadcaster_stop(b, clock_mono_us() + WAIT_S * INT64_C(1000000));
    publisher_free(a.publisher);
    broadcaster_free(b);
    buf_fini(&given.text);
}

const CU_TestInfo announce_tests[] = {
    {"events become notices", events_become_notices},
    CU_TEST_INFO_NULL,
};
