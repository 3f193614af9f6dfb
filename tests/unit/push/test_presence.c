/* The registry alone: coming, leaving, the grace, owners, the order of changes, who is woken. */
#include "chat/model.h"
#include "push/presence.h"
#include "suites.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_US 30000000

static const struct presence_view EVERYBODYS = {.all = true};
static const struct presence_view NOBODYS = {0};

static struct presence_view view_of(const char *owner)
{
    return (struct presence_view){.owner = slice_cstr(owner)};
}

static struct ws_principal agent(const char *owner, const char *id, const char *name)
{
    return (struct ws_principal){
        .agent = true, .id = slice_cstr(owner), .agent_id = slice_cstr(id), .name = slice_cstr(name)};
}

static void come(struct presence *p, const struct ws_principal *who)
{
    CU_ASSERT_EQUAL_FATAL(presence_agent_come(p, NULL, who), OK);
}

static struct presence *registry(void)
{
    struct presence *p = presence_new(GRACE_US);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

/* "id=name id=name", as the view lists them. */
static const char *agents_text(struct presence *p, const struct presence_view *view)
{
    static char text[4096];
    struct presence_page page = {0};
    struct slice id, name;
    size_t at = 0, len = 0;
    text[0] = 0;
    presence_agents(p, view, &page);
    while (presence_read_agent(&page, &at, &id, &name))
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s=%.*s", len ? " " : "", SLICE_ARG(id),
                                SLICE_ARG(name));
    buf_fini(&page.bytes);
    return text;
}

/* "+opened -closed", those that changed after *from, which moves on. */
static const char *chats_text(struct presence *p, uint64_t *from)
{
    static char text[4096];
    struct presence_page page = {0};
    struct slice id;
    bool open;
    size_t at = 0, len = 0;
    text[0] = 0;
    presence_chats(p, *from, &page);
    while (presence_read_chat(&page, &at, &id, &open))
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%.*s", len ? " " : "", open ? "+" : "-",
                                SLICE_ARG(id));
    *from = page.upto;
    buf_fini(&page.bytes);
    return text;
}

static void one_agent_counts_once(void)
{
    struct presence *p = registry();
    struct ws_principal ann = agent("", "ann", "Ann"), bob = agent("", "bob", "Bob");
    come(p, &ann);
    come(p, &ann);
    come(p, &bob);
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 2);
    CU_ASSERT_STRING_EQUAL(agents_text(p, &EVERYBODYS), "ann=Ann bob=Bob");
    presence_agent_leave(p, NULL, &ann, 0);
    CU_ASSERT_EQUAL(presence_expire(p, NULL, GRACE_US * 2), INT64_MAX); /* the other connection is there */
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 2);
    presence_agent_leave(p, NULL, &ann, 5);
    presence_agent_leave(p, NULL, &bob, 6);
    CU_ASSERT_EQUAL(presence_expire(p, NULL, GRACE_US + 4), GRACE_US + 5);
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 2);
    CU_ASSERT_EQUAL(presence_expire(p, NULL, GRACE_US + 5), GRACE_US + 6);
    CU_ASSERT_STRING_EQUAL(agents_text(p, &EVERYBODYS), "bob=Bob");
    CU_ASSERT_EQUAL(presence_expire(p, NULL, GRACE_US + 6), INT64_MAX);
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 0);
    presence_free(p);
}

static void coming_back_within_the_grace_changes_nothing(void)
{
    struct presence *p = registry();
    struct ws_principal ann = agent("", "ann", "Ann");
    struct presence_chat *chat = presence_chat_come(p, NULL, SLICE_LIT("c"));
    come(p, &ann);
    come(p, NULL);
    come(p, NULL);
    uint64_t now = presence_now(p);
    for (unsigned i = 0; i < 3; i++) {
        presence_agent_leave(p, NULL, &ann, 1);
        presence_agent_leave(p, NULL, NULL, 1);
        presence_chat_leave(p, NULL, chat, 1);
        come(p, &ann);
        come(p, NULL);
        chat = presence_chat_come(p, NULL, SLICE_LIT("c"));
    }
    CU_ASSERT_EQUAL(presence_expire(p, NULL, INT64_MAX), INT64_MAX); /* nobody is leaving, however often they went */
    CU_ASSERT_EQUAL(presence_now(p), now);
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 3);
    presence_agent_leave(p, NULL, NULL, 2);
    CU_ASSERT_EQUAL(presence_expire(p, NULL, GRACE_US + 2), INT64_MAX);
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 2);
    presence_agent_leave(p, NULL, &ann, 3);
    presence_agent_leave(p, NULL, NULL, 3);
    presence_chat_leave(p, NULL, chat, 3);
    presence_free(p); /* also of those who are leaving */
}

static void who_sees_whom(void)
{
    struct presence *p = registry();
    struct ws_principal all[] = {agent("x", "ann", "Ann"), agent("y", "ann", "Other Ann"), agent("", "bob", "Bob"),
                                 agent("x", "nameless", "")};
    for (unsigned i = 0; i < 4; i++)
        come(p, &all[i]);
    come(p, NULL);
    struct presence_view x = view_of("x"), y = view_of("y"), z = view_of("z");
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 5);
    CU_ASSERT_EQUAL(presence_count(p, &x), 4);
    CU_ASSERT_EQUAL(presence_count(p, &y), 3);
    CU_ASSERT_EQUAL(presence_count(p, &z), 2);
    CU_ASSERT_EQUAL(presence_count(p, &NOBODYS), 2);
    CU_ASSERT_STRING_EQUAL(agents_text(p, &x), "ann=Ann bob=Bob");
    CU_ASSERT_STRING_EQUAL(agents_text(p, &y), "ann=Other Ann bob=Bob");
    CU_ASSERT_STRING_EQUAL(agents_text(p, &z), "bob=Bob");
    uint64_t x_before = presence_agents_version(p, &x), y_before = presence_agents_version(p, &y);
    struct ws_principal renamed = agent("y", "ann", "Anna");
    come(p, &renamed);
    CU_ASSERT_EQUAL(presence_agents_version(p, &x), x_before);
    CU_ASSERT_NOT_EQUAL(presence_agents_version(p, &y), y_before);
    CU_ASSERT_STRING_EQUAL(agents_text(p, &y), "ann=Anna bob=Bob");
    presence_agent_leave(p, NULL, &renamed, 0);
    for (unsigned i = 0; i < 4; i++)
        presence_agent_leave(p, NULL, &all[i], 0);
    presence_agent_leave(p, NULL, NULL, 0);
    presence_free(p);
}

static void a_long_list_says_how_many_there_are(void)
{
    struct presence *p = registry();
    struct presence_page page = {0};
    char id[16];
    for (unsigned i = 0; i < 250; i++) {
        snprintf(id, sizeof(id), "agent-%u", i);
        struct ws_principal who = agent("", id, "n");
        come(p, &who);
    }
    presence_agents(p, &EVERYBODYS, &page);
    CU_ASSERT_EQUAL(page.count, PRESENCE_AGENTS_MAX);
    CU_ASSERT_EQUAL(page.total, 250);
    for (unsigned i = 0; i < 250; i++) {
        snprintf(id, sizeof(id), "agent-%u", i);
        struct ws_principal who = agent("", id, "n");
        presence_agent_leave(p, NULL, &who, 0);
    }
    buf_fini(&page.bytes);
    presence_free(p);
}

static void changes_are_told_in_order_and_once(void)
{
    struct presence *p = registry();
    struct presence_watcher w = {0};
    uint64_t whole = 0, later = 0;
    presence_watch(p, &w);
    presence_want(p, &w, PRESENCE_CHATS, 0);
    struct presence_chat *a = presence_chat_come(p, &w, SLICE_LIT("a"));
    struct presence_chat *b = presence_chat_come(p, &w, SLICE_LIT("b"));
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), "+a +b");
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), "");
    presence_chat_leave(p, &w, a, 0);
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), ""); /* within the grace */
    (void)presence_expire(p, &w, GRACE_US);
    struct presence_chat *c = presence_chat_come(p, &w, SLICE_LIT("c"));
    CU_ASSERT_STRING_EQUAL(chats_text(p, &whole), "+b +c");
    uint64_t twice = later;
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), "-a +c");
    presence_want(p, &w, PRESENCE_CHATS, twice); /* one subscriber has not had it yet: it stays */
    CU_ASSERT_STRING_EQUAL(chats_text(p, &twice), "-a +c");
    presence_want(p, &w, PRESENCE_CHATS, twice);
    uint64_t from = 1; /* after `a` came */
    CU_ASSERT_STRING_EQUAL(chats_text(p, &from), "+b +c");
    a = presence_chat_come(p, &w, SLICE_LIT("a"));
    presence_chat_leave(p, &w, a, 0);
    (void)presence_expire(p, &w, GRACE_US);
    a = presence_chat_come(p, &w, SLICE_LIT("a")); /* gone, and back before anybody heard */
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), "+a");
    presence_chat_leave(p, &w, a, 0);
    presence_chat_leave(p, &w, b, 0);
    presence_chat_leave(p, &w, c, 0);
    presence_unwatch(p, &w);
    presence_free(p);
}

/* Whoever has heard of it hears of its end, also where nobody has heard the second time. */
static void a_chat_is_told_again(void)
{
    struct presence *p = registry();
    struct presence_watcher w = {0};
    uint64_t later = 0;
    presence_watch(p, &w);
    presence_want(p, &w, PRESENCE_CHATS, 0);
    struct presence_chat *a = presence_chat_come(p, &w, SLICE_LIT("a"));
    struct presence_chat *b = presence_chat_come(p, &w, SLICE_LIT("b"));
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), "+a +b");
    presence_chat_again(p, &w, a);
    uint64_t once = later;
    CU_ASSERT_STRING_EQUAL(chats_text(p, &once), "+a");
    presence_chat_again(p, &w, a);
    presence_chat_leave(p, &w, a, 0);
    (void)presence_expire(p, &w, GRACE_US);
    CU_ASSERT_STRING_EQUAL(chats_text(p, &later), "-a");
    presence_chat_leave(p, &w, b, 0);
    presence_unwatch(p, &w);
    presence_free(p);
}

static void many_chats_come_in_pieces(void)
{
    enum { MANY = 2500 };
    struct presence *p = registry();
    struct presence_chat *chats[MANY];
    struct presence_page page = {0};
    char id[CHAT_ID_MAX + 1];
    uint64_t from = 0;
    unsigned pieces = 0, told = 0;
    memset(id, 'x', sizeof(id));
    for (unsigned i = 0; i < MANY; i++) {
        int len = snprintf(id, sizeof(id), "chat-%u", i);
        chats[i] = presence_chat_come(p, NULL, slice_of(id, (size_t)len));
    }
    do {
        presence_chats(p, from, &page);
        CU_ASSERT(page.count <= PRESENCE_CHATS_MAX);
        from = page.upto;
        told += page.count;
        pieces++;
        if (pieces == 1) { /* one that has been told changes: it is told again at the end */
            presence_chat_leave(p, NULL, chats[0], 0);
            (void)presence_expire(p, NULL, GRACE_US);
            chats[0] = presence_chat_come(p, NULL, SLICE_LIT("chat-0"));
        }
    } while (page.more);
    CU_ASSERT_EQUAL(pieces, 3);
    CU_ASSERT_EQUAL(told, MANY + 1);
    for (unsigned i = 0; i < MANY; i++)
        presence_chat_leave(p, NULL, chats[i], 0);
    (void)presence_expire(p, NULL, GRACE_US);
    CU_ASSERT_STRING_EQUAL(chats_text(p, &from), ""); /* nobody watches: nothing is kept */
    memset(id, 'x', sizeof(id));
    for (unsigned i = 0; i < 100; i++) {
        memcpy(id, &i, sizeof(i));
        chats[i] = presence_chat_come(p, NULL, slice_of(id, CHAT_ID_MAX));
    }
    presence_chats(p, 0, &page);
    CU_ASSERT(page.more);
    CU_ASSERT(page.bytes.len < PRESENCE_BYTES_MAX + CHAT_ID_MAX);
    for (unsigned i = 0; i < 100; i++)
        presence_chat_leave(p, NULL, chats[i], 0);
    buf_fini(&page.bytes);
    presence_free(p);
}

/* A frame is no longer than what a peer that reads has room for: what is past --ws-backlog would cut it. */
static void ids_that_are_long_in_json_come_in_pieces(void)
{
    enum { MANY = 64, LEN = 600 };
    struct presence *p = registry();
    struct presence_chat *chats[MANY];
    struct presence_page page = {0};
    uint64_t from = 0;
    unsigned told = 0;
    char id[LEN];
    memset(id, 1, sizeof(id)); /* six bytes each */
    for (unsigned i = 0; i < MANY; i++) {
        id[0] = (char)('0' + i);
        chats[i] = presence_chat_come(p, NULL, slice_of(id, LEN));
    }
    do {
        presence_chats(p, from, &page);
        CU_ASSERT(page.count * (LEN - 1) * 6 <= PRESENCE_BYTES_MAX);
        from = page.upto;
        told += page.count;
    } while (page.more);
    CU_ASSERT_EQUAL(told, MANY);
    for (unsigned i = 0; i < MANY; i++)
        presence_chat_leave(p, NULL, chats[i], 0);
    buf_fini(&page.bytes);
    presence_free(p);
}

static struct presence_chat *open_chat(struct presence *p, unsigned number)
{
    char id[32];
    int len = snprintf(id, sizeof(id), "c%u", number);
    struct presence_chat *chat = presence_chat_come(p, NULL, slice_of(id, (size_t)len));
    CU_ASSERT_PTR_NOT_NULL_FATAL(chat);
    return chat;
}

/* Whoever opens and leaves chats without end holds no memory with them, and does not take up what is told of others. */
static void a_flood_of_chats_leaves_nothing(void)
{
    struct presence *p = registry();
    struct presence_watcher w = {0};
    uint64_t from = 0;
    presence_watch(p, &w);
    presence_want(p, &w, PRESENCE_CHATS, 0);
    for (unsigned i = 0; i < PRESENCE_LEFT_MAX; i++)
        presence_chat_leave(p, NULL, open_chat(p, i), 0);
    (void)presence_expire(p, NULL, GRACE_US - 1);
    uint64_t before = presence_now(p);
    for (unsigned i = 0; i < 1000; i++)
        presence_chat_leave(p, NULL, open_chat(p, PRESENCE_LEFT_MAX + i), 0);
    CU_ASSERT_EQUAL(presence_now(p), before + 1000); /* that they opened, and nobody was told */
    (void)presence_expire(p, NULL, GRACE_US);
    CU_ASSERT_STRING_EQUAL(chats_text(p, &from), "");
    presence_chat_leave(p, NULL, open_chat(p, 0), GRACE_US); /* there is room again */
    CU_ASSERT_STRING_EQUAL(chats_text(p, &from), "+c0");
    (void)presence_expire(p, NULL, 2 * GRACE_US);
    presence_chat_leave(p, NULL, open_chat(p, 0), 2 * GRACE_US); /* neither its end nor this is told yet */
    (void)presence_expire(p, NULL, 3 * GRACE_US);
    CU_ASSERT_STRING_EQUAL(chats_text(p, &from), "-c0");
    presence_unwatch(p, &w);
    presence_free(p);
}

static void count_wake(void *arg)
{
    (*(unsigned *)arg)++;
}

static void only_who_wants_it_is_woken_and_once(void)
{
    struct presence *p = registry();
    unsigned woken[3] = {0};
    struct presence_watcher w[3];
    for (unsigned i = 0; i < 3; i++) {
        w[i] = (struct presence_watcher){.wake = count_wake, .arg = &woken[i]};
        presence_watch(p, &w[i]);
    }
    presence_want(p, &w[0], PRESENCE_STATUS, 0);
    presence_want(p, &w[1], PRESENCE_CHATS, 0);
    struct presence_chat *chat = presence_chat_come(p, &w[2], SLICE_LIT("c"));
    CU_ASSERT(woken[0] == 0 && woken[1] == 1 && woken[2] == 0);
    come(p, NULL);
    come(p, NULL);
    CU_ASSERT(woken[0] == 1 && woken[1] == 1 && woken[2] == 0);
    presence_heard(p, &w[0]);
    presence_heard(p, &w[1]);
    CU_ASSERT_EQUAL(presence_agent_come(p, &w[0], NULL), OK);
    CU_ASSERT(woken[0] == 1 && woken[1] == 2 && woken[2] == 0);
    CU_ASSERT(atomic_load(&w[0].news)); /* it did that itself: it looks by itself */
    for (unsigned i = 0; i < 3; i++)
        presence_agent_leave(p, &w[2], NULL, 0);
    presence_chat_leave(p, &w[2], chat, 0);
    CU_ASSERT(woken[0] == 1 && woken[1] == 2 && woken[2] == 0); /* within the grace nobody is told */
    for (unsigned i = 0; i < 3; i++)
        presence_unwatch(p, &w[i]);
    presence_free(p);
}

/* What broadcasters do at the same time, each on its own thread: nobody is counted twice or for ever, and who wants to know
 * is woken. */
enum { THREADS = 4, ROUNDS = 2000 };

struct busy {
    pthread_t thread;
    struct presence *p;
    struct presence_watcher watcher;
    atomic_uint woken;
    unsigned number;
};

static void wake_busy(void *arg)
{
    atomic_fetch_add(&((struct busy *)arg)->woken, 1);
}

static void *be_busy(void *arg)
{
    struct busy *b = arg;
    struct presence_page page = {0};
    struct ws_principal everywhere = agent("x", "ann", "Ann"), own = agent("y", "bob", "Bob");
    char id[2] = {'b', (char)('0' + b->number)};
    own.agent_id = slice_of(id, 2);
    presence_watch(b->p, &b->watcher);
    presence_want(b->p, &b->watcher, PRESENCE_STATUS | PRESENCE_CHATS, 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct ws_principal *who = i % 3 == 0 ? NULL : i % 3 == 1 ? &everywhere : &own;
        bool came = presence_agent_come(b->p, &b->watcher, who) == OK;
        struct presence_chat *chat = presence_chat_come(b->p, &b->watcher, slice_of(id, 1 + (size_t)i % 2));
        if (atomic_load(&b->watcher.news))
            presence_heard(b->p, &b->watcher);
        presence_chats(b->p, b->watcher.heard, &page);
        presence_want(b->p, &b->watcher, PRESENCE_STATUS | PRESENCE_CHATS, page.upto);
        presence_agents(b->p, &EVERYBODYS, &page);
        if (chat)
            presence_chat_leave(b->p, &b->watcher, chat, i);
        if (came)
            presence_agent_leave(b->p, &b->watcher, who, i);
        (void)presence_expire(b->p, &b->watcher, i);
    }
    presence_unwatch(b->p, &b->watcher);
    buf_fini(&page.bytes);
    return NULL;
}

static void several_broadcasters_at_a_time(void)
{
    struct presence *p = presence_new(10); /* so that some come back and some are gone */
    struct busy busy[THREADS] = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    for (unsigned i = 0; i < THREADS; i++) {
        busy[i].p = p;
        busy[i].number = i;
        busy[i].watcher = (struct presence_watcher){.wake = wake_busy, .arg = &busy[i]};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&busy[i].thread, NULL, be_busy, &busy[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(busy[i].thread, NULL);
    }
    CU_ASSERT_EQUAL(presence_expire(p, NULL, INT64_MAX), INT64_MAX);
    CU_ASSERT_EQUAL(presence_count(p, &EVERYBODYS), 0);
    uint64_t whole = 0;
    CU_ASSERT_STRING_EQUAL(chats_text(p, &whole), "");
    presence_free(p);
}

const CU_TestInfo presence_tests[] = {
    {"an agent counts once, until the grace of its last connection is over", one_agent_counts_once},
    {"coming back within the grace changes nothing", coming_back_within_the_grace_changes_nothing},
    {"who counts and sees whom", who_sees_whom},
    {"a long list says how many there are", a_long_list_says_how_many_there_are},
    {"changes are told in order and once", changes_are_told_in_order_and_once},
    {"a chat is told again", a_chat_is_told_again},
    {"many chats come in pieces", many_chats_come_in_pieces},
    {"ids that are long in JSON come in pieces", ids_that_are_long_in_json_come_in_pieces},
    {"a flood of chats leaves nothing", a_flood_of_chats_leaves_nothing},
    {"only who wants it is woken, and once", only_who_wants_it_is_woken_and_once},
    {"several broadcasters at a time", several_broadcasters_at_a_time},
    CU_TEST_INFO_NULL,
};
