/* One writer, one reader, two workers at once, on a budget that keeps evicting: no answer misses a message that was
 * applied before it was asked for, none shows messages out of order, and in the end all are there. */
#include "cache_suites.h"

#include "base/metrics.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CHATS 16
#define SENDS 3000

struct load {
    struct kit *k;
    atomic_int applied[CHATS]; /* messages per chat whose apply has returned */
    atomic_bool done;
    atomic_int wrong, asked;
};

static void *writer_main(void *arg)
{
    struct load *l = arg;
    unsigned seed = 7;
    int sent[CHATS] = {0};
    while (atomic_load(&l->asked) == 0) /* not before somebody reads along */
        sched_yield();
    for (int i = 0; i < SENDS; i++) {
        char chat[16], text[32];
        int c = rand_r(&seed) % CHATS;
        snprintf(chat, sizeof(chat), "c%02d", c);
        snprintf(text, sizeof(text), "<%d.%d>", c, sent[c]);
        kit_write(l->k, kit_send(l->k, chat, "user", text));
        sent[c]++;
        atomic_store(&l->applied[c], sent[c]);
        if (i % 3 == 0)
            kit_read(l->k, chat, SIDE_AGENTS, l->k->rev - rand_r(&seed) % 100);
        if (i % 50 == 25)
            kit_change(l->k, chat, text, i % 100 == 25);
        if (i % 500 == 250)
            kit_write(l->k, kit_ai(l->k, chat, i % 1000 == 250));
    }
    atomic_store(&l->done, true);
    return NULL;
}

/* Counts the chat's messages in the body and checks that they are 0, 1, 2, … */
static int count_in_order(struct load *l, struct slice body, int c)
{
    char mark[32], at_text[48];
    int n = 0;
    const char *at = body.ptr;
    snprintf(mark, sizeof(mark), "\"text\":\"<%d.", c);
    for (;;) {
        at = memmem(at, (size_t)(body.ptr + body.len - at), mark, strlen(mark));
        if (!at)
            return n;
        int len = snprintf(at_text, sizeof(at_text), "%s%d>\"", mark, n);
        if (strncmp(at, at_text, (size_t)len) != 0) {
            atomic_fetch_add(&l->wrong, 1);
            return n;
        }
        n++;
        at += len;
    }
}

/* What an answer counts as unread is what it shows so: all messages are the customers' here. */
static bool counts_what_it_shows(struct slice body)
{
    size_t shown = 0, counted = 0;
    const char *end = body.ptr + body.len;
    for (const char *at = body.ptr; (at = memmem(at, (size_t)(end - at), "\"read\":false", 12)); at++)
        shown++;
    for (const char *at = body.ptr; (at = memmem(at, (size_t)(end - at), "\"unread\":", 9)); at++)
        counted += (size_t)atoi(at + 9);
    return shown == counted;
}

static void ask_once(struct load *l, const struct view_query *q, bool may_build, int first, int last)
{
    int before[CHATS];
    for (int c = 0; c < CHATS; c++)
        before[c] = atomic_load(&l->applied[c]);
    struct arena arena;
    struct view_answer out;
    arena_init(&arena, 0);
    cache_serve(l->k->cache, q, &out);
    if (out.result == VIEW_LOAD && may_build)
        view_build(&l->k->reader, l->k->cache, q, &arena, &out);
    if (out.result == VIEW_OK) {
        atomic_fetch_add(&l->asked, 1);
        if (q->view != VIEW_POLL && !counts_what_it_shows(blob_slice(out.body)))
            atomic_fetch_add(&l->wrong, 1);
        for (int c = first; c <= last; c++)
            if (count_in_order(l, blob_slice(out.body), c) < before[c])
                atomic_fetch_add(&l->wrong, 1);
    } else if (out.result != VIEW_LOAD || may_build) {
        atomic_fetch_add(&l->wrong, 1);
    }
    blob_drop(out.body);
    arena_fini(&arena);
}

static void ask_something(struct load *l, unsigned *seed, bool may_build)
{
    char ident[16];
    int c = rand_r(seed) % CHATS;
    switch (rand_r(seed) % 4) {
    case 0:
        ask_once(l, &(struct view_query){.view = VIEW_REFETCH}, may_build, 0, CHATS - 1);
        break;
    case 1: /* two chats a customer */
        snprintf(ident, sizeof(ident), "u%02d", c / 2);
        ask_once(l, &(struct view_query){.view = VIEW_CUSTOMER, .ident = slice_cstr(ident)}, may_build, c / 2 * 2,
                 c / 2 * 2 + 1);
        break;
    default:
        snprintf(ident, sizeof(ident), "u%02d@x.io", c / 2);
        ask_once(l, &(struct view_query){.view = VIEW_POLL, .ident = slice_cstr(ident)}, may_build, c / 2 * 2,
                 c / 2 * 2 + 1);
    }
}

static void *reader_main(void *arg)
{
    struct load *l = arg;
    unsigned seed = 11;
    while (!atomic_load(&l->done))
        ask_something(l, &seed, true);
    return NULL;
}

static void *worker_main(void *arg)
{
    struct load *l = arg;
    unsigned seed = 13;
    while (!atomic_load(&l->done))
        ask_something(l, &seed, false);
    return NULL;
}

static void run_threads(size_t budget)
{
    struct load l = {.k = kit_new(budget)};
    pthread_t threads[5];
    char customer[16], chat[16];
    for (int c = 0; c < CHATS; c++) {
        snprintf(customer, sizeof(customer), "u%02d", c / 2);
        snprintf(chat, sizeof(chat), "c%02d", c);
        open_chat(l.k, customer, chat);
    }
    void *(*mains[5])(void *) = {writer_main, reader_main, reader_main, worker_main, worker_main};
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, mains[i], &l), 0);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&l.wrong), 0);
    CU_ASSERT_TRUE(atomic_load(&l.asked) > 0);
    ask_once(&l, &(struct view_query){.view = VIEW_REFETCH}, true, 0, CHATS - 1);
    struct answer a = get(l.k, VIEW_REFETCH, NULL);
    CU_ASSERT_EQUAL(count_of(a.body, "\"role\""), SENDS);
    CU_ASSERT_EQUAL(atomic_load(&l.wrong), 0);
    kit_free(l.k);
}

static void test_all_in_memory(void)
{
    run_threads((size_t)64 << 20);
}

static void test_evicting(void)
{
    run_threads((size_t)200 << 10);
}

static void *refetch_main(void *arg)
{
    struct load *l = arg;
    while (!atomic_load(&l->done))
        sched_yield();
    ask_once(l, &(struct view_query){.view = VIEW_REFETCH}, true, 0, CHATS - 1);
    return NULL;
}

/* Eight dashboards after one notification: one composition. */
static void test_one_composition(void)
{
    struct load l = {.k = kit_new((size_t)64 << 20)};
    pthread_t threads[8];
    open_chat(l.k, "u00", "c00");
    for (int round = 0; round < 50; round++) {
        uint64_t before = metrics_counter(M_CACHE_COMPOSED);
        say(l.k, "c00", "user", "x");
        atomic_store(&l.done, false);
        for (int i = 0; i < 8; i++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, refetch_main, &l), 0);
        atomic_store(&l.done, true);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(metrics_counter(M_CACHE_COMPOSED) - before, 1);
    }
    CU_ASSERT_EQUAL(atomic_load(&l.wrong), 0);
    kit_free(l.k);
}

const CU_TestInfo cache_thread_tests[] = {
    {"all in memory", test_all_in_memory},
    {"evicting all the time", test_evicting},
    {"one composition for all that ask", test_one_composition},
    CU_TEST_INFO_NULL,
};
