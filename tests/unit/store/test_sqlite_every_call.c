/* A run of 200 sends with restarts, once for every call that SQLite makes to its files on the way, where that call goes
 * wrong: it is refused, or torn, or an outage begins with it, or the power goes. Afterwards what was acknowledged is
 * readable, in order, once; totals equal counts; memory equals the rows; the file is sound.
 * Some twenty calls of each kind, or with SAKURAD_TEST_FULL=1 every one (tools/soak --only disk). */
#include "fault_run.h"
#include "sqlite_fault_suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RUNS_EACH = 6 };
#else
enum { RUNS_EACH = 20 };
#endif

#define REFUSED    .kind = FAULT_REFUSE, .ops = FAULT_CHANGES, .calls = 1
#define TORN       .kind = FAULT_TEAR, .ops = FAULT_CHANGES, .calls = 1
#define READ_FAILS .kind = FAULT_REFUSE, .ops = FAULT_READ, .calls = 1
#define OUTAGE     .kind = FAULT_REFUSE, .ops = FAULT_CHANGES, .calls = 25
#define SYNCS_FAIL .kind = FAULT_REFUSE, .ops = FAULT_SYNC, .calls = 2

static const struct {
    const char *name;
    struct fault_run run; /* without its plan's `at` */
} kinds[] = {
    {"refused", {.plan = {REFUSED}}},
    {"torn", {.plan = {TORN}}},
    {"a read refused", {.plan = {READ_FAILS}}},
    {"an outage", {.plan = {OUTAGE}}},
    {"two syncs of the only connection", {.plan = {SYNCS_FAIL}, .alone = true}},
    {"killed", {.plan = {REFUSED, .power_cut = true}}},
    {"power cut", {.plan = {REFUSED, .power_cut = true}, .kept = FAULT_KEEP_SYNCED}},
    {"power cut, pages torn", {.plan = {TORN, .power_cut = true}, .kept = FAULT_KEEP_SOME}},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Each fault is a line of the log: thousands. */
static int quiet_log(void)
{
    int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    must(kept >= 0 && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) == STDERR_FILENO);
    close(nowhere);
    return kept;
}

static void loud_log(int kept)
{
    must(dup2(kept, STDERR_FILENO) == STDERR_FILENO);
    close(kept);
}

static bool one(size_t kind, int64_t at, int64_t *calls)
{
    struct fault_run run = kinds[kind].run;
    run.plan.at = at;
    int log = quiet_log();
    const char *broken = fault_run(&run);
    loud_log(log);
    *calls = run.calls;
    if (broken)
        printf("\n    %s at call %lld: %s\n", kinds[kind].name, (long long)at, broken);
    return broken == NULL;
}

static void every_call(void)
{
    const char *full = getenv("SAKURAD_TEST_FULL");
    bool all_calls = full && strcmp(full, "1") == 0;
    int64_t runs = 0, broken = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        int64_t calls = 0, all;
        CU_ASSERT_FATAL(one(kind, 0, &calls)); /* none goes wrong */
        CU_ASSERT_FATAL(calls > SENDS / 8);
        int64_t stride = all_calls ? 1 : calls / RUNS_EACH + 1;
        for (int64_t at = 1 + (int64_t)kind % stride; at <= calls; at += stride, runs++)
            broken += !one(kind, at, &all);
        printf("\n    %s: %lld calls", kinds[kind].name, (long long)calls);
    }
    printf("\n    %lld runs, %lld broken ", (long long)runs, (long long)broken);
    CU_ASSERT_EQUAL(broken, 0);
}

const CU_TestInfo sqlite_every_call_tests[] = {
    {"200 sends with restarts", every_call},
    CU_TEST_INFO_NULL,
};
