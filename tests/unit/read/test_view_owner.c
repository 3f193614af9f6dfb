/* What a principal who may not see all learns from its tags and cursors: its own changes, and nothing of anybody else's. */
#include "cache_suites.h"

#include "base/clock.h"
#include "read/cache/cache_int.h"

#include <stdio.h>
#include <stdlib.h>

#define MB ((size_t)1 << 20)

static struct view_query of_owner(enum view view, const char *owner)
{
    return (struct view_query){.view = view,
                               .owner = slice_cstr(owner),
                               .viewer = {.kind = SCOPE_OWNER, .id = slice_cstr(owner)},
                               .limit = 100};
}

static struct view_query of_widget(enum view view, const char *ident, const char *customer_id)
{
    return (struct view_query){
        .view = view, .ident = slice_cstr(ident), .viewer = {.kind = SCOPE_CUSTOMER, .id = slice_cstr(customer_id)}};
}

/* A customer ID of that owner, with chat c-ID. */
static void customer(struct kit *k, const char *id, const char *owner)
{
    char chat[32], email[64];
    snprintf(chat, sizeof(chat), "c-%s", id);
    snprintf(email, sizeof(email), "%s@x.io", id);
    open_chat(k, id, chat);
    kit_write(k, kit_put_customer(k, email, "n", owner));
}

static struct kit *two_owners(void)
{
    struct kit *k = kit_new(16 * MB);
    customer(k, "ann", "acme");
    customer(k, "bob", "beta");
    return k;
}

/* Chromium kept acme's customers under a tag, and showed them to beta, whose tag was the same. */
static void test_tags_are_a_principals_own(void)
{
    struct kit *k = two_owners();
    static const enum view views[] = {VIEW_REFETCH, VIEW_CUSTOMERS, VIEW_CHATS};
    for (size_t i = 0; i < 3; i++) {
        struct view_query acme = of_owner(views[i], "acme"), beta = of_owner(views[i], "beta"),
                          all = {.view = views[i]};
        struct answer a = ask(k, &acme), b = ask(k, &beta), c = ask(k, &all);
        CU_ASSERT_STRING_NOT_EQUAL(a.etag, b.etag);
        CU_ASSERT_STRING_NOT_EQUAL(a.etag, c.etag);
        beta.if_none_match = slice_cstr(a.etag);
        CU_ASSERT_EQUAL(ask(k, &beta).result, VIEW_OK);
        beta.if_none_match = slice_cstr(c.etag);
        CU_ASSERT_EQUAL(ask(k, &beta).result, VIEW_OK);
        all.if_none_match = slice_cstr(a.etag);
        CU_ASSERT_EQUAL(ask(k, &all).result, VIEW_OK);
    }
    struct view_query mine = of_widget(VIEW_POLL, "ann", "ann"),
                      agents = {.view = VIEW_POLL, .ident = SLICE_LIT("ann")};
    CU_ASSERT_STRING_NOT_EQUAL(ask(k, &mine).etag, ask(k, &agents).etag);
    CU_ASSERT_EQUAL(strlen(ask(k, &mine).etag), 18);
    kit_free(k);
}

/* Two views, or two pages of one, of one version. */
static void test_tags_tell_questions_apart(void)
{
    struct kit *k = two_owners();
    char tags[8][ETAG_MAX + 1];
    kit_write(k, kit_create(k, "ann", "ann@x.io", "n", "c-more"));
    const struct view_query all[8] = {
        {.view = VIEW_POLL, .ident = SLICE_LIT("ann")},
        {.view = VIEW_CUSTOMER, .ident = SLICE_LIT("ann")},
        {.view = VIEW_CHAT, .ident = SLICE_LIT("c-ann")},
        {.view = VIEW_CHAT, .ident = SLICE_LIT("c-more")},
        {.view = VIEW_HISTORY, .ident = SLICE_LIT("c-ann"), .limit = 5},
        {.view = VIEW_HISTORY, .ident = SLICE_LIT("c-ann"), .limit = 6},
        {.view = VIEW_AI, .ident = SLICE_LIT("c-ann")},
        {.view = VIEW_POLL, .ident = SLICE_LIT("ann"), .has_since = true, .since = 5},
    };
    for (size_t i = 0; i < 8; i++) {
        memcpy(tags[i], ask(k, &all[i]).etag, sizeof(tags[i]));
        CU_ASSERT_EQUAL(strlen(tags[i]), 18);
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(tags[i], tags[j]);
    }
    kit_free(k);
}

/* What acme can watch: its listings and one customer's poll. */
struct watch {
    char tags[4][ETAG_MAX + 1];
    char cursors[2][128];
};

static void look(struct kit *k, struct watch *w)
{
    struct view_query q[4] = {of_owner(VIEW_REFETCH, "acme"), of_owner(VIEW_CUSTOMERS, "acme"),
                              of_owner(VIEW_CHATS, "acme"), of_widget(VIEW_POLL, "ann", "ann")};
    for (size_t i = 0; i < 4; i++) {
        struct answer a = ask(k, &q[i]);
        CU_ASSERT_EQUAL(a.result, VIEW_OK);
        memcpy(w->tags[i], a.etag, sizeof(w->tags[i]));
        if (i == 0 || i == 3)
            cursor_of(a.body, w->cursors[i / 3]);
    }
}

static void expect_same(const struct watch *a, const struct watch *b)
{
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_STRING_EQUAL(a->tags[i], b->tags[i]);
    for (size_t i = 0; i < 2; i++)
        CU_ASSERT_STRING_EQUAL(a->cursors[i], b->cursors[i]);
}

static void forget_customer(struct kit *k, const char *id)
{
    cache_lock(k->cache);
    customer_free(k->cache, index_customer(k->cache, slice_cstr(id), index_hash(slice_cstr(id))));
    cache_unlock(k->cache);
}

/* A visitor learned how many messages all others wrote: 58 steps of his own tag for 57 of theirs. */
static void test_others_move_nothing(void)
{
    struct kit *k = two_owners();
    struct watch before, after;
    customer(k, "nil", "");
    look(k, &before);
    for (int i = 0; i < 57; i++)
        say(k, i % 2 ? "c-bob" : "c-nil", "user", "x");
    look(k, &after);
    expect_same(&before, &after);
    kit_write(k, kit_ai(k, "c-bob", false));
    kit_write(k, kit_put_customer(k, "bob@x.io", "Bob", "beta"));
    kit_write(k, kit_create(k, "bob", "bob@x.io", "n", "c-bob2"));
    customer(k, "new", "beta");
    look(k, &after);
    expect_same(&before, &after);
    forget_customer(k, "bob"); /* cold: its owner comes with the link */
    say(k, "c-bob", "user", "cold");
    say(k, "c-bob2", "user", "cold");
    look(k, &after);
    expect_same(&before, &after);
    CU_ASSERT_EQUAL(cache_sees_chat(k->cache, SLICE_LIT("c-bob"), &(struct scope){SCOPE_OWNER, SLICE_LIT("acme")}),
                    SIGHT_NO);
    CU_ASSERT_EQUAL(cache_sees_chat(k->cache, SLICE_LIT("c-bob"), &(struct scope){SCOPE_OWNER, SLICE_LIT("beta")}),
                    SIGHT_YES);
    kit_free(k);
}

static void test_own_changes_move_it(void)
{
    struct kit *k = two_owners();
    struct watch before, after;
    for (int cold = 0; cold < 2; cold++) {
        look(k, &before);
        if (cold)
            forget_customer(k, "ann");
        say(k, "c-ann", "user", "x");
        look(k, &after);
        for (size_t i = 0; i < 4; i++)
            CU_ASSERT_STRING_NOT_EQUAL(before.tags[i], after.tags[i]);
        for (size_t i = 0; i < 2; i++)
            CU_ASSERT_STRING_NOT_EQUAL(before.cursors[i], after.cursors[i]);
    }
    kit_free(k);
}

static size_t listed(struct kit *k, const char *owner)
{
    struct view_query q = of_owner(VIEW_REFETCH, owner);
    return count_of(ask(k, &q).body, "\"_id\"");
}

/* A customer goes to another owner: both lists change. */
static void test_a_move_changes_both(void)
{
    struct kit *k = two_owners();
    struct view_query q[2] = {of_owner(VIEW_REFETCH, "acme"), of_owner(VIEW_REFETCH, "beta")};
    struct answer before[2] = {ask(k, &q[0]), ask(k, &q[1])};
    kit_write(k, kit_put_customer(k, "ann@x.io", "n", "beta"));
    for (int i = 0; i < 2; i++) {
        q[i].if_none_match = slice_cstr(before[i].etag);
        CU_ASSERT_EQUAL(ask(k, &q[i]).result, VIEW_OK);
    }
    CU_ASSERT_EQUAL(listed(k, "acme"), 0);
    CU_ASSERT_EQUAL(listed(k, "beta"), 2);
    kit_free(k);
}

/* A change of which memory does not know whose it is may be anybody's. */
static void test_unknown_counts_as_everybodys(void)
{
    struct kit *k = two_owners();
    struct watch before, after;
    look(k, &before);
    forget_customer(k, "ann");
    struct op *op = kit_send(k, "c-ann", "user", "x");
    kit_commit(k, op);
    send_of(op)->message.link.owner_known = false;
    kit_apply(k, op);
    look(k, &after);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_STRING_NOT_EQUAL(before.tags[i], after.tags[i]);
    cache_lock(k->cache);
    cache_forget_all(k->cache, k->rev, k->rev);
    cache_unlock(k->cache);
    look(k, &before);
    CU_ASSERT_STRING_NOT_EQUAL(before.tags[0], after.tags[0]);
    kit_free(k);
}

static struct answer since(struct kit *k, const char *owner, const char *cursor)
{
    struct view_query q = of_owner(VIEW_REFETCH, owner);
    view_parse_cursor(slice_cstr(cursor), &q);
    CU_ASSERT_TRUE(q.has_since);
    return ask(k, &q);
}

/* The cursor stands at the owner's last change, however long ago that was: who asks by it is answered from memory. */
static void test_a_quiet_owners_cursor(void)
{
    struct kit *k = two_owners();
    char cursor[128], next[128];
    for (int restarted = 0; restarted < 2; restarted++) {
        struct view_query q = of_owner(VIEW_REFETCH, "acme");
        cursor_of(ask(k, &q).body, cursor);
        for (int i = 0; i < 3000; i++)
            say(k, "c-bob", "user", "x");
        if (restarted)
            kit_restart(k, 16 * MB);
        struct answer a = since(k, "acme", cursor);
        CU_ASSERT_EQUAL(a.built, restarted); /* the store is asked once… */
        int lists = k->lists;
        for (int i = 0; i < 3; i++) {
            a = since(k, "acme", cursor);
            CU_ASSERT_FALSE(a.built);
            CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 0);
            cursor_of(a.body, next);
            CU_ASSERT_EQUAL(strtoll(next, NULL, 10), strtoll(cursor, NULL, 10)); /* the mark may be another process's */
            say(k, "c-bob", "user", "x");
        }
        CU_ASSERT_EQUAL(k->lists, lists); /* …and no more */
        say(k, "c-ann", "user", "at last");
        a = since(k, "acme", cursor);
        CU_ASSERT_EQUAL(count_of(a.body, "at last"), 1);
        CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 1);
    }
    kit_free(k);
}

/* Whether a cursor lies after the last change of anybody is nothing to be told by the form of the answer. */
static void test_a_cursor_does_not_probe(void)
{
    struct kit *k = two_owners();
    char text[2][64], *bodies[2];
    for (int i = 0; i < 2; i++) {
        snprintf(text[i], sizeof(text[i]), "%lld", (long long)k->rev + i);
        bodies[i] = (char *)(size_t)since(k, "acme", text[i]).body;
        CU_ASSERT_EQUAL(count_of(bodies[i], "\"_id\""), 0);
        struct view_query q = of_widget(VIEW_POLL, "ann", "ann");
        view_parse_cursor(slice_cstr(text[i]), &q);
        CU_ASSERT_EQUAL(count_of(ask(k, &q).body, "\"total_messages\""), 0);
    }
    kit_free(k);
}

/* The same question before and after others wrote: whoever makes cursors of his own signature up learns nothing by them. */
static void test_a_made_up_cursor_does_not_probe(void)
{
    static const char *const forms[] = {"", ".", "~"};
    struct kit *k = kit_new(16 * MB);
    char mark[2][128], text[64];
    k->overlap_us = 1000;
    kit_restart(k, 16 * MB);
    customer(k, "ann", "acme");
    customer(k, "bob", "beta");
    for (int i = 0; i < 6; i++) {
        bool widget = i % 2;
        k->rev += 2000;
        say(k, "c-ann", "user", "mine");
        struct view_query q = widget ? of_widget(VIEW_POLL, "ann", "ann") : of_owner(VIEW_REFETCH, "acme");
        cursor_of(ask(k, &q).body, mark[0]);
        const char *own = mark[0] + strcspn(mark[0], ".~") + 1;
        snprintf(text, sizeof(text), "%lld%s%s", (long long)k->rev + 5, forms[i / 2], i / 2 ? own : "");
        view_parse_cursor(slice_cstr(text), &q);
        CU_ASSERT_TRUE(q.has_since);
        struct answer before = ask(k, &q);
        k->rev += 10;
        say(k, "c-bob", "user", "of others");
        struct answer after = ask(k, &q);
        CU_ASSERT_STRING_EQUAL(before.body, after.body);
    }
    kit_free(k);
}

/* A page's cursor told an owner when anybody last wrote: now it tells when he asked. */
static void test_a_pages_cursor_tells_nothing_of_others(void)
{
    struct kit *k = kit_new(16 * MB);
    char text[128], cursor[2][128];
    int64_t began = clock_wall_us();
    customer(k, "ann", "acme");
    customer(k, "ada", "acme");
    customer(k, "bob", "beta");
    kit_restart(k, 16 * MB);
    snprintf(text, sizeof(text), "%lld", (long long)T0 + 1);
    for (int i = 0; i < 2; i++) {
        struct view_query q = of_owner(VIEW_REFETCH, "acme");
        q.limit = 1;
        view_parse_cursor(slice_cstr(text), &q);
        cursor_of(ask(k, &q).body, cursor[i]);
        k->rev += 1000;
        say(k, "c-bob", "user", "of others");
    }
    CU_ASSERT(count_of(cursor[0], "-") == 2 && count_of(cursor[1], "-") == 2);
    for (int i = 0; i < 2; i++)
        CU_ASSERT(strtoll(strrchr(cursor[i], '-') + 1, NULL, 10) >= began);
    kit_free(k);
}

/* Somebody changed of whom memory does not know whose he is, with a rev long before: it is looked for once. An owner who stays
 * quiet was told its last messages again at every poll, for ever. */
static void test_a_quiet_owner_is_told_once(void)
{
    struct kit *k = two_owners();
    char cursor[128];
    say(k, "c-ann", "user", "mine");
    struct view_query q = of_owner(VIEW_REFETCH, "acme");
    cursor_of(ask(k, &q).body, cursor);
    cache_lock(k->cache);
    cache_forget_order(k->cache, k->rev, k->rev);
    cache_unlock(k->cache);
    cursor_of(since(k, "acme", cursor).body, cursor);
    struct answer a = since(k, "acme", cursor);
    CU_ASSERT_FALSE(a.built);
    CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 0);
    say(k, "c-ann", "user", "at last");
    CU_ASSERT_EQUAL(count_of(since(k, "acme", cursor).body, "at last"), 1);
    kit_free(k);
}

/* What was found for one of an owner's dashboards is not told to another one by that: it asks by the same old cursor. */
static void test_each_dashboard_is_told(void)
{
    struct kit *k = two_owners();
    char cursor[128], next[128];
    say(k, "c-ann", "user", "mine");
    struct view_query q = of_owner(VIEW_REFETCH, "acme");
    cursor_of(ask(k, &q).body, cursor);
    struct op *late = kit_send(k, "c-ann", "user", "late");
    kit_commit(k, late);
    forget_customer(k, "ann");
    const struct event elsewhere = {.kind = EVENT_ELSEWHERE,
                                    .rev = send_of(late)->message.rev,
                                    .chat_id = SLICE_LIT("c-ann"),
                                    .customer_id = SLICE_LIT("ann")};
    cache_take(k->cache, &elsewhere, 1);
    for (int dashboard = 0; dashboard < 3; dashboard++) {
        struct answer a = since(k, "acme", cursor);
        CU_ASSERT_EQUAL(count_of(a.body, "\"late\""), 1);
        cursor_of(a.body, next);
        a = since(k, "acme", next);
        CU_ASSERT_FALSE(a.built);
        CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 0);
    }
    kit_free(k);
}

/* A list shows the most active: who came late, and whose is not known, may be left out of it, and is told by its cursor. */
static void test_a_list_does_not_settle_who_came_late(void)
{
    struct kit *k = two_owners();
    char cursor[128];
    customer(k, "ada", "acme");
    struct op *late = kit_send(k, "c-ann", "user", "late");
    kit_commit(k, late);
    say(k, "c-ada", "user", "x");
    forget_customer(k, "ann");
    send_of(late)->message.link.owner_known = false;
    kit_apply(k, late);
    struct view_query q = of_owner(VIEW_REFETCH, "acme");
    q.limit = 1;
    struct answer a = ask(k, &q);
    CU_ASSERT_EQUAL(count_of(a.body, "\"late\""), 0);
    cursor_of(a.body, cursor);
    CU_ASSERT_EQUAL(count_of(since(k, "acme", cursor).body, "\"late\""), 1);
    kit_free(k);
}

/* A quiet owner is told once also where it takes pages, and what came late is not on the last. */
static void test_a_quiet_owner_pages_once(void)
{
    struct kit *k = two_owners();
    char cursor[128];
    customer(k, "ada", "acme");
    struct view_query q = of_owner(VIEW_REFETCH, "acme");
    cursor_of(ask(k, &q).body, cursor);
    struct op *late = kit_send(k, "c-ann", "user", "late");
    kit_commit(k, late);
    say(k, "c-ada", "user", "x");
    kit_apply(k, late);
    cache_lock(k->cache);
    cache_forget_order(k->cache, k->rev, k->rev);
    cache_unlock(k->cache);
    struct answer a = {0};
    bool more = true;
    q.limit = 1;
    for (int pages = 0; more && pages < 9; pages++) {
        view_parse_cursor(slice_cstr(cursor), &q);
        a = ask(k, &q);
        more = strstr(a.body, "\"more\":true") != NULL;
        cursor_of(a.body, cursor);
    }
    view_parse_cursor(slice_cstr(cursor), &q);
    a = ask(k, &q);
    CU_ASSERT(!more && !a.built);
    CU_ASSERT_EQUAL(count_of(a.body, "\"_id\""), 0);
    kit_free(k);
}

/* ---- against a model ---- */

#define PEOPLE 12
static const char *const OWNERS[] = {"acme", "beta", ""};

static const char *owner_of(struct kit *k, unsigned who)
{
    return k->customers[who]->row.owner.len > 0 ? arena_dup(&k->arena, k->customers[who]->row.owner) : "";
}

/* One random change; whose it is: "" nobody's, NULL several owners'. *said: it was a message. */
static const char *step(struct kit *k, unsigned *seed, bool moves, bool *said)
{
    unsigned who = (unsigned)rand_r(seed) % PEOPLE;
    char id[16], chat[32], email[32];
    snprintf(id, sizeof(id), "u%u", who);
    snprintf(chat, sizeof(chat), "c-u%u", who);
    snprintf(email, sizeof(email), "u%u@x.io", who);
    const char *owner = owner_of(k, who);
    *said = false;
    switch (rand_r(seed) % 12) {
    case 0:
        kit_write(k, kit_ai(k, chat, rand_r(seed) % 2));
        return owner;
    case 1:
        kit_write(k, kit_put_customer(k, email, "n", owner));
        return owner;
    case 2:
        kit_write(k, kit_put_customer(k, email, "n", moves ? OWNERS[rand_r(seed) % 3] : owner));
        return strcmp(owner, owner_of(k, who)) == 0 ? owner : NULL;
    case 3:
    case 4:
        cache_lock(k->cache);
        if (index_customer(k->cache, slice_cstr(id), index_hash(slice_cstr(id))))
            customer_unload(k->cache, index_customer(k->cache, slice_cstr(id), index_hash(slice_cstr(id))));
        cache_unlock(k->cache);
        return "";
    default:
        say(k, chat, "user", "x");
        *said = true;
        return owner;
    }
}

static void follow(struct kit *k, const char *owner, char cursor[128], size_t *seen)
{
    struct answer a = since(k, owner, cursor);
    CU_ASSERT_EQUAL(a.result, VIEW_OK);
    *seen += count_of(a.body, "\"role\"");
    cursor_of(a.body, cursor);
}

/* A tag stays exactly as long as nobody of the owner changed: then the bytes are the same, and else the tag is another.
 * Without moves, a client that follows the cursor sees every message once. */
static void run_random(bool moves)
{
    struct kit *k = kit_new(16 * MB);
    unsigned seed = 7;
    char id[16], cursors[2][128];
    size_t seen[2] = {0, 0}, said[2] = {0, 0};
    struct answer before[2];
    for (unsigned i = 0; i < PEOPLE; i++) {
        snprintf(id, sizeof(id), "u%u", i);
        customer(k, id, OWNERS[i % 3]);
    }
    for (int o = 0; o < 2; o++) {
        struct view_query q = of_owner(VIEW_REFETCH, OWNERS[o]);
        before[o] = ask(k, &q);
        cursor_of(before[o].body, cursors[o]);
    }
    for (int i = 0; i < 1200; i++) {
        bool message;
        const char *whose = step(k, &seed, moves, &message);
        for (int o = 0; o < 2; o++) {
            struct view_query q = of_owner(VIEW_REFETCH, OWNERS[o]);
            struct answer a = ask(k, &q);
            bool mine = whose && strcmp(whose, OWNERS[o]) == 0;
            if (whose)
                CU_ASSERT_EQUAL(strcmp(a.etag, before[o].etag) == 0, !mine);
            if (strcmp(a.etag, before[o].etag) == 0)
                CU_ASSERT_STRING_EQUAL(a.body, before[o].body);
            before[o] = a;
            said[o] += mine && message;
            if (rand_r(&seed) % 5 == 0)
                follow(k, OWNERS[o], cursors[o], &seen[o]);
        }
    }
    for (int o = 0; o < 2; o++) {
        follow(k, OWNERS[o], cursors[o], &seen[o]);
        CU_ASSERT(said[o] > 100 && seen[o] > 100);
        CU_ASSERT(moves || seen[o] == said[o]);
    }
    kit_free(k);
}

static void test_random(void)
{
    run_random(false);
}

static void test_random_moves(void)
{
    run_random(true);
}

const CU_TestInfo view_owner_tests[] = {
    {"tags are a principal's own", test_tags_are_a_principals_own},
    {"tags tell questions apart", test_tags_tell_questions_apart},
    {"others move nothing", test_others_move_nothing},
    {"own changes move it", test_own_changes_move_it},
    {"a move changes both", test_a_move_changes_both},
    {"unknown counts as everybody's", test_unknown_counts_as_everybodys},
    {"a quiet owner's cursor", test_a_quiet_owners_cursor},
    {"a cursor does not probe", test_a_cursor_does_not_probe},
    {"a made-up cursor does not probe", test_a_made_up_cursor_does_not_probe},
    {"a page's cursor tells nothing of others", test_a_pages_cursor_tells_nothing_of_others},
    {"a quiet owner is told once", test_a_quiet_owner_is_told_once},
    {"each dashboard is told", test_each_dashboard_is_told},
    {"a list does not settle who came late", test_a_list_does_not_settle_who_came_late},
    {"a quiet owner pages once", test_a_quiet_owner_pages_once},
    {"random", test_random},
    {"random, customers move", test_random_moves},
    CU_TEST_INFO_NULL,
};
