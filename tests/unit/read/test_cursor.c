/* The change sequence: what comes late, cursors of other processes and principals, and what a cursor tells. */
#include "cache_suites.h"

#include "base/clock.h"
#include "read/cache/cache_int.h"
#include "write/send.h"
#include "writes.h"

#include <stdio.h>
#include <stdlib.h>

#define MB      ((size_t)1 << 20)
#define OVERLAP INT64_C(100)

static struct answer since_by(struct kit *k, enum view view, struct scope viewer, const char *cursor, int64_t limit)
{
    struct view_query q = {.view = view, .viewer = viewer, .limit = limit};
    if (view == VIEW_POLL)
        q.ident = SLICE_LIT("ann");
    view_parse_cursor(slice_cstr(cursor), &q);
    CU_ASSERT_TRUE(q.has_since);
    struct answer a = ask(k, &q);
    CU_ASSERT_EQUAL_FATAL(a.result, VIEW_OK);
    return a;
}

static struct answer since(struct kit *k, enum view view, const char *cursor)
{
    return since_by(k, view, (struct scope){0}, cursor, 100);
}

static void cursor_now(struct kit *k, enum view view, char cursor[128])
{
    cursor_of(get(k, view, view == VIEW_POLL ? "ann" : NULL).body, cursor);
}

/* A store that others write to as well, or one writer's own, with three customers. */
static struct kit *three(int64_t overlap_us, bool shared)
{
    struct kit *k = kit_new(16 * MB);
    k->overlap_us = overlap_us;
    k->shared = shared;
    kit_restart(k, 16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    open_chat(k, "cid", "c3");
    say(k, "c1", "user", "old");
    return k;
}

/* Stored now, and told to memory later, when kit_apply() is called. */
static struct op *stored(struct kit *k, const char *chat_id, const char *text)
{
    struct op *op = kit_send(k, chat_id, "user", text);
    kit_commit(k, op);
    return op;
}

static void forget_entries(struct kit *k)
{
    struct cache *c = k->cache;
    cache_lock(c);
    while (c->order.count > 0)
        customer_free(c, entry_of(c->order.ends.next, struct customer_entry, order));
    while (c->loaded.count > 0)
        customer_free(c, entry_of(c->loaded.ends.next, struct customer_entry, lru));
    cache_unlock(c);
}

/* A message's rev is given before its commit, its stamp after it: a cursor that was given between the two must not lose it,
 * whatever has become of the customer's entry since. */
static void test_a_cursor_between_rev_and_stamp(void)
{
    static const enum view views[] = {VIEW_REFETCH, VIEW_POLL};
    for (int forgotten = 0; forgotten < 2; forgotten++)
        for (size_t i = 0; i < 2; i++) {
            struct kit *k = three(0, false);
            char cursor[128], next[128];
            struct op *late = stored(k, "c1", "late");
            say(k, "c1", "user", "in between");
            cursor_now(k, views[i], cursor);
            kit_apply(k, late);
            if (forgotten)
                forget_entries(k);
            struct answer a = since(k, views[i], cursor);
            CU_ASSERT_EQUAL(count_of(a.body, "\"late\""), i == 0 ? 1 : 2); /* a poll has text and content */
            cursor_of(a.body, next);
            CU_ASSERT_TRUE(strtoll(next, NULL, 10) > strtoll(cursor, NULL, 10));
            CU_ASSERT_EQUAL(count_of(since(k, views[i], next).body, "\"role\""), 0);
            k->rev = k->cache->change; /* the clock goes on */
            say(k, "c1", "user", "after");
            a = since(k, views[i], next);
            CU_ASSERT_TRUE(count_of(a.body, "\"after\"") > 0);
            CU_ASSERT_EQUAL(count_of(a.body, "\"role\""), 1); /* once this cursor is past it, nothing is told twice */
            kit_free(k);
        }
}

/* A load saw the message before the writer told of it, and its cursor says so: what comes then is above it. */
static void test_a_load_that_is_ahead(void)
{
    struct kit *k = three(0, false);
    char cursor[128], all[128];
    forget_entries(k);
    struct op *first = stored(k, "c2", "of bob"), *second = stored(k, "c1", "of ann");
    cursor_now(k, VIEW_POLL, cursor);
    CU_ASSERT_EQUAL(strtoll(cursor, NULL, 10), k->rev);
    CU_ASSERT_PTR_NOT_NULL(strchr(cursor, '~')); /* another process could not know what had been told up to there */
    cursor_now(k, VIEW_REFETCH, all);
    CU_ASSERT(strtoll(all, NULL, 10) < send_of(first)->message.rev); /* a list has told what was applied */
    kit_apply(k, first);
    kit_apply(k, second);
    struct answer a = since(k, VIEW_REFETCH, all);
    CU_ASSERT_EQUAL(count_of(a.body, "\"of bob\""), 1);
    CU_ASSERT_EQUAL(count_of(a.body, "\"of ann\""), 1);
    CU_ASSERT(count_of(since(k, VIEW_POLL, cursor).body, "\"of ann\"") > 0); /* once more: no harm */
    kit_free(k);
}

/* Another process's change, with an older rev, of a customer who is in memory and of one who is not. */
static void test_elsewhere_comes_late(void)
{
    struct kit *k = three(OVERLAP, true);
    char cursor[128];
    const struct op *known = stored(k, "c1", "of ann"), *unknown = stored(k, "c2", "of bob");
    forget_entries(k);
    say(k, "c1", "user", "x");
    cursor_now(k, VIEW_REFETCH, cursor);
    forget_entries(k);
    say(k, "c1", "user", "y");
    const struct event events[] = {
        {.kind = EVENT_ELSEWHERE, .rev = known->rev, .chat_id = SLICE_LIT("c1"), .customer_id = SLICE_LIT("ann")},
        {.kind = EVENT_ELSEWHERE, .rev = unknown->rev, .chat_id = SLICE_LIT("c2"), .customer_id = SLICE_LIT("bob")}};
    cache_take(k->cache, events, 2);
    struct answer a = since(k, VIEW_REFETCH, cursor);
    CU_ASSERT_EQUAL(count_of(a.body, "\"of ann\""), 1);
    CU_ASSERT_EQUAL(count_of(a.body, "\"of bob\""), 1);
    cursor_of(a.body, cursor);
    CU_ASSERT_EQUAL(count_of(since(k, VIEW_REFETCH, cursor).body, "\"role\""), 0);
    kit_free(k);
}

/* What was in doubt and is stored after all comes above the cursors that were given meanwhile. */
static void test_a_doubt_that_was_stored(void)
{
    struct kit *k = three(OVERLAP, false);
    char cursor[128];
    struct op *first = stored(k, "c1", "in doubt"), *second = stored(k, "c1", "in doubt too");
    doubt_in_memory(k->cache, first);
    doubt_in_memory(k->cache, second);
    say(k, "c2", "user", "meanwhile");
    cursor_now(k, VIEW_REFETCH, cursor);
    CU_ASSERT_PTR_NOT_NULL(strchr(cursor, '~'));
    recover_memory(k->cache);
    struct answer a = since(k, VIEW_REFETCH, cursor);
    CU_ASSERT_EQUAL(count_of(a.body, "\"in doubt"), 2);
    cursor_of(a.body, cursor);
    CU_ASSERT_PTR_NOT_NULL(strchr(cursor, '~')); /* something else may still land */
    kit_free(k);
}

/* Nobody's chat in memory is in doubt, or nobody's any more when the store answers again: it is told all the same. */
static void test_a_doubt_of_somebody_cold(void)
{
    for (int evicted = 0; evicted < 2; evicted++) {
        struct kit *k = three(0, false);
        char cursor[128];
        struct op *op = stored(k, "c1", "in doubt");
        if (!evicted)
            forget_entries(k);
        doubt_in_memory(k->cache, op);
        forget_entries(k);
        say(k, "c2", "user", "meanwhile");
        struct answer before = get(k, VIEW_REFETCH, NULL);
        cursor_of(before.body, cursor);
        recover_memory(k->cache);
        CU_ASSERT_EQUAL(count_of(since(k, VIEW_REFETCH, cursor).body, "\"in doubt\""), 1);
        CU_ASSERT_STRING_NOT_EQUAL(get(k, VIEW_REFETCH, NULL).etag, before.etag);
        CU_ASSERT_FALSE(get(k, VIEW_POLL, "bob").built); /* what is loaded stays */
        kit_free(k);
    }
}

/* After a restart: exactly what came since, where the cursor says that all before it was told; else what came since its
 * time less the overlap. An older server's cursor says nothing. */
static void test_another_epoch(void)
{
    static const struct {
        bool shared, plain, again;
    } cases[] = {{false, false, false}, {true, false, true}, {false, true, true}};
    for (size_t i = 0; i < 3; i++) {
        struct kit *k = three(OVERLAP, cases[i].shared);
        char cursor[128];
        k->rev += 2 * OVERLAP;
        say(k, "c2", "user", "told");
        cursor_now(k, VIEW_REFETCH, cursor);
        if (cases[i].plain)
            cursor[strcspn(cursor, ".~")] = 0;
        kit_restart(k, 16 * MB);
        say(k, "c3", "user", "new");
        struct answer a = since(k, VIEW_REFETCH, cursor);
        CU_ASSERT_EQUAL(count_of(a.body, "\"new\""), 1);
        CU_ASSERT_EQUAL(count_of(a.body, "\"told\""), cases[i].again);
        CU_ASSERT_EQUAL(count_of(a.body, "\"old\""), 0);
        cursor_of(a.body, cursor); /* ours now */
        CU_ASSERT_EQUAL(count_of(since(k, VIEW_REFETCH, cursor).body, "\"role\""), 0);
        kit_free(k);
    }
}

/* Another node's message, with an older rev, came after the cursor was given, and this process ended then. */
static void test_another_epoch_late(void)
{
    struct kit *k = three(OVERLAP, true);
    char cursor[128];
    struct op *late = stored(k, "c1", "late");
    say(k, "c2", "user", "x");
    cursor_now(k, VIEW_REFETCH, cursor);
    kit_apply(k, late);
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(count_of(since(k, VIEW_REFETCH, cursor).body, "\"late\""), 1);
    kit_free(k);
}

/* A subscriber is told to look where something may have changed after its cursor, and only there. */
static void test_up_to_date(void)
{
    const struct scope all = {0}, ann = {.kind = SCOPE_CUSTOMER, .id = SLICE_LIT("ann")};
    struct kit *k = three(OVERLAP, false);
    char cursor[128], of_ann[128], plain[128];
    cursor_now(k, VIEW_REFETCH, cursor);
    CU_ASSERT_TRUE(cache_up_to_date(k->cache, &all, (struct slice){0}, slice_cstr(cursor)));
    kit_restart(k, 16 * MB); /* quiet, and one who wrote all there is: nothing can be missing */
    CU_ASSERT_TRUE(cache_up_to_date(k->cache, &all, (struct slice){0}, slice_cstr(cursor)));
    snprintf(plain, sizeof(plain), "%lld", (long long)k->rev);
    CU_ASSERT_FALSE(cache_up_to_date(k->cache, &all, (struct slice){0}, slice_cstr(plain)));
    cursor_of(get(k, VIEW_POLL, "ann").body, of_ann);
    CU_ASSERT_TRUE(cache_up_to_date(k->cache, &ann, SLICE_LIT("c1"), slice_cstr(of_ann)));
    k->rev += 2 * OVERLAP;
    say(k, "c2", "user", "x");
    CU_ASSERT_FALSE(cache_up_to_date(k->cache, &all, (struct slice){0}, slice_cstr(cursor)));
    CU_ASSERT_TRUE(cache_up_to_date(k->cache, &ann, SLICE_LIT("c1"), slice_cstr(of_ann)));
    snprintf(plain, sizeof(plain), "%lld", (long long)k->rev); /* ann is quiet for longer than the overlap */
    CU_ASSERT_EQUAL(cache_up_to_date(k->cache, &ann, SLICE_LIT("c1"), slice_cstr(plain)), k->rev <= clock_wall_us());
    kit_free(k);
}

/* A cursor is its principal's own. Brought by another it is a time like that of another process, and loses nothing. */
static void test_another_principal(void)
{
    const struct scope one = {.kind = SCOPE_OWNER, .id = SLICE_LIT("o1")},
                       two = {.kind = SCOPE_OWNER, .id = SLICE_LIT("o2")};
    struct kit *k = three(OVERLAP, true);
    char of_one[128], of_two[128];
    struct view_query q = {.view = VIEW_REFETCH, .limit = 100, .viewer = one};
    cursor_of(ask(k, &q).body, of_one);
    q.viewer = two;
    cursor_of(ask(k, &q).body, of_two);
    CU_ASSERT_EQUAL(strtoll(of_one, NULL, 10), strtoll(of_two, NULL, 10));
    CU_ASSERT_STRING_NOT_EQUAL(of_one, of_two);
    CU_ASSERT_EQUAL(count_of(since_by(k, VIEW_REFETCH, one, of_one, 100).body, "\"role\""), 0);
    if (k->rev < clock_wall_us()) /* else it is from the future, and all is told */
        CU_ASSERT_EQUAL(count_of(since_by(k, VIEW_REFETCH, two, of_one, 100).body, "\"old\""), 1);
    kit_free(k);
}

/* A poll's body is kept for who asked: its cursor is no other's. */
static void test_a_kept_poll_is_its_askers(void)
{
    struct kit *k = three(0, false);
    char cursors[4][128];
    for (int i = 0; i < 4; i++) {
        struct view_query q = {.view = VIEW_POLL, .ident = SLICE_LIT("ann")};
        if (i % 2)
            q.viewer = (struct scope){.kind = SCOPE_CUSTOMER, .id = SLICE_LIT("ann")};
        cursor_of(ask(k, &q).body, cursors[i]);
    }
    CU_ASSERT_STRING_EQUAL(cursors[0], cursors[2]);
    CU_ASSERT_STRING_EQUAL(cursors[1], cursors[3]);
    CU_ASSERT_STRING_NOT_EQUAL(cursors[0], cursors[1]);
    kit_free(k);
}

/* Follows pages of one customer until none is left. Returns how many pages; *told: how many messages. */
static int follow(struct kit *k, char cursor[128], size_t *told)
{
    bool more = true;
    int pages = 0;
    for (*told = 0; more && pages < 100; pages++) {
        struct answer a = since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1);
        *told += count_of(a.body, "\"role\"");
        cursor_of(a.body, cursor);
        more = strstr(a.body, "\"more\":true") != NULL;
    }
    return pages;
}

/* The overlap is taken off at the first page: taken off at each, they would be the same few customers for ever. */
static void test_paging_with_an_overlap_ends(void)
{
    struct kit *k = three(OVERLAP, true);
    char cursor[128], id[16], chat[24];
    size_t told;
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "u%d", i);
        snprintf(chat, sizeof(chat), "u%d-chat", i);
        open_chat(k, id, chat);
        say(k, chat, "user", "x");
    }
    for (int cold = 0; cold < 2; cold++) {
        snprintf(cursor, sizeof(cursor), "%lld", (long long)k->rev);
        if (cold)
            kit_restart(k, 16 * MB);
        CU_ASSERT_EQUAL(follow(k, cursor, &told), 13);
        CU_ASSERT_EQUAL(told, 11);
        CU_ASSERT_EQUAL(follow(k, cursor, &told), 1);
        CU_ASSERT_EQUAL(told, 0);
    }
    /* The server starts anew between two pages. */
    snprintf(cursor, sizeof(cursor), "%lld", (long long)k->rev);
    kit_restart(k, 16 * MB);
    for (int i = 0; i < 5; i++)
        cursor_of(since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1).body, cursor);
    kit_restart(k, 16 * MB);
    CU_ASSERT_EQUAL(follow(k, cursor, &told), 13); /* where somebody else writes too it begins again */
    CU_ASSERT_EQUAL(told, 11);
    kit_free(k);
}

/* Between two pages that the store lists, a change came late, with a rev that they had passed. */
static void test_late_between_pages(void)
{
    struct kit *k = three(0, false);
    char cursor[128];
    size_t told;
    say(k, "c2", "user", "two");
    say(k, "c3", "user", "three");
    snprintf(cursor, sizeof(cursor), "%lld", (long long)T0 + 3); /* the three chats were there */
    kit_restart(k, 16 * MB);
    struct op *late = stored(k, "c1", "late");
    say(k, "c2", "user", "x");
    struct answer a = since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1);
    CU_ASSERT_EQUAL(count_of(a.body, "\"_id\":\"cid\""), 1);
    cursor_of(a.body, cursor);
    kit_apply(k, late);
    (void)follow(k, cursor, &told);
    a = since(k, VIEW_REFETCH, cursor);
    CU_ASSERT_EQUAL(count_of(a.body, "\"late\""), 1);
    cursor_of(a.body, cursor);
    CU_ASSERT_EQUAL(count_of(since(k, VIEW_REFETCH, cursor).body, "\"role\""), 0);
    kit_free(k);
}

/* The server starts anew between two pages that memory listed, and what was late is on the second. */
static void test_restart_between_pages_of_memory(void)
{
    struct kit *k = three(OVERLAP, true);
    char cursor[128];
    struct op *late = stored(k, "c1", "late");
    say(k, "c3", "user", "x");
    cursor_now(k, VIEW_REFETCH, cursor);
    k->rev += 10;
    say(k, "c2", "user", "first page");
    kit_apply(k, late);
    struct answer a = since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1);
    CU_ASSERT_EQUAL(count_of(a.body, "first page"), 1);
    cursor_of(a.body, cursor);
    kit_restart(k, 16 * MB);
    size_t told = 0;
    for (bool more = true; more;) {
        a = since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1);
        told += count_of(a.body, "\"late\"");
        cursor_of(a.body, cursor);
        more = strstr(a.body, "\"more\":true") != NULL;
    }
    CU_ASSERT_EQUAL(told, 1);
    kit_free(k);
}

/* A store may show a row before memory is told of what changed it: pages do not go past it, or it would be lost. */
static void test_pages_ahead_of_memory(void)
{
    static const char *const ids[] = {"ann", "bob", "cid"};
    struct kit *k = three(0, false);
    char cursor[128];
    say(k, "c2", "user", "x");
    say(k, "c3", "user", "x");
    snprintf(cursor, sizeof(cursor), "%lld", (long long)T0 + 3);
    kit_restart(k, 16 * MB);
    for (int i = 0; i < 3; i++)
        (void)get(k, VIEW_POLL, ids[i]);
    struct op *first = stored(k, "c1", "ahead"), *second = stored(k, "c2", "y");
    bool more = true;
    size_t told = 0;
    for (int pages = 0; more && pages < 2; pages++) {
        struct answer a = since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1);
        more = strstr(a.body, "\"more\":true") != NULL;
        cursor_of(a.body, cursor);
    }
    CU_ASSERT_FALSE(more); /* nor does it ask for the same one again and again */
    kit_apply(k, first);
    kit_apply(k, second);
    more = true;
    for (int pages = 0; more && pages < 10; pages++) {
        struct answer a = since_by(k, VIEW_REFETCH, (struct scope){0}, cursor, 1);
        more = strstr(a.body, "\"more\":true") != NULL;
        told += count_of(a.body, "\"ahead\"");
        cursor_of(a.body, cursor);
    }
    CU_ASSERT_EQUAL(told, 1);
    CU_ASSERT_EQUAL(count_of(since(k, VIEW_REFETCH, cursor).body, "\"role\""), 0);
    kit_free(k);
}

static struct op *hooked;

static void write_and_forget(struct kit *k)
{
    kit_write(k, hooked);
    cache_lock(k->cache);
    cache_forget_all(k->cache, k->rev, k->rev);
    cache_unlock(k->cache);
}

/* A load of somebody who is not in memory, and all is forgotten before it ends: what it read may be old. */
static void test_a_load_that_a_forgetting_overtakes(void)
{
    struct kit *k = three(0, false);
    kit_restart(k, 16 * MB);
    hooked = kit_send(k, "c1", "user", "newest");
    k->hook = write_and_forget;
    k->moment = KIT_BETWEEN;
    CU_ASSERT_EQUAL(get(k, VIEW_CHATS, NULL).result, VIEW_OK);
    CU_ASSERT(count_of(get(k, VIEW_POLL, "ann").body, "newest") > 0);
    kit_free(k);
}

/* The same where the write was in doubt: the load saw the store without it, then it landed. */
static void test_a_doubt_that_lands_after_a_cold_load(void)
{
    struct kit *k = three(0, false);
    forget_entries(k);
    struct op *op = kit_send(k, "c1", "user", "in doubt");
    batch_give_ids(op, k->rev + 1, k->rev + 1);
    doubt_in_memory(k->cache, op);
    (void)get(k, VIEW_POLL, "ann");
    kit_commit(k, op);
    recover_memory(k->cache);
    CU_ASSERT(count_of(get(k, VIEW_POLL, "ann").body, "in doubt") > 0);
    kit_free(k);
}

/* A stamp is a time, also where it cannot be a rev: what lies between two of one's own tells nobody how much others wrote. */
static void test_stamps_are_times(void)
{
    struct kit *k = kit_new(16 * MB);
    char cursor[128];
    k->rev = clock_wall_us() - INT64_C(3600000000);
    kit_restart(k, 16 * MB);
    open_chat(k, "ann", "c1");
    open_chat(k, "bob", "c2");
    struct op *late[11];
    for (int i = 0; i < 11; i++)
        late[i] = stored(k, i < 10 ? "c2" : "c1", "x");
    say(k, "c2", "user", "y");
    for (int i = 0; i < 10; i++)
        kit_apply(k, late[i]);
    int64_t before = clock_wall_us();
    while (clock_wall_us() < before + 100) /* ten stamps may have been of one microsecond */
        continue;
    before = clock_wall_us();
    kit_apply(k, late[10]);
    cursor_now(k, VIEW_POLL, cursor);
    int64_t stamp = strtoll(cursor, NULL, 10);
    CU_ASSERT(stamp >= before && stamp <= clock_wall_us());
    kit_free(k);
}

const CU_TestInfo cursor_tests[] = {
    {"between rev and stamp", test_a_cursor_between_rev_and_stamp},
    {"a load that is ahead", test_a_load_that_is_ahead},
    {"what is told from elsewhere comes late", test_elsewhere_comes_late},
    {"a doubt that was stored", test_a_doubt_that_was_stored},
    {"a doubt of somebody who is not in memory", test_a_doubt_of_somebody_cold},
    {"another epoch", test_another_epoch},
    {"another epoch, and something late", test_another_epoch_late},
    {"up to date", test_up_to_date},
    {"another principal", test_another_principal},
    {"a kept poll is its asker's", test_a_kept_poll_is_its_askers},
    {"paging with an overlap ends", test_paging_with_an_overlap_ends},
    {"late between pages", test_late_between_pages},
    {"stamps are times", test_stamps_are_times},
    {"restart between pages of memory", test_restart_between_pages_of_memory},
    {"pages ahead of memory", test_pages_ahead_of_memory},
    {"a load that a forgetting overtakes", test_a_load_that_a_forgetting_overtakes},
    {"a doubt that lands after a cold load", test_a_doubt_that_lands_after_a_cold_load},
    CU_TEST_INFO_NULL,
};
