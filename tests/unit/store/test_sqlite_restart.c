/* SQLite's WAL-reset defect (https://sqlite.org/wal.html#walresetbug): the log begins anew between a checkpoint's look at
 * its length and its first copy. Each pass of the checkpoint thread is held at that place while messages are sent, or not;
 * what was acknowledged is compared at the end. */
#include "fault_vfs.h"
#include "sqlite_fault_suites.h"
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { ROUNDS = 120, TEXT_BYTES = 3000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static pthread_t writer;
static bool held; /* a pass waits to be let go */
static int passes;

static void hold_pass(enum fault_op op, const char *name)
{
    (void)name;
    if (op != FAULT_PASS || pthread_equal(pthread_self(), writer))
        return;
    pthread_mutex_lock(&lock);
    passes++;
    held = true;
    while (held)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
}

static bool is_held(void)
{
    pthread_mutex_lock(&lock);
    bool now = held;
    pthread_mutex_unlock(&lock);
    return now;
}

static void let_go(void)
{
    pthread_mutex_lock(&lock);
    held = false;
    pthread_cond_signal(&moved);
    pthread_mutex_unlock(&lock);
}

struct restarts {
    struct rig rig;
    const char *chat;
    int64_t said, frames;
    int begun_anew;
};

static void say(struct restarts *t, int times)
{
    static char text[TEXT_BYTES];
    for (int i = 0; i < times; i++) {
        snprintf(text, sizeof(text), "%0*lld", TEXT_BYTES - 1, (long long)t->said++);
        CU_ASSERT_EQUAL(rig_say(&t->rig, t->chat, "user", text), OK);
        int64_t frames = sqlite_store_of(t->rig.store)->log_frames;
        t->begun_anew += frames < t->frames;
        t->frames = frames;
    }
}

/* Until the thread rests: at each place where a pass is held, so many messages as the round's number says. */
static void through_passes(struct restarts *t, int round)
{
    static const int more[] = {0, 2, 0, 0, 9, 1, 30, 0};
    struct checkpointer *c = sqlite_store_of(t->rig.store)->checkpointer;
    checkpointer_ask(c);
    for (int at = round; checkpointer_busy(c);) {
        if (!is_held()) {
            usleep(50);
            continue;
        }
        say(t, more[at++ % 8]);
        let_go();
    }
}

static enum err same_number(void *arg, const struct message *m)
{
    struct restarts *t = arg;
    uint64_t number;
    return slice_to_u64(m->text, &number) && (int64_t)number == t->said ? (t->said++, OK) : ERR_INVALID;
}

static enum err any_customer(void *arg, const struct customer *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err any_chat(void *arg, const struct chat *c)
{
    (void)arg, (void)c;
    return OK;
}

static void expect_all(struct restarts *t)
{
    int64_t said = t->said;
    struct load_sink sink = {.customer = any_customer, .chat = any_chat, .message = same_number, .arg = t};
    t->said = 0;
    CU_ASSERT_EQUAL(t->rig.store->vtable->load_customer(t->rig.reader, SLICE_LIT("ann"), &sink), OK);
    CU_ASSERT_EQUAL(t->said, said);
    CU_ASSERT_EQUAL(rig_totals(&t->rig).messages, said);
    CU_ASSERT(sqlite_passes_check(sqlite_store_of(t->rig.store)->conn.db));
}

static void log_begins_anew_in_a_checkpoint(void)
{
    struct restarts t = {0};
    if (!rig_open(&t.rig, &sqlite_factory))
        return;
    t.chat = rig_chat(&t.rig, "ann");
    passes = 0;
    writer = pthread_self();
    fault_watch(hold_pass);
    for (int round = 0; round < ROUNDS; round++) {
        say(&t, 1 + round % 5);
        through_passes(&t, round);
    }
    fault_watch(NULL);
    CU_ASSERT(passes >= ROUNDS / 2);
    CU_ASSERT(t.begun_anew >= ROUNDS / 8); /* or it was not what this test is about */
    if (rig_reopen(&t.rig))
        expect_all(&t);
    rig_close(&t.rig);
}

static void versions_with_the_defect(void)
{
    static const int safe[] = {3044006, 3044999, 3050007, 3051003, 3052000, 4000000};
    static const int not_safe[] = {3007000, 3040001, 3044005, 3045000, 3050006, 3051000, 3051002};
    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
        CU_ASSERT_TRUE(checkpoint_safe_by_itself(safe[i]));
    for (size_t i = 0; i < sizeof(not_safe) / sizeof(not_safe[0]); i++)
        CU_ASSERT_FALSE(checkpoint_safe_by_itself(not_safe[i]));
}

const CU_TestInfo sqlite_restart_tests[] = {
    {"the log begins anew while a checkpoint is held", log_begins_anew_in_a_checkpoint},
    {"versions with the defect", versions_with_the_defect},
    CU_TEST_INFO_NULL,
};
